/** How does a statement look before it meets a driver? Text once, values each time; what comes back is read with care. */
import { CasingCache } from "drizzle-orm/casing";
import type { Column } from "drizzle-orm/column";
import { is } from "drizzle-orm/entity";
import { Placeholder, type SQL, sql } from "drizzle-orm/sql/sql";
import type { Table } from "drizzle-orm/table";
import { getTableColumns } from "drizzle-orm/utils";
import { Fault } from "../base/fault.ts";
import { type Instant, instant } from "../base/time.ts";

export type SqlValue = string | number | Uint8Array;
export type SqlValues = Readonly<Record<string, SqlValue>>;
export type Row = Readonly<Record<string, unknown>>;

/** A statement with its values in the order of its `?`. The text is one of a closed set: drivers prepare each once. */
export interface Statement {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

/** What a database must be able to do: no interactive transaction, since D1 has none. */
export interface SqlDriver {
  /** Runs one statement that changes nothing. */
  readonly read: (statement: Statement) => Promise<readonly Row[]>;
  /** Runs the statements in order in one durable transaction, or none of them; answers the rows of each. */
  readonly write: (batch: readonly Statement[]) => Promise<readonly (readonly Row[])[]>;
  readonly close: () => Promise<void>;
}

/** Where rows are read. */
export type Readable = Pick<SqlDriver, "read">;

/** A database that can be read as it was at one moment, while others write. */
export interface SnapshotDriver extends SqlDriver {
  /** What `from` reads until `work` ends is one state of the database. */
  readonly snapshot: <T>(work: (from: Readable) => Promise<T>) => Promise<T>;
}

/** Makes a statement of values by name. */
export type Query = (values: SqlValues) => Statement;

/** What drizzle's SQLite dialect says, without the half second that loading all of it takes. */
const DIALECT = {
  casing: new CasingCache(),
  escapeName: (name: string) => `"${name}"`,
  escapeParam: () => "?",
  escapeString: (text: string) => `'${text}'`,
};

/** Renders a template once; its placeholders are filled by name. */
export function query(template: SQL): Query {
  const { sql: text, params } = template.toQuery(DIALECT);
  const names = params.map((param) => {
    if (!is(param, Placeholder)) throw new Fault("internal/invariant", "statements hold no literal values");
    return String(param.name);
  });
  return (values) => ({ text, params: names.map((name) => namedValue(values, name)) });
}

function namedValue(values: SqlValues, name: string): SqlValue {
  const value = values[name];
  if (value === undefined) throw new Fault("internal/invariant", "a statement lacks a value", { name });
  return value;
}

/** A value to come, by name. */
export function given(name: string): Placeholder {
  return sql.placeholder(name);
}

/** The bare name of a column: `insert` and `set` take no table before it. */
export function nameOf(column: Column): SQL {
  return sql`${sql.identifier(column.name)}`;
}

type Columns<T extends Table> = T["_"]["columns"];
type Filling<T extends Table> = { readonly [K in keyof Columns<T>]?: SQL };

/**
 * `insert into t (…) select …`: a column takes what `filling` says, else the value given under its name. The select
 * may get a `where`; SQLite needs one before `on conflict`.
 */
export function insertInto<T extends Table>(table: T, filling: Filling<T> = {}): SQL {
  const columns = Object.entries(getTableColumns(table));
  const fillings: Readonly<Record<string, SQL | undefined>> = filling;
  const names = columns.map(([, column]) => nameOf(column));
  const values = columns.map(([key]) => fillings[key] ?? sql`${given(key)}`);
  return sql`insert into ${table} (${sql.join(names, sql`, `)}) select ${sql.join(values, sql`, `)}`;
}

// ── reading rows ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Reads a text column. */
export function textOf(row: Row, column: Column): string {
  const value = row[column.name];
  return typeof value === "string" ? value : refuse(column);
}

/** Reads an integer column. */
export function integerOf(row: Row, column: Column): number {
  const value = row[column.name];
  return typeof value === "number" && Number.isSafeInteger(value) ? value : refuse(column);
}

const LAST_SECOND = 253_402_300_799; // 9999-12-31T23:59:59Z

/** Reads a column of Unix seconds. */
export function instantOf(row: Row, column: Column): Instant {
  const seconds = integerOf(row, column);
  return seconds >= 0 && seconds <= LAST_SECOND ? instant(seconds) : refuse(column);
}

/** Reads a blob as a copy of plain bytes, whatever the driver calls it. */
export function bytesOf(row: Row, column: Column): Uint8Array {
  const value = row[column.name];
  return value instanceof Uint8Array ? Uint8Array.from(value) : refuse(column);
}

/** Reads a text column that holds one word of a closed set. */
export function wordOf<Word extends string>(row: Row, column: Column, words: readonly Word[]): Word {
  const value = row[column.name];
  return words.find((word) => word === value) ?? refuse(column);
}

/** Reads whatever a column of ours may hold. */
export function cellOf(row: Row, column: Column): SqlValue {
  const value = row[column.name];
  const isOurs = typeof value === "string" || typeof value === "number" || value instanceof Uint8Array;
  return isOurs ? value : refuse(column);
}

function refuse(column: Column): never {
  throw new Fault("store/incompatible", "the database holds a value that this version does not know", {
    column: column.name,
  });
}
