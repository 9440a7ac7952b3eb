/** How does the Store reach a SQLite file? One connection, full durability, every statement prepared once. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Database, Statement as Prepared } from "better-sqlite3";
import type { Fault } from "../base/fault.ts";
import type { Store } from "../broker/store.ts";
import { isBusy, isDamage, storeFault } from "./errors.ts";
import type { Readable, Row, SnapshotDriver, SqlValue, Statement } from "./query.ts";
import { openReader, openSqlite, type SqliteOptions } from "./sqlite-file.ts";
import { createSqlStore } from "./statements.ts";

/**
 * Opens the store of one broker.
 *
 * @throws {@link Fault} `store/unavailable`, `store/incompatible`; nothing is changed then.
 */
export function createSqliteStore(options: SqliteOptions): Store {
  return createSqlStore(createSqliteDriver(openSqlite(options), options.busyTimeoutMs));
}

/** How long a statement waits for another process that writes, in tries a millisecond apart. */
const PATIENCE = 2000;

/**
 * A driver over an open connection, which it owns from now on. Calls are synchronous inside, so transactions never
 * interleave. After a failed disk or a damaged page every call is refused: what the file holds is no longer known.
 *
 * Processes on one file write in turns. Whose turn it is not comes again by its event loop: SQLite's own wait would hold up
 * every other request of this process, and what it verifies meanwhile.
 */
export function createSqliteDriver(database: Database, patience = PATIENCE): SnapshotDriver {
  database.pragma("busy_timeout = 0");
  const prepared = new Map<string, Prepared<SqlValue[], Row>>();
  let broken: Fault | undefined;
  const run = ({ text, params }: Statement): readonly Row[] => {
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = database.prepare<SqlValue[], Row>(text);
      prepared.set(text, statement);
    }
    if (statement.reader) return statement.all(...params);
    statement.run(...params);
    return [];
  };
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      const fault = storeFault(thrown);
      if (isDamage(fault)) broken = fault;
      throw fault;
    }
  };
  const asked = <T>(work: () => T): T => {
    if (broken !== undefined) throw broken;
    return guarded(work);
  };
  const transaction = database.transaction((batch: readonly Statement[]) => batch.map(run)).immediate;
  const inTurn = <T>(work: () => T): Promise<T> => untilFree(() => asked(work), patience);
  return {
    read: (statement) => inTurn(() => run(statement)),
    write: (batch) => inTurn(() => transaction(batch)),
    close: async () => guarded(() => void database.close()),
    snapshot: (work) => snapshotOf(database.name, work),
  };
}

/** A transaction takes the lock at its beginning: one that met another's changed nothing, and may be asked for again. */
async function untilFree<T>(work: () => T, patience: number): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return work();
    } catch (thrown) {
      if (!isBusy(thrown) || tries >= patience) throw thrown;
    }
    await sleep(1); // in order: the turn comes
  }
}

/** A connection of its own, which sees what was committed when it first looked. */
async function snapshotOf<T>(path: string, work: (from: Readable) => Promise<T>): Promise<T> {
  const database = openReader(path);
  try {
    return await work({
      read: async ({ text, params }) => {
        try {
          return database.prepare<SqlValue[], Row>(text).all(...params);
        } catch (thrown) {
          throw storeFault(thrown);
        }
      },
    });
  } finally {
    database.close();
  }
}
