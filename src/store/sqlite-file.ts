/** How does a SQLite file come to be, and what is refused when one is opened? */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import BetterSqlite3, { type Database } from "better-sqlite3";
import { Fault } from "../base/fault.ts";
import { storeFault } from "./errors.ts";
import { applyMigrations, type Migration, readMigrations, schemaVersion } from "./migrations.ts";

export interface SqliteOptions {
  readonly path: string;
  /** `create` refuses a file that is there; `existing` refuses to make one. Neither ever gives an empty database. */
  readonly mode: "create" | "existing";
  /** How long to wait for another program's lock: at opening the whole process waits, from then on the one who asks. Default 2000. */
  readonly busyTimeoutMs?: number;
  /** Default: `migrations/sqlite` of this project. */
  readonly migrationsFolder?: string;
}

/**
 * Opens a database file with full durability and brings its schema up to date.
 *
 * @throws {@link Fault} `store/unavailable` when file, folder or disk do not allow it, `store/incompatible` when the file
 * is no Ostiary database or was made by a newer version.
 */
export function openSqlite(options: SqliteOptions): Database {
  const migrations = readMigrations(options.migrationsFolder);
  try {
    if (options.mode === "create") makeFile(options, migrations);
    return openFile(options, migrations);
  } catch (thrown) {
    throw storeFault(thrown);
  }
}

/** A database is up to four files; a log left behind by a deleted database would be played into a new one. */
const BESIDE = ["", "-wal", "-shm", "-journal"] as const;

/** Builds the database beside its place and links it there when it is whole: a crash leaves no half-made one. */
function makeFile(options: SqliteOptions, migrations: readonly Migration[]): void {
  const { path } = options;
  if (BESIDE.some((suffix) => existsSync(path + suffix))) throw occupied();
  const draft = `${path}.new`;
  for (const suffix of BESIDE) rmSync(draft + suffix, { force: true });
  closeSync(openSync(draft, "wx", 0o600)); // SQLite gives its other files the same permissions
  try {
    const database = connect(draft, options);
    try {
      logAhead(database);
      applyMigrations(database, migrations);
    } finally {
      database.close();
    }
    linkSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(dirname(path));
}

function openFile(options: SqliteOptions, migrations: readonly Migration[]): Database {
  const { path } = options;
  if (!statSync(path).isFile())
    throw new Fault("store/unavailable", "expected a database file, found no file");
  const database = connect(path, options);
  try {
    if (schemaVersion(database, migrations) === 0) {
      throw new Fault("store/incompatible", "the file holds no Ostiary database; `ostiary init` makes one");
    }
    logAhead(database);
    applyMigrations(database, migrations);
    database.exec(WRITE_NOTHING);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/**
 * Needs the right to write and changes nothing: a database that cannot be written is refused at opening and not at the
 * first release. `begin immediate` would not do, since SQLite makes a read of it where the file is read-only.
 */
const WRITE_NOTHING = "update meta set value = value where false";

/**
 * `synchronous = full` with a write-ahead log: an answer follows its fsync. `fullfsync` is that promise on macOS.
 * The log is copied into the file every 16 MB: four times SQLite's default costs a decision a tenth less CPU.
 * `secure_delete` overwrites what is deleted; `trusted_schema` and `cell_size_check` distrust the file.
 */
const PRAGMAS = [
  "synchronous = full",
  "fullfsync = on",
  "checkpoint_fullfsync = on",
  "foreign_keys = on",
  "wal_autocheckpoint = 4000",
  "secure_delete = on",
  "trusted_schema = off",
  "cell_size_check = on",
] as const;

function connect(path: string, options: SqliteOptions): Database {
  const database = new BetterSqlite3(path, { fileMustExist: true, timeout: options.busyTimeoutMs ?? 2000 });
  try {
    for (const pragma of PRAGMAS) database.pragma(pragma);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Opens a database for reading as it is now. @throws {@link Fault} `store/unavailable`. */
export function openReader(path: string): Database {
  try {
    const database = new BetterSqlite3(path, { fileMustExist: true, readonly: true });
    database.pragma("trusted_schema = off");
    database.exec("begin; select count(*) from meta");
    return database;
  } catch (thrown) {
    throw storeFault(thrown);
  }
}

/** Turns the write-ahead log on. The file remembers it, so a database that is not ours must not come this far. */
function logAhead(database: Database): void {
  if (database.pragma("journal_mode = wal", { simple: true }) !== "wal") {
    throw new Fault("store/unavailable", "the file system under the database offers no write-ahead log");
  }
}

function occupied(): Fault {
  return new Fault("store/unavailable", "expected no file where a database is to be made, found one");
}

/** A new name is durable only once its folder is. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
