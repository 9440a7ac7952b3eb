import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { openSqlite } from "../../src/store/sqlite-file.ts";
import { adminDraft, commitOf } from "../contract/store/examples.ts";
import { openedStore, temporaryFolder, temporaryPath, withoutPrivilege } from "./temporary.ts";

const MIGRATIONS = join(import.meta.dirname, "../../migrations/sqlite");
const SHIPPED = readdirSync(MIGRATIONS).sort();

/** The name of a migration that comes so many after the newest of ours. */
function numbered(after: number, name: string): string {
  return `${String(SHIPPED.length + after).padStart(4, "0")}-${name}.sql`;
}

/** The code of the fault that opening ends with; `opened` when it does not. */
function refusal(
  path: string,
  mode: "create" | "existing" = "existing",
  migrationsFolder = MIGRATIONS,
): string {
  try {
    openSqlite({ path, mode, migrationsFolder, busyTimeoutMs: 50 }).close();
    return "opened";
  } catch (thrown) {
    return isFault(thrown) ? thrown.code : `not a fault: ${String(thrown)}`;
  }
}

/** A folder with the real migrations and what a test adds. */
function migrationsWith(more: Readonly<Record<string, string>>): string {
  const folder = join(temporaryFolder(), "migrations");
  cpSync(MIGRATIONS, folder, { recursive: true });
  for (const [file, sql] of Object.entries(more)) writeFileSync(join(folder, file), sql);
  return folder;
}

function created(): string {
  const path = temporaryPath();
  openSqlite({ path, mode: "create" }).close();
  return path;
}

describe("opening", () => {
  it("makes a database that only its owner can read, whole or not at all, and opens it again", () => {
    const path = created();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.new`)).toBe(false);
    expect(refusal(path)).toBe("opened");
  });

  it("promises full durability on every connection", () => {
    const database = openSqlite({ path: created(), mode: "existing" });
    const settings = ["journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout"].map(
      (name) => database.pragma(name, { simple: true }),
    );
    database.close();
    expect(settings).toEqual(["wal", 2, 1, 1, 2000]);
  });

  it("never makes a database where one was expected", () => {
    const path = temporaryPath();
    expect(refusal(path)).toBe("store/unavailable");
    expect(existsSync(path)).toBe(false);
  });

  it.each(["", "-wal", "-shm", "-journal"])("makes none where a file of another one stands: %j", (suffix) => {
    const path = temporaryPath();
    writeFileSync(path + suffix, "here first");
    expect(refusal(path, "create")).toBe("store/unavailable");
    expect(readFileSync(path + suffix, "utf8")).toBe("here first");
  });

  it("makes one over what a crashed attempt left beside the place", () => {
    const path = temporaryPath();
    for (const suffix of ["", "-wal", "-shm"]) writeFileSync(`${path}.new${suffix}`, "left behind");
    expect(refusal(path, "create")).toBe("opened");
  });

  it.each<[string, (path: string) => void, string]>([
    ["an empty file", (path) => writeFileSync(path, ""), "store/incompatible"],
    ["a file that is no database", (path) => writeFileSync(path, "x".repeat(8192)), "store/incompatible"],
    ["a folder", (path) => mkdirSync(path), "store/unavailable"],
    ["a database of another program", (path) => foreignDatabase(path), "store/incompatible"],
    ["a folder that is not there", () => {}, "store/unavailable"],
  ])("refuses %s", (_, prepare, code) => {
    const path = temporaryPath();
    prepare(path);
    expect(refusal(path)).toBe(code);
  });

  it("changes nothing in a database of another program", () => {
    const path = temporaryPath();
    foreignDatabase(path);
    const before = readFileSync(path);
    refusal(path);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("refuses to make a database in a folder that is not there", () => {
    expect(refusal(join(temporaryFolder(), "none", "broker.db"), "create")).toBe("store/unavailable");
  });

  it("refuses a database that was cut off", async () => {
    const path = temporaryPath();
    const store = openedStore(path, "create");
    for (let i = 0; i < 20; i += 1) await store.appendEntry(adminDraft("x".repeat(60)));
    await store.close();
    truncateSync(path, statSync(path).size / 2);
    expect(refusal(path)).toBe("store/unavailable");
  });

  it.each([
    ["file", 0o444, 0o777],
    ["folder", 0o644, 0o555],
    ["file and folder", 0o444, 0o555],
  ])(
    "refuses a database whose %s may not be written, at opening and not at the first release",
    (_, file, folder) => {
      const path = created();
      chmodSync(path, file);
      chmodSync(dirname(path), folder);
      expect(withoutPrivilege(() => refusal(path, "existing", MIGRATIONS))).toBe("store/unavailable");
      chmodSync(dirname(path), 0o755);
    },
  );
});

describe("migrating", () => {
  it("brings an older database up to date and keeps its rows", async () => {
    const path = temporaryPath();
    const store = openedStore(path, "create");
    await store.commitDecisions([commitOf()]);
    await store.close();
    const folder = migrationsWith({
      [numbered(1, "more")]: "create table more (a integer primary key) strict;",
    });
    expect(refusal(path, "existing", folder)).toBe("opened");
    expect(rowsOf(path, "select version, name from schema_migration order by version")).toEqual([
      ...SHIPPED.map((file, i) => ({ version: i + 1, name: file.slice(5, -4) })),
      { version: SHIPPED.length + 1, name: "more" },
    ]);
    expect(rowsOf(path, "select count(*) as n from ledger_entry")).toEqual([{ n: 1 }]);
    expect(refusal(path, "existing", folder)).toBe("opened");
  });

  it("refuses a database that a newer version made, and leaves it as it is", () => {
    const path = temporaryPath();
    const folder = migrationsWith({
      [numbered(1, "more")]: "create table more (a integer primary key) strict;",
    });
    expect(refusal(path, "create", folder)).toBe("opened");
    const before = readFileSync(path);
    expect(refusal(path)).toBe("store/incompatible");
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("refuses a database that other migrations of the same number made", () => {
    const path = created();
    const folder = migrationsWith({});
    writeFileSync(
      join(folder, "0001-first.sql"),
      `${readFileSync(join(MIGRATIONS, "0001-first.sql"), "utf8")}-- changed\n`,
    );
    expect(refusal(path, "existing", folder)).toBe("store/incompatible");
  });

  it("applies a step wholly or not at all", () => {
    const path = created();
    const folder = migrationsWith({
      [numbered(1, "bad")]: "create table half (a integer) strict; insert into nowhere values (1);",
    });
    expect(refusal(path, "existing", folder)).toBe("store/unavailable");
    expect(rowsOf(path, "select name from sqlite_schema where name = 'half'")).toEqual([]);
    expect(refusal(path)).toBe("opened");
  });

  it("leaves no file when a new database cannot be made", () => {
    const path = temporaryPath();
    expect(refusal(path, "create", migrationsWith({ [numbered(1, "bad")]: "create nonsense" }))).toBe(
      "store/unavailable",
    );
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it.each([[numbered(2, "gap")], ["second.sql"]])(
    "refuses a folder where a step is missing or misnamed: %s",
    (file) => {
      expect(refusal(temporaryPath(), "create", migrationsWith({ [file]: "select 1" }))).toBe(
        "internal/invariant",
      );
    },
  );

  it("refuses a folder of migrations that is not there", () => {
    expect(refusal(temporaryPath(), "create", join(temporaryFolder(), "none"))).toBe("store/unavailable");
  });
});

function foreignDatabase(path: string): void {
  const database = new BetterSqlite3(path);
  database.exec("create table songs (title text)");
  database.close();
}

function rowsOf(path: string, sql: string): unknown[] {
  const database = new BetterSqlite3(path);
  const rows = database.prepare(sql).all();
  database.close();
  return rows;
}
