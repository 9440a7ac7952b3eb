/** How are the tiles of the log kept without a database? A map by place; of two for one place the wider stays. */
import type { LedgerStore } from "../broker/store.ts";
import { HASH_SIZE } from "../ledger/merkle.ts";
import { TILE_WIDTH, type Tile, type TilePlace } from "../ledger/tiles.ts";
import { refuseOddTiles } from "./limits.ts";

/** The tiles of the memory store. Bytes are copied on their way in and out. */
export function createMemoryTiles(): Pick<LedgerStore, "putTiles" | "tile" | "tiledSize"> {
  const kept = new Map<string, Tile>();
  return {
    putTiles: async (tiles) => {
      refuseOddTiles(tiles);
      for (const tile of tiles) {
        if (tile.hashes.length <= (kept.get(keyOf(tile))?.hashes.length ?? 0)) continue;
        kept.set(keyOf(tile), { ...tile, hashes: tile.hashes.slice() });
      }
    },
    tile: async (place) => {
      const found = kept.get(keyOf(place));
      return found && { ...found, hashes: found.hashes.slice() };
    },
    tiledSize: async () => Math.max(0, ...[...kept.values()].filter(({ level }) => level === 0).map(reachOf)),
  };
}

function keyOf({ level, position }: TilePlace): string {
  return `${level}/${position}`;
}

function reachOf({ position, hashes }: Tile): number {
  return position * TILE_WIDTH + hashes.length / HASH_SIZE;
}
