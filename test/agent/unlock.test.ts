import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { unlock } from "../../src/agent/unlock.ts";
import { Fault } from "../../src/base/fault.ts";
import { random } from "./demo-broker.ts";

const hasCryptsetup = spawnSync("cryptsetup", ["--version"]).status === 0;
const itWithCryptsetup = hasCryptsetup
  ? it
  : (name: string, _: () => Promise<void>) =>
      it.skip(`${name} (skipped: cryptsetup is not installed)`, () => {});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ostiary-unlock-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A LUKS2 image with one key slot. */
function luksImage(key: Uint8Array): string {
  const image = join(folder(), "disk.img");
  writeFileSync(image, "");
  execFileSync("truncate", ["-s", "32M", image]);
  const words = ["luksFormat", "--type", "luks2", "--batch-mode", "--pbkdf", "pbkdf2"];
  const cost = ["--pbkdf-force-iterations", "1000", "--key-file", "-", image];
  execFileSync("cryptsetup", [...words, ...cost], { input: key });
  return image;
}

async function outcomeOf(asked: Promise<string>): Promise<string> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code;
    throw thrown;
  }
}

describe("a LUKS2 volume", () => {
  itWithCryptsetup("is opened by its key and by no other", async () => {
    const key = random(32);
    const device = luksImage(key);
    expect(await unlock(key, { device, isTest: true })).toBe("unlocked");
    expect(await unlock(random(32), { device, isTest: true })).toBe("wrong-key");
    expect(await unlock(key.slice(1), { device, isTest: true })).toBe("wrong-key");
    expect(await outcomeOf(unlock(new Uint8Array(0), { device, isTest: true }))).toBe("file/unusable");
  });

  itWithCryptsetup("is opened by a key with any bytes: zero, newline, 64 KiB of them", async () => {
    for (const key of [Uint8Array.of(0, 10, 13, 0, 255), random(64 * 1024)]) {
      const device = luksImage(key);
      expect(await unlock(key, { device, isTest: true })).toBe("unlocked"); // in order: two images
    }
  });

  itWithCryptsetup("that is none is told as a device that cannot be used", async () => {
    const device = join(folder(), "noise");
    writeFileSync(device, random(1 << 20));
    expect(await outcomeOf(unlock(random(32), { device, isTest: true }))).toBe("file/unusable");
    const missing = { device: "/nowhere/disk", isTest: true } as const;
    expect(await outcomeOf(unlock(random(32), missing))).toBe("file/unusable");
    expect(await outcomeOf(unlock(random(32), { device: "--help", isTest: true }))).toBe("file/unusable");
  });
});

/** A program in cryptsetup's place, that writes down what it was given. */
function standIn(script: string): { readonly program: string; readonly read: (name: string) => string } {
  const place = folder();
  const program = join(place, "cryptsetup");
  writeFileSync(program, `#!/bin/sh\ncd '${place}'\n${script}\n`);
  chmodSync(program, 0o700);
  return { program, read: (name) => readFileSync(join(place, name), "latin1") };
}

const NOTE = "cat /proc/$$/cmdline > words; cat /proc/$$/environ > environment; cat > input";

describe("what cryptsetup is given", () => {
  const key = Uint8Array.from(Buffer.from("planted-key-0123456789abcdef"));

  const rows = [
    [{ device: "/dev/vdb", name: "data" }, ["luksOpen", "--key-file", "-", "--", "/dev/vdb", "data"]],
    [
      { device: "/dev/vdb", isTest: true },
      ["open", "--test-passphrase", "--key-file", "-", "--", "/dev/vdb"],
    ],
  ] as const;
  it.each(rows)(
    "is the volume %o in its words, and the key on standard input alone",
    async (volume, words) => {
      const { program, read } = standIn(NOTE);
      expect(await unlock(key, volume, { cryptsetup: program })).toBe("unlocked");
      expect(read("words").split("\0").slice(2, -1)).toEqual(words);
      expect(read("input")).toBe("planted-key-0123456789abcdef");
      expect(read("words") + read("environment")).not.toContain("planted-key");
    },
  );
});

describe("how cryptsetup ends", () => {
  const volume = { device: "/dev/vdb", isTest: true } as const;
  const rows: readonly (readonly [string, string])[] = [
    ["exit 0", "unlocked"],
    ["cat > /dev/null; exit 2", "wrong-key"],
    ["exit 1", "file/unusable"],
    ["exit 4", "file/unusable"],
    ["exit 5", "file/unusable"],
    ["kill -9 $$", "file/unusable"],
    ["yes 'no end of words' | head -c 9999999 >&2; exit 4", "file/unusable"],
  ];
  it.each(rows)("`%s` is %s, also where it never read the key", async (script, outcome) => {
    const { program } = standIn(script);
    expect(await outcomeOf(unlock(random(65_536), volume, { cryptsetup: program }))).toBe(outcome);
  });

  it("a program that hangs is ended", async () => {
    const { program } = standIn("exec sleep 60");
    const options = { cryptsetup: program, timeoutMs: 100 };
    expect(await outcomeOf(unlock(random(32), volume, options))).toBe("file/unusable");
  });

  it("a program that is not there is told with what to do", async () => {
    expect(await outcomeOf(unlock(random(32), volume, { cryptsetup: "/nowhere/cryptsetup" }))).toBe(
      "file/unusable",
    );
  });

  it("what it says is told, bounded", async () => {
    const { program } = standIn(
      "echo 'Device /dev/vdb does not exist.' >&2; yes | head -c 99999 >&2; exit 4",
    );
    const thrown = await unlock(random(32), volume, { cryptsetup: program }).catch((fault: unknown) => fault);
    const said = thrown instanceof Fault ? String(thrown.detail["said"]) : "";
    expect(said).toMatch(/^Device \/dev\/vdb does not exist[.]/);
    expect(said.length).toBeLessThanOrEqual(500);
  });
});
