/** The pin under clevis itself: its programs on PATH, a LUKS2 volume, a broker that releases to a simulated guest. */
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guestFile } from "./daemon.ts";
import { CLI, type DemoBroker, demoBroker, random } from "./demo-broker.ts";
import { folderIn, opensBy, realDisk } from "./luks/real-disk.ts";

const hasClevis =
  spawnSync("sh", ["-c", "command -v clevis-luks-bind && command -v jose && command -v cryptsetup"])
    .status === 0;
const itWithClevis = (name: string, body: () => Promise<void>): void =>
  hasClevis ? it(name, body, 120_000) : it.skip(`${name} (skipped: clevis is not installed)`, () => {});

const place = folderIn();
let broker: DemoBroker;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  broker = await demoBroker({ "prod/clevis": random(32), "prod/other": random(32) });
  const bin = join(place.path, "bin");
  mkdirSync(bin);
  for (const name of ["clevis-encrypt-ostiary", "clevis-decrypt-ostiary"]) {
    copyFileSync(join(import.meta.dirname, "../../deploy/clevis", name), join(bin, name));
  }
  writeFileSync(join(bin, "ostiary"), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`, {
    mode: 0o755,
  });
  const file = join(place.path, "agent.toml");
  writeFileSync(file, guestFile(broker));
  env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}`, OSTIARY_CONFIG: file };
}, 60_000);

afterAll(async () => {
  await broker.remove();
  place.remove();
});

/** Not in this thread: the broker of the test answers from another process, and clevis forks many. */
function run(program: string, words: readonly string[], input: Uint8Array | string = "") {
  return new Promise<{ status: number | null; out: Buffer; err: string }>((done) => {
    const child = spawn(program, words, { env, stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let err = "";
    child.stdout.on("data", (piece) => out.push(piece));
    child.stderr.on("data", (piece) => {
      err += String(piece);
    });
    child.once("close", (status) => done({ status, out: Buffer.concat(out), err }));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

describe("clevis with the pin ostiary", () => {
  itWithClevis("encrypts and decrypts", async () => {
    const jwe = await run("clevis", ["encrypt", "ostiary", '{"secret":"prod/clevis"}'], "a passphrase");
    expect([jwe.status, jwe.err]).toEqual([0, ""]);
    const plain = await run("clevis", ["decrypt"], jwe.out);
    expect([plain.status, String(plain.out)]).toEqual([0, "a passphrase"]);
    const denied = await run("clevis", ["encrypt", "ostiary", '{"secret":"lab/clevis"}'], "a passphrase");
    expect([denied.status === 0, String(denied.out)]).toEqual([false, ""]);
  });

  itWithClevis("binds a LUKS2 volume, and gives the passphrase that opens it", async () => {
    const key = random(32);
    const disk = realDisk(join(place.path, "disk"), key);
    writeFileSync(join(place.path, "key"), key);
    const words = [
      "luks",
      "bind",
      "-f",
      "-y",
      "-k",
      join(place.path, "key"),
      "-d",
      disk,
      "ostiary",
      '{"secret":"prod/clevis"}',
    ];
    const bound = await run("clevis", words);
    expect([bound.status, bound.err]).toEqual([0, expect.any(String)]);
    const listed = await run("clevis", ["luks", "list", "-d", disk]);
    expect(String(listed.out)).toContain("ostiary");
    const pass = await run("clevis", ["luks", "pass", "-d", disk, "-s", "1"]);
    expect([pass.status, pass.out.length > 20, opensBy(disk, pass.out)]).toEqual([0, true, true]);
  });

  itWithClevis("is one of several under a threshold", async () => {
    const pins = { ostiary: [{ secret: "prod/clevis" }, { secret: "prod/other" }] };
    const sss = await run("clevis", ["encrypt", "sss", JSON.stringify({ t: 2, pins })], "a passphrase");
    expect([sss.status, sss.err]).toEqual([0, ""]);
    const plain = await run("clevis", ["decrypt"], sss.out);
    expect([plain.status, String(plain.out)]).toEqual([0, "a passphrase"]);
  });
});
