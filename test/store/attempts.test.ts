/** Do attempts stay few, and do those of an older database still count? */
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { createSqliteDriver, createSqliteStore } from "../../src/store/sqlite.ts";
import { openSqlite } from "../../src/store/sqlite-file.ts";
import { createSqlStore } from "../../src/store/statements.ts";
import { commitOf, T0 } from "../contract/store/examples.ts";
import { temporaryPath } from "./temporary.ts";

const MIGRATIONS = join(import.meta.dirname, "../../migrations/sqlite");
const REPORT = "ab".repeat(32);

function numberIn(path: string, sql: string): unknown {
  const database = new BetterSqlite3(path, { readonly: true });
  try {
    return database.prepare(sql).pluck().get();
  } finally {
    database.close();
  }
}

describe("attempts of one guest", () => {
  it("take one row for each second, however many there are", async () => {
    const path = temporaryPath();
    const store = createSqliteStore({ path, mode: "create" });
    for (let group = 0; group < 10; group += 1) {
      await store.commitDecisions(
        Array.from({ length: 30 }, (_, i) => commitOf({ at: addSeconds(T0, i % 3) })),
      );
    }
    expect(await store.countAttempts(REPORT, "prod/db", T0)).toBe(300);
    expect(numberIn(path, "select count(*) from attempt")).toBe(3);
    await store.prune(addSeconds(T0, 3602), T0);
    expect(numberIn(path, "select count(*) from attempt")).toBe(1);
    await store.close();
  });

  it("that an older version wrote down one by one still count", async () => {
    const path = temporaryPath();
    const first = join(dirname(path), "first-migration");
    mkdirSync(first);
    const [oldest = ""] = readdirSync(MIGRATIONS).sort();
    cpSync(join(MIGRATIONS, oldest), join(first, oldest));
    const old = openSqlite({ path, mode: "create", migrationsFolder: first });
    const insert = old.prepare("insert into attempt (report_id, resource, at, decision) values (?, ?, ?, ?)");
    for (const [i, second] of [0, 0, 0, 7].entries()) insert.run(REPORT, "prod/db", T0 + second, `D${i}`);
    insert.run("cd".repeat(32), "prod/db", T0, "D9");
    old.close();

    const store = createSqlStore(createSqliteDriver(openSqlite({ path, mode: "existing" })));
    expect(await store.countAttempts(REPORT, "prod/db", T0)).toBe(4);
    expect(await store.countAttempts(REPORT, "prod/db", addSeconds(T0, 1))).toBe(1);
    expect(await store.countAttempts("cd".repeat(32), "prod/db", T0)).toBe(1);
    await store.close();
  });

  it("are found and forgotten by an index, not by a look at every row", () => {
    const database = openSqlite({ path: temporaryPath(), mode: "create" });
    const planOf = (sql: string) =>
      database
        .prepare<[], { detail: string }>(`explain query plan ${sql}`)
        .all()
        .map(({ detail }) => detail);
    expect(
      planOf(
        "select sum(decisions) from attempt where report_id = 'a' and resource = 'b' and at >= 1",
      ).join(),
    ).toContain("SEARCH attempt USING PRIMARY KEY (report_id=? AND resource=? AND at>?)");
    expect(planOf("delete from attempt where at < 1").join()).toContain("attempt_at");
    database.close();
  });
});
