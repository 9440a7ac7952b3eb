/** Which schema does a database have, and how does it come to the newest? Numbered SQL, each file one transaction. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "better-sqlite3";
import { Fault } from "../base/fault.ts";
import { storeFault } from "./errors.ts";

/** One reviewed step; versions count from 1 without gaps. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

const FOLDER = join(import.meta.dirname, "../../migrations/sqlite");
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;

/** Reads the steps of a folder in order; every file there must be one. */
export function readMigrations(folder: string = FOLDER): readonly Migration[] {
  return namesIn(folder).map((file, i) => {
    const [, digits, name] = FILE_NAME.exec(file) ?? [];
    if (name === undefined || Number(digits) !== i + 1) {
      throw new Fault("internal/invariant", "expected migrations numbered from 0001 without gaps", { file });
    }
    const sql = readFileSync(join(folder, file), "utf8");
    return { version: i + 1, name, sql, sha256: createHash("sha256").update(sql).digest("hex") };
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (thrown) {
    throw storeFault(thrown);
  }
}

/**
 * The version of the newest step that this database has seen; 0 for a file without our tables.
 *
 * @throws {@link Fault} `store/incompatible` for a database from the future, or one whose steps were others than ours.
 */
export function schemaVersion(database: Database, migrations: readonly Migration[]): number {
  return checkedVersion(appliedSteps(database), migrations);
}

/** The same of the steps that any database has seen. */
export function checkedVersion(applied: readonly AppliedStep[], migrations: readonly Migration[]): number {
  if (applied.length > migrations.length) {
    throw new Fault(
      "store/incompatible",
      "a newer Ostiary made this database; run that version or a newer one",
      {
        expected: migrations.length,
        received: applied.length,
      },
    );
  }
  for (const [i, { version, sha256 }] of applied.entries()) {
    if (version !== i + 1 || migrations[i]?.sha256 !== sha256) {
      throw new Fault("store/incompatible", "other migrations than these made this database", { version });
    }
  }
  return applied.length;
}

/** Applies what is missing. Each step and its record are one transaction, so no step is ever half there or applied twice. */
export function applyMigrations(database: Database, migrations: readonly Migration[]): void {
  for (const step of migrations) {
    const apply = database.transaction(() => {
      if (schemaVersion(database, migrations) >= step.version) return;
      database.exec(step.sql);
      database
        .prepare("insert into schema_migration (version, name, sha256) values (?, ?, ?)")
        .run(step.version, step.name, step.sha256);
    });
    if (schemaVersion(database, migrations) < step.version) apply.immediate();
  }
}

interface AppliedStep {
  readonly version: number;
  readonly sha256: string;
}

function appliedSteps(database: Database): readonly AppliedStep[] {
  const hasTable = database
    .prepare("select 1 from sqlite_schema where type = 'table' and name = 'schema_migration'")
    .get();
  if (hasTable === undefined) return [];
  return database
    .prepare<[], AppliedStep>("select version, sha256 from schema_migration order by version")
    .all();
}
