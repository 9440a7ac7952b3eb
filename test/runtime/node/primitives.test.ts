/** Do Node's Primitives keep the contract? */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { workerPrimitives } from "../../../src/runtime/workers/primitives.ts";
import { describePrimitives } from "../../contract/primitives.ts";
import { noblePrimitives } from "../../support/noble-primitives.ts";
import { sharedVectors } from "../../support/shared-vectors.ts";

function vector(path: string): string | undefined {
  const file = sharedVectors === undefined ? undefined : join(sharedVectors, "crypto", path);
  return file !== undefined && existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

describePrimitives({ name: "node", primitives: nodePrimitives, hasRsa: true, vector });
describePrimitives({
  name: "the Worker's WebCrypto as Node has it",
  primitives: workerPrimitives(crypto.subtle),
  hasRsa: true,
  vector,
});
describePrimitives({ name: "noble", primitives: noblePrimitives, hasRsa: false, vector });
