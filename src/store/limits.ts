/** How much may one call ask of a store? What is more is a bug of the caller, and is refused before any row is written. */
import { Fault } from "../base/fault.ts";
import { MAX_GROUP } from "../broker/group-commit.ts";
import type { ShadowDifference } from "../broker/shadow-store.ts";
import type { DecisionCommit } from "../broker/store.ts";
import { HASH_SIZE } from "../ledger/merkle.ts";
import { TILE_WIDTH, type Tile } from "../ledger/tiles.ts";

/** Refuses a group that is too large, and a window that is no time at all. */
export function refuseLargeGroup(group: readonly DecisionCommit[]): void {
  if (group.length > MAX_GROUP) {
    throw new Fault("internal/invariant", "expected at most 64 commits in a group", {
      received: group.length,
    });
  }
  for (const { items } of group) {
    for (const { windowSeconds } of items.flatMap((item) => item.uses)) {
      if (windowSeconds !== undefined && !(Number.isSafeInteger(windowSeconds) && windowSeconds > 0)) {
        throw new Fault("internal/invariant", "a counter's window is a positive whole number of seconds");
      }
    }
  }
}

/** Refuses a frontier that is not made of whole hashes: it could not be cut apart again. */
export function refuseOddHashes(frontier: readonly Uint8Array[]): void {
  if (frontier.some((hash) => hash.length !== HASH_SIZE)) {
    throw new Fault("internal/invariant", "expected hashes of 32 bytes in a frontier");
  }
}

/** Refuses a tile that is not made of 1 to 256 whole hashes, or more tiles than one batch is to write. */
export function refuseOddTiles(tiles: readonly Tile[]): void {
  const isOdd = ({ hashes: { length } }: Tile): boolean =>
    length === 0 || length % HASH_SIZE !== 0 || length > TILE_WIDTH * HASH_SIZE;
  if (tiles.length > MAX_TILES || tiles.some(isOdd)) {
    throw new Fault("internal/invariant", `expected at most ${MAX_TILES} tiles of 1 to 256 hashes`, {
      received: tiles.length,
    });
  }
}

/** D1 counts each statement of a batch against what one invocation may ask. */
const MAX_TILES = 40;

/** Refuses more rows than one batch is to write, and rows that do not follow one another. */
export function refuseManyDifferences(rows: readonly Pick<ShadowDifference, "seq">[]): void {
  const first = rows[0]?.seq ?? 0;
  if (rows.length > MAX_DIFFERENCES || rows.some(({ seq }, i) => seq !== first + i)) {
    throw new Fault("internal/invariant", `expected at most ${MAX_DIFFERENCES} rows without gaps`, {
      received: rows.length,
    });
  }
}

const MAX_DIFFERENCES = 32;
