/** Does D1 keep the Store contract? In real workerd, with wrangler's own migrations. */
import { applyD1Migrations, env, reset } from "cloudflare:test";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import type { Fault } from "../../src/base/fault.ts";
import { createD1Driver, D1_STEPS, refuseOtherSchema } from "../../src/store/d1.ts";
import type { SqlDriver } from "../../src/store/query.ts";
import { createSqlStore } from "../../src/store/statements.ts";
import { storeContract } from "../contract/store.ts";

async function openDriver(steps = inject("d1Migrations")): Promise<SqlDriver> {
  onTestFinished(() => reset());
  await applyD1Migrations(env.DB, steps);
  return createD1Driver(env.DB);
}

storeContract("D1", async () => createSqlStore(await openDriver()));

describe("the tables of D1", () => {
  const refusal = async (driver: SqlDriver): Promise<Fault> =>
    refuseOtherSchema(driver).then(
      () => expect.unreachable("expected a refusal"),
      (thrown: Fault) => thrown,
    );

  it("are those of this version once wrangler has applied every step", async () => {
    expect(inject("d1Migrations").map(({ name }) => name)).toEqual(D1_STEPS);
    await refuseOtherSchema(await openDriver());
  });

  it("are refused where there are none, or fewer", async () => {
    const none = await refusal(createD1Driver(env.DB));
    expect(none).toMatchObject({ code: "store/incompatible", detail: { received: 0 } });
    const fewer = await refusal(await openDriver(inject("d1Migrations").slice(0, -1)));
    expect(fewer.code).toBe("store/incompatible");
    expect(fewer.message).toContain("wrangler d1 migrations apply");
  });

  it("are refused where there are more, or others", async () => {
    const driver = await openDriver();
    await driver.write([{ text: "insert into d1_migrations (name) values (?)", params: ["0099-later.sql"] }]);
    expect((await refusal(driver)).message).toContain("newer Ostiary");
    const rename = "update d1_migrations set name = ? where name = ?";
    await driver.write([{ text: rename, params: ["0001-other.sql", "0001-first.sql"] }]);
    expect((await refusal(driver)).message).toContain("other migrations");
  });
});

describe("what D1 says of a failure", () => {
  it("goes no further than SQLite's code, and nothing of a failed batch stays", async () => {
    const driver = await openDriver();
    const insert = {
      text: "insert into meta (name, value) values (?, ?)",
      params: ["planted-7f3a", "planted-7f3a"],
    };
    const thrown: unknown = await driver.write([insert, insert]).catch((fault: unknown) => fault);
    expect(thrown).toMatchObject({ code: "store/unavailable", detail: { code: "SQLITE_CONSTRAINT" } });
    expect(`${JSON.stringify(thrown)} ${String(thrown)}`).not.toContain("planted");
    expect(await driver.read({ text: "select count(*) as n from meta", params: [] })).toEqual([{ n: 0 }]);
  });

  it("names a row that is too large for it", async () => {
    const driver = await openDriver();
    const row = {
      text: "insert into meta (name, value) values (?, ?)",
      params: ["n", "x".repeat(2_100_000)],
    };
    await expect(driver.write([row])).rejects.toMatchObject({ code: "store/unavailable" });
  });
});
