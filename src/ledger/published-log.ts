/** Is a log that lies there as files whole? Entries in their places, tiles that are theirs, and a head that is signed over them. */
import { equalBytes, parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import {
  bundlesOf,
  CHECKPOINT_FILE,
  MAX_BUNDLE_BYTES,
  MAX_NOTE_BYTES,
  parseBundle,
  parseTile,
  tileFile,
} from "./log-files.ts";
import { HASH_SIZE } from "./merkle.ts";
import type { NoteKey } from "./note.ts";
import type { ReadTile } from "./tile-ranges.ts";
import {
  type Edge,
  edgeAmong,
  grownTiles,
  TILE_WIDTH,
  type Tile,
  type TileNeed,
  type TilePlace,
  widthIn,
} from "./tiles.ts";
import { type EntryCounts, type SaidLeaf, verifyWholeLog } from "./whole-log.ts";

/**
 * Reads one file of the log by its name, attacker-controlled; `undefined` where it is not there.
 *
 * @throws {@link Fault} `file/unusable`, `broker/unreachable`.
 */
export type ReadLogFile = (name: string, maxBytes: number) => Promise<Uint8Array | undefined>;

/** A log in files, whose head is signed and whose leaves nobody looked at yet. */
export interface PublishedLog {
  readonly note: string;
  readonly checkpoint: Checkpoint;
  readonly tile: ReadTile;
  readonly bundle: (need: Omit<TileNeed, "level">) => Promise<readonly Uint8Array[]>;
}

const MAX_TILE_BYTES = TILE_WIDTH * HASH_SIZE;

/** Opens a log by its head. @throws {@link Fault} `ledger/malformed` for what is no head; `ledger/inconsistent`. */
export async function openPublishedLog(
  read: ReadLogFile,
  key: NoteKey,
  primitives: Primitives,
): Promise<PublishedLog> {
  const bytes = await read(CHECKPOINT_FILE, MAX_NOTE_BYTES);
  const note = bytes && parseUtf8(bytes);
  if (note === undefined)
    throw new Fault("ledger/malformed", "expected a file `checkpoint` with a signed head");
  const checkpoint = await openCheckpoint(note, { origin: key.name, spki: key.spki }, primitives);
  return { note, checkpoint, tile: (need) => tileIn(read, need, checkpoint.size), bundle: bundlesIn(read) };
}

/** As wide as it is under the head: a log that has grown since may have the wider tile only. */
async function tileIn(read: ReadLogFile, place: TilePlace, size: number): Promise<Tile> {
  const need = { level: place.level, position: place.position, width: widthIn(size, place) };
  const name = tileFile(need);
  const bytes = await read(name, MAX_TILE_BYTES);
  if (bytes !== undefined) return parseTile(bytes, need);
  const wider = await read(tileFile({ ...need, width: TILE_WIDTH }), MAX_TILE_BYTES);
  if (wider !== undefined) return parseTile(wider.slice(0, need.width * HASH_SIZE), need);
  throw missing(name);
}

function bundlesIn(read: ReadLogFile): PublishedLog["bundle"] {
  return async (need) => {
    const name = tileFile({ level: "entries", ...need });
    const bytes = await read(name, MAX_BUNDLE_BYTES);
    if (bytes !== undefined) return parseBundle(bytes, need);
    const full = { ...need, width: TILE_WIDTH };
    const wider = await read(tileFile({ level: "entries", ...full }), MAX_BUNDLE_BYTES);
    if (wider === undefined) throw missing(name, need.position * TILE_WIDTH);
    return parseBundle(wider, full).slice(0, need.width);
  };
}

/**
 * Verifies all of it: each leaf in its place, each tile, then size and root. Memory stays flat.
 *
 * @throws {@link Fault} `ledger/inconsistent`, with `place`: the first entry, tile or file that is not what was signed.
 */
export async function verifyPublishedLog(
  log: PublishedLog,
  { digest }: Pick<Primitives, "digest">,
): Promise<EntryCounts> {
  const { checkpoint } = log;
  let wrong: Tile | undefined;
  let edge: Edge = [];
  const leaves = async function* (): AsyncGenerator<SaidLeaf, void, undefined> {
    let size = 0;
    for (const need of bundlesOf(checkpoint.size)) {
      const [bundle, tile] = [await log.bundle(need), await log.tile({ level: 0, ...need })]; // in order
      const hashes: Uint8Array[] = [];
      for (const [i, leaf] of bundle.entries()) {
        const said = tile.hashes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE);
        yield { leaf, isSaid: (hash) => hashes.push(hash) > 0 && equalBytes(hash, said) };
      }
      const grown = grownTiles({ size, edge }, hashes, digest);
      size += hashes.length;
      edge = edgeAmong([...edge, ...grown], size);
      for (const made of grown) wrong ??= await firstWrong(made, log); // in order: the first is named
    }
  };
  const counts = await verifyWholeLog(leaves(), checkpoint, { digest });
  if (wrong === undefined) return counts;
  const { level, position } = wrong;
  const sentence = `tile ${position} of level ${level} is not the one that the entries make`;
  throw new Fault("ledger/inconsistent", sentence, { level, position, place: `tile ${level}/${position}` });
}

/** Tiles of the upper levels grow with each below: each is looked at where it is as wide as it will be. */
async function firstWrong(made: Tile, { tile, checkpoint }: PublishedLog): Promise<Tile | undefined> {
  const width = widthIn(checkpoint.size, made);
  if (made.level === 0 || made.hashes.length < width * HASH_SIZE) return undefined;
  const there = await tile({ level: made.level, position: made.position, width });
  return equalBytes(there.hashes, made.hashes) ? undefined : made;
}

function missing(name: string, entry?: number): Fault {
  const detail = { place: name, ...(entry === undefined ? {} : { entry }) };
  return new Fault("ledger/inconsistent", `expected a file \`${name}\`, there is none`, detail);
}
