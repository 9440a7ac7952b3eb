/** Does a broker move from D1 to a machine and back? By wrangler's own export and execute, with the log and every secret as they were. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { asGuest, CLI, createProgram, type DemoBroker, demoBroker } from "../agent/demo-broker.ts";
import { workerProgram, wrangler, wranglerAt } from "../support/wrangler.ts";

const PATH = "prod/moved/key";
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => 200 - i);
const HEX = Buffer.from(SECRET).toString("hex");

describe("a database of D1", () => {
  let broker: DemoBroker;
  let data: string;
  const at = (name: string): string => join(data, name);
  const ostiary = (...words: readonly string[]) =>
    spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 60_000 });
  const get = () =>
    ostiary("agent", "get", PATH, "--fd", "1", "--format", "hex", "--deadline", "5", ...asGuest(broker));

  beforeAll(async () => {
    broker = await demoBroker({ [PATH]: SECRET }, undefined, workerProgram);
    data = dirname(broker.signingKeyFile);
    expect(get().stdout.trim()).toBe(HEX);
    await broker.kill();
    // wrangler exports from the state beside its configuration and from nowhere else
    mkdirSync(at("beside/.wrangler"), { recursive: true });
    symlinkSync(at("d1"), at("beside/.wrangler/state"));
    writeFileSync(at("beside/wrangler.toml"), readFileSync(join(import.meta.dirname, "../../wrangler.toml")));
  }, 120_000);
  afterAll(() => broker.remove());

  it("becomes a SQLite file that serves the same secrets, as the same log", async () => {
    const exported = wranglerAt(at("beside"), "d1", "export", "ostiary", "--local", "--output", at("d1.sql"));
    expect(exported.status, exported.stderr).toBe(0);
    for (const name of ["", "-wal", "-shm"]) rmSync(at(`${DATA_FILES.database}${name}`), { force: true });
    const copied = ostiary("store", "copy", at("d1.sql"), at(DATA_FILES.config));
    expect([copied.status, copied.stderr]).toEqual([0, ""]);
    const program = createProgram(["--data", data]);
    await program.start();
    expect(get().stdout.trim()).toBe(HEX);
    await broker.admin.putSecret("prod/moved/later", { kind: "static", plaintext: SECRET });
    await program.kill();
  }, 60_000);

  it("is made of one, by a file that wrangler carries out, and serves again as it went on", async () => {
    const written = ostiary("store", "copy", at(DATA_FILES.config), at("back.sql"));
    expect([written.status, written.stderr]).toEqual([0, ""]);
    expect(readFileSync(at("back.sql")).includes(Buffer.from(SECRET).toString("hex"))).toBe(false);
    rmSync(at("d1"), { recursive: true });
    const state = ["--local", "--persist-to", at("d1")];
    expect(wrangler("d1", "migrations", "apply", "ostiary", ...state).status).toBe(0);
    const executed = wrangler("d1", "execute", "ostiary", "--file", at("back.sql"), "--yes", ...state);
    expect(executed.status, executed.stderr).toBe(0);
    await broker.start();
    expect(get().stdout.trim()).toBe(HEX);
    expect(await broker.admin.showSecret("prod/moved/later")).toHaveLength(1);
    const key = ["--broker", broker.url, "--audience", broker.audience, "--key", at(DATA_FILES.adminKey)];
    const log = ostiary("ledger", "export", ...key);
    writeFileSync(at("log.json"), log.stdout);
    expect(ostiary("ledger", "verify", at("log.json")).stdout).toContain("none cut out");
  }, 120_000);

  it("is never written over a file that is there", () => {
    const again = ostiary("store", "copy", at(DATA_FILES.config), at("back.sql"));
    expect([again.status, again.stderr.includes("EEXIST")]).toEqual([3, true]);
  });
});
