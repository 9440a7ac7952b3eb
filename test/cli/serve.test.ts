/** Does the program start only on what it may serve, and end in order? Run as an operator runs it. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pemOf } from "../../src/simulator/chip-folder.ts";
import { simulatedRoot } from "../support/simulated.ts";

const CLI = join(import.meta.dirname, "../../src/runtime/node/bin.mjs");

let folder: string;
let data: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-serve-"));
  data = join(folder, "data");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function ostiary(...words: readonly string[]) {
  const run = spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 20_000 });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

function init(mode: "production" | "demo" = "production"): void {
  expect(ostiary("init", "--data", data, "--mode", mode, "--port", "1", "--no-kds").status).toBe(0);
  edit("port = 1", "port = 0");
}

function edit(from: string, to: string): void {
  const path = join(data, "ostiary.toml");
  const text = readFileSync(path, "utf8");
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

/** Starts the broker, waits until it serves, sends a signal, answers its exit status and what it logged. */
async function servedUntil(
  signal: NodeJS.Signals,
  during: (url: string) => Promise<void> = async () => undefined,
) {
  const child = spawn(process.execPath, [CLI, "serve", "--data", data], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (piece) => {
    said += String(piece);
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once("exit", () => reject(new Error(said)));
    child.stdout.on("data", (piece) => {
      const found = /http:\/\/\S+/.exec(String(piece));
      if (found !== null) resolve(found[0]);
    });
  });
  await during(url);
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.kill(signal);
  return { status: await ended, said };
}

describe("ostiary init", () => {
  it("makes what a broker needs, readable by its owner alone, and overwrites nothing", () => {
    init();
    expect(ostiary("serve", "--data", data, "--check")).toMatchObject({ status: 0 });
    const again = ostiary("init", "--data", data);
    expect(again.status).toBe(3);
    expect(again.err).toContain("file/unusable");
  });
});

describe("ostiary serve", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "ends in order on %s, and starts again on the same database",
    async (signal) => {
      init();
      const first = await servedUntil(signal, async (url) => {
        expect((await fetch(`${url}/healthz`)).status).toBe(200);
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
      });
      expect(first.status).toBe(0);
      expect(first.said).toContain('"event":"stopped"');
      expect((await servedUntil(signal)).status).toBe(0);
    },
  );

  it("logs one JSON object a line, with flat values only", async () => {
    init();
    const { said } = await servedUntil("SIGTERM", async (url) => {
      await fetch(`${url}/.well-known/ostiary`);
    });
    const lines = said
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) {
      expect(Object.values(line).every((value) => typeof value !== "object")).toBe(true);
    }
  });

  it.each([
    [
      "another key-encryption key",
      () => writeFileSync(join(data, "kek.key"), new Uint8Array(32).fill(7)),
      "kek/wrong-key",
    ],
    [
      "a key-encryption key that others may read",
      () => chmodSync(join(data, "kek.key"), 0o644),
      "kek/unavailable",
    ],
    ["no key-encryption key", () => rmSync(join(data, "kek.key")), "kek/unavailable"],
    ["no database", () => rmSync(join(data, "ostiary.db")), "store/unavailable"],
    [
      "a file that is no database",
      () => writeFileSync(join(data, "ostiary.db"), "not a database at all"),
      "store/",
    ],
    [
      "another audience",
      () => edit('audience = "http://127.0.0.1:1"', 'audience = "http://other.example"'),
      "store/incompatible",
    ],
    [
      "a signing key of another kind",
      () => writeFileSync(join(data, "signing-key.pem"), readFileSync(join(data, "ledger-key.pem"))),
      "config/invalid",
    ],
    ["words that it does not know", () => edit("[kds]", "[kdsx]"), "config/invalid"],
  ])("does not start with %s, and says why", async (_name, spoil, code) => {
    init();
    await servedUntil("SIGTERM");
    spoil();
    const { status, err } = ostiary("serve", "--data", data);
    expect(status).toBe(3);
    expect(err).toContain(code);
    expect(err).toContain("next:");
    expect(err).not.toContain("    at ");
  });

  it("trusts a simulator in demo mode only, whichever way it is asked", async () => {
    const root = join(folder, "ark.pem");
    writeFileSync(root, pemOf(simulatedRoot("genoa").ark));
    init("production");
    expect(ostiary("serve", "--data", data, "--check", "--trust-simulator", root)).toMatchObject({
      status: 3,
    });
    edit('mode = "production"', `mode = "production"\ntrust_simulator = "${root}"`);
    expect(ostiary("serve", "--data", data, "--check")).toMatchObject({ status: 3 });
    edit('mode = "production"', 'mode = "demo"');
    expect(ostiary("serve", "--data", data, "--check")).toMatchObject({ status: 0 });
  });
});

describe("the command line", () => {
  it.each([
    [["--help"], 0],
    [[], 2],
    [["nonsense"], 2],
    [["serve", "--nonsense"], 2],
    [["evidence", "verify", "/nowhere/report.bin", "--offline"], 3],
    [["evidence", "verify", "--help"], 0],
  ])("ends %j with status %i", (words, status) => {
    expect(ostiary(...words).status).toBe(status);
  });
});
