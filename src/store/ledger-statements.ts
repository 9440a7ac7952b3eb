/** Which statements keep the ledger's entries and its newest head? */
import { type SQL, sql } from "drizzle-orm/sql/sql";
import { concatBytes } from "../base/bytes.ts";
import type { LedgerStore, StoredCheckpoint, StoredEntry } from "../broker/store.ts";
import { HASH_SIZE } from "../ledger/merkle.ts";
import { TILE_WIDTH, type Tile } from "../ledger/tiles.ts";
import { draftOf, draftText } from "./draft-text.ts";
import { refuseOddHashes, refuseOddTiles } from "./limits.ts";
import {
  bytesOf,
  given,
  insertInto,
  integerOf,
  nameOf,
  type Query,
  query,
  type Row,
  type SqlDriver,
  type Statement,
  textOf,
} from "./query.ts";
import { checkpoint, ledgerEntry, ledgerTile } from "./schema-sqlite.ts";

/** The ledger part of the Store contract. */
export function createLedgerStore(driver: SqlDriver): LedgerStore {
  return {
    appendEntry: async (draft) => {
      const [rows] = await driver.write([APPEND({ draft: draftText(draft) })]);
      return rows?.map((row) => integerOf(row, ledgerEntry.seq))[0] ?? 0;
    },
    entries: async (from, limit) =>
      (await driver.read(LIST_ENTRIES({ from, limit: Math.max(0, limit) }))).map(entryOf),
    ledgerSize: async () =>
      (await driver.read(LEDGER_SIZE({}))).map((row) => integerOf(row, checkpoint.size))[0] ?? 0,
    checkpoint: async () => (await driver.read(FIND_CHECKPOINT({}))).map(checkpointOf)[0],
    putCheckpoint: async ({ size, note, frontier, acts = "" }, tiles) => {
      refuseOddHashes(frontier);
      const head = PUT_CHECKPOINT({ size, note, frontier: concatBytes(...frontier), acts });
      await driver.write([...putTiles(tiles), head]);
    },
    putTiles: async (tiles) => void (await driver.write(putTiles(tiles))),
    tile: async (place) => (await driver.read(FIND_TILE({ ...place }))).map(tileOf)[0],
    tiledSize: async () => (await driver.read(LAST_TILE({}))).map(tileOf).map(reachOf)[0] ?? 0,
  };
}

/** The position that the next entry will have. */
export const NEXT_SEQ = sql`(select coalesce(max(${ledgerEntry.seq}) + 1, 0) from ${ledgerEntry})`;

/** Appends an entry that is no decision if `guard` holds; takes `draft`. */
export function appendWhere(guard: SQL): Query {
  return query(sql`
    ${insertInto(ledgerEntry, { seq: NEXT_SEQ, exhausted: sql`''`, isAllOrNothing: sql`0` })}
    where ${guard} returning ${nameOf(ledgerEntry.seq)}`);
}

/** Reads a row of the ledger. */
export function entryOf(row: Row): StoredEntry {
  return {
    seq: integerOf(row, ledgerEntry.seq),
    draft: draftOf(textOf(row, ledgerEntry.draft)),
    exhausted: exhaustedOf(row),
    isAllOrNothing: integerOf(row, ledgerEntry.isAllOrNothing) === 1,
  };
}

/** Reads the indexes of exhausted items: each is written with a comma before it. */
export function exhaustedOf(row: Row): readonly number[] {
  return textOf(row, ledgerEntry.exhausted).split(",").slice(1).map(Number);
}

const APPEND = appendWhere(sql`true`);

const LIST_ENTRIES = query(sql`
  select ${ledgerEntry.seq}, ${ledgerEntry.draft}, ${ledgerEntry.exhausted}, ${ledgerEntry.isAllOrNothing}
  from ${ledgerEntry} where ${ledgerEntry.seq} >= ${given("from")}
  order by ${ledgerEntry.seq} limit ${given("limit")}`);

const LEDGER_SIZE = query(sql`select ${NEXT_SEQ} as ${nameOf(checkpoint.size)}`);

const FIND_CHECKPOINT = query(sql`
  select ${checkpoint.size}, ${checkpoint.note}, ${checkpoint.frontier}, ${checkpoint.acts} from ${checkpoint}`);

const PUT_CHECKPOINT = query(sql`
  ${insertInto(checkpoint, { id: sql`1` })} where true on conflict (${nameOf(checkpoint.id)}) do update
  set ${nameOf(checkpoint.size)} = excluded.size, ${nameOf(checkpoint.note)} = excluded.note,
    ${nameOf(checkpoint.frontier)} = excluded.frontier, ${nameOf(checkpoint.acts)} = excluded.acts
  where excluded.size > ${checkpoint.size}`);

function putTiles(tiles: readonly Tile[]): readonly Statement[] {
  refuseOddTiles(tiles);
  return tiles.map(({ level, position, hashes }) => PUT_TILE({ level, position, hashes }));
}

/** Leaves are only ever added: of two brokers that write one tile, the wider one holds what the other has. */
const PUT_TILE = query(sql`
  ${insertInto(ledgerTile)} where true on conflict (${nameOf(ledgerTile.level)}, ${nameOf(ledgerTile.position)})
  do update set ${nameOf(ledgerTile.hashes)} = excluded.hashes
  where length(excluded.hashes) > length(${ledgerTile.hashes})`);

const TILE_COLUMNS = sql`${ledgerTile.level}, ${ledgerTile.position}, ${ledgerTile.hashes}`;

const FIND_TILE = query(sql`
  select ${TILE_COLUMNS} from ${ledgerTile}
  where ${ledgerTile.level} = ${given("level")} and ${ledgerTile.position} = ${given("position")}`);

const LAST_TILE = query(sql`
  select ${TILE_COLUMNS} from ${ledgerTile} where ${ledgerTile.level} = 0
  order by ${ledgerTile.position} desc limit 1`);

function tileOf(row: Row): Tile {
  return {
    level: integerOf(row, ledgerTile.level),
    position: integerOf(row, ledgerTile.position),
    hashes: bytesOf(row, ledgerTile.hashes),
  };
}

function reachOf({ position, hashes }: Tile): number {
  return position * TILE_WIDTH + hashes.length / HASH_SIZE;
}

function checkpointOf(row: Row): StoredCheckpoint {
  const hashes = bytesOf(row, checkpoint.frontier);
  const acts = textOf(row, checkpoint.acts);
  return {
    ...(acts === "" ? {} : { acts }),
    size: integerOf(row, checkpoint.size),
    note: textOf(row, checkpoint.note),
    frontier: Array.from({ length: hashes.length / HASH_SIZE }, (_, i) =>
      hashes.slice(i * HASH_SIZE, (i + 1) * HASH_SIZE),
    ),
  };
}
