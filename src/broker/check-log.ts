/** Is the log of this database whole, entry by entry and tile by tile? What a start looks at in moments, looked at to the end. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot, HASH_SIZE } from "../ledger/merkle.ts";
import {
  type Edge,
  edgeAmong,
  grownTiles,
  TILE_WIDTH,
  type Tile,
  type TileNeed,
  type TilePlace,
  widthIn,
} from "../ledger/tiles.ts";
import { type HeadWorld, keptHead, type SignedHead } from "./heads.ts";
import { leafHashes } from "./leaves.ts";
import { refuseLostHead } from "./lost-head.ts";
import { provenTile } from "./proofs.ts";

/**
 * Makes the whole tree of the entries again, and holds it against the newest head and every tile. Memory stays flat.
 *
 * @returns How many entries the log has.
 * @throws {@link Fault} `ledger/inconsistent`: with `entry`, the first that is not what was signed, where the tiles still tell;
 *   with `level` and `position` where it is a tile that is another, or is missing; `ledger/malformed`.
 */
export async function checkLog(world: HeadWorld): Promise<number> {
  await refuseLostHead(world);
  const size = await world.store.ledgerSize();
  const head = await keptHead(world);
  if (head === undefined) return size;
  if (size < head.checkpoint.size) throw gone(head.checkpoint.size, size);
  const { frontier, wrong } = await madeAgain(head.checkpoint.size, world);
  if (!equalBytes(frontierRoot(frontier, world.primitives.digest), head.checkpoint.root)) {
    throw await otherEntries(head, wrong, world);
  }
  if (wrong !== undefined) throw otherTile(wrong);
  for await (const page of leafHashes({ start: head.checkpoint.size, end: size }, world)) void page;
  return size;
}

interface Again {
  readonly frontier: Frontier;
  /** The first tile that is not the one that the entries make. */
  readonly wrong: TilePlace | undefined;
}

async function madeAgain(size: number, world: HeadWorld): Promise<Again> {
  const { digest } = world.primitives;
  const isTiled = (await world.store.tiledSize()) >= size; // else they are still being made
  let frontier = emptyFrontier();
  let edge: Edge = [];
  let wrong: TilePlace | undefined;
  for await (const page of leafHashes({ start: 0, end: size }, world)) {
    const grown = grownTiles({ size: frontier.size, edge }, page, digest);
    for (const hash of page) frontier = appendLeaf(frontier, hash, digest);
    edge = edgeAmong([...edge, ...grown], frontier.size);
    for (const tile of isTiled ? grown : []) if (!(await isStored(tile, world))) wrong ??= tile; // in order: the first is named
  }
  return { frontier, wrong };
}

/** As far as the tile goes here: the stored one may be wider. */
async function isStored(tile: Tile, { store }: HeadWorld): Promise<boolean> {
  const stored = await store.tile(tile);
  return stored !== undefined && equalBytes(stored.hashes.subarray(0, tile.hashes.length), tile.hashes);
}

/** Names the entry where the tile over it is the one that was signed: then the entry is not. */
async function otherEntries(
  { checkpoint }: SignedHead,
  wrong: TilePlace | undefined,
  world: HeadWorld,
): Promise<Fault> {
  const entry = wrong === undefined ? undefined : await firstOther(wrong, checkpoint.size, world);
  return entry === undefined
    ? new Fault("ledger/inconsistent", "the entries are not those that were signed", {
        size: checkpoint.size,
      })
    : new Fault("ledger/inconsistent", `entry ${entry} is not the one that was signed`, { entry });
}

async function firstOther(
  { level, position }: TilePlace,
  size: number,
  world: HeadWorld,
): Promise<number | undefined> {
  if (level > 0) return undefined;
  const need: TileNeed = { level, position, width: widthIn(size, { level, position }) };
  const tile = await signedOrNone(need, world);
  if (tile === undefined) return undefined;
  let seq = position * TILE_WIDTH;
  for await (const page of leafHashes({ start: seq, end: seq + need.width }, world)) {
    for (const hash of page) {
      const at = (seq % TILE_WIDTH) * HASH_SIZE;
      if (!equalBytes(hash, tile.hashes.subarray(at, at + HASH_SIZE))) return seq;
      seq += 1;
    }
  }
  return undefined;
}

async function signedOrNone(need: TileNeed, world: HeadWorld): Promise<Tile | undefined> {
  try {
    return await provenTile(need, world);
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === "ledger/inconsistent") return undefined;
    throw thrown;
  }
}

function gone(expected: number, received: number): Fault {
  return new Fault("ledger/inconsistent", "entries that a signed head covers are gone", {
    expected,
    received,
  });
}

function otherTile({ level, position }: TilePlace): Fault {
  return new Fault(
    "ledger/inconsistent",
    `tile ${position} of level ${level} is not the one that the entries make`,
    { level, position },
  );
}
