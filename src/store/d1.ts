/** How does the Store reach Cloudflare D1? Each write is one `batch`, which D1 makes durable whole or not at all. */
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { storeFault } from "./errors.ts";
import type { Readable, Row, SqlDriver, SqlValue, Statement } from "./query.ts";

/** What this driver uses of D1's binding, as Cloudflare's documentation of its Worker API has it. */
export interface D1 {
  readonly prepare: (text: string) => D1Statement;
  readonly batch: (statements: D1Statement[]) => Promise<readonly D1Result[]>;
}

interface D1Statement {
  readonly bind: (...values: unknown[]) => D1Statement;
  readonly all: () => Promise<D1Result>;
}

interface D1Result {
  readonly results?: readonly Row[];
}

/**
 * The steps that `wrangler d1 migrations apply` has recorded, by their files' names. It knows no more of a step than its
 * name; a test holds this list to the folder `migrations/sqlite`.
 */
export const D1_STEPS: readonly string[] = [
  "0001-first.sql",
  "0002-attempts-by-second.sql",
  "0003-tokens.sql",
  "0004-secret-bindings.sql",
  "0005-secret-life.sql",
  "0006-secret-readers.sql",
  "0007-ledger-tiles.sql",
  "0008-secret-leases.sql",
  "0009-import-keys.sql",
  "0010-findings.sql",
  "0011-shadow.sql",
  "0012-governance.sql",
  "0013-fleet.sql",
  "0014-request-approvals.sql",
  "0015-kbs-sessions.sql",
  "0016-advisory.sql",
];

/** The largest row and the longest string or blob that D1 takes (its documentation of limits, October 2026). */
const MAX_ROW_BYTES = 2_000_000;

/** A driver over a binding. Nothing is tried twice: after a lost connection nobody knows what D1 has kept. */
export function createD1Driver(database: D1): SqlDriver {
  const bound = (statement: Statement): D1Statement => {
    refuseLargeRow(statement);
    return database.prepare(statement.text).bind(...statement.params);
  };
  return {
    read: (statement) => guarded(async () => rowsOf(await bound(statement).all())),
    write: (batch) =>
      batch.length === 0
        ? Promise.resolve([])
        : guarded(async () => (await database.batch(batch.map(bound))).map(rowsOf)),
    close: async () => undefined,
  };
}

/**
 * Refuses a database whose tables are not those of this version.
 *
 * @throws {@link Fault} `store/incompatible`, `store/unavailable`.
 */
export async function refuseOtherSchema(driver: Readable): Promise<void> {
  const [known] = await driver.read({
    text: "select name from sqlite_schema where type = 'table' and name = 'd1_migrations'",
    params: [],
  });
  const rows = known === undefined ? [] : await driver.read({ text: STEPS_OF, params: [] });
  const steps = rows.map(({ name }) => name);
  const isOurs = steps.every((name, i) => i >= D1_STEPS.length || name === D1_STEPS[i]);
  if (isOurs && steps.length === D1_STEPS.length) return;
  const detail = { expected: D1_STEPS.length, received: steps.length };
  if (!isOurs) {
    throw new Fault("store/incompatible", "other migrations than these made this database", detail);
  }
  throw steps.length > D1_STEPS.length
    ? new Fault(
        "store/incompatible",
        "a newer Ostiary made this database; run that version or a newer one",
        detail,
      )
    : new Fault(
        "store/incompatible",
        "the database lacks tables of this version; run `wrangler d1 migrations apply`",
        detail,
      );
}

/** Said before anything is sent: what D1 itself says of it differs from edition to edition. */
function refuseLargeRow({ params }: Statement): void {
  const size = params.reduce((sum: number, value) => sum + sizeOf(value), 0);
  if (size <= MAX_ROW_BYTES) return;
  throw new Fault("store/unavailable", "D1 takes no row of more than 2 MB", {
    expected: MAX_ROW_BYTES,
    received: size,
  });
}

function sizeOf(value: SqlValue): number {
  if (typeof value === "number") return 8;
  if (typeof value !== "string") return value.length;
  return value.length <= MAX_ROW_BYTES / 3 ? value.length : utf8(value).length;
}

const STEPS_OF = "select name from d1_migrations order by id";

function rowsOf({ results = [] }: D1Result): readonly Row[] {
  return results.map(withBytes);
}

/** D1 answers a blob as an array of its bytes. */
function withBytes(row: Row): Row {
  if (!Object.values(row).some(Array.isArray)) return row;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, Array.isArray(value) ? Uint8Array.from(value) : value]),
  );
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storeFault({ code: codeOf(thrown) });
  }
}

/** D1 has no codes of its own: SQLite's stands at the end of a message that may quote values, and goes no further. */
function codeOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : "";
  return (
    /\bSQLITE_[A-Z]{2,20}\b/.exec(message)?.[0] ??
    (/overloaded/i.test(message) ? "D1_OVERLOADED" : "D1_ERROR")
  );
}
