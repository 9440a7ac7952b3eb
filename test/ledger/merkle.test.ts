/** Does the tree keep its contract on Node? */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { describeMerkle } from "../contract/merkle.ts";
import { sharedVectors } from "../support/shared-vectors.ts";

describeMerkle({ name: "node", digest: nodePrimitives.digest, published: publishedProofs() });

function publishedProofs(): Readonly<Record<string, string>> {
  if (sharedVectors === undefined) return {};
  const crypto = join(sharedVectors, "crypto");
  const files = readdirSync(join(crypto, "merkle/testdata"), { recursive: true, withFileTypes: true });
  const paths = files.filter((entry) => entry.isFile()).map((file) => join(file.parentPath, file.name));
  return Object.fromEntries(paths.map((path) => [relative(crypto, path), readFileSync(path, "utf8")]));
}
