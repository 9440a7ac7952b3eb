/** Is a part of a log what its signed head says, and does that head continue the one that the auditor holds? `docs/ledger-export.md`. */
import { base64Of, parseBase64 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { hasShape, integer, list, object, oneOf, optional, type Shape, text } from "../base/shape.ts";
import type { Checkpoint } from "./checkpoint.ts";
import {
  type ExportHead,
  leavesIn,
  notAnExport,
  openSigned,
  parseHeadLine,
  SIGNED_HEAD,
  type VerifiedExport,
} from "./export.ts";
import { type Frontier, frontierRoot, HASH_SIZE, verifyConsistency } from "./merkle.ts";
import type { NoteKey } from "./note.ts";
import { inclusionRanges, perfectRanges } from "./ranges.ts";
import { readStretch } from "./whole-log.ts";

/** The first line of a part of a log. Hashes are in base64. */
export type ExtractHead = Omit<ExportHead, "v"> & {
  readonly v: 2;
  /** The position of the first entry, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** The roots of the perfect subtrees before the first entry, left to right. */
  readonly left: readonly string[];
  /** That the signed log begins with its first `to` entries (RFC 9162 section 2.1.4.1). */
  readonly right: readonly string[];
  /** That it begins with as many entries as the auditor's head has. */
  readonly since?: { readonly size: number; readonly proof: readonly string[] };
};

/** What an auditor has of the log: a head, and all entries before a position. */
export interface Held {
  readonly checkpoint: Checkpoint;
  readonly end: number;
}

const MAX_POSITION = Number.MAX_SAFE_INTEGER;
const HASHES = list(text(/^[A-Za-z0-9+/]{43}=$/), 0, 64);
const SIZE = integer(1, MAX_POSITION);
const HEAD: Shape<ExtractHead> = {
  v: oneOf(2),
  ...SIGNED_HEAD,
  from: integer(0, MAX_POSITION),
  to: SIZE,
  left: HASHES,
  right: HASHES,
  since: optional(object({ size: SIZE, proof: HASHES })),
};

/** The first line, without its end. */
export function encodeExtractHead(head: ExtractHead): Uint8Array {
  return canonicalJsonBytes(head);
}

/** The head of an extract; `undefined` for the first line of anything else. */
export function extractHeadIn(line: Uint8Array): ExtractHead | undefined {
  const value = parseHeadLine(line);
  return isHead(value) ? value : undefined;
}

/** Of an entry's inclusion proof the siblings on its left, left to right: what the log is before it, for {@link ExtractHead}. */
export function leftOf(seq: number, size: number, proof: readonly Uint8Array[]): readonly string[] {
  const ranges = inclusionRanges(seq, size);
  return proof
    .filter((_, i) => (ranges[i]?.end ?? Number.POSITIVE_INFINITY) <= seq)
    .map(base64Of)
    .reverse();
}

/** What a good extract was found to be. */
export interface VerifiedExtract extends VerifiedExport {
  readonly from: number;
  readonly to: number;
  /** Of the head that it was shown to continue; `undefined` where the auditor holds none. */
  readonly since: number | undefined;
}

/**
 * Verifies an extract: head and place, each leaf in its place, then that the signed log has exactly these there. Memory stays flat.
 *
 * @param lines - The file's lines without their ends, attacker-controlled.
 * @param held - The auditor's own: the extract has to continue it without a gap.
 * @throws {@link Fault} `ledger/malformed` where the first line is none; `ledger/inconsistent` for everything else, with `entry` or `place`.
 */
export async function verifyExtract(
  lines: AsyncIterable<Uint8Array>,
  { trusted, held }: { readonly trusted: NoteKey | undefined; readonly held: Held | undefined },
  primitives: Primitives,
): Promise<VerifiedExtract> {
  const rest = lines[Symbol.asyncIterator]();
  const first = await rest.next();
  const head = first.done === true ? undefined : extractHeadIn(first.value);
  if (head === undefined) throw notAnExport();
  const { key, checkpoint } = await openSigned(head, trusted, primitives);
  const start = startOf(head, checkpoint);
  if (held !== undefined) refuseOtherPast({ head, checkpoint, held }, primitives.digest);
  const stretch = { start, end: head.to, endOf: "the first line" };
  const { frontier, counts } = await readStretch(leavesIn(rest), stretch, primitives.digest);
  refuseOtherPlace(frontier, { head, checkpoint }, primitives.digest);
  return { key, checkpoint, counts, from: head.from, to: head.to, since: held?.checkpoint.size };
}

interface Placed {
  readonly head: ExtractHead;
  readonly checkpoint: Checkpoint;
}

/** What the log is said to be before the first entry. */
function startOf({ from, to, left }: ExtractHead, { size }: Checkpoint): Frontier {
  if (from >= to || to > size) {
    throw misplaced(
      "head",
      `expected entries below ${size}, as the checkpoint says, received ${from} to ${to}`,
    );
  }
  const subtrees = perfectRanges({ start: 0, end: from }).length;
  if (left.length === subtrees) return { size: from, roots: hashesOf(left) };
  throw misplaced(
    "left",
    `expected ${subtrees} hashes of the entries before ${from}, received ${left.length}`,
  );
}

/** INVARIANT: what the auditor holds stays what it is, and nothing lies between that and the first entry. */
function refuseOtherPast(
  { head, checkpoint, held }: Placed & { readonly held: Held },
  digest: Primitives["digest"],
): void {
  const { from, since } = head;
  const { size: oldSize, root: oldRoot } = held.checkpoint;
  const { size, root } = checkpoint;
  if (from > held.end) {
    const sentence = `expected entries from ${held.end} on, where those end that are held already, received them from ${from} on`;
    throw new Fault("ledger/inconsistent", sentence, { entry: held.end, place: `entry ${held.end}` });
  }
  if (since?.size !== oldSize) {
    const sentence = `expected a proof that the log continues the head of ${oldSize} entries, received ${since === undefined ? "none" : `one for ${since.size}`}: export it with --since`;
    throw misplaced("since", sentence);
  }
  const proof = hashesOf(since.proof);
  if (verifyConsistency({ oldSize, oldRoot, size, root, proof }, digest)) return;
  throw misplaced("since", "the proof does not show that the log continues the head that is held already");
}

function refuseOtherPlace(
  frontier: Frontier,
  { head, checkpoint }: Placed,
  digest: Primitives["digest"],
): void {
  const { size, root } = checkpoint;
  const claim = { oldSize: head.to, oldRoot: frontierRoot(frontier, digest), proof: hashesOf(head.right) };
  if (verifyConsistency({ ...claim, size, root }, digest)) return;
  const sentence =
    "every entry agrees with the hash beside it, and together with `left` and `right` they do not make what the checkpoint signs";
  throw misplaced("checkpoint", sentence);
}

function hashesOf(texts: readonly string[]): readonly Uint8Array[] {
  return texts.map((hash) => parseBase64(hash) ?? new Uint8Array(HASH_SIZE));
}

function isHead(value: JsonValue): value is ExtractHead {
  return hasShape(value, HEAD);
}

function misplaced(place: string, message: string): Fault {
  return new Fault("ledger/inconsistent", message, { place });
}
