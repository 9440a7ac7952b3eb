/** Do `ostiary store check`, `migrate` and `serve` name what somebody did to the log of a SQLite file? */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { check, migrate } from "../../src/runtime/node/store.ts";
import { CLI, createProgram } from "../agent/demo-broker.ts";

let folder: string;
let data: string;

function ostiary(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words, "--data", data], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { status, out: stdout, err: stderr };
}

/** Runs statements on the database, as whoever holds the file can. */
function tampered(...statements: readonly string[]): void {
  copyFileSync(join(folder, "good.db"), join(data, "ostiary.db"));
  const database = new Database(join(data, "ostiary.db"));
  for (const text of statements) database.exec(text);
  database.close();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-store-log-"));
  data = join(folder, "data");
  expect(ostiary("init", "--no-kds", "--port", "1").status).toBe(0);
  const config = join(data, "ostiary.toml");
  writeFileSync(config, readFileSync(config, "utf8").replace("port = 1", "port = 0"));
  const database = new Database(join(data, "ostiary.db"));
  const draft = `{"act":"secret-put","actor":"admin-1","digest":"","kind":"admin","subject":"prod/disk@'||n||'","time":1790000000,"v":1}`;
  database.exec(`with recursive c(n) as (select 0 union all select n + 1 from c where n < 999)
    insert into ledger_entry select n, '${draft}', '', 0 from c`);
  database.close();
  const program = createProgram(["--data", data]);
  await program.start(); // signs a head over them, and over its own start
  await program.kill();
  const kept = new Database(join(data, "ostiary.db"));
  kept.pragma("wal_checkpoint(truncate)");
  kept.close();
  copyFileSync(join(data, "ostiary.db"), join(folder, "good.db"));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe("ostiary store check", () => {
  it("says of a good log how long it is, and ends with 1 where it is not", () => {
    tampered();
    const good = { status: 0, out: "the database is good; its log has 1001 entries\n" };
    expect(ostiary("store", "check")).toMatchObject(good);
    tampered("update ledger_entry set draft = replace(draft, '@700', '@007') where seq = 700");
    const bad = ostiary("store", "check");
    expect([bad.status, bad.err.includes("entry 700 is not")]).toEqual([1, true]);
  });

  it.each([
    ["update ledger_entry set draft = replace(draft, '@700', '@007') where seq = 700", { entry: 700 }],
    [
      "update ledger_tile set hashes = zeroblob(8192) where level = 0 and position = 1",
      { level: 0, position: 1 },
    ],
    ["update ledger_tile set hashes = x'00' where level = 0 and position = 1", { level: 0, position: 1 }],
    ["delete from ledger_tile where level = 1", { level: 1, position: 0 }],
    ["delete from ledger_entry where seq = 1000", { expected: 1001, received: 1000 }],
    ["delete from ledger_entry where seq = 10", { seq: 10 }],
    ["insert into decision values (5, 'no such', 1790000000, '', 0, '[]')", { entry: 5 }],
    ["update checkpoint set note = replace(note, '1001', '1000'), size = 1000", {}],
  ])("names it: %s", async (statement, detail) => {
    tampered(statement);
    await expect(check(join(data, "ostiary.toml"))).rejects.toMatchObject({
      code: "ledger/inconsistent",
      detail,
    });
  });

  it("says nothing against a log whose tiles are still to be made, and migrate makes them", async () => {
    tampered("delete from ledger_tile");
    const config = join(data, "ostiary.toml");
    expect(await check(config)).toBe(1001);
    expect(await migrate(config, () => undefined)).toBe(1001);
    const database = new Database(join(data, "ostiary.db"), { readonly: true });
    const widths = "select level, position, length(hashes) / 32 as width from ledger_tile order by 1, 2";
    expect(database.prepare(widths).raw().all()).toEqual([
      [0, 0, 256],
      [0, 1, 256],
      [0, 2, 256],
      [0, 3, 233],
      [1, 0, 3],
    ]);
    database.close();
    expect(await check(config)).toBe(1001);
  });
});

describe("ostiary serve", () => {
  it("does not start where the tiles at the end of the log are others", () => {
    tampered("update ledger_tile set hashes = zeroblob(32 * 233) where level = 0 and position = 3");
    const refused = ostiary("serve");
    expect([refused.status, refused.err.includes("ledger/inconsistent")]).toEqual([1, true]);
  });
});
