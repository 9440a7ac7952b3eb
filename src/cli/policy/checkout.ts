/** What policy does a folder declare? Every source below it but tests, with what they bring along, and the commit it is at. */
import { readdirSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { utf8 } from "../../base/bytes.ts";
import { canonicalJsonBytes } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { packBundle } from "../../policy/bundle.ts";
import { ORIGIN, type PolicyFiles } from "../../policy/drift.ts";
import type { Terminal } from "../command.ts";
import { compileBelow } from "../policy-files.ts";
import { commitOf } from "./git-commit.ts";

export interface Checkout {
  readonly files: PolicyFiles;
  /** That HEAD names; what was changed since is not known. */
  readonly commit: string | undefined;
}

const MAX_FILES = 1024;

/** @throws {@link Fault} `file/unusable`. */
export async function readCheckout(
  folder: string,
  {
    digest,
    terminal,
  }: { readonly digest: Primitives["digest"]; readonly terminal: Pick<Terminal, "readFile"> },
): Promise<Checkout> {
  const names = namesIn(folder);
  if (names.length === 0 || names.length > MAX_FILES) {
    throw new Fault("file/unusable", `${folder} holds ${names.length} sources; expected 1 to ${MAX_FILES}`);
  }
  const sources = await Promise.all(
    names.map(async (name) => ({
      path: name.split(sep).join("/"),
      text: await terminal.readFile(join(folder, name)),
    })),
  );
  const { beside } = compileBelow(sources, resolve(folder), { digest });
  const files = [...beside, ...sources].map(
    ({ path, text }) => [path, typeof text === "string" ? utf8(text) : text] as const,
  );
  return { files: new Map(files), commit: commitOf(folder) };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".writ") && !name.endsWith(".test.writ"))
      .sort();
  } catch {
    throw new Fault("file/unusable", `expected a folder with sources of policy at \`${folder}\``);
  }
}

/** The archive of a checkout. Where it has a commit, the archive says which. @throws {@link Fault} `policy/malformed`. */
export function archiveOf(
  { files, commit }: Checkout,
  previous: string | undefined,
  digest: Primitives["digest"],
): Uint8Array {
  const origin = commit === undefined ? [] : [{ path: ORIGIN, text: canonicalJsonBytes({ commit }) }];
  const sources = [...files].map(([path, text]) => ({ path, text }));
  return packBundle([...sources, ...origin], previous, digest);
}

/** What the archive of a bundle says of its commit; whoever signed it said so. */
export function commitIn(files: PolicyFiles): string | undefined {
  const bytes = files.get(ORIGIN);
  if (bytes === undefined) return undefined;
  const limits = { maxBytes: 4096, maxDepth: 2, code: "policy/malformed" } as const;
  const value = parseStrictJson(bytes, limits);
  const commit = isJsonObject(value) ? value["commit"] : undefined;
  return typeof commit === "string" && /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined;
}
