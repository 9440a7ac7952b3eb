/** How does a broker move to another database? Row by row into an empty one, compared afterwards, and of no use until it is whole. */
import { sql } from "drizzle-orm/sql/sql";
import { getTableName } from "drizzle-orm/table";
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { UNFINISHED } from "../broker/store.ts";
import { cellOf, given, insertInto, query, type Row, type SqlDriver } from "./query.ts";
import { type Columns, columnsOf, pagesOf, rowsOf, valuesOf } from "./rows.ts";
import { meta } from "./schema-sqlite.ts";
import { KEPT_TABLES, type KeptTable } from "./tables.ts";

/**
 * Copies everything. Until the last row was compared the new database is marked, and no broker starts on it.
 *
 * @param to - An empty database with the same tables.
 * @returns How many rows.
 * @throws {@link Fault} `store/incompatible` where `to` is not empty, or `from` changed meanwhile; `store/unavailable`.
 */
export async function copyStore(from: SqlDriver, to: SqlDriver): Promise<number> {
  await beginWriting(to, "copy");
  for (const kept of KEPT_TABLES) await copyTable(kept, from, to); // one after the other, here and below: so the order holds
  let rows = 0;
  for (const kept of KEPT_TABLES) rows += await compareTable(kept, from, to);
  await endWriting(to);
  return rows;
}

/** Refuses a database with rows, and marks it: no broker starts on it until {@link endWriting}. @throws {@link Fault} `store/incompatible`. */
export async function beginWriting(to: SqlDriver, what: "copy" | "restore"): Promise<void> {
  for (const kept of KEPT_TABLES) await refuseRows(kept, to); // in order
  await to.write([PUT_META({ name: UNFINISHED, value: what })]);
}

export async function endWriting(to: SqlDriver): Promise<void> {
  await to.write([REMOVE_META({ name: UNFINISHED })]);
}

const PUT_META = query(sql`${insertInto(meta)}`);
const REMOVE_META = query(sql`delete from ${meta} where ${meta.name} = ${given("name")}`);

async function refuseRows(kept: KeptTable, to: SqlDriver): Promise<void> {
  if ((await pagesOf(kept, to).next()).done === true) return;
  throw new Fault("store/incompatible", "expected an empty database to write to, it has rows", {
    table: getTableName(kept.table),
  });
}

async function copyTable(kept: KeptTable, from: SqlDriver, to: SqlDriver): Promise<void> {
  const columns = columnsOf(kept);
  const insert = query(sql`${insertInto(kept.table)}`);
  for await (const page of pagesOf(kept, from)) {
    await to.write(page.map((row) => insert(valuesOf(columns, row))));
  }
}

async function compareTable(kept: KeptTable, from: SqlDriver, to: SqlDriver): Promise<number> {
  const columns = columnsOf(kept);
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

function textOf(columns: Columns, row: Row): string {
  return JSON.stringify(
    columns.map(([, column]) => {
      const value = cellOf(row, column);
      return value instanceof Uint8Array ? hexOf(value) : value;
    }),
  );
}
