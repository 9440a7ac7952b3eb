import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import type { CryptsetupOptions } from "../../../src/agent/luks/cryptsetup.ts";
import { readDisk } from "../../../src/agent/luks/disk.ts";
import { openVolume } from "../../../src/agent/luks/open.ts";
import { Fault } from "../../../src/base/fault.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { random } from "../demo-broker.ts";
import { folderIn, itWithCryptsetup, realDisk } from "./real-disk.ts";

const place = folderIn();
afterAll(place.remove);

const MEMORY = "/dev/shm";

async function outcomeOf(asked: Promise<boolean>): Promise<string> {
  try {
    return (await asked) ? "open" : "wrong-key";
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code;
    throw thrown;
  }
}

async function open(device: string, secret: Uint8Array, cryptsetup: CryptsetupOptions = {}, name?: string) {
  const head = await readDisk(device, nodePrimitives);
  const parts = { primitives: nodePrimitives, cryptsetup };
  return openVolume(head, { slot: "0", secret }, { target: { device, name }, parts });
}

/** Whatever else lies there is of other programs. */
const headersIn = (folder: string): readonly string[] =>
  readdirSync(folder).filter((name) => name.startsWith(".ostiary-"));

describe("a LUKS2 volume", () => {
  itWithCryptsetup("is opened by its key and by no other, whatever bytes that has", async () => {
    for (const key of [random(32), Uint8Array.of(0, 10, 13, 0, 255), random(64 * 1024)]) {
      const device = realDisk(join(place.path, "disk"), key);
      expect(await outcomeOf(open(device, key))).toBe("open"); // in order: one image
      expect(await outcomeOf(open(device, random(32)))).toBe("wrong-key");
      expect(await outcomeOf(open(device, key.slice(1)))).toBe("wrong-key");
    }
    expect(await outcomeOf(open(join(place.path, "disk"), new Uint8Array(0)))).toBe("file/unusable");
  });

  itWithCryptsetup("is opened by the header that was judged, whatever the disk has by then", async () => {
    const key = random(32);
    const device = realDisk(join(place.path, "swapped"), key);
    const head = await readDisk(device, nodePrimitives);
    realDisk(device, random(32));
    const plan = { target: { device }, parts: { primitives: nodePrimitives } };
    expect(await openVolume(head, { slot: "0", secret: key }, plan)).toBe(true);
    writeFileSync(device, new Uint8Array(32 << 20));
    expect(await openVolume(head, { slot: "0", secret: key }, plan)).toBe(true);
  });

  itWithCryptsetup("that is none is told as such", async () => {
    const device = join(place.path, "noise");
    writeFileSync(device, random(1 << 20));
    expect(await outcomeOf(open(device, random(32)))).toBe("disk/not-luks");
    expect(await outcomeOf(open("/nowhere/disk", random(32)))).toBe("file/unusable");
    expect(await outcomeOf(open("--help", random(32)))).toBe("file/unusable");
  });
});

/** A program in cryptsetup's place, that writes down what it was given. */
function standIn(script: string): { readonly program: string; readonly read: (name: string) => string } {
  const program = join(place.path, "cryptsetup");
  writeFileSync(program, `#!/bin/sh\ncd '${place.path}'\n${script}\n`);
  chmodSync(program, 0o700);
  return { program, read: (name) => readFileSync(join(place.path, name), "latin1") };
}

const NOTE =
  "cat /proc/$$/cmdline > words; cat /proc/$$/environ > environment; cat > input; stat -L -c %a /proc/self/fd/3 > mode; readlink /proc/$$/fd/3 > link";

describe("what cryptsetup is given", () => {
  const key = Uint8Array.from(Buffer.from("planted-key-0123456789abcdef"));
  const how = [
    "--type",
    "luks2",
    "--disable-external-tokens",
    "--header",
    "/proc/self/fd/3",
    "--key-slot",
    "0",
  ];
  const rows = [
    ["data", ["open", ...how, "--key-file", "-", "--"]],
    [undefined, ["open", ...how, "--key-file", "-", "--test-passphrase", "--"]],
  ] as const;
  for (const [name, words] of rows) {
    itWithCryptsetup(
      `is the volume in its words (${name ?? "tried"}), the key on standard input alone, and a header without a name`,
      async () => {
        const device = realDisk(join(place.path, "disk"), key);
        const { program, read } = standIn(NOTE);
        const before = headersIn(MEMORY);
        expect(await open(device, key, { cryptsetup: program }, name)).toBe(true);
        const given = [...words, device, ...(name === undefined ? [] : [name])];
        expect(read("words").split("\0").slice(2, -1)).toEqual(given);
        expect(read("input")).toBe("planted-key-0123456789abcdef");
        expect(read("words") + read("environment")).not.toContain("planted-key");
        expect([read("mode"), read("link")]).toEqual([
          "600\n",
          expect.stringMatching(/[.]ostiary-\w+ \(deleted\)\n$/),
        ]);
        expect(headersIn(MEMORY)).toEqual(before);
      },
    );
  }
});

describe("how cryptsetup ends", () => {
  const key = random(65_536);
  let device = "";
  const end = async (script: string, options: CryptsetupOptions = {}): Promise<string> => {
    device = device === "" ? realDisk(join(place.path, "ends"), key) : device;
    return outcomeOf(open(device, key, { cryptsetup: standIn(script).program, ...options }));
  };
  const rows: readonly (readonly [string, string])[] = [
    ["exit 0", "open"],
    ["cat > /dev/null; exit 2", "wrong-key"],
    ["exit 1", "file/unusable"],
    ["exit 4", "file/unusable"],
    ["exit 5", "file/unusable"],
    ["kill -9 $$", "file/unusable"],
    ["yes 'no end of words' | head -c 9999999 >&2; exit 4", "file/unusable"],
  ];
  for (const [script, outcome] of rows) {
    itWithCryptsetup(`\`${script}\` is ${outcome}, also where it never read the key`, async () => {
      expect(await end(script)).toBe(outcome);
    });
  }

  itWithCryptsetup("a program that hangs is ended, one that is not there is told", async () => {
    expect(await end("exec sleep 60", { timeoutMs: 100 })).toBe("file/unusable");
    expect(await end("", { cryptsetup: "/nowhere/cryptsetup" })).toBe("file/unusable");
  });

  itWithCryptsetup("what it says is told, bounded", async () => {
    const script = "echo 'Device /dev/vdb does not exist.' >&2; yes | head -c 99999 >&2; exit 4";
    const { program } = standIn(script);
    const thrown = await open(device, key, { cryptsetup: program }).catch((fault: unknown) => fault);
    const said = thrown instanceof Fault ? String(thrown.detail["said"]) : "";
    expect(said).toMatch(/^Device \/dev\/vdb does not exist[.]/);
    expect(said.length).toBeLessThanOrEqual(500);
  });
});
