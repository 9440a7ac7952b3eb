/** Are these leaves, one after the other, the log of this head? The first one that is not is named. */
import { equalBytes, hexOf } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { type LedgerEntry, parseEntry } from "./entry.ts";
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot, leafHash } from "./merkle.ts";

/** A leaf as a copy of the log has it, attacker-controlled. */
export interface SaidLeaf {
  readonly leaf: Uint8Array;
  /** Whether the copy itself says that this is the leaf's hash. It proves nothing, and tells which entry was changed. */
  readonly isSaid: (hash: Uint8Array) => boolean;
}

export interface EntryCounts {
  readonly allowed: number;
  readonly denied: number;
  readonly releaseFailed: number;
  readonly admin: number;
  readonly epoch: number;
}

/** Requests end out of turn, and clocks of brokers differ: by minutes. A start may set the clock back, and says that it is one. */
export const MOST_SECONDS_BACK = 600;

/**
 * Judges each leaf in its place, then size and root. Memory stays flat.
 *
 * @param grown - Told the hash of each leaf that stands in its place, in order.
 * @throws {@link Fault} `ledger/inconsistent`, with `entry`, the position of the first wrong or missing entry, where there is one.
 */
export async function verifyWholeLog(
  leaves: AsyncIterable<SaidLeaf>,
  checkpoint: Checkpoint,
  { digest }: Pick<Primitives, "digest">,
  grown: (hash: Uint8Array) => void = () => undefined,
): Promise<EntryCounts> {
  const stretch = { start: emptyFrontier(), end: checkpoint.size, endOf: "the checkpoint" };
  const { frontier, counts } = await readStretch(leaves, stretch, digest, grown);
  refuseOtherTree(frontier, checkpoint, digest);
  return counts;
}

/** A part of a log: what the tree is before its first leaf, and the position after its last one. */
export interface Stretch {
  readonly start: Frontier;
  readonly end: number;
  /** Who says where it ends. */
  readonly endOf: string;
}

/**
 * Judges each leaf of a part in its place, and that none is missing. What the tree is worth that they make is for the caller to see.
 *
 * @throws {@link Fault} as {@link verifyWholeLog}.
 */
export async function readStretch(
  leaves: AsyncIterable<SaidLeaf>,
  stretch: Stretch,
  digest: Primitives["digest"],
  grown: (hash: Uint8Array) => void = () => undefined,
): Promise<{ readonly frontier: Frontier; readonly counts: EntryCounts }> {
  let frontier = stretch.start;
  let counts = NOTHING;
  let latest: number | undefined;
  for await (const said of leaves) {
    const { entry, hash } = read(said, { seq: frontier.size, stretch }, digest);
    latest = timeAfter(latest, entry);
    frontier = appendLeaf(frontier, hash, digest);
    counts = counted(counts, entry);
    grown(hash);
  }
  if (frontier.size === stretch.end) return { frontier, counts };
  const sentence = `expected entries up to ${stretch.end}, as ${stretch.endOf} says, received none from ${frontier.size} on`;
  throw wrong(frontier.size, sentence);
}

interface Place {
  readonly seq: number;
  readonly stretch: Stretch;
}

/** Within the part, well formed, numbered as it stands, with the hash that it was said to have. */
function read({ leaf, isSaid }: SaidLeaf, { seq, stretch }: Place, digest: Primitives["digest"]) {
  if (seq >= stretch.end) {
    throw wrong(seq, `expected entries up to ${stretch.end}, as ${stretch.endOf} says, received more`);
  }
  const entry = entryOf(leaf, seq);
  if (entry.seq !== seq) throw wrong(seq, `expected entry ${seq}, received entry ${entry.seq}`);
  const hash = leafHash(leaf, digest);
  if (isSaid(hash)) return { entry, hash };
  throw wrong(seq, "expected the leaf and the hash beside it to agree");
}

function entryOf(leaf: Uint8Array, seq: number): LedgerEntry {
  try {
    return parseEntry(leaf);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    throw wrong(seq, thrown.message);
  }
}

/** The latest time of all entries since a broker began. */
function timeAfter(latest: number | undefined, { seq, time, kind }: LedgerEntry): number {
  if (latest === undefined || kind === "epoch") return time;
  if (time >= latest - MOST_SECONDS_BACK) return Math.max(latest, time);
  throw wrong(
    seq,
    `expected a log in the order of time: entry ${seq} is ${latest - time} s before one ahead of it`,
  );
}

function refuseOtherTree(frontier: Frontier, { root }: Checkpoint, digest: Primitives["digest"]): void {
  const received = frontierRoot(frontier, digest);
  if (equalBytes(received, root)) return;
  throw new Fault(
    "ledger/inconsistent",
    "every entry agrees with the hash beside it, and all of them together are not what the checkpoint signs",
    { expected: hexOf(root), received: hexOf(received), place: "checkpoint" },
  );
}

const NOTHING: EntryCounts = { allowed: 0, denied: 0, releaseFailed: 0, admin: 0, epoch: 0 };

function counted(counts: EntryCounts, entry: LedgerEntry): EntryCounts {
  const name = countOf(entry);
  return { ...counts, [name]: counts[name] + 1 };
}

function countOf(entry: LedgerEntry): keyof EntryCounts {
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
