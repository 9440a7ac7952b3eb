/** Does a broker refuse to start on a machine that failed it, in one clear sentence, and leave what is there as it is? */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProgram } from "../agent/demo-broker.ts";

const CLI = join(import.meta.dirname, "../../src/runtime/node/cli.ts");

let folder: string;
let data: string;
let database: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-failures-"));
  data = join(folder, "data");
  database = join(data, "ostiary.db");
  expect(run(["init", "--data", data, "--no-kds", "--port", "1"]).status).toBe(0);
  const config = join(data, "ostiary.toml");
  writeFileSync(config, readFileSync(config, "utf8").replace("port = 1", "port = 0"));
  const program = createProgram(["--data", data]);
  await program.start(); // a start stands in its log
  await program.kill();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Way {
  /** Words before the program: what limits it. */
  readonly under?: readonly string[];
  readonly options?: string;
}

function run(words: readonly string[], { under = [], options = "" }: Way = {}) {
  const [program = process.execPath, ...rest] = [...under, process.execPath, CLI, ...words];
  return spawnSync(program, rest, {
    encoding: "utf8",
    timeout: 20_000,
    env: { ...process.env, NODE_OPTIONS: options },
  });
}

const digest = (): string => createHash("sha256").update(readFileSync(database)).digest("hex");

function expectRefusal(way: Way, code: string, sentence: string): void {
  const before = digest();
  const { status, stdout, stderr } = run(["serve", "--data", data], way);
  expect(stderr).toContain(code);
  expect(stderr).toContain(sentence);
  expect(stderr).toContain("next:");
  expect(stderr).not.toContain("    at ");
  expect(stdout).toBe("");
  expect(status).toBe(3);
  expect(digest()).toBe(before);
}

/** Root obeys the permissions of files too once it lacks this capability. */
const OBEYING =
  process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] : [];

describe("a broker does not start", () => {
  it("with a clock that was moved back an hour, and does when somebody says that it was ahead", async () => {
    const shift = "const now = Date.now; Date.now = () => now() - 3600e3;";
    const options = `--import=data:text/javascript,${encodeURIComponent(shift)}`;
    foldLog();
    expectRefusal({ options }, "clock/behind", "expected a clock that runs on");
    const program = createProgram(["--data", data, "--clock-was-ahead"]);
    await program.start();
    await program.kill();
  });

  it("on a database that was cut off", () => {
    foldLog();
    truncateSync(database, readFileSync(database).length / 2);
    expectRefusal({}, "store/unavailable", "the database is damaged");
  });

  it("on a database of the future", () => {
    const file = new BetterSqlite3(database);
    file.prepare("insert into schema_migration values (99, 'later', ?)").run("0".repeat(64));
    file.close();
    expectRefusal({}, "store/incompatible", "newer");
  });

  it("on a full disk", () => {
    foldLog();
    expectRefusal({ under: ["prlimit", "--fsize=0"] }, "store/unavailable", "disk");
  });

  it("on a disk that it may not write", () => {
    foldLog();
    chmodSync(database, 0o400);
    chmodSync(data, 0o500);
    expectRefusal({ under: OBEYING }, "store/unavailable", "may not be");
    chmodSync(data, 0o700);
  });
});

/** Brings what a killed broker left beside its database into it. */
function foldLog(): void {
  const file = new BetterSqlite3(database);
  file.pragma("wal_checkpoint(TRUNCATE)");
  file.close();
}
