/** Is an exported log whole and untouched? Rebuilt line by line against the head that the broker signed; `docs/ledger-export.md`. */
import { concatBytes, equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { hasShape, oneOf, type Shape, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { type LedgerEntry, MAX_LEAF_BYTES, parseEntry } from "./entry.ts";
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot, leafHash } from "./merkle.ts";
import { type NoteKey, parseVerifierKey } from "./note.ts";

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
  readonly counts: ExportCounts;
}

interface ExportCounts {
  readonly allowed: number;
  readonly denied: number;
  readonly releaseFailed: number;
  readonly admin: number;
  readonly epoch: number;
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
  let opened: { readonly key: NoteKey; readonly checkpoint: Checkpoint } | undefined;
  let frontier = emptyFrontier();
  let counts: ExportCounts = NOTHING;
  for await (const line of lines) {
    if (opened === undefined) {
      opened = await openHead(line, trusted, primitives);
      continue;
    }
    const { entry, hash } = readLine(line, { seq: frontier.size, checkpoint: opened.checkpoint }, primitives);
    frontier = appendLeaf(frontier, hash, primitives.digest);
    counts = counted(counts, entry);
  }
  if (opened === undefined) throw new Fault("ledger/malformed", "expected an export, received no line");
  refuseOtherTree(frontier, opened.checkpoint, primitives);
  return { ...opened, counts };
}

async function openHead(line: Uint8Array, trusted: NoteKey | undefined, primitives: Primitives) {
  const head = parseHead(line);
  const key = trusted ?? parseVerifierKey(head.key, primitives.digest);
  if (head.origin !== key.name) {
    throw new Fault("ledger/inconsistent", "expected an export of the log that the key belongs to", {
      expected: key.name,
      received: head.origin,
    });
  }
  return {
    key,
    checkpoint: await openCheckpoint(head.checkpoint, { origin: key.name, spki: key.spki }, primitives),
  };
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

interface Place {
  readonly seq: number;
  readonly checkpoint: Checkpoint;
}

/** One line in its place: within the head's size, well formed, with the hash it carries, numbered as it stands. */
function readLine(line: Uint8Array, place: Place, primitives: Primitives) {
  const { seq, checkpoint } = place;
  if (seq >= checkpoint.size) {
    throw wrong(seq, `expected ${checkpoint.size} entries, as the checkpoint says, received more`);
  }
  const leafEnd = line.length - LINE_END.length;
  const leaf = line.slice(LEAF_AT, Math.max(LEAF_AT, leafEnd));
  const hash = leafHash(leaf, primitives.digest);
  const entry = entryOf(leaf, seq);
  if (entry.seq !== seq) throw wrong(seq, `expected entry ${seq}, received entry ${entry.seq}`);
  if (!equalBytes(line, lineOf(leaf, hash))) {
    throw wrong(seq, "expected the leaf and the hash beside it to agree");
  }
  return { entry, hash };
}

function lineOf(leaf: Uint8Array, hash: Uint8Array): Uint8Array {
  return concatBytes(LINE_START, utf8(hexOf(hash)), LINE_MIDDLE, leaf, LINE_END);
}

function entryOf(leaf: Uint8Array, seq: number): LedgerEntry {
  try {
    return parseEntry(leaf);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    throw wrong(seq, thrown.message);
  }
}

function refuseOtherTree(frontier: Frontier, checkpoint: Checkpoint, primitives: Primitives): void {
  if (frontier.size !== checkpoint.size) {
    throw wrong(
      frontier.size,
      `expected ${checkpoint.size} entries, as the checkpoint says, received ${frontier.size}`,
    );
  }
  const root = frontierRoot(frontier, primitives.digest);
  if (!equalBytes(root, checkpoint.root)) {
    throw new Fault(
      "ledger/inconsistent",
      "every entry agrees with the hash beside it, and all of them together are not what the checkpoint signs",
      { expected: hexOf(checkpoint.root), received: hexOf(root), place: "checkpoint" },
    );
  }
}

const NOTHING: ExportCounts = { allowed: 0, denied: 0, releaseFailed: 0, admin: 0, epoch: 0 };

function counted(counts: ExportCounts, entry: LedgerEntry): ExportCounts {
  const name = countOf(entry);
  return { ...counts, [name]: counts[name] + 1 };
}

function countOf(entry: LedgerEntry): keyof ExportCounts {
  switch (entry.kind) {
    case "decision":
      return entry.outcome === "allow" ? "allowed" : "denied";
    case "release-failed":
      return "releaseFailed";
    case "admin":
      return "admin";
    case "epoch":
      return "epoch";
    default:
      return entry satisfies never;
  }
}

function wrong(entry: number, message: string): Fault {
  return new Fault("ledger/inconsistent", message, { entry, place: `entry ${entry}` });
}

function notAnExport(): Fault {
  return new Fault("ledger/malformed", "expected the first line of a ledger export");
}
