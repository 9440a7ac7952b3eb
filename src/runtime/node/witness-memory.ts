/** Where does a witness remember what it cosigned? In one file, read once and replaced as a whole before anything is cosigned. */
import { readFile } from "node:fs/promises";
import { base64Of, parseBase64, utf8 } from "../../base/bytes.ts";
import { canonicalJson, type JsonValue } from "../../base/canonical-json.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import { hasShape, integer, list, object, oneOf, type Shape, text } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import type { WitnessMemory } from "../../http/witness.ts";
import type { Checkpoint } from "../../ledger/checkpoint.ts";
import { replaceFile } from "./replaced-file.ts";

const MAX_BYTES = 1 << 20;
const MAX_LOGS = 1000;

/** The memory of a new witness, which has seen nothing. @throws {@link Fault} `file/unusable`. */
export async function createWitnessMemory(path: string, name: string): Promise<void> {
  await written(path, textOf(name, new Map()));
}

/**
 * Opens what a witness remembers. A file that is gone or altered is none: whoever forgets what he saw is no witness.
 *
 * @throws {@link Fault} `file/unusable`.
 */
export async function openWitnessMemory(path: string, name: string): Promise<WitnessMemory> {
  const heads = new Map(await headsIn(path, name));
  return {
    last: (origin) => heads.get(origin),
    keep: async (checkpoint) => {
      const next = new Map(heads).set(checkpoint.origin, checkpoint);
      await written(path, textOf(name, next));
      heads.set(checkpoint.origin, checkpoint);
    },
  };
}

function textOf(name: string, heads: ReadonlyMap<string, Checkpoint>): string {
  const logs = [...heads.values()].map(({ origin, size, root }) => ({ origin, size, root: base64Of(root) }));
  return `${canonicalJson({ v: 1, name, logs })}\n`;
}

type Remembered = {
  readonly v: 1;
  readonly name: string;
  readonly logs: readonly { readonly origin: string; readonly size: number; readonly root: string }[];
};

const LOG = {
  origin: text(/^[^\n]{1,512}$/u),
  size: integer(0, Number.MAX_SAFE_INTEGER),
  root: text(/^[A-Za-z0-9+/]{43}=$/),
} satisfies Shape<Remembered["logs"][number]>;

const REMEMBERED: Shape<Remembered> = {
  v: oneOf(1),
  name: text(/^[^\n]{1,512}$/u),
  logs: list(object(LOG), 0, MAX_LOGS),
};

async function headsIn(path: string, name: string): Promise<readonly (readonly [string, Checkpoint])[]> {
  const limits = { maxBytes: MAX_BYTES, maxDepth: 4, code: "file/unusable" } as const;
  const value = parseStrictJson(utf8(await contentOf(path)), limits);
  if (!isRemembered(value)) throw unusable(path, "it is no memory of a witness");
  if (value.name !== name) throw unusable(path, `it is that of ${value.name}`);
  return value.logs.map(({ origin, size, root }) => [
    origin,
    { origin, size, root: parseBase64(root) ?? new Uint8Array(0) },
  ]);
}

function isRemembered(value: JsonValue): value is Remembered {
  return hasShape(value, REMEMBERED);
}

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    throw unusable(path, systemCodeOf(thrown));
  }
}

async function written(path: string, content: string): Promise<void> {
  try {
    await replaceFile(path, content);
  } catch (thrown) {
    throw unusable(path, systemCodeOf(thrown));
  }
}

function unusable(path: string, reason: string): Fault {
  return new Fault(
    "file/unusable",
    `\`${path}\`, which holds what a witness saw, cannot be used (${reason})`,
    {
      path,
      reason,
    },
  );
}
