/** Where do two logs part? The first entry that is another, found by halves, and shown by what each of them signed. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Checkpoint } from "./checkpoint.ts";
import {
  emptyFrontier,
  frontierRoot,
  leafHash,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from "./merkle.ts";
import { encodeProofFile } from "./proof-file.ts";
import { consistencyRanges, inclusionRanges, perfectRanges, type Range } from "./ranges.ts";
import { hashRanges, type ReadTile } from "./tile-ranges.ts";
import { widthIn } from "./tiles.ts";

type Digest = Primitives["digest"];

/** A log whose head is signed; tile by tile it is held against that head, whoever serves them. */
export interface TiledLog {
  /** How people know it: a folder or an address. */
  readonly name: string;
  readonly note: string;
  readonly checkpoint: Pick<Checkpoint, "size" | "root">;
  readonly tile: ReadTile;
  readonly leafAt: (seq: number) => Promise<Uint8Array>;
}

/**
 * The first entry that is another in two logs, of those that both have; `undefined` where the longer one continues the other.
 *
 * @throws {@link Fault} `ledger/inconsistent` for tiles that are not those under their own head; what reading throws.
 */
export async function firstDifference(
  one: TiledLog,
  other: TiledLog,
  digest: Digest,
): Promise<number | undefined> {
  const logs = [walked(one, digest), walked(other, digest)] as const;
  const size = Math.min(one.checkpoint.size, other.checkpoint.size);
  for (const log of logs) await log.refuseUnsigned(size); // in order: a fault names the first
  for (const range of perfectRanges({ start: 0, end: size })) {
    const seq = await parting(range, logs); // in order: the first is named
    if (seq !== undefined) return seq;
  }
  return undefined;
}

/**
 * The root over the first entries of a log, which its head bears out: the same as of an earlier head, or one of the two is of another log.
 *
 * @throws {@link Fault} `ledger/inconsistent` for tiles that are not those under the log's own head; what reading throws.
 */
export async function beginningOf(log: TiledLog, size: number, digest: Digest): Promise<Uint8Array> {
  const { refuseUnsigned, root } = walked(log, digest);
  await refuseUnsigned(size);
  return root(size);
}

interface Walked {
  readonly root: (size: number) => Promise<Uint8Array>;
  readonly hash: (range: Range) => Promise<Uint8Array>;
  /** Holds the hashes over the log's beginning against its head. */
  readonly refuseUnsigned: (size: number) => Promise<void>;
  readonly refuseOtherHalves: (range: Range, whole: Uint8Array, halves: readonly Uint8Array[]) => void;
}

type Both = readonly [Walked, Walked];

async function parting(range: Range, logs: Both): Promise<number | undefined> {
  const [one, other] = logs;
  let at = range;
  let wholes = [await one.hash(at), await other.hash(at)] as const;
  if (equalBytes(...wholes)) return undefined;
  while (at.end - at.start > 1) {
    const middle = at.start + (at.end - at.start) / 2;
    const [left, right] = [
      { ...at, end: middle },
      { ...at, start: middle },
    ];
    const halves = await Promise.all(
      logs.map(async ({ hash }) => [await hash(left), await hash(right)] as const),
    ); // in order: each level leads to the next
    const [mine, theirs] = halves;
    if (mine === undefined || theirs === undefined)
      throw new Fault("internal/invariant", "two logs have halves");
    one.refuseOtherHalves(at, wholes[0], mine);
    other.refuseOtherHalves(at, wholes[1], theirs);
    const side = equalBytes(mine[0], theirs[0]) ? 1 : 0;
    at = side === 0 ? left : right;
    wholes = [mine[side], theirs[side]];
  }
  return at.start;
}

/** Each tile is read once: a walk down the tree comes by the same ones again. */
function walked({ name, checkpoint, tile }: TiledLog, digest: Digest): Walked {
  const known = new Map<string, ReturnType<ReadTile>>();
  const read: ReadTile = (need) => {
    const key = `${need.level}/${need.position}`;
    const found = known.get(key) ?? tile({ ...need, width: widthIn(checkpoint.size, need) });
    known.set(key, found);
    return found;
  };
  const hashes = (ranges: readonly Range[]) =>
    hashRanges(ranges, { frontier: emptyFrontier(), read, digest });
  const hash = async (range: Range) => firstOf(await hashes([range]));
  return {
    hash,
    root: async (size) =>
      size === 0 ? frontierRoot(emptyFrontier(), digest) : hash({ start: 0, end: size }),
    refuseUnsigned: async (oldSize) => {
      if (oldSize === 0) return;
      const { size, root } = checkpoint;
      const [oldRoot, ...proof] = await hashes([
        { start: 0, end: oldSize },
        ...consistencyRanges(oldSize, size),
      ]);
      const isSigned =
        oldRoot !== undefined && verifyConsistency({ oldSize, oldRoot, size, root, proof }, digest);
      if (!isSigned) throw otherTiles(name, { start: 0, end: oldSize });
    },
    refuseOtherHalves: (range, whole, [left, right]) => {
      if (left === undefined || right === undefined || !equalBytes(nodeHash(left, right, digest), whole)) {
        throw otherTiles(name, range);
      }
    },
  };
}

/**
 * An entry of a log with what shows that it is under the log's head, as a C2SP tlog-proof: two of one position, one key and other
 * entries convict whoever has that key.
 *
 * @throws {@link Fault} `ledger/inconsistent` where tiles or entry are not those under the head.
 */
export async function provenEntry(log: TiledLog, seq: number, digest: Digest): Promise<string> {
  const { size, root } = log.checkpoint;
  const tree = { frontier: emptyFrontier(), read: log.tile, digest };
  const proof = await hashRanges(inclusionRanges(seq, size), tree);
  const leaf = await log.leafAt(seq);
  const claim = { index: seq, size, root, proof, leafHash: leafHash(leaf, digest) };
  if (verifyInclusion(claim, digest)) return encodeProofFile({ seq, leaf, proof, checkpoint: log.note });
  throw new Fault("ledger/inconsistent", `entry ${seq} of ${log.name} is not the one under its head`, {
    entry: seq,
    place: `entry ${seq}`,
  });
}

function firstOf<T>([first]: readonly T[]): T {
  if (first === undefined) throw new Fault("internal/invariant", "a range has a hash");
  return first;
}

function otherTiles(name: string, { start, end }: Range): Fault {
  const sentence = `the tiles of ${name} over entries ${start} to ${end - 1} are not those under its own head`;
  return new Fault("ledger/inconsistent", sentence, { place: `entries ${start} to ${end - 1}` });
}
