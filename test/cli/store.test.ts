/** Do `ostiary store` and `ostiary serve` agree on a PostgreSQL database? Run as an operator runs them, on a real server. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithPostgres, startPostgres, type TestServer } from "../support/postgres.ts";

const CLI = join(import.meta.dirname, "../../src/runtime/node/bin.mjs");

function ostiary(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { status, out: stdout, err: stderr };
}

describeWithPostgres("ostiary store", () => {
  let server: TestServer;
  let data: string;
  beforeAll(async () => {
    server = await startPostgres();
    server.psql("create database broker");
    data = join(server.folder, "broker-data");
    expect(ostiary("init", "--data", data, "--no-kds").status).toBe(0);
    const path = join(data, "ostiary.toml");
    const text = readFileSync(path, "utf8").replace('database = "ostiary.db"\n', "");
    const url = `postgres://ostiary@localhost/broker?host=${server.host}`;
    writeFileSync(path, `${text}\n[store]\nurl = "${url}"\n`);
  });
  afterAll(() => server.remove());

  it("makes the tables once, and until then nothing serves or takes the database for a good one", () => {
    for (const words of [["serve"], ["store", "check"]]) {
      const refused = ostiary(...words, "--data", data);
      expect(refused.status).toBe(3);
      expect(refused.err).toContain("store/incompatible");
      expect(refused.err).toContain("`ostiary store migrate`");
    }
    expect(server.psql("select count(*) from pg_tables where schemaname = 'public'", "broker")).toBe("0");
    for (const verb of ["migrate", "check", "migrate"]) {
      expect(ostiary("store", verb, "--data", data)).toMatchObject({
        status: 0,
        out: "the database is good; its log has 0 entries\n",
      });
    }
    expect(ostiary("store", "mend", "--data", data).status).toBe(2);
  });
});
