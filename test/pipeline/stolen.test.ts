/** What does a thief learn from a broker's disk, its logs and a snapshot of its heap? A real process; all is searched for what was planted. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "../agent/demo-broker.ts";

const PATH = "prod/planted/key";
const PLANTED = random(48);
/** Whoever finds one of these has the secret. */
const TRACES = [
  Buffer.from(PLANTED),
  ...(["hex", "base64", "base64url"] as const).map((form) =>
    Buffer.from(Buffer.from(PLANTED).toString(form)),
  ),
];

describe("what is stolen from a broker", () => {
  let broker: DemoBroker;
  let data: string;
  let child: ChildProcess;

  beforeAll(async () => {
    broker = await demoBroker({ "prod/other": Uint8Array.of(1) });
    data = dirname(broker.signingKeyFile);
    await broker.kill();
    const log = openSync(join(data, "broker.log"), "w");
    const words = ["--heapsnapshot-signal=SIGUSR2", "--diagnostic-dir", data, CLI, "serve", "--data", data];
    child = spawn(process.execPath, words, { stdio: ["ignore", log, log] });
    while (!readFileSync(join(data, "broker.log"), "utf8").includes("serving")) await sleep(20); // in order: it waits
  }, 30_000);

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
});

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
