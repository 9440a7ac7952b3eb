/** How is shown that an entry is in the log, or that a log continues an earlier one? From some tiles, checked against the signed head. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { encodeEntry } from "../ledger/entry.ts";
import {
  appendLeaf,
  emptyFrontier,
  frontierRoot,
  leafHash,
  verifyConsistency,
  verifyInclusion,
} from "../ledger/merkle.ts";
import { consistencyRanges, inclusionRanges } from "../ledger/ranges.ts";
import { hashRanges, type Tree } from "../ledger/tile-ranges.ts";
import { TILE_WIDTH, type Tile, type TileNeed, tileRoot, widthIn } from "../ledger/tiles.ts";
import type { ConsistencyProof, InclusionProof } from "../wire/ledger-messages.ts";
import { type HeadWorld, keptHead, type SignedHead } from "./heads.ts";
import { leafHashes, ledgerEntries } from "./leaves.ts";
import { createTileReader } from "./tiles.ts";

/**
 * Shows that an entry is in the log, with as many reads as the logarithm of its size.
 *
 * @param size - Of the tree; the newest head's unless it is given.
 * @throws {@link Fault} `request/not-found` for what is not under the newest head, `ledger/filling`; `ledger/inconsistent` where
 *   entry or tiles are not what was signed.
 */
export async function proveInclusion(
  seq: number,
  size: number | undefined,
  world: HeadWorld,
): Promise<InclusionProof> {
  const tree = await openTree(world);
  const at = size ?? tree.head.checkpoint.size;
  refuseBeyond(at, tree);
  if (seq >= at) throw beyond(seq + 1, at);
  const root = await rootUnder(at, tree);
  const proof = await hashRanges(inclusionRanges(seq, at), tree);
  const [entry] = await ledgerEntries({ from: seq, limit: 1 }, world);
  const leaf = entry?.seq === seq ? encodeEntry(entry) : new Uint8Array(0);
  const claim = { index: seq, size: at, root, proof, leafHash: leafHash(leaf, tree.digest) };
  if (!verifyInclusion(claim, tree.digest)) {
    throw new Fault("ledger/inconsistent", `entry ${seq} or the tiles over it are not what was signed`, {
      entry: seq,
    });
  }
  return { seq, size: at, root, leaf, proof, checkpoint: tree.head.note };
}

/**
 * Shows that the log of `size` entries begins with the log of `from` entries.
 *
 * @param size - The newest head's unless it is given.
 * @throws {@link Fault} as {@link proveInclusion}; `request/malformed` for a beginning of no entries, which shows nothing.
 */
export async function proveConsistency(
  from: number,
  size: number | undefined,
  world: HeadWorld,
): Promise<ConsistencyProof> {
  if (from < 1) throw new Fault("request/malformed", "expected a beginning of one entry or more");
  const tree = await openTree(world);
  const to = size ?? tree.head.checkpoint.size;
  refuseBeyond(to, tree);
  if (from > to) throw beyond(from, to);
  const [fromRoot, root] = [await rootUnder(from, tree), await rootUnder(to, tree)];
  const proof = await hashRanges(consistencyRanges(from, to), tree);
  const claim = { oldSize: from, oldRoot: fromRoot, size: to, root, proof };
  if (!verifyConsistency(claim, tree.digest)) throw otherTiles(to);
  return { from, size: to, fromRoot, root, proof, checkpoint: tree.head.note };
}

/**
 * The tree's root when the log had `size` entries: from tiles under the newest head, from entries beyond it.
 *
 * @throws {@link Fault} `ledger/inconsistent` where what is there was not signed, or is not there.
 */
export async function rootAt(size: number, world: HeadWorld): Promise<Uint8Array> {
  const head = await keptHead(world);
  if (head !== undefined && size <= head.checkpoint.size && (await isTiled(head, world))) {
    return rootUnder(size, treeOf(head, world));
  }
  let frontier = head !== undefined && head.frontier.size <= size ? head.frontier : emptyFrontier();
  for await (const page of leafHashes({ start: frontier.size, end: size }, world)) {
    for (const hash of page) frontier = appendLeaf(frontier, hash, world.primitives.digest);
  }
  return frontierRoot(frontier, world.primitives.digest);
}

async function isTiled({ checkpoint }: SignedHead, { store }: HeadWorld): Promise<boolean> {
  return (await store.tiledSize()) >= checkpoint.size;
}

/**
 * A tile of the log as it was signed: what others may keep for ever does not go out on the database's word alone.
 *
 * @throws {@link Fault} as {@link proveInclusion}.
 */
export async function provenTile(need: TileNeed, world: HeadWorld): Promise<Tile> {
  return tileUnder(need, await openTree(world));
}

/** A full tile is what its parent says it is, a narrower one what the root of the tree says that ends with it. */
async function tileUnder(need: TileNeed, tree: SignedTree): Promise<Tile> {
  if (widthIn(tree.head.checkpoint.size, need) < need.width) throw noTile(need);
  const tile = await tree.read(need);
  const isSigned = need.width < TILE_WIDTH ? await isEnd(need, tree) : await isChild(tile, tree);
  if (isSigned) return tile;
  const { level, position } = need;
  throw new Fault("ledger/inconsistent", `tile ${position} of level ${level} is not what was signed`, {
    level,
    position,
  });
}

async function isEnd({ level, position, width }: TileNeed, tree: SignedTree): Promise<boolean> {
  const size = (position * TILE_WIDTH + width) * TILE_WIDTH ** level;
  const [root] = await hashRanges([{ start: 0, end: size }], { ...tree, frontier: emptyFrontier() });
  return root !== undefined && equalBytes(root, await rootUnder(size, tree));
}

async function isChild(tile: Tile, tree: SignedTree): Promise<boolean> {
  const [position, at] = [Math.floor(tile.position / TILE_WIDTH), tile.position % TILE_WIDTH];
  const parent = await tileUnder({ level: tile.level + 1, position, width: at + 1 }, tree);
  const root = tileRoot(tile, tree.digest);
  return equalBytes(root, parent.hashes.subarray(-root.length));
}

/** A signed head and the tiles that are held against it. */
interface SignedTree extends Tree {
  readonly head: SignedHead;
}

async function openTree(world: HeadWorld): Promise<SignedTree> {
  const head = await keptHead(world);
  if (head === undefined) throw beyond(1, 0);
  return treeOf(head, world);
}

function treeOf(head: SignedHead, { store, primitives }: HeadWorld): SignedTree {
  return { head, frontier: head.frontier, read: createTileReader(store), digest: primitives.digest };
}

/** The root of the tree's beginning: the signed root shows it to be that. */
async function rootUnder(size: number, tree: SignedTree): Promise<Uint8Array> {
  const { head, digest } = tree;
  const { checkpoint } = head;
  if (size === checkpoint.size) return checkpoint.root;
  if (size === 0) return frontierRoot(emptyFrontier(), digest);
  const ranges = [{ start: 0, end: size }, ...consistencyRanges(size, checkpoint.size)];
  const [oldRoot, ...proof] = await hashRanges(ranges, tree);
  if (oldRoot === undefined) throw new Fault("internal/invariant", "a range has a hash");
  const { size: whole, root } = checkpoint;
  if (verifyConsistency({ oldSize: size, oldRoot, size: whole, root, proof }, digest)) return oldRoot;
  throw otherTiles(size);
}

function refuseBeyond(size: number, { head }: SignedTree): void {
  if (size > head.checkpoint.size) throw beyond(size, head.checkpoint.size);
}

function otherTiles(size: number): Fault {
  return new Fault("ledger/inconsistent", "the stored tiles are not those of the tree that was signed", {
    size,
  });
}

function beyond(expected: number, received: number): Fault {
  return new Fault("request/not-found", `expected a log of ${expected} entries, its head has ${received}`);
}

function noTile({ level, position, width }: TileNeed): Fault {
  return new Fault("request/not-found", "expected a tile within the signed head", { level, position, width });
}
