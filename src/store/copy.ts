/** How does a broker move to another database? Row by row into an empty one, compared afterwards, and of no use until it is whole. */
import type { Column } from "drizzle-orm/column";
import { sql } from "drizzle-orm/sql/sql";
import { getTableName } from "drizzle-orm/table";
import { getTableColumns } from "drizzle-orm/utils";
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { UNFINISHED } from "../broker/store.ts";
import {
  given,
  insertInto,
  nameOf,
  query,
  type Row,
  type SqlDriver,
  type SqlValue,
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
  if ((await nextRows(kept, undefined, to)).length === 0) return;
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

async function* pagesOf(kept: KeptTable, driver: SqlDriver): AsyncGenerator<readonly Row[], void, undefined> {
  let page = await nextRows(kept, undefined, driver);
  for (; page.length > 0; page = await nextRows(kept, page.at(-1), driver)) yield page;
}

async function nextRows(
  { table, key }: KeptTable,
  after: Row | undefined,
  driver: SqlDriver,
): Promise<readonly Row[]> {
  const all = Object.values(getTableColumns(table)).map(nameOf);
  const names = sql.join(key.map(nameOf), sql`, `);
  const places = sql.join(
    key.map((column) => given(column.name)),
    sql`, `,
  );
  const where = after === undefined ? sql`` : sql`where (${names}) > (${places})`;
  const select = query(
    sql`select ${sql.join(all, sql`, `)} from ${table} ${where} order by ${names} limit ${given("limit")}`,
  );
  const last = after === undefined ? [] : key.map((column) => [column.name, cellOf(column, after)] as const);
  return driver.read(select({ ...Object.fromEntries(last), limit: PAGE }));
}

type Columns = readonly (readonly [name: string, column: Column])[];

function valuesOf(columns: Columns, row: Row): SqlValues {
  return Object.fromEntries(columns.map(([name, column]) => [name, cellOf(column, row)]));
}

function textOf(columns: Columns, row: Row): string {
  return JSON.stringify(
    columns.map(([, column]) => {
      const value = cellOf(column, row);
      return value instanceof Uint8Array ? hexOf(value) : value;
    }),
  );
}

function cellOf(column: Column, row: Row): SqlValue {
  const value = row[column.name];
  if (typeof value === "string" || typeof value === "number" || value instanceof Uint8Array) return value;
  throw new Fault("store/incompatible", "the database holds a value that this version does not know", {
    column: column.name,
  });
}
