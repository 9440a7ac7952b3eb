/** Is an exported log whole and untouched? Rebuilt line by line against the head that the broker signed; `docs/ledger-export.md`. */
import { concatBytes, equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { hasShape, oneOf, type Shape, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { MAX_LEAF_BYTES } from "./entry.ts";
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot, leafHash } from "./merkle.ts";
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

/** What every first line has beside its version. */
export const SIGNED_HEAD = {
  origin: text(/^[^\n]{1,512}$/u),
  checkpoint: text(/^.{1,65536}$/su),
  key: text(/^.{1,1024}$/u),
};
const HEAD: Shape<ExportHead> = { v: oneOf(1), ...SIGNED_HEAD };
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
 * @param held - A head that the auditor has already: the log has to begin with the one under it.
 * @throws {@link Fault} `ledger/malformed` where the first line is none; `ledger/inconsistent` for everything else, with
 *   `entry`, the position of the first wrong or missing entry, in its detail where there is one.
 */
export async function verifyExport(
  lines: AsyncIterable<Uint8Array>,
  trusted: NoteKey | undefined,
  primitives: Primitives,
  held?: Checkpoint,
): Promise<VerifiedExport> {
  const { key, checkpoint, leaves } = await openExport(lines, trusted, primitives);
  let before = emptyFrontier();
  const counts = await verifyWholeLog(leaves, checkpoint, primitives, (hash) => {
    if (before.size < (held?.size ?? 0)) before = appendLeaf(before, hash, primitives.digest);
  });
  if (held !== undefined) refuseOtherBeginning(before, held, primitives.digest);
  return { key, checkpoint, counts };
}

function refuseOtherBeginning(
  before: Frontier,
  { size, root }: Checkpoint,
  digest: Primitives["digest"],
): void {
  if (before.size === size && equalBytes(frontierRoot(before, digest), root)) return;
  const sentence =
    before.size === size
      ? `the log does not begin with the ${size} entries of the head that is held already`
      : `expected at least the ${size} entries of the head that is held already, received ${before.size}`;
  throw new Fault("ledger/inconsistent", sentence, { place: "since" });
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
  const signed = await openSigned(head, trusted, primitives);
  return { ...signed, note: head.checkpoint, leaves: leavesIn(rest) };
}

/** The signed head that an export's first line carries, and the key it is under. @throws {@link Fault} as {@link verifyExport}. */
export async function openSigned(
  said: Pick<ExportHead, "origin" | "checkpoint" | "key">,
  trusted: NoteKey | undefined,
  primitives: Primitives,
): Promise<Pick<VerifiedExport, "key" | "checkpoint">> {
  const key = trusted ?? parseVerifierKey(said.key, primitives.digest);
  if (said.origin !== key.name) {
    throw new Fault("ledger/inconsistent", "expected an export of the log that the key belongs to", {
      expected: key.name,
      received: said.origin,
    });
  }
  const of = { origin: key.name, spki: key.spki };
  return { key, checkpoint: await openCheckpoint(said.checkpoint, of, primitives) };
}

function parseHead(line: Uint8Array): ExportHead {
  const value = parseHeadLine(line);
  if (!isHead(value)) throw notAnExport();
  return value;
}

/** What stands in a first line, whatever it is. @throws {@link Fault} `ledger/malformed`. */
export function parseHeadLine(line: Uint8Array): JsonValue {
  if (line.length > MAX_HEAD_BYTES) throw notAnExport();
  return parseStrictJson(line, { maxBytes: MAX_HEAD_BYTES, maxDepth: 4, code: "ledger/malformed" });
}

function isHead(value: JsonValue): value is ExportHead {
  return hasShape(value, HEAD);
}

/** The leaves of an export's further lines. */
export async function* leavesIn(lines: AsyncIterator<Uint8Array>): AsyncGenerator<SaidLeaf, void, undefined> {
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

/** What a first line is told that is none. */
export function notAnExport(): Fault {
  return new Fault("ledger/malformed", "expected the first line of a ledger export");
}
