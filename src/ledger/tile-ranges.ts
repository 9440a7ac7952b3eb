/** What are the hashes over ranges of leaves, made from tiles, wherever those come from? */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { type Frontier, nodeHash } from "./merkle.ts";
import { perfectRanges, type Range } from "./ranges.ts";
import { perfectHash, type Tile, type TileNeed, type TilePlace, tilesFor } from "./tiles.ts";

/** Reads a tile, as wide as it is needed. @throws {@link Fault} `ledger/filling`, `ledger/inconsistent` where it is not there. */
export type ReadTile = (need: TileNeed) => Promise<Tile>;

/** The tree under a head: where its hashes come from, and what is known of it without reading any. */
export interface Tree {
  readonly frontier: Frontier;
  readonly read: ReadTile;
  readonly digest: Primitives["digest"];
}

/**
 * Hashes ranges from tiles. What they are worth is for the caller to see, against a signed root.
 *
 * @throws {@link Fault} as {@link ReadTile}.
 */
export async function hashRanges(
  ranges: readonly Range[],
  { frontier, read, digest }: Tree,
): Promise<readonly Uint8Array[]> {
  const known = new Map(
    perfectRanges({ start: 0, end: frontier.size }).map(({ end }, i) => [end, frontier.roots[i]]),
  );
  const parts = ranges.map(perfectRanges);
  const isKnown = ({ start, end }: Range): boolean => known.has(end) && (start === 0 || known.has(start));
  const tiles = await Promise.all(tilesFor(parts.flat().filter((part) => !isKnown(part))).map(read));
  const tileAt = ({ level, position }: TilePlace): Tile =>
    found(tiles.find((tile) => tile.level === level && tile.position === position));
  return parts.map((perfect) =>
    perfect
      .map((part) => (isKnown(part) ? found(known.get(part.end)) : perfectHash(part, tileAt, digest)))
      .reduceRight((right, left) => nodeHash(left, right, digest)),
  );
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Fault("internal/invariant", "a range needs a hash that was not read");
  return value;
}
