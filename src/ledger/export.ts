/** Is an exported log whole and untouched? Rebuilt line by line against the head that the broker signed; `docs/ledger-export.md`. */
import { concatBytes, equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { hasShape, oneOf, type Shape, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { MAX_LEAF_BYTES } from "./entry.ts";
import { leafHash } from "./merkle.ts";
import { type NoteKey, parseVerifierKey } from "./note.ts";
import { type EntryCounts, type SaidLeaf, verifyWholeLog } from "./whole-log.ts";

/** The first line of an export. */
export type ExportHead = {
  readonly v: 1;
  readonly origin: string;
  /** The signed note. */
  readonly checkpoint: string;
  /** The verifier key, as the exporter knew it: a claim, unless it is compared with one from elsewhere. */
  readonly key: string;
};

const HEAD: Shape<ExportHead> = {
  v: oneOf(1),
  origin: text(/^[^\n]{1,512}$/u),
  checkpoint: text(/^.{1,65536}$/su),
  key: text(/^.{1,1024}$/u),
};
const MAX_HEAD_BYTES = 131_072;
const LINE_START = utf8('{"hash":"');
const LINE_MIDDLE = utf8('","leaf":');
const LINE_END = utf8("}");
const HASH_DIGITS = 64;
const LEAF_AT = LINE_START.length + HASH_DIGITS + LINE_MIDDLE.length;

/** No line of an export is longer. */
export const MAX_EXPORT_LINE_BYTES = Math.max(MAX_HEAD_BYTES, LEAF_AT + MAX_LEAF_BYTES + LINE_END.length);

/** The first line, without its end. */
export function encodeExportHead(head: ExportHead): Uint8Array {
  return canonicalJsonBytes(head);
}

/** The line of one leaf, without its end: the leaf's own bytes, beside its hash. */
export function encodeExportLine(leaf: Uint8Array, digest: Primitives["digest"]): Uint8Array {
  return lineOf(leaf, leafHash(leaf, digest));
}

/** What a good export was found to be. */
export interface VerifiedExport {
  readonly checkpoint: Checkpoint;
  readonly key: NoteKey;
  readonly counts: EntryCounts;
}

/**
 * Verifies an export: the head's signature, then each leaf in its place, then size and root. Memory stays flat.
 *
 * @param lines - The file's lines without their ends, attacker-controlled.
 * @param trusted - The log's key from elsewhere; without it the key in the export is taken, which proves only that the
 *   export agrees with itself.
 * @throws {@link Fault} `ledger/malformed` where the first line is none; `ledger/inconsistent` for everything else, with
 *   `entry`, the position of the first wrong or missing entry, in its detail where there is one.
 */
export async function verifyExport(
  lines: AsyncIterable<Uint8Array>,
  trusted: NoteKey | undefined,
  primitives: Primitives,
): Promise<VerifiedExport> {
  const { key, checkpoint, leaves } = await openExport(lines, trusted, primitives);
  return { key, checkpoint, counts: await verifyWholeLog(leaves, checkpoint, primitives) };
}

/** An export whose head is signed, and whose leaves nobody looked at yet. */
export interface OpenedExport extends Pick<VerifiedExport, "key" | "checkpoint"> {
  readonly note: string;
  readonly leaves: AsyncIterable<SaidLeaf>;
}

/** Opens an export by its first line. @throws {@link Fault} as {@link verifyExport}. */
export async function openExport(
  lines: AsyncIterable<Uint8Array>,
  trusted: NoteKey | undefined,
  primitives: Primitives,
): Promise<OpenedExport> {
  const rest = lines[Symbol.asyncIterator]();
  const first = await rest.next();
  if (first.done === true) throw new Fault("ledger/malformed", "expected an export, received no line");
  const head = parseHead(first.value);
  const key = trusted ?? parseVerifierKey(head.key, primitives.digest);
  if (head.origin !== key.name) {
    throw new Fault("ledger/inconsistent", "expected an export of the log that the key belongs to", {
      expected: key.name,
      received: head.origin,
    });
  }
  const of = { origin: key.name, spki: key.spki };
  const checkpoint = await openCheckpoint(head.checkpoint, of, primitives);
  return { key, checkpoint, note: head.checkpoint, leaves: leavesIn(rest) };
}

function parseHead(line: Uint8Array): ExportHead {
  if (line.length > MAX_HEAD_BYTES) throw notAnExport();
  const value = parseStrictJson(line, { maxBytes: MAX_HEAD_BYTES, maxDepth: 2, code: "ledger/malformed" });
  if (!isHead(value)) throw notAnExport();
  return value;
}

function isHead(value: JsonValue): value is ExportHead {
  return hasShape(value, HEAD);
}

async function* leavesIn(lines: AsyncIterator<Uint8Array>): AsyncGenerator<SaidLeaf, void, undefined> {
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) yield leafIn(line.value);
}

/** What stands where the leaf has to; the whole line is that of the leaf and its hash, or it is not what was said. */
function leafIn(line: Uint8Array): SaidLeaf {
  const leaf = line.slice(LEAF_AT, Math.max(LEAF_AT, line.length - LINE_END.length));
  return { leaf, isSaid: (hash) => equalBytes(line, lineOf(leaf, hash)) };
}

function lineOf(leaf: Uint8Array, hash: Uint8Array): Uint8Array {
  return concatBytes(LINE_START, utf8(hexOf(hash)), LINE_MIDDLE, leaf, LINE_END);
}

function notAnExport(): Fault {
  return new Fault("ledger/malformed", "expected the first line of a ledger export");
}
