/** A log in files, as a web server would have them: a map from names to bytes. */
import { utf8 } from "../../src/base/bytes.ts";
import { encodeEntry, type LedgerEntry } from "../../src/ledger/entry.ts";
import { CHECKPOINT_FILE, encodeBundle, tileFile } from "../../src/ledger/log-files.ts";
import { leafHash } from "../../src/ledger/merkle.ts";
import type { ReadLogFile } from "../../src/ledger/published-log.ts";
import { grownTiles, TILE_WIDTH, widthOf } from "../../src/ledger/tiles.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { noteOver } from "./exports.ts";

export type Files = ReadonlyMap<string, Uint8Array>;

/** The files of the log of these entries. */
export async function filesOf(entries: readonly LedgerEntry[]): Promise<Files> {
  const leaves = entries.map(encodeEntry);
  const { digest } = nodePrimitives;
  const hashes = leaves.map((leaf) => leafHash(leaf, digest));
  const files = new Map([[CHECKPOINT_FILE, utf8(await noteOver(entries))]]);
  for (const tile of grownTiles({ size: 0, edge: [] }, hashes, digest)) {
    files.set(tileFile({ ...tile, width: widthOf(tile) }), tile.hashes);
  }
  for (let position = 0; position * TILE_WIDTH < leaves.length; position += 1) {
    const bundle = leaves.slice(position * TILE_WIDTH, (position + 1) * TILE_WIDTH);
    files.set(tileFile({ level: "entries", position, width: bundle.length }), encodeBundle(bundle));
  }
  return files;
}

/** Reads them, and counts what was read. */
export function readerOf(files: Files): ReadLogFile & { readonly names: string[] } {
  const names: string[] = [];
  const read: ReadLogFile = async (name) => {
    names.push(name);
    return files.get(name)?.slice();
  };
  return Object.assign(read, { names });
}
