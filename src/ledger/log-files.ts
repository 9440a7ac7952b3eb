/** Which files is a log, where any web server may serve it? Those of C2SP tlog-tiles: `checkpoint`, tiles of hashes, bundles of entries. */
import { concatBytes, u16be } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { HASH_SIZE } from "./merkle.ts";
import { type NamedTile, tilePath } from "./tile-path.ts";
import { TILE_WIDTH, type Tile, type TileNeed, widthIn } from "./tiles.ts";

/** The signed note of the head. */
export const CHECKPOINT_FILE = "checkpoint";

export const MAX_NOTE_BYTES = 65_536;

/** No bundle is longer: 256 entries, each behind its length. */
export const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 0xffff);

export function tileFile(tile: NamedTile): string {
  return `tile/${tilePath(tile)}`;
}

/** Entries one after the other, each behind its length in two bytes. @throws {@link Fault} `internal/invariant`. */
export function encodeBundle(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.some((leaf) => leaf.length > 0xffff)) {
    throw new Fault("internal/invariant", "an entry in a bundle has at most 65535 bytes");
  }
  return concatBytes(...leaves.flatMap((leaf) => [u16be(leaf.length), leaf]));
}

/** Reads what {@link encodeBundle} writes, of exactly so many entries. @throws {@link Fault} `ledger/inconsistent`. */
export function parseBundle(bytes: Uint8Array, need: Omit<TileNeed, "level">): readonly Uint8Array[] {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < bytes.length && leaves.length <= need.width; ) {
    const end = at + 2 + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    if (end > bytes.length) throw noBundle(need);
    leaves.push(bytes.slice(at + 2, end));
    at = end;
  }
  if (leaves.length === need.width) return leaves;
  throw noBundle(need);
}

/** Reads a tile of exactly so many hashes. @throws {@link Fault} `ledger/inconsistent`. */
export function parseTile(bytes: Uint8Array, { level, position, width }: TileNeed): Tile {
  if (bytes.length === width * HASH_SIZE) return { level, position, hashes: bytes };
  const sentence = `expected tile ${position} of level ${level} with ${width} hashes`;
  throw new Fault("ledger/inconsistent", sentence, { level, position, place: `tile ${level}/${position}` });
}

/** The files in which a tree of this size has its entries, in order. */
export function* bundlesOf(size: number): Generator<Omit<TileNeed, "level">, void, undefined> {
  for (let position = 0; position * TILE_WIDTH < size; position += 1) {
    yield { position, width: widthIn(size, { level: 0, position }) };
  }
}

function noBundle({ position, width }: Omit<TileNeed, "level">): Fault {
  const entry = position * TILE_WIDTH;
  const sentence = `expected a bundle of ${width} entries from entry ${entry} on`;
  return new Fault("ledger/inconsistent", sentence, { entry, place: `bundle ${position}` });
}
