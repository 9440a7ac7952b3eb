/** How is a PostgreSQL database reached, and what is refused when one is opened? */
import { join } from "node:path";
import { getTableName } from "drizzle-orm/table";
import { getTableColumns } from "drizzle-orm/utils";
import postgres, { type ISql } from "postgres";
import { Fault } from "../base/fault.ts";
import { storeFault } from "./errors.ts";
import { checkedVersion, type Migration, readMigrations } from "./migrations.ts";
import * as findings from "./schema-findings.ts";
import * as governance from "./schema-governance.ts";
import * as schema from "./schema-sqlite.ts";

export interface PostgresOptions {
  /** Where the server is, a socket's folder included. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly role: string;
  readonly password?: string;
  /** Without it the connection is not encrypted; certificate authorities as PEM, or those of the system. */
  readonly tls?: { readonly authorities: string | undefined };
  /** `migrate` makes the tables that are missing; `existing` refuses a database that lacks any. */
  readonly mode: "migrate" | "existing";
  /** Default: `migrations/postgres` of this project. */
  readonly migrationsFolder?: string;
}

export type Sql = postgres.Sql<{ whole: number }>;
/** A connection, or a transaction on one. */
export type Asked = ISql<{ whole: number }>;

const FOLDER = join(import.meta.dirname, "../../migrations/postgres");

/**
 * Connects, and looks at the schema before anything is asked.
 *
 * @throws {@link Fault} `store/unavailable` where the server cannot be reached or written, `store/incompatible` where the
 * database is none of ours, an older or a newer one.
 */
export async function openPostgres(options: PostgresOptions): Promise<Sql> {
  const migrations = readMigrations(options.migrationsFolder ?? FOLDER);
  const sql = connect(options);
  try {
    if (options.mode === "migrate") await migrate(sql, migrations);
    await refuseOtherSchema(sql, migrations);
    await sql.unsafe(WRITE_NOTHING);
    return sql;
  } catch (thrown) {
    await sql.end({ timeout: 1 });
    throw storeFault(thrown);
  }
}

const CONNECTIONS = 8;
const CONNECT_SECONDS = 5;

/**
 * A broker that stops in the middle gives its turn back to the others; an answer follows the server's fsync whatever the
 * server's own default is.
 */
const SESSION = {
  application_name: "ostiary",
  statement_timeout: 10_000,
  idle_in_transaction_session_timeout: 10_000,
  synchronous_commit: "on",
  client_min_messages: "error",
};

/** Whole numbers below 2^53; sums of them come as `numeric`. */
const WHOLE = { to: 20, from: [20, 1700], serialize: String, parse: Number };

/** Connections are made when they are needed. */
export function connect({ host, port, database, role, password, tls }: PostgresOptions): Sql {
  return postgres({
    host,
    port,
    database,
    username: role,
    password: password ?? "",
    ssl: tls === undefined ? false : { ca: tls.authorities, rejectUnauthorized: true, minVersion: "TLSv1.2" },
    max: CONNECTIONS,
    connect_timeout: CONNECT_SECONDS,
    backoff: () => 0.05,
    fetch_types: false,
    onnotice: () => undefined,
    types: { whole: WHOLE },
    connection: SESSION,
  });
}

/** Refused by a standby, a read-only database and a role that may only read, and changes nothing elsewhere. */
const WRITE_NOTHING = "update meta set value = value where false";

// ── the schema ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function refuseOtherSchema(sql: Sql, migrations: readonly Migration[]): Promise<void> {
  const version = await versionOf(sql, migrations);
  if (version === 0) {
    throw new Fault(
      "store/incompatible",
      "the database holds no tables of Ostiary; `ostiary store migrate` makes them",
    );
  }
  if (version < migrations.length) {
    throw new Fault(
      "store/incompatible",
      "an older Ostiary made these tables; `ostiary store migrate` brings them up to date",
      {
        expected: migrations.length,
        received: version,
      },
    );
  }
  const [missing] = await missingColumns(sql);
  if (missing !== undefined) {
    throw new Fault("store/incompatible", "the database lacks a column of its schema; restore a backup", {
      column: missing,
    });
  }
}

const TYPES: Readonly<Record<string, string>> = { integer: "bigint", text: "text", blob: "bytea" };

/** Columns that statements name and that the database lacks, or has of another type. */
async function missingColumns(sql: Asked): Promise<readonly string[]> {
  const rows = await sql.unsafe<{ column: string }[]>(`
    select table_name || '.' || column_name || ' ' || data_type as column from information_schema.columns
    where table_schema = current_schema()`);
  const found = new Set(rows.map(({ column }) => column));
  return expectedColumns().filter((column) => !found.has(column));
}

/** `table.column type` in the words of PostgreSQL. */
export function expectedColumns(): readonly string[] {
  const tables = [...Object.values(schema), ...Object.values(findings), ...Object.values(governance)];
  return tables.flatMap((table) =>
    Object.values(getTableColumns(table)).map(
      (column) => `${getTableName(table)}.${column.name} ${TYPES[column.getSQLType()] ?? "unknown"}`,
    ),
  );
}

/** All missing steps in one transaction; a second broker waits, and then finds nothing to do. */
async function migrate(sql: Sql, migrations: readonly Migration[]): Promise<void> {
  await sql.begin("isolation level read committed read write", async (transaction) => {
    await transaction.unsafe("select pg_advisory_xact_lock(x'6f737469617279'::bigint)");
    const version = await versionOf(transaction, migrations);
    for (const step of migrations.slice(version)) {
      await transaction.unsafe(step.sql);
      await transaction.unsafe("insert into schema_migration (version, name, sha256) values ($1, $2, $3)", [
        step.version,
        step.name,
        step.sha256,
      ]);
    }
  });
}

interface AppliedStep {
  readonly version: number;
  readonly sha256: string;
}

async function versionOf(sql: Asked, migrations: readonly Migration[]): Promise<number> {
  const [known] = await sql.unsafe<{ name: string | null }[]>(
    "select to_regclass('schema_migration')::text as name",
  );
  if ((known?.name ?? null) === null) return 0;
  const applied = await sql.unsafe<AppliedStep[]>(
    "select version, sha256 from schema_migration order by version",
  );
  return checkedVersion(applied, migrations);
}
