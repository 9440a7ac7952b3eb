/** Where in the stored tree is a hash? The tiles of C2SP tlog-tiles: 256 hashes each, every one a perfect subtree's. */
import { concatBytes, equalBytes } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { appendLeaf, emptyFrontier, type Frontier, HASH_SIZE, nodeHash } from "./merkle.ts";
import type { Range } from "./ranges.ts";

type Digest = Primitives["digest"];

export const TILE_WIDTH = 256;

/** The `position`-th tile of a level. On level 0 each hash is a leaf's, on every other that of a full tile of the level below. */
export interface TilePlace {
  readonly level: number;
  readonly position: number;
}

/** A tile with up to 256 hashes of 32 bytes, one after the other. Only the last tile of a level has fewer. */
export interface Tile extends TilePlace {
  readonly hashes: Uint8Array;
}

/** The last tile of each level that is not full, from level 0 on: what a log's tiles grow at. */
export type Edge = readonly Tile[];

/** How many hashes a tile has in the tree of this size; 0 where it is not there. */
export function widthIn(size: number, { level, position }: TilePlace): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level) - position * TILE_WIDTH;
  return Math.min(Math.max(hashes, 0), TILE_WIDTH);
}

/** How many hashes a tile has. */
export function widthOf({ hashes }: Tile): number {
  return hashes.length / HASH_SIZE;
}

/** Where the tiles are that are not full, each with its width: level 0 first. */
export function edgePlaces(size: number): readonly (TilePlace & { readonly width: number })[] {
  const places: (TilePlace & { readonly width: number })[] = [];
  for (let level = 0, hashes = size; hashes > 0; level += 1, hashes = Math.floor(hashes / TILE_WIDTH)) {
    const width = hashes % TILE_WIDTH;
    if (width > 0) places.push({ level, position: Math.floor(hashes / TILE_WIDTH), width });
  }
  return places;
}

/** The edge of a tree of this size, among tiles of which some are earlier stages of others: what comes later in the list is wider. */
export function edgeAmong(tiles: readonly Tile[], size: number): Edge {
  return edgePlaces(size).flatMap(
    (place) => tiles.findLast((tile) => tile.level === place.level && tile.position === place.position) ?? [],
  );
}

/** Whether these are the edge of exactly this tree: their subtrees are those of its frontier. */
export function isEdgeOf(edge: Edge, frontier: Frontier, digest: Digest): boolean {
  const { roots } = frontierOf({ size: frontier.size, edge }, digest);
  return (
    roots.length === frontier.roots.length &&
    roots.every((root, i) => equalBytes(root, frontier.roots[i] ?? new Uint8Array(0)))
  );
}

/** The frontier of the tree that ends with these tiles. */
export function frontierOf({ size, edge }: TreeEnd, digest: Digest): Frontier {
  const roots = [...edge]
    .reverse()
    .flatMap(
      ({ hashes }) =>
        hashesIn(hashes).reduce((grown, hash) => appendLeaf(grown, hash, digest), emptyFrontier()).roots,
    );
  return { size, roots };
}

/** Where a tree ends: how many leaves it has, and the tiles that the next ones go into. */
export interface TreeEnd {
  readonly size: number;
  readonly edge: Edge;
}

/** The tiles that are new or wider after these leaves. Each level takes the roots of the tiles that were filled below it. */
export function grownTiles(
  { size, edge }: TreeEnd,
  leaves: readonly Uint8Array[],
  digest: Digest,
): readonly Tile[] {
  const grown: Tile[] = [];
  let rising = leaves;
  for (
    let level = 0, hashes = size;
    rising.length > 0;
    level += 1, hashes = Math.floor(hashes / TILE_WIDTH)
  ) {
    const begun = edge.find((tile) => tile.level === level);
    const first = Math.floor(hashes / TILE_WIDTH);
    const whole = concatBytes(...(begun === undefined ? [] : [begun.hashes]), ...rising);
    const tiles = cutIntoTiles(whole).map((bytes, i) => ({ level, position: first + i, hashes: bytes }));
    grown.push(...tiles);
    rising = tiles.filter(isFull).map((tile) => tileRoot(tile, digest));
  }
  return grown;
}

function cutIntoTiles(bytes: Uint8Array): readonly Uint8Array[] {
  const size = TILE_WIDTH * HASH_SIZE;
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.slice(i * size, (i + 1) * size),
  );
}

/** The hash that a full tile has in the level above. */
export function tileRoot({ hashes }: Tile, digest: Digest): Uint8Array {
  return perfectRoot(hashes, digest);
}

/** A tile with at least this many hashes, which one subtree needs. */
export interface TileNeed extends TilePlace {
  readonly width: number;
}

/** Which tiles it takes to hash these perfect ranges, each once. */
export function tilesFor(perfect: readonly Range[]): readonly TileNeed[] {
  const needs = new Map<string, TileNeed>();
  for (const { level, position, to } of perfect.map(spotOf)) {
    const key = `${level}/${position}`;
    needs.set(key, { level, position, width: Math.max(to, needs.get(key)?.width ?? 0) });
  }
  return [...needs.values()];
}

/** The hash over a perfect range, from the tiles that {@link tilesFor} named. */
export function perfectHash(range: Range, tileAt: (place: TilePlace) => Tile, digest: Digest): Uint8Array {
  const { from, to, ...place } = spotOf(range);
  return perfectRoot(tileAt(place).hashes.subarray(from * HASH_SIZE, to * HASH_SIZE), digest);
}

/** Where the hashes of a perfect subtree are: the highest level that has it, or the subtrees of which it is made. */
function spotOf({ start, end }: Range): TilePlace & { readonly from: number; readonly to: number } {
  let level = 0;
  while (end - start >= TILE_WIDTH ** (level + 1)) level += 1;
  const unit = TILE_WIDTH ** level;
  const first = start / unit;
  const from = first % TILE_WIDTH;
  return { level, position: Math.floor(first / TILE_WIDTH), from, to: from + (end - start) / unit };
}

/** The root over a power of two of hashes, row by row in place. */
function perfectRoot(hashes: Uint8Array, digest: Digest): Uint8Array {
  const row = hashes.slice();
  for (let width = row.length / HASH_SIZE; width > 1; width /= 2) {
    for (let i = 0; i < width / 2; i += 1) {
      const [left, right] = [2 * i * HASH_SIZE, (2 * i + 1) * HASH_SIZE];
      const hash = nodeHash(row.subarray(left, right), row.subarray(right, right + HASH_SIZE), digest);
      row.set(hash, i * HASH_SIZE);
    }
  }
  return row.slice(0, HASH_SIZE);
}

function hashesIn(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: bytes.length / HASH_SIZE }, (_, i) =>
    bytes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE),
  );
}

function isFull({ hashes }: Tile): boolean {
  return hashes.length === TILE_WIDTH * HASH_SIZE;
}
