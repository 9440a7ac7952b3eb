/** How does a database become a stream of text, and a stream a database? A line of tables, then rows in order, then their count. */
import { sql } from "drizzle-orm/sql/sql";
import { getTableName } from "drizzle-orm/table";
import { base64UrlOf, parseBase64Url } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { beginWriting } from "./copy.ts";
import {
  cellOf,
  insertInto,
  type Query,
  query,
  type Readable,
  type SqlDriver,
  type SqlValue,
} from "./query.ts";
import { type Columns, columnsOf, rowsOf } from "./rows.ts";
import { importKey, kbsSession, nonceEpoch, nonceSpend, tokenKey } from "./schema-sqlite.ts";
import { KEPT_TABLES, type KeptTable } from "./tables.ts";

/** Pieces are about as large, in characters. */
const PIECE = 1 << 18;

/** What of the schema a dump was made with: another one is not read. */
export function schemaText(): string {
  const tables = KEPT_TABLES.map((kept) => [
    getTableName(kept.table),
    columnsOf(kept).map(([, { name }]) => name),
  ]);
  return canonicalJson(tables);
}

/** Every row that is kept, as pieces of text; the last one says how many there were. */
export async function* dump(from: Readable): AsyncGenerator<string, void, undefined> {
  let count = 0;
  for (const [index, kept] of KEPT_TABLES.entries()) {
    const columns = columnsOf(kept);
    let lines: string[] = [];
    let size = 0;
    for await (const row of rowsOf(kept, from)) {
      const line = JSON.stringify([index, ...columns.map(([, column]) => written(cellOf(row, column)))]);
      lines.push(line);
      size += line.length;
      count += 1;
      if (size < PIECE) continue;
      yield lines.join("\n");
      lines = [];
      size = 0;
    }
    if (lines.length > 0) yield lines.join("\n");
  }
  yield JSON.stringify({ rows: count });
}

type Cell = string | number | { readonly b: string };

function written(value: SqlValue): Cell {
  return value instanceof Uint8Array ? { b: base64UrlOf(value) } : value;
}

/**
 * Puts a dump into an empty database, which is marked as unfinished and stays so. What let earlier nonces and tokens count is
 * left out: the broker makes both anew.
 *
 * @returns How many rows were read.
 * @throws {@link Fault} `store/incompatible` for a database that has rows; `store/malformed-backup` for what is no whole dump.
 */
export async function load(pieces: AsyncIterable<string>, to: SqlDriver): Promise<number> {
  await beginWriting(to, "restore");
  const tables = KEPT_TABLES.map((kept) => ({ kept, columns: columnsOf(kept), put: insertion(kept) }));
  let count = 0;
  let said: number | undefined;
  for await (const piece of pieces) {
    const rows = piece.split("\n").map(parsed);
    const [first] = rows;
    if (first !== undefined && "rows" in first) {
      said = first.rows;
      continue;
    }
    const statements = rows.flatMap((row) => {
      if (!Array.isArray(row)) throw malformed();
      const table = tables[Number(row[0])];
      if (table === undefined || row.length !== table.columns.length + 1) throw malformed();
      return NEVER_RESTORED.has(table.kept.table) ? [] : [table.put(valuesIn(row.slice(1), table.columns))];
    });
    if (statements.length > 0) await to.write(statements); // in order: rows refer to those before
    count += rows.length;
  }
  if (said !== count) throw malformed();
  return count;
}

/**
 * Secrets of nonces, keys of tokens, sessions with their tokens and keys for imports: with them, what was spent or revoked since would count again. Without those secrets
 * no nonce of before opens, so that nobody needs to know which of them were spent.
 */
const NEVER_RESTORED: ReadonlySet<KeptTable["table"]> = new Set([
  nonceEpoch,
  nonceSpend,
  tokenKey,
  importKey,
  kbsSession,
]);

function insertion({ table }: KeptTable): Query {
  return query(sql`${insertInto(table)}`);
}

function parsed(line: string): readonly unknown[] | { readonly rows: number } {
  const value = jsonOf(line);
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && value !== null && "rows" in value && typeof value.rows === "number") {
    return { rows: value.rows };
  }
  throw malformed();
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw malformed();
  }
}

function valuesIn(cells: readonly unknown[], columns: Columns) {
  return Object.fromEntries(columns.map(([name], i) => [name, cellValueOf(cells[i])]));
}

function cellValueOf(cell: unknown): SqlValue {
  if (typeof cell === "string" || typeof cell === "number") return cell;
  const text = typeof cell === "object" && cell !== null ? Reflect.get(cell, "b") : undefined;
  const bytes = typeof text === "string" ? parseBase64Url(text) : undefined;
  if (bytes === undefined) throw malformed();
  return bytes;
}

function malformed(): Fault {
  return new Fault("store/malformed-backup", "expected a whole backup of this version's tables");
}
