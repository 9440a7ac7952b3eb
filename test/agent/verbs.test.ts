import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "./demo-broker.ts";

const DISK = random(32);
/** Letters, so that it would be found wherever it is written as text. */
const WORDS = new TextEncoder().encode(`planted-${random(12).toString()}`);
const TMPFS_MAGIC = 0x01021994;
const hasTmpfs = existsSync("/dev/shm") && statfsSync("/dev/shm").type === TMPFS_MAGIC;
const hasCryptsetup = spawnSync("cryptsetup", ["--version"]).status === 0;
type Body = () => Promise<void>;
const unless = (has: boolean, reason: string) =>
  has ? it : (name: string, _: Body) => it.skip(`${name} (skipped: ${reason})`, () => {});

let broker: DemoBroker;

beforeAll(async () => {
  broker = await demoBroker({ "prod/disk": DISK, "prod/words": WORDS });
}, 60_000);

afterAll(async () => {
  await broker.remove();
});

interface Ended {
  readonly status: number | null;
  readonly out: Buffer;
  readonly err: string;
  /** What came out of descriptor 3. */
  readonly third: Buffer;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

function start(words: readonly string[]): Running {
  const child = spawn(process.execPath, [CLI, "agent", ...words], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const [out, err, third] = [1, 2, 3].map((fd) => {
    const pieces: Buffer[] = [];
    child.stdio[fd]?.on("data", (piece: Buffer) => void pieces.push(piece));
    return pieces;
  });
  const ended = new Promise<Ended>((done) => {
    child.once("close", (status) =>
      done({
        status,
        out: Buffer.concat(out ?? []),
        err: String(Buffer.concat(err ?? [])),
        third: Buffer.concat(third ?? []),
      }),
    );
  });
  return { child, ended };
}

function run(words: readonly string[]): Promise<Ended> {
  return start(words).ended;
}

function trusting(): readonly string[] {
  return asGuest(broker);
}

describe("ostiary agent get", () => {
  it("writes the secret to standard output where that is a pipe, and says which it was beside it", async () => {
    const { status, out, err } = await run(["get", "prod/disk", ...trusting()]);
    expect({ status, out: Uint8Array.from(out) }).toEqual({ status: 0, out: DISK });
    expect(err).toMatch(/^ostiary: prod\/disk version 1, decision [0-9A-Z]{26}\n$/);
  });

  it("writes to a descriptor, and facts alone with --json", async () => {
    const { status, out, third } = await run(["get", "prod/disk", "--fd", "3", "--json", ...trusting()]);
    expect({ status, third: Uint8Array.from(third) }).toEqual({ status: 0, third: DISK });
    expect(JSON.parse(String(out))).toEqual({
      decision: expect.stringMatching(/^[0-9A-Z]{26}$/),
      secrets: [{ path: "prod/disk", version: 1, bytes: 32 }],
    });
  });

  it("writes nothing of the secret with --json alone", async () => {
    const { status, out, err, third } = await run(["get", "prod/words", "--json", ...trusting()]);
    expect(status).toBe(0);
    expect(String(out) + err + String(third)).not.toContain("planted-");
  });

  it("writes several secrets as lines, in the order asked", async () => {
    const words = ["get", "prod/words", "prod/disk", "--format", "base64", ...trusting()];
    const lines = String((await run(words)).out).split("\n");
    expect(lines.map((line) => Uint8Array.from(Buffer.from(line, "base64")))).toEqual([
      WORDS,
      DISK,
      new Uint8Array(0),
    ]);
  });

  unless(hasTmpfs, "no tmpfs at /dev/shm")("writes a file in tmpfs, mode 0600", async () => {
    const folder = mkdtempSync("/dev/shm/ostiary-verbs-");
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "key");
    const { status, out } = await run(["get", "prod/disk", "--out", file, ...trusting()]);
    expect({ status, out: String(out), mode: statSync(file).mode & 0o777 }).toEqual({
      status: 0,
      out: "",
      mode: 0o600,
    });
    expect(Uint8Array.from(readFileSync(file))).toEqual(DISK);
  });

  it("ends an honest no with status 1, the code and the decision id, and no byte on standard output", async () => {
    const { status, out, err } = await run(["get", "lab/disk", ...trusting()]);
    expect({ status, out: String(out) }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/code: policy\/denied\n.*id: [0-9A-Z]{26}\n/s);
  });

  it("ends with status 3 where no broker answers, and says each wait", async () => {
    const words = [
      "get",
      "prod/disk",
      "--deadline",
      "2",
      ...asGuest({ ...broker, url: "http://127.0.0.1:9" }),
    ];
    const { status, err } = await run(words);
    expect(status).toBe(3);
    const line =
      /^ostiary: http:\/\/127.0.0.1:9: broker\/unreachable \(ECONNREFUSED\); asking again in \d+[.]\d s\n/;
    expect(err).toMatch(line);
  });

  it("asks the next broker at once where the first is away, and says which", async () => {
    const away = asGuest({ ...broker, url: "http://127.0.0.1:9" });
    const { status, out, err } = await run([
      "get",
      "prod/disk",
      "--spread",
      "1",
      ...away,
      "--broker",
      broker.url,
    ]);
    expect({ status, out: Uint8Array.from(out) }).toEqual({ status: 0, out: DISK });
    expect(err).toContain(`asking ${broker.url} now\n`);
  });

  it("ends with status 3 where there is no configfs-tsm", async () => {
    const words = ["get", "prod/disk", ...trusting(), "--provider", "configfs-tsm", "--tsm-dir", "/nowhere"];
    const { status, err } = await run(words);
    expect({ status, code: /code: (\S+)/.exec(err)?.[1] }).toEqual({
      status: 3,
      code: "provider/unavailable",
    });
  });
});

describe("ostiary agent unlock", () => {
  const itWithCryptsetup = unless(hasCryptsetup, "cryptsetup is not installed");

  function luksImage(key: Uint8Array): string {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-verbs-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const image = join(folder, "disk.img");
    execFileSync("truncate", ["-s", "32M", image]);
    const format = ["luksFormat", "--type", "luks2", "--batch-mode", "--pbkdf", "pbkdf2"];
    execFileSync("cryptsetup", [...format, "--pbkdf-force-iterations", "1000", "--key-file", "-", image], {
      input: key,
    });
    return image;
  }

  itWithCryptsetup("adopts a real LUKS2 volume once, and opens it by its marker from then on", async () => {
    const device = luksImage(DISK);
    const words = ["unlock", "--device", device, "--test-passphrase", "--secret", "prod/disk"];
    const unmarked = await run([...words, ...trusting()]);
    expect([unmarked.status, unmarked.err]).toEqual([1, expect.stringContaining("disk/no-marker")]);
    expect((await run([...words, "--adopt", ...trusting()])).err).toContain("adopted as it is");
    const { status, out } = await run([...words, "--json", ...trusting()]);
    expect(status).toBe(0);
    expect(JSON.parse(String(out))).toMatchObject({ device, outcome: "unlocked", how: "marked", version: 1 });
  });

  itWithCryptsetup(
    "ends with status 1 where the released key is not the volume's, or none is released",
    async () => {
      for (const [path, code] of [
        ["prod/disk", "disk/wrong-key"],
        ["lab/disk", "policy/denied"],
      ]) {
        const words = [
          "unlock",
          "--device",
          luksImage(random(32)),
          "--test-passphrase",
          "--adopt",
          "--secret",
          `${path}`,
        ];
        const { status, out, err } = await run([...words, ...trusting()]); // in order: of one broker
        expect({ status, out: String(out) }).toEqual({ status: 1, out: "" });
        expect(err).toContain(`code: ${code}`);
      }
    },
  );
});

describe("plaintext", () => {
  it("stands in no argument and no environment while it is fetched and written", async () => {
    const { child, ended } = start(["get", "prod/words", "--format", "hex", ...trusting()]);
    const seen: string[] = [];
    const look = setInterval(() => seen.push(wordsOf(child.pid)), 5);
    const { status, out } = await ended;
    clearInterval(look);
    expect({ status, out: String(out) }).toEqual({
      status: 0,
      out: `${Buffer.from(WORDS).toString("hex")}\n`,
    });
    expect(seen.some((text) => text.includes("prod/words"))).toBe(true);
    for (const form of formsOf(WORDS)) expect(seen.join()).not.toContain(form);
  });

  it("lies in no file of the broker or of the machine after all of this", async () => {
    const files = filesUnder(dirname(broker.machine));
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      const bytes = readFileSync(file, "latin1");
      for (const form of [...formsOf(WORDS), Buffer.from(DISK).toString("latin1")]) {
        expect([file, bytes.includes(form)]).toEqual([file, false]);
      }
    }
  });
});

function wordsOf(pid: number | undefined): string {
  try {
    return ["cmdline", "environ"].map((name) => readFileSync(`/proc/${pid}/${name}`, "latin1")).join("\0");
  } catch {
    return "";
  }
}

function formsOf(secret: Uint8Array): readonly string[] {
  const bytes = Buffer.from(secret);
  return [
    bytes.toString("latin1"),
    bytes.toString("hex"),
    bytes.toString("base64"),
    bytes.toString("base64url"),
  ];
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
