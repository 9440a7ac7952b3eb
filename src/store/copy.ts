/** How does a broker move to another database? Row by row into an empty one, compared afterwards, and of no use until it is whole. */
import type { Column } from "drizzle-orm/column";
import { sql } from "drizzle-orm/sql/sql";
import { getTableName } from "drizzle-orm/table";
import { getTableColumns } from "drizzle-orm/utils";
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { UNFINISHED } from "../broker/store.ts";
import {
  cellOf,
  given,
  insertInto,
  nameOf,
  query,
  type Row,
  type SqlDriver,
  type SqlValues,
} from "./query.ts";
import { meta } from "./schema-sqlite.ts";
import { KEPT_TABLES, type KeptTable } from "./tables.ts";

const PAGE = 500;

/**
 * Copies everything. Until the last row was compared the new database is marked, and no broker starts on it.
 *
 * @param to - An empty database with the same tables.
 * @returns How many rows.
 * @throws {@link Fault} `store/incompatible` where `to` is not empty, or `from` changed meanwhile; `store/unavailable`.
 */
export async function copyStore(from: SqlDriver, to: SqlDriver): Promise<number> {
  for (const kept of KEPT_TABLES) await refuseRows(kept, to); // one after the other, here and below: so the order holds
  await to.write([PUT_META({ name: UNFINISHED, value: "copy" })]);
  for (const kept of KEPT_TABLES) await copyTable(kept, from, to);
  let rows = 0;
  for (const kept of KEPT_TABLES) rows += await compareTable(kept, from, to);
  await to.write([REMOVE_META({ name: UNFINISHED })]);
  return rows;
}

const PUT_META = query(sql`${insertInto(meta)}`);
const REMOVE_META = query(sql`delete from ${meta} where ${meta.name} = ${given("name")}`);

async function refuseRows(kept: KeptTable, to: SqlDriver): Promise<void> {
  if ((await pagesOf(kept, to).next()).done === true) return;
  throw new Fault("store/incompatible", "expected an empty database to copy to, it has rows", {
    table: getTableName(kept.table),
  });
}

async function copyTable(kept: KeptTable, from: SqlDriver, to: SqlDriver): Promise<void> {
  const columns = Object.entries(getTableColumns(kept.table));
  const insert = query(sql`${insertInto(kept.table)}`);
  for await (const page of pagesOf(kept, from)) {
    await to.write(page.map((row) => insert(valuesOf(columns, row))));
  }
}

async function compareTable(kept: KeptTable, from: SqlDriver, to: SqlDriver): Promise<number> {
  const columns = Object.entries(getTableColumns(kept.table));
  const copies = rowsOf(kept, to);
  let rows = 0;
  for await (const row of rowsOf(kept, from)) {
    const copy = await copies.next();
    if (copy.done === true || textOf(columns, row) !== textOf(columns, copy.value)) throw changed(kept);
    rows += 1;
  }
  if ((await copies.next()).done !== true) throw changed(kept);
  return rows;
}

function changed({ table }: KeptTable): Fault {
  const sentence =
    "what is copied is not what is there: stop every broker, and begin anew with an empty database";
  return new Fault("store/incompatible", sentence, { table: getTableName(table) });
}

// ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function* rowsOf(kept: KeptTable, driver: SqlDriver): AsyncGenerator<Row, void, undefined> {
  for await (const page of pagesOf(kept, driver)) {
    yield* page.filter((row) => kept.table !== meta || row["name"] !== UNFINISHED);
  }
}

async function* pagesOf({ table, key }: KeptTable, driver: SqlDriver): AsyncGenerator<readonly Row[], void> {
  const all = sql.join(Object.values(getTableColumns(table)).map(nameOf), sql`, `);
  const names = sql.join(key.map(nameOf), sql`, `);
  const places = sql.join(
    key.map((column) => given(column.name)),
    sql`, `,
  );
  const order = sql`order by ${names} limit ${given("limit")}`;
  const first = query(sql`select ${all} from ${table} ${order}`);
  const next = query(sql`select ${all} from ${table} where (${names}) > (${places}) ${order}`);
  let page = await driver.read(first({ limit: PAGE }));
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    yield page;
    page = await driver.read(next({ ...placeOf(key, last), limit: PAGE }));
  }
}

function placeOf(key: KeptTable["key"], row: Row): SqlValues {
  return Object.fromEntries(key.map((column) => [column.name, cellOf(row, column)]));
}

type Columns = readonly (readonly [name: string, column: Column])[];

function valuesOf(columns: Columns, row: Row): SqlValues {
  return Object.fromEntries(columns.map(([name, column]) => [name, cellOf(row, column)]));
}

function textOf(columns: Columns, row: Row): string {
  return JSON.stringify(
    columns.map(([, column]) => {
      const value = cellOf(row, column);
      return value instanceof Uint8Array ? hexOf(value) : value;
    }),
  );
}
