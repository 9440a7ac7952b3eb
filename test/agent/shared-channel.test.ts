/** Do processes of a guest take turns at the secure processor, at a pace, and stop for good when its key is gone? */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { codeOfPromise } from "../support/faults.ts";
import { ownChannel, ownFolder } from "./own-channel.ts";

const PROGRAM = join(import.meta.dirname, "asks-in-turn.ts");

function begun(folder: string, log: string, times: number): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, folder, log, String(times)], { stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

const ended = (child: ChildProcess) => new Promise<number | null>((done) => child.once("exit", done));

it("lets one process ask at a time, however many come", async () => {
  const folder = ownFolder();
  const log = join(folder, "log");
  const codes = await Promise.all([1, 2, 3].map(() => ended(begun(folder, log, 4))));
  expect(codes).toEqual([0, 0, 0]);
  const lines = readFileSync(log, "utf8").trim().split("\n");
  expect(lines).toHaveLength(24);
  for (let i = 0; i < lines.length; i += 2) {
    expect(lines[i]).toMatch(/^begin /);
    expect(lines[i + 1]).toBe(lines[i]?.replace("begin", "end"));
  }
});

it("gives on the turn of a process that is killed while it asks, and refuses whoever waits too long for it", async () => {
  const folder = ownFolder();
  const log = join(folder, "log");
  const holder = begun(folder, log, 0);
  await vi.waitFor(() => expect(existsSync(log)).toBe(true), { timeout: 10_000, interval: 20 });
  const slept: number[] = [];
  expect(await codeOfPromise(ownChannel({ folder, slept }).alone(async () => undefined))).toBe(
    "provider/busy",
  );
  expect(slept.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(90_000);
  const gone = ended(holder);
  holder.kill("SIGKILL");
  await gone;
  expect(await ownChannel({ folder }).alone(async () => "asked")).toBe("asked");
});

it("does not wait for the first sixteen, and then a quarter of a second for each", async () => {
  const slept: number[] = [];
  const channel = ownChannel({ slept });
  for (let i = 0; i < 16; i += 1) await channel.alone(async () => undefined); // in order: one turn after the other
  expect(slept).toEqual([]);
  for (let i = 0; i < 8; i += 1) await channel.alone(async () => undefined);
  expect(slept).toEqual(Array.from({ length: 8 }, () => 250));
});

it("keeps the pace over processes, and over questions that fail", async () => {
  const folder = ownFolder();
  const slept: number[] = [];
  for (let i = 0; i < 17; i += 1) {
    const ask = async () => Promise.reject(Object.assign(new Error(), { code: "EIO" }));
    await expect(ownChannel({ folder, slept }).alone(ask)).rejects.toMatchObject({ code: "EIO" }); // in order
  }
  expect(slept).toEqual([250]);
});

it("waits no longer than the pace where a clock went back", async () => {
  const folder = ownFolder();
  const slept: number[] = [];
  const late = ownChannel({ folder, milliseconds: 1e12 });
  for (let i = 0; i < 20; i += 1) await late.alone(async () => undefined); // in order
  await ownChannel({ folder, slept }).alone(async () => undefined);
  expect(slept).toEqual([250]);
});

it("asks no more in this boot once ENOTTY came, and again in the next", async () => {
  const folder = ownFolder();
  let asked = 0;
  const ask = async () => {
    asked += 1;
    throw Object.assign(new Error(), { code: "ENOTTY" });
  };
  expect(await codeOfPromise(ownChannel({ folder }).alone(ask))).toBe("provider/key-wiped");
  expect(await codeOfPromise(ownChannel({ folder }).alone(ask))).toBe("provider/key-wiped");
  expect(asked).toBe(1);
  expect(await ownChannel({ folder, boot: "next" }).alone(async () => "asked")).toBe("asked");
});

it("keeps its file to itself, and makes the folder", async () => {
  const folder = join(ownFolder(), "run", "ostiary");
  await ownChannel({ folder }).alone(async () => undefined);
  expect(statSync(join(folder, "secure-processor")).mode & 0o777).toBe(0o600);
});

it.each(["", "no database", "SQLite format 3\0 and then nothing of the kind".repeat(40)])(
  "says which file it cannot use: `%.20s`",
  async (content) => {
    const folder = ownFolder();
    writeFileSync(join(folder, "secure-processor"), content);
    const code = await codeOfPromise(ownChannel({ folder }).alone(async () => undefined));
    expect(code).toBe(content === "" ? undefined : "provider/unavailable");
  },
);

it("says that a folder cannot be made, and asks nobody", async () => {
  const file = join(ownFolder(), "file");
  writeFileSync(file, "");
  chmodSync(file, 0o400);
  let isAsked = false;
  const ask = async () => {
    isAsked = true;
  };
  expect(await codeOfPromise(ownChannel({ folder: join(file, "below") }).alone(ask))).toBe(
    "provider/unavailable",
  );
  expect(isAsked).toBe(false);
});
