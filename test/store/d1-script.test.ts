/** Does a database come into D1 and out of it as it was? As SQL: every row, every byte, and nothing that is no export. */
import BetterSqlite3 from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { D1_STEPS } from "../../src/store/d1.ts";
import { openD1Export, statementsOf } from "../../src/store/d1-export.ts";
import { scriptOf } from "../../src/store/d1-script.ts";
import { readMigrations } from "../../src/store/migrations.ts";
import type { SqlDriver } from "../../src/store/query.ts";
import { createSqliteDriver } from "../../src/store/sqlite.ts";
import { openSqlite } from "../../src/store/sqlite-file.ts";
import { createSqlStore } from "../../src/store/statements.ts";
import { adminDraft, bundleOf, commitOf, versionOf } from "../contract/store/examples.ts";
import { temporaryPath } from "./temporary.ts";

const AWKWARD = 'it\'s "ü" 😀;\nattach -- /* [x]\r\n';

async function filled(scale = 1): Promise<SqlDriver> {
  const driver = createSqliteDriver(openSqlite({ path: temporaryPath(), mode: "create" }));
  onTestFinished(() => driver.close());
  const store = createSqlStore(driver);
  await store.commitDecisions([
    commitOf({ trace: AWKWARD.repeat(2000 * scale) }),
    commitOf({ trace: AWKWARD }),
  ]);
  const tar = Uint8Array.from({ length: 200_000 * scale }, (_, i) => (i * 7) & 255);
  await store.putBundle({ ...bundleOf("a".repeat(64)), tar, signature: AWKWARD }, adminDraft("propose"));
  await store.putSecretVersion(versionOf({ envelope: Uint8Array.of(0, 39, 255) }), adminDraft("secret-put"));
  await store.putMeta("audience", undefined, "https://broker.example");
  return driver;
}

/** The tables of D1 as an export has them: what wrangler made of the migrations, and its record of them. */
function tables(): string {
  const database = new BetterSqlite3(":memory:");
  database.exec("create table d1_migrations (id integer primary key autoincrement, name text unique)");
  for (const { sql } of readMigrations()) database.exec(sql);
  const made = database
    .prepare<[], { sql: string }>(
      "select sql from sqlite_schema where sql is not null and name not like 'sqlite_%'",
    )
    .all();
  database.close();
  const steps = D1_STEPS.map((name) => `INSERT INTO d1_migrations (name) VALUES ('${name}');`);
  return [...made.map(({ sql }) => `${sql};`), ...steps].join("\n");
}

async function script(from: SqlDriver): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of scriptOf(from)) lines.push(line);
  return lines;
}

describe("a script for D1", () => {
  it("makes of tables without rows the same database, with no statement longer than D1 takes", async () => {
    const from = await filled();
    const lines = await script(from);
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThan(100_000);
    expect(lines.every((line) => !/[\n\r]$/.test(line) && !line.includes("\n"))).toBe(true);
    const database = new BetterSqlite3(":memory:");
    database.exec(`${tables()}\n${lines.join("\n")}`);
    const to = createSqliteDriver(database);
    onTestFinished(() => to.close());
    expect(await script(to)).toEqual(lines);
    const [bundle] = await to.read({ text: "select tar, typeof(tar) as type from bundle", params: [] });
    expect(bundle?.["type"]).toBe("blob");
  });

  it("leaves a mark on which no broker starts until its last statement", async () => {
    const lines = await script(await filled());
    const database = new BetterSqlite3(":memory:");
    database.exec(`${tables()}\n${lines.slice(0, -1).join("\n")}`);
    const store = createSqlStore(createSqliteDriver(database));
    onTestFinished(() => store.close());
    expect(await store.meta("unfinished")).toBe("copy");
    expect(() => database.exec(lines.join("\n"))).toThrow("UNIQUE");
  });
});

describe("what wrangler exported", () => {
  it("is read as it was", async () => {
    const from = await filled(0.01);
    const lines = await script(from);
    const opened = await openD1Export(
      `PRAGMA defer_foreign_keys=TRUE;\n${tables()}\n${lines.slice(1, -1).join("\n")}`,
    );
    onTestFinished(() => opened.close());
    expect(await script(opened)).toEqual(lines);
  });

  it.each([
    ["attaches a file", "attach database 'x.db' as x;"],
    ["attaches a file behind a comment", "-- harmless\n/**/attach database 'x.db' as x;"],
    ["has a trigger", "create trigger t after insert on meta begin delete from meta; end;"],
    ["changes a setting", "pragma writable_schema = on;"],
    ["loads code", "select load_extension('x');"],
    ["hides a statement behind a quote", "insert into meta values ('a;', '''');attach 'x' as x;"],
    ["ends within a statement", "insert into meta values ('a"],
    ["lacks the tables", "create table t (a);"],
  ])("is refused where it %s", async (_, sql) => {
    const code = { code: expect.stringMatching(/^store\//) };
    await expect(
      openD1Export(sql === "create table t (a);" ? sql : `${tables()}\n${sql}`),
    ).rejects.toMatchObject(code);
  });

  it("is cut at the ends of statements and nowhere else", () => {
    const text = "insert into a values ('x;''y', \"b;\");  \n-- note; more\ndelete from sqlite_sequence;";
    expect(statementsOf(text)).toEqual([
      "insert into a values ('x;''y', \"b;\")",
      "delete from sqlite_sequence",
      "",
    ]);
  });
});
