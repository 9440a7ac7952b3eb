/** Do `ostiary store` and `ostiary serve` agree on a PostgreSQL database? Run as an operator runs them, on a real server. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createProgram } from "../agent/demo-broker.ts";
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

  it("copies a broker of one machine to PostgreSQL, which goes on where it was, and to no place that has rows", async () => {
    const alone = join(server.folder, "alone");
    expect(ostiary("init", "--data", alone, "--no-kds", "--port", "1").status).toBe(0);
    const config = join(alone, "ostiary.toml");
    writeFileSync(config, readFileSync(config, "utf8").replace("port = 1", "port = 0"));
    const program = createProgram(["--data", alone]);
    await program.start(); // a start leaves its marks
    await program.kill();
    const [text, url] = [
      readFileSync(config, "utf8"),
      `postgres://ostiary@localhost/copied?host=${server.host}`,
    ];
    server.psql("create database copied");
    const target = join(alone, "postgres.toml");
    writeFileSync(target, `${text.replace('database = "ostiary.db"\n', "")}\n[store]\nurl = "${url}"\n`);
    expect(ostiary("store", "copy", config, target)).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^\d+ rows copied and compared\n$/),
    });
    expect(ostiary("store", "check", "--config", target).out).toContain("its log has 1 entries");
    const onPostgres = createProgram(["--config", target]);
    await onPostgres.start();
    await onPostgres.kill();
    const back = join(alone, "back.toml");
    writeFileSync(back, text.replace("ostiary.db", "back.db"));
    expect(ostiary("store", "copy", target, back).status).toBe(0);
    for (const [from, to, code] of [
      [config, target, "store/"],
      [target, config, "store/unavailable"],
      [target, back, "store/unavailable"],
    ] as const) {
      const refused = ostiary("store", "copy", from, to);
      expect([refused.status, refused.out]).toEqual([3, ""]);
      expect(refused.err).toContain(code);
    }
    for (const words of [["copy"], ["copy", config], ["copy", config, target, back]]) {
      expect(ostiary("store", ...words).status).toBe(2);
    }
  }, 30_000);
});
