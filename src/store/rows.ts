/** How are all rows of a table read, page after page, whatever the database? In the order of its key, each as plain values. */
import type { Column } from "drizzle-orm/column";
import { sql } from "drizzle-orm/sql/sql";
import { getTableColumns } from "drizzle-orm/utils";
import { UNFINISHED } from "../broker/store.ts";
import { cellOf, given, nameOf, query, type Readable, type Row, type SqlValues } from "./query.ts";
import { meta } from "./schema-sqlite.ts";
import type { KeptTable } from "./tables.ts";

export type Columns = readonly (readonly [name: string, column: Column])[];

const PAGE = 500;

export function columnsOf({ table }: KeptTable): Columns {
  return Object.entries(getTableColumns(table));
}

/** Every row but the mark of a database that is being written. */
export async function* rowsOf(kept: KeptTable, from: Readable): AsyncGenerator<Row, void, undefined> {
  for await (const page of pagesOf(kept, from)) {
    yield* page.filter((row) => kept.table !== meta || row["name"] !== UNFINISHED);
  }
}

export async function* pagesOf(
  { table, key }: KeptTable,
  from: Readable,
): AsyncGenerator<readonly Row[], void> {
  const all = sql.join(Object.values(getTableColumns(table)).map(nameOf), sql`, `);
  const names = sql.join(key.map(nameOf), sql`, `);
  const places = sql.join(
    key.map((column) => given(column.name)),
    sql`, `,
  );
  const order = sql`order by ${names} limit ${given("limit")}`;
  const first = query(sql`select ${all} from ${table} ${order}`);
  const next = query(sql`select ${all} from ${table} where (${names}) > (${places}) ${order}`);
  let page = await from.read(first({ limit: PAGE }));
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    yield page;
    page = await from.read(next({ ...placeOf(key, last), limit: PAGE }));
  }
}

function placeOf(key: KeptTable["key"], row: Row): SqlValues {
  return Object.fromEntries(key.map((column) => [column.name, cellOf(row, column)]));
}

/** By the names that statements give them. */
export function valuesOf(columns: Columns, row: Row): SqlValues {
  return Object.fromEntries(columns.map(([name, column]) => [name, cellOf(row, column)]));
}
