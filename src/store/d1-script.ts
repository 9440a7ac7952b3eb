/** How does a database get into D1, which no driver reaches from here? As a file of SQL that `wrangler d1 execute` carries out. */
import { getTableName } from "drizzle-orm/table";
import { hexOf } from "../base/bytes.ts";
import { UNFINISHED } from "../broker/store.ts";
import { cellOf, type Readable, type Row, type SqlValue } from "./query.ts";
import { columnsOf, rowsOf } from "./rows.ts";
import { KEPT_TABLES, type KeptTable } from "./tables.ts";

/**
 * D1 takes no statement of more than 100 KB (its documentation of limits, October 2026). A row of more characters than this, each
 * of which may be three bytes, has its long values cut into pieces: a row has at most ten values.
 */
const MAX_STATEMENT = 30_000;
/** In characters as they stand in a statement. */
const MAX_LITERAL = 3_000;
const PIECE_BYTES = 12_000;
/** Of text, in code points: an end of line takes the place of fourteen. */
const PIECE_POINTS = 3_000;

/**
 * Every row that is kept, a statement to a line. The first one marks the database as unfinished, and the last one takes the mark
 * away: on what was carried out in part no broker starts, and a database that has rows already refuses the first that is there.
 */
export async function* scriptOf(from: Readable): AsyncGenerator<string, void, undefined> {
  yield `insert into "meta" ("name", "value") values (${literal(UNFINISHED)}, 'copy');`;
  for (const kept of KEPT_TABLES) {
    for await (const row of rowsOf(kept, from)) yield* rowStatements(kept, row);
  }
  yield `delete from "meta" where "name" = ${literal(UNFINISHED)};`;
}

interface Cell {
  readonly name: string;
  readonly value: SqlValue;
}

function rowStatements(kept: KeptTable, row: Row): readonly string[] {
  const table = getTableName(kept.table);
  const cells = columnsOf(kept).map(([, column]) => ({ name: column.name, value: cellOf(row, column) }));
  const keys = new Set(kept.key.map(({ name }) => name));
  const whole = insertOf(table, cells);
  if (whole.length <= MAX_STATEMENT) return [whole];
  const isLong = ({ name, value }: Cell): boolean => !keys.has(name) && literal(value).length > MAX_LITERAL;
  const place = cells
    .filter(({ name }) => keys.has(name))
    .map(({ name, value }) => `"${name}" = ${literal(value)}`)
    .join(" and ");
  const shortened = cells.map((cell) => (isLong(cell) ? { ...cell, value: emptied(cell.value) } : cell));
  const rest = cells
    .filter(isLong)
    .flatMap(({ name, value }) => piecesOf(value).map((piece) => ({ name, piece })));
  return [
    insertOf(table, shortened),
    ...rest.map(
      ({ name, piece }) => `update "${table}" set "${name}" = ${joined(name, piece)} where ${place};`,
    ),
  ];
}

function insertOf(table: string, cells: readonly Cell[]): string {
  const names = cells.map(({ name }) => `"${name}"`).join(", ");
  return `insert into "${table}" (${names}) values (${cells.map(({ value }) => literal(value)).join(", ")});`;
}

/** SQLite joins bytes as text, whatever they are, and a cast gives them back as they were. */
function joined(name: string, piece: SqlValue): string {
  const both = `"${name}" || ${literal(piece)}`;
  return piece instanceof Uint8Array ? `cast(${both} as blob)` : both;
}

function emptied(value: SqlValue): SqlValue {
  return value instanceof Uint8Array ? new Uint8Array(0) : "";
}

function piecesOf(value: SqlValue): readonly SqlValue[] {
  if (typeof value === "number") return [value];
  if (value instanceof Uint8Array) {
    return startsOf(value.length, PIECE_BYTES).map((at) => value.slice(at, at + PIECE_BYTES));
  }
  const points = [...value]; // a pair of surrogates stays whole
  return startsOf(points.length, PIECE_POINTS).map((at) => points.slice(at, at + PIECE_POINTS).join(""));
}

function startsOf(length: number, size: number): readonly number[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => i * size);
}

/** A line holds one statement: ends of lines in text are written as what they are. */
function literal(value: SqlValue): string {
  if (typeof value === "number") return String(value);
  if (value instanceof Uint8Array) return `x'${hexOf(value)}'`;
  const parts = value.split("\n").map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.join("||char(10)||");
}
