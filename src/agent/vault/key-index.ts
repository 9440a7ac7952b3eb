/** Which keys has a program made, and which has it deleted? A secret beside them, so that it outlives this machine. */
import { utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault, isFault } from "../../base/fault.ts";
import { hasShape, integer, isJsonObject, oneOf } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { MAX_SECRET_BYTES } from "../../wire/limits.ts";
import type { SecretSource } from "../secret-source.ts";

/** The name of the list: no key can be called so. */
export const INDEX_NAME = "_keys";

/** Names, each with the version up to which the program has deleted it; 0 where it has not. */
export type KeyIndex = ReadonlyMap<string, number>;

interface Known {
  readonly keys: KeyIndex;
  /** Of the list itself; 0 where there is none yet. */
  readonly version: number;
}

const LIMITS = { maxBytes: MAX_SECRET_BYTES, maxDepth: 3, code: "vault/other-form" } as const;
const VERSION = integer(0, Number.MAX_SAFE_INTEGER);

/** How often a list is written anew where somebody else wrote it meanwhile. */
const TRIES = 4;

/** @throws {@link Fault} as {@link SecretSource}; `vault/other-form` for a list that is none. */
export async function readIndex(source: SecretSource, path: string): Promise<KeyIndex> {
  return (await known(source, path)).keys;
}

/** Sets one name. It writes nothing where that is there already. @throws {@link Fault} as {@link readIndex}, `secret/other-version`. */
export async function setInIndex(
  source: SecretSource,
  path: string,
  { name, deleted }: { readonly name: string; readonly deleted: number | undefined },
): Promise<void> {
  for (let left = TRIES; ; left -= 1) {
    const { keys, version } = await known(source, path); // in order: what stands there now
    const wanted = deleted ?? keys.get(name) ?? 0;
    if (keys.get(name) === wanted) return;
    const bytes = textOf(new Map([...keys, [name, wanted]]));
    try {
      await source.write(placeOf(path), bytes, version);
      return;
    } catch (thrown) {
      if (!isFault(thrown, "secret/other-version") || left <= 1) throw thrown;
    }
  }
}

async function known(source: SecretSource, path: string): Promise<Known> {
  try {
    const { secret, version } = await source.readAnew(placeOf(path));
    try {
      return { keys: parseIndex(secret), version };
    } finally {
      secret.fill(0);
    }
  } catch (thrown) {
    if (isFault(thrown, "secret/absent")) return { keys: new Map(), version: 0 };
    throw thrown;
  }
}

function placeOf(path: string): string {
  return `${path}/${INDEX_NAME}`;
}

function parseIndex(bytes: Uint8Array): KeyIndex {
  const value = parseStrictJson(bytes, LIMITS);
  const keys =
    isJsonObject(value) && hasShape(value, { v: oneOf(1), keys: isJsonObject }) ? value["keys"] : undefined;
  if (keys === undefined || !isJsonObject(keys)) throw notAnIndex();
  return new Map(
    Object.entries(keys).map(([name, deleted]) => [name, VERSION(deleted) ? Number(deleted) : fail()]),
  );
}

function fail(): never {
  throw notAnIndex();
}

function notAnIndex(): Fault {
  return new Fault(
    "vault/other-form",
    `expected a list of keys at \`${INDEX_NAME}\`, which is the agent's own`,
  );
}

function textOf(keys: KeyIndex): Uint8Array {
  const bytes = utf8(canonicalJson({ v: 1, keys: Object.fromEntries(keys) }));
  if (bytes.length <= MAX_SECRET_BYTES) return bytes;
  throw new Fault("vault/other-form", "expected fewer keys of one mount: their names fill a secret");
}

/** What stands directly in a folder: names, and folders with their slash. */
export function namesIn(keys: KeyIndex, folder: string): readonly string[] {
  const head = folder === "" ? "" : `${folder}/`;
  const below = [...keys.keys()]
    .filter((name) => name.startsWith(head))
    .map((name) => name.slice(head.length));
  return [...new Set(below.map((name) => name.replace(/\/.*$/, "/")))].sort();
}
