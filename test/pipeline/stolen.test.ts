/** What does a thief learn from a broker's disk, its logs, a snapshot of its heap and its memory? A real process; all is searched for what was planted. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, cpSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "../agent/demo-broker.ts";

const PATH = "prod/planted/key";
const PLANTED = random(48);
/** Whoever finds one of these has the secret. */
const TEXTS = (["hex", "base64", "base64url"] as const).map((form) =>
  Buffer.from(Buffer.from(PLANTED).toString(form)),
);
const TRACES = [Buffer.from(PLANTED), ...TEXTS];

describe("what is stolen from a broker", () => {
  let broker: DemoBroker;
  let data: string;
  let child: ChildProcess;

  beforeAll(async () => {
    broker = await demoBroker({ "prod/other": Uint8Array.of(1) });
    data = dirname(broker.signingKeyFile);
    await broker.kill();
    child = await serve();
  }, 30_000);

  async function serve(): Promise<ChildProcess> {
    const path = join(data, "broker.log");
    const log = openSync(path, "w");
    const words = ["--heapsnapshot-signal=SIGUSR2", "--diagnostic-dir", data, CLI, "serve", "--data", data];
    const started = spawn(process.execPath, words, { stdio: ["ignore", log, log] });
    closeSync(log);
    while (!readFileSync(path, "utf8").includes("serving")) await sleep(20); // in order: it waits
    return started;
  }

  afterAll(async () => {
    child.kill("SIGKILL");
    await broker.remove();
  });

  function get(path: string) {
    return spawnSync(process.execPath, [CLI, "agent", "get", path, ...asGuest(broker)]);
  }

  it("holds no plaintext: not the database, its log ahead, copies of both, or what the broker wrote", async () => {
    await broker.admin.putSecret(PATH, { kind: "static", plaintext: PLANTED.slice() });
    const released = get(PATH);
    expect(released.status).toBe(0);
    expect(released.stdout.includes(Buffer.from(PLANTED))).toBe(true);
    expect(get("prod/none").status).not.toBe(0);
    cpSync(data, join(dirname(data), "copy"), { recursive: true });
    expect(tracesBelow(dirname(data))).toEqual([]);
  });

  it("holds none in the heap once it was destroyed, and none in the database's free pages", async () => {
    await broker.admin.changeSecret(PATH, { version: 1, state: "destroyed", despite: 1 });
    child.kill("SIGUSR2");
    const snapshot = await snapshotIn(data);
    expect(snapshot.includes(Buffer.from(broker.audience))).toBe(true);
    expect(tracesBelow(dirname(data))).toEqual([]);
  }, 60_000);

  it("holds the root key nowhere in memory, and what it released nowhere there as text", async () => {
    const path = "prod/planted/again";
    await broker.admin.putSecret(path, { kind: "static", plaintext: PLANTED.slice() });
    child.kill("SIGKILL");
    child = await serve(); // the request that brought the secret stays in the memory that took it
    expect(get(path).status).toBe(0);
    await broker.admin.changeSecret(path, { version: 1, state: "destroyed", despite: 1 });
    const whole = readFileSync(join(data, DATA_FILES.kek));
    const halves = [whole.subarray(0, 16), whole.subarray(16)]; // what is freed is written over from its beginning
    const seen = { url: false, rootKey: false, text: false };
    for (const piece of memoryOf(child.pid ?? 0)) {
      seen.url ||= piece.includes(broker.audience);
      seen.rootKey ||= halves.some((half) => piece.includes(half));
      seen.text ||= TEXTS.some((text) => piece.includes(text));
    }
    expect(seen).toEqual({ url: true, rootKey: false, text: false });
  }, 60_000);
});

/** What a core dump would hold: everything that the process can write to. */
function* memoryOf(pid: number): Generator<Buffer, void, undefined> {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const start = BigInt(`0x${from}`);
      yield* piecesOf(memory, start, Number(BigInt(`0x${to}`) - start));
    }
  } finally {
    closeSync(memory);
  }
}

const PIECE = 1 << 26;
/** Pieces overlap by more than any trace is long. */
const OVERLAP = 256;

function* piecesOf(memory: number, start: bigint, size: number): Generator<Buffer, void, undefined> {
  for (let at = 0; at < size; at += PIECE) {
    const piece = Buffer.alloc(Math.min(PIECE + OVERLAP, size - at));
    try {
      readSync(memory, piece, 0, piece.length, start + BigInt(at));
      yield piece;
    } catch {
      // a guard page, which nobody can read
    }
  }
}

/** The heap as the process wrote it, once it is whole. */
async function snapshotIn(folder: string): Promise<Buffer> {
  for (;;) {
    const name = readdirSync(folder).find((file) => file.endsWith(".heapsnapshot"));
    const bytes = name === undefined ? Buffer.alloc(0) : readFileSync(join(folder, name));
    if (bytes.subarray(-4).toString().trimEnd().endsWith("]}")) return bytes;
    await sleep(50); // in order: it waits
  }
}

/** Files below a folder that hold the planted secret in any form. */
function tracesBelow(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
  expect(files.length).toBeGreaterThan(10);
  return files.filter((path) => {
    const bytes = readFileSync(path);
    return TRACES.some((trace) => bytes.includes(trace));
  });
}
