/** What is left of a key where its guest is killed, or its memory is full? Real processes, SIGKILL at moments of every kind, a tmpfs without room. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  watch,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "./demo-broker.ts";

const PATH = "prod/disk";
const SECRET = random(4096);
const SHM = "/dev/shm";
const TMPFS_MAGIC = 0x01021994;
const hasTmpfs = existsSync(SHM) && statfsSync(SHM).type === TMPFS_MAGIC;
const describeWithTmpfs = hasTmpfs
  ? describe
  : (name: string, tests: () => void) => describe.skip(`${name} (no tmpfs at ${SHM})`, tests);
const canMount = process.getuid?.() === 0 && hasTmpfs && mountsHere();
const itWithMount = canMount
  ? it
  : (name: string, _: () => Promise<void>) => it.skip(`${name} (no mount here)`, () => {});
const ROUNDS = 30;

let broker: DemoBroker;

beforeAll(async () => {
  broker = await demoBroker({ [PATH]: SECRET });
}, 60_000);

afterAll(() => broker.remove());

function mountsHere(): boolean {
  const folder = mkdtempSync(join(SHM, "ostiary-try-"));
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k", "none", folder]).status === 0;
  if (isMounted) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true });
  return isMounted;
}

function folderInMemory(): string {
  const folder = mkdtempSync(join(SHM, "ostiary-killed-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function getting(file: string): ChildProcess {
  const words = ["agent", "get", PATH, "--out", file, "--deadline", "30", ...asGuest(broker)];
  return spawn(process.execPath, [CLI, ...words], { stdio: ["ignore", "ignore", "pipe"] });
}

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly err: string;
}

function ended(child: ChildProcess): Promise<Ended> {
  let err = "";
  child.stderr?.on("data", (piece) => {
    err += String(piece);
  });
  return new Promise((done) => child.once("close", (status, signal) => done({ status, signal, err })));
}

const HALF = /^\.key\.[0-9a-f]{16}\.part$/;

/** One life of so long; what it leaves is the whole key, a half by its own name, or nothing. */
async function killedAfter(milliseconds: number, file: string): Promise<"killed" | "done"> {
  rmSync(file, { force: true });
  const child = getting(file);
  setTimeout(() => child.kill("SIGKILL"), milliseconds);
  const { status } = await ended(child);
  const others = readdirSync(dirname(file)).filter((name) => name !== "key" && !HALF.test(name));
  expect(others).toEqual([]);
  if (existsSync(file)) expect(new Uint8Array(readFileSync(file))).toEqual(Uint8Array.from(SECRET));
  return status === null ? "killed" : "done";
}

describeWithTmpfs("`agent get --out`, killed", () => {
  it("at any moment leaves the whole key or none under its name, and the next start leaves nothing else", async () => {
    const folder = folderInMemory();
    const file = join(folder, "key");
    const began = performance.now();
    expect((await ended(getting(file))).status).toBe(0);
    const wholeMs = performance.now() - began;
    const outcomes = new Set<string>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      outcomes.add(await killedAfter((wholeMs * round) / ROUNDS, file)); // in order: one life after the other
    }
    expect(outcomes.has("killed")).toBe(true);
    expect((await ended(getting(file))).status).toBe(0);
    expect(readdirSync(folder)).toEqual(["key"]);
  }, 120_000);

  it("at the moment when its bytes are in memory, and again and again, leaves nothing once one was not", async () => {
    const folder = folderInMemory();
    const file = join(folder, "key");
    for (let round = 0; round < 5; round += 1) {
      const child = getting(file);
      const watching = watch(folder, () => child.kill("SIGKILL"));
      await ended(child); // in order
      watching.close();
    }
    // What a slower kill would have left, by a process that is no more.
    const gone = spawnSync(process.execPath, ["-e", "0"]).pid.toString(16).padStart(8, "0");
    writeFileSync(join(folder, `.key.${gone}00112233.part`), SECRET);
    expect((await ended(getting(file))).status).toBe(0);
    expect(readdirSync(folder)).toEqual(["key"]);
    expect(new Uint8Array(readFileSync(file))).toEqual(Uint8Array.from(SECRET));
  }, 60_000);
});

describe("a tmpfs without room", () => {
  itWithMount(
    "takes nothing half: status 3, the reason, and the key of before where there was one",
    async () => {
      const folder = folderInMemory();
      const small = join(folder, "small");
      mkdirSync(small);
      expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k", "none", small]).status).toBe(0);
      onTestFinished(() => void spawnSync("umount", [small]));
      writeFileSync(join(small, "key"), "before");
      expect(() => writeFileSync(join(small, "fill"), Buffer.alloc(16_384))).toThrow(/ENOSPC/);
      const full = await ended(getting(join(small, "key")));
      expect(full.status).toBe(3);
      expect(full.err).toContain("ENOSPC");
      expect(readdirSync(small).sort()).toEqual(["fill", "key"]);
      expect(readFileSync(join(small, "key"), "utf8")).toBe("before");
      rmSync(join(small, "fill"));
      expect((await ended(getting(join(small, "key")))).status).toBe(0);
      expect(new Uint8Array(readFileSync(join(small, "key")))).toEqual(Uint8Array.from(SECRET));
    },
    60_000,
  );
});

describe("a broker that is away", () => {
  it("for some seconds is waited for by a bounded number of lines, each of which says what is waited for; then the key comes", async () => {
    const folder = folderInMemory();
    await broker.kill();
    const asked = ended(getting(join(folder, "key")));
    await new Promise((done) => setTimeout(done, 6000));
    await broker.start();
    const { status, err } = await asked;
    expect(status).toBe(0);
    const waits = err.split("\n").filter((line) => line.includes("asking again"));
    // Waits of up to 0.5, 1, 2, 4 and 8 s: a loop that is hot would say thousands of lines.
    expect(waits.length).toBeGreaterThan(0);
    expect(waits.length).toBeLessThan(60);
    const line =
      /^ostiary: http:\/\/127\.0\.0\.1:\d+: broker\/unreachable \([A-Z_]+\); asking again in \d+\.\d s$/;
    for (const wait of waits) expect(wait).toMatch(line);
  }, 60_000);
});
