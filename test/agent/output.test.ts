import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type OutputPlace, writeSecrets } from "../../src/agent/output.ts";
import { Fault } from "../../src/base/fault.ts";
import { random } from "./demo-broker.ts";

const SHM = "/dev/shm";
const TMPFS_MAGIC = 0x01021994;
const hasTmpfs = existsSync(SHM) && statfsSync(SHM).type === TMPFS_MAGIC;
const itWithTmpfs = hasTmpfs
  ? it
  : (name: string, _: () => Promise<void>) => it.skip(`${name} (skipped: no tmpfs at ${SHM})`, () => {});
const itOnDisk =
  statfsSync(tmpdir()).type === TMPFS_MAGIC
    ? (name: string, _: () => Promise<void>) =>
        it.skip(`${name} (skipped: the temporary folder is in tmpfs)`, () => {})
    : it;

function folderIn(base: string): string {
  const path = mkdtempSync(join(base, "ostiary-output-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function codeOf(secrets: readonly Uint8Array[], place: OutputPlace): Promise<string> {
  try {
    await writeSecrets(secrets, "raw", place);
    return "written";
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code;
    throw thrown;
  }
}

describe("a file in tmpfs", () => {
  itWithTmpfs(
    "rids its folder of what a process that was killed left half, and of nothing else",
    async () => {
      const folder = folderIn(SHM);
      const named = (pid: number, name = "key") =>
        `.${name}.${pid.toString(16).padStart(8, "0")}00112233.part`;
      const gone = spawnSync(process.execPath, ["-e", "0"]).pid;
      const others = [named(process.pid), named(gone, "other"), ".key.part", `.key.${"z".repeat(16)}.part`];
      for (const name of [named(gone), ...others]) writeFileSync(join(folder, name), "half");
      await writeSecrets([random(8)], "raw", { file: join(folder, "key") });
      expect(readdirSync(folder).sort()).toEqual([...others, "key"].sort());
    },
  );

  itWithTmpfs("holds the secret, for its owner alone", async () => {
    const folder = folderIn(SHM);
    const file = join(folder, "key");
    const secret = random(48);
    await writeSecrets([secret], "raw", { file });
    expect(Uint8Array.from(readFileSync(file))).toEqual(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["key"]);
  });

  itWithTmpfs("replaces what stood there: open modes are closed, links not followed", async () => {
    const folder = folderIn(SHM);
    const [open, link, kept] = ["open", "link", "kept"].map((name) => join(folder, name));
    if (open === undefined || link === undefined || kept === undefined) throw new Error("three names");
    writeFileSync(open, "old", { mode: 0o666 });
    writeFileSync(kept, "kept");
    symlinkSync(kept, link);
    await writeSecrets([random(16)], "raw", { file: open });
    await writeSecrets([random(16)], "raw", { file: link });
    expect(statSync(open).mode & 0o777).toBe(0o600);
    expect(lstatSync(link).isSymbolicLink()).toBe(false);
    expect(readFileSync(kept, "utf8")).toBe("kept");
  });

  itWithTmpfs("that cannot take the name leaves nothing behind", async () => {
    const folder = folderIn(SHM);
    mkdirSync(join(folder, "key"));
    writeFileSync(join(folder, "key", "inside"), "");
    expect(await codeOf([random(16)], { file: join(folder, "key") })).toBe("file/unusable");
    expect(readdirSync(folder)).toEqual(["key"]);
  });
});

describe("a file anywhere else", () => {
  itOnDisk("is refused, and no byte of the secret was written", async () => {
    const folder = folderIn(tmpdir());
    expect(await codeOf([random(16)], { file: join(folder, "key") })).toBe("file/unusable");
    expect(readdirSync(folder)).toEqual([]);
  });

  itOnDisk("is refused too behind a link from a tmpfs", async () => {
    if (!hasTmpfs) return;
    const [disk, memory] = [folderIn(tmpdir()), folderIn(SHM)];
    symlinkSync(disk, join(memory, "link"));
    expect(await codeOf([random(16)], { file: join(memory, "link", "key") })).toBe("file/unusable");
    expect(readdirSync(disk)).toEqual([]);
  });

  it("in a folder that is not there is refused", async () => {
    expect(await codeOf([random(16)], { file: "/nowhere/key" })).toBe("file/unusable");
  });
});

/** What comes out of a descriptor: a named pipe, read by the test. */
function pipe(): { readonly fd: number; readonly read: () => Uint8Array } {
  const path = join(folderIn(tmpdir()), "pipe");
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(fd));
  return {
    fd,
    read: () => {
      const buffer = Buffer.alloc(1 << 20);
      try {
        return Uint8Array.from(buffer.subarray(0, readSync(fd, buffer)));
      } catch {
        return new Uint8Array(0);
      }
    },
  };
}

function isEventQueue(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith("anon_inode:[event");
  } catch {
    return false;
  }
}

describe("a file descriptor", () => {
  const secret = Uint8Array.from([0, 1, 0xfe, 0xff]);
  const formats = [
    ["raw", [secret], "\u0000\u0001\u00fe\u00ff"],
    ["hex", [secret], "0001feff\n"],
    ["base64", [secret], "AAH+/w==\n"],
    ["hex", [secret, Uint8Array.of(7)], "0001feff\n07\n"],
    ["base64", [], ""],
  ] as const;
  it.each(formats)("gets %s", async (format, secrets, text) => {
    const { fd, read } = pipe();
    await writeSecrets(secrets, format, { fd });
    expect(Buffer.from(read()).toString("latin1")).toBe(text);
  });

  it("whose reader is slow gets every byte in the end", async () => {
    const { fd, read } = pipe();
    const large = random(1 << 20);
    const writing = writeSecrets([large], "raw", { fd });
    const pieces: Uint8Array[] = [];
    for (let size = 0; size < large.length; ) {
      await new Promise((done) => setTimeout(done, 2)); // in order: a slow reader
      const piece = read();
      pieces.push(piece);
      size += piece.length;
    }
    await writing;
    expect(Buffer.concat(pieces).equals(large)).toBe(true);
  });

  it("that is not open, or open for reading only, is refused", async () => {
    const reading = openSync("/dev/null", "r");
    onTestFinished(() => closeSync(reading));
    expect(await codeOf([secret], { fd: reading })).toBe("file/unusable");
    expect(await codeOf([secret], { fd: 99_999 })).toBe("file/unusable");
  });

  it("that is an event queue of this very process is refused", async () => {
    const own = readdirSync("/proc/self/fd").filter((fd) => isEventQueue(fd));
    expect(own.length).toBeGreaterThan(0);
    const taken = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0); // what such a queue would swallow
    for (const fd of own) expect(await codeOf([taken], { fd: Number(fd) })).toBe("file/unusable"); // in order: a few
  });

  it("leaves the caller's own bytes to the caller", async () => {
    const { fd } = pipe();
    const mine = secret.slice();
    await writeSecrets([mine], "hex", { fd });
    expect(mine).toEqual(secret);
  });
});
