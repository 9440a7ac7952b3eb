/** How does the Store reach PostgreSQL? Writes one after another for all brokers; a lost connection never hides an outcome. */
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../base/fault.ts";
import type { Store } from "../broker/store.ts";
import { isLost, storeFault } from "./errors.ts";
import { type Asked, connect, openPostgres, type PostgresOptions, type Sql } from "./postgres-open.ts";
import type { Readable, Row, SnapshotDriver, Statement } from "./query.ts";
import { createSqlStore } from "./statements.ts";

/**
 * Opens the store that several brokers may share.
 *
 * @throws {@link Fault} `store/unavailable`, `store/incompatible`; nothing is changed then.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  return createSqlStore(await openPostgresDriver(options));
}

/** Opens the database itself. @throws {@link Fault} as {@link openPostgresStore}. */
export async function openPostgresDriver(options: PostgresOptions): Promise<SnapshotDriver> {
  return createPostgresDriver(await openPostgres(options), () => connect(options));
}

/** Pauses after each attempt, in milliseconds: 13 seconds in all, in which a server comes back from a restart. */
const PAUSES = [50, 100, 200, ...Array.from({ length: 25 }, () => 500)] as const;

function createPostgresDriver(first: Sql, renew: () => Sql): SnapshotDriver {
  const pool = createPool(first, renew);
  return {
    read: (statement) => untilReached(pool, (sql) => run(sql, statement)),
    write: (batch) => write(pool, batch),
    close: () => pool.current().end({ timeout: 5 }),
    snapshot: (work) => snapshotOf(pool.current(), work),
  };
}

const SNAPSHOT = "isolation level repeatable read read only";

async function snapshotOf<T>(sql: Sql, work: (from: Readable) => Promise<T>): Promise<T> {
  let made: { readonly value: T } | undefined;
  try {
    await sql.begin(SNAPSHOT, async (transaction) => {
      made = { value: await work({ read: (statement) => orNever(run(transaction, statement)) }) };
    });
  } catch (thrown) {
    throw storeFault(thrown);
  }
  if (made === undefined) throw new Fault("internal/invariant", "a transaction ended without its work");
  return made.value;
}

interface Pool {
  readonly current: () => Sql;
  /** Takes fresh connections in place of ones of which one was lost: the library's own reuse holds what was not sent. */
  readonly replace: (lost: Sql) => void;
}

function createPool(first: Sql, renew: () => Sql): Pool {
  let sql = first;
  return {
    current: () => sql,
    replace: (lost) => {
      if (lost !== sql) return;
      sql = renew();
      void lost.end({ timeout: 5 }); // at once it would leave sockets behind that were about to open
    },
  };
}

/** Repeats what changes nothing while the server cannot be reached. */
async function untilReached<T>(pool: Pool, ask: (sql: Sql) => Promise<T>): Promise<T> {
  for (const pause of PAUSES) {
    const sql = pool.current();
    try {
      return await ask(sql);
    } catch (thrown) {
      if (!isLost(thrown)) throw storeFault(thrown);
      pool.replace(sql);
      await sleep(pause);
    }
  }
  throw unreached();
}

function unreached(): Fault {
  return new Fault(
    "store/unavailable",
    "PostgreSQL could not be reached for 13 seconds, or ended every connection",
  );
}

// ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Rows = readonly (readonly Row[])[];

type Attempt =
  | { readonly kind: "done"; readonly rows: Rows }
  | { readonly kind: "undone"; readonly thrown: unknown }
  /** The connection ended after `commit` was sent: the server knows, we do not. */
  | { readonly kind: "unknown"; readonly rows: Rows; readonly thrown: unknown };

/** A batch is sent again only once it is known that it left nothing behind. */
async function write(pool: Pool, batch: readonly Statement[]): Promise<Rows> {
  for (const pause of PAUSES) {
    const sql = pool.current();
    const id = crypto.randomUUID();
    const attempt = await attemptOf(sql, id, batch);
    if (attempt.kind === "done") return attempt.rows;
    if (!isLost(attempt.thrown)) throw storeFault(attempt.thrown);
    pool.replace(sql);
    if (attempt.kind === "unknown" && (await isWhole(pool, id))) return attempt.rows;
    await sleep(pause);
  }
  throw unreached();
}

async function attemptOf(sql: Sql, id: string, batch: readonly Statement[]): Promise<Attempt> {
  let sent: Rows | undefined;
  try {
    const rows = await sql.begin(TRANSACTION, async (transaction) => {
      await orNever(transaction.unsafe(TAKE_TURN));
      const answers = batch.map((statement) => run(transaction, statement));
      await orNever(Promise.all([run(transaction, { text: KEEP_ID, params: [id] }), ...answers]));
      sent = await Promise.all(answers);
      return sent;
    });
    return { kind: "done", rows };
  } catch (thrown) {
    return sent === undefined ? { kind: "undone", thrown } : { kind: "unknown", rows: sent, thrown };
  }
}

/**
 * After a lost connection there is nothing to roll back, and the library fails where it tries: its transaction ends by the
 * loss itself, while what we wait for never comes.
 */
async function orNever<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    if (isLost(thrown)) return new Promise<T>(() => undefined);
    throw thrown;
  }
}

/**
 * Each statement sees what was committed before it began: under the server's own default, `repeatable read` perhaps, a
 * batch would decide on what was there before its turn.
 */
const TRANSACTION = "isolation level read committed read write";

/**
 * INVARIANT: one batch at a time in the whole database, until its commit is on disk. The statements of a batch guard one
 * another by what they read; nobody may write between.
 */
const TAKE_TURN = "select pg_advisory_xact_lock(x'6f737469617279'::bigint)";

/** Ids older than an hour are of nobody who still asks. */
const KEEP_ID = `with old as (delete from batch where at < extract(epoch from clock_timestamp()) - 3600)
  insert into batch (id, at) values (?, extract(epoch from clock_timestamp())::bigint)`;

/**
 * Asks for a batch by our own id. The turn comes first: a transaction that is still at its commit holds it. The server's
 * own number of the transaction would not do: after a crash it gives one that was not yet on disk to somebody else.
 */
async function isWhole(pool: Pool, id: string): Promise<boolean> {
  const rows = await untilReached(pool, (sql) =>
    sql.begin(TRANSACTION, async (transaction) => {
      await orNever(transaction.unsafe(TAKE_TURN));
      return orNever(run(transaction, { text: "select id from batch where id = ?", params: [id] }));
    }),
  );
  return rows.length > 0;
}

// ── statements ──────────────────────────────────────────────────────────────────────────────────────────────────────

const numbered = new Map<string, string>();

/** PostgreSQL numbers its parameters. No text of ours has a `?` of another meaning. */
function numberedText(text: string): string {
  const known = numbered.get(text);
  if (known !== undefined) return known;
  let count = 0;
  const made = text.replaceAll("?", () => {
    count += 1;
    return `$${count}`;
  });
  numbered.set(text, made);
  return made;
}

async function run(sql: Asked, { text, params }: Statement): Promise<readonly Row[]> {
  const rows = await sql.unsafe<Row[]>(numberedText(text), [...params], { prepare: true });
  return [...rows];
}
