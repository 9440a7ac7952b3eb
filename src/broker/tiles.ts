/** Are the tiles of the log's tree there, and ours? Read as far as a head needs them, and filled where a database has none yet. */
import { Fault } from "../base/fault.ts";
import { type Frontier, HASH_SIZE } from "../ledger/merkle.ts";
import type { ReadTile } from "../ledger/tile-ranges.ts";
import {
  type Edge,
  edgePlaces,
  grownTiles,
  isEdgeOf,
  type Tile,
  type TileNeed,
  type TreeEnd,
} from "../ledger/tiles.ts";
import { type HeadWorld, keptHead } from "./heads.ts";
import { leafHashes } from "./leaves.ts";
import type { Store } from "./store.ts";
import type { World } from "./world.ts";

/** How many entries one batch makes tiles of: some twenty rows. */
export const ENTRIES_PER_BATCH = 4096;

/**
 * The tiles at which the tree of a signed head grows; `undefined` where the database has not all of them yet.
 *
 * @throws {@link Fault} `ledger/inconsistent` where they are those of another tree.
 */
export async function edgeOf(
  frontier: Frontier,
  { store, primitives }: Pick<HeadWorld, "store" | "primitives">,
): Promise<Edge | undefined> {
  const edge = await edgeAt(frontier.size, store);
  if (edge === undefined || isEdgeOf(edge, frontier, primitives.digest)) return edge;
  throw new Fault("ledger/inconsistent", "the stored tiles are not those of the tree that was signed", {
    size: frontier.size,
  });
}

/** Reads each tile once, so that all of an answer is made of the same bytes, whoever writes meanwhile. */
export function createTileReader(store: Store): ReadTile {
  const rows = new Map<string, Promise<Tile | undefined>>();
  return async (need) => {
    const key = `${need.level}/${need.position}`;
    const row = rows.get(key) ?? store.tile(need);
    rows.set(key, row);
    return cutTo(need, await row) ?? (await absent(need, store));
  };
}

/** A row of more or fewer bytes than the tree needs of it is cut, or none. */
function cutTo({ width }: TileNeed, tile: Tile | undefined): Tile | undefined {
  const size = width * HASH_SIZE;
  if (tile === undefined || tile.hashes.length < size) return undefined;
  return { ...tile, hashes: tile.hashes.subarray(0, size) };
}

async function absent({ level, position }: TileNeed, store: Store): Promise<never> {
  const head = (await store.checkpoint())?.size ?? 0;
  if ((await store.tiledSize()) < head) {
    throw new Fault("ledger/filling", "the tiles of this log are still being made", { level, position });
  }
  throw new Fault("ledger/inconsistent", `tile ${position} of level ${level} is missing`, {
    level,
    position,
  });
}

async function edgeAt(size: number, store: Store): Promise<Edge | undefined> {
  const tiles = await Promise.all(edgePlaces(size).map(async (need) => cutTo(need, await store.tile(need))));
  const edge = tiles.filter((tile) => tile !== undefined);
  return edge.length === tiles.length ? edge : undefined;
}

/** How far the tiles of a log were made. */
export interface Filling {
  readonly filled: number;
  readonly size: number;
}

/**
 * Makes the next tiles of a log that has none, or not all, from its entries: one batch, so that it may end anywhere and go on.
 *
 * @throws {@link Fault} `ledger/inconsistent` where the entries are not those that the newest head was signed over.
 */
export async function fillTiles(world: HeadWorld): Promise<Filling> {
  const head = await keptHead(world);
  if (head === undefined) return { filled: 0, size: 0 };
  const { size } = head.frontier;
  if ((await edgeOf(head.frontier, world)) !== undefined) return { filled: size, size };
  const begun = await begunTiles(size, world.store);
  const to = Math.min(begun.size + ENTRIES_PER_BATCH, size);
  const hashes: Uint8Array[] = [];
  for await (const page of leafHashes({ start: begun.size, end: to }, world)) hashes.push(...page);
  await world.store.putTiles(grownTiles(begun, hashes, world.primitives.digest));
  if (to === size) await edgeOf(head.frontier, world);
  return { filled: to, size };
}

/** What fills on at each call, one batch or more, until nothing is missing. */
export function createFiller(batches: number, log: World["log"]): (world: HeadWorld) => Promise<void> {
  let isDone = false;
  return async (world) => {
    for (let i = 0; i < batches && !isDone; i += 1) {
      const { filled, size } = await fillTiles(world); // in order: each stands on the one before
      isDone = filled === size;
      if (!isDone) log("info", "tiles-filled", { filled, size });
    }
  };
}

/** Where filling stopped; the beginning where that cannot be told. */
async function begunTiles(size: number, store: Store): Promise<TreeEnd> {
  const tiled = await store.tiledSize();
  const edge = tiled < size ? await edgeAt(tiled, store) : undefined;
  return edge === undefined ? { size: 0, edge: [] } : { size: tiled, edge };
}
