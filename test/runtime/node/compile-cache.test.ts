/** Is compiled code kept where only its user can have put it? What others can write to is never run. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

const BIN = join(import.meta.dirname, "../../../src/runtime/node/bin.mjs");

function madeHome(): { readonly home: string; readonly folder: string } {
  const home = mkdtempSync(join(tmpdir(), "ostiary-home-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  return { home, folder: join(home, ".cache", "ostiary") };
}

function statusOfRun(home: string): number | null {
  return spawnSync(process.execPath, [BIN, "--help"], { env: { HOME: home } }).status;
}

describe("the cache of compiled code", () => {
  it("lies in a folder of the user's own", () => {
    const { home, folder } = madeHome();
    expect(statusOfRun(home)).toBe(0);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).not.toEqual([]);
    expect(statusOfRun(home)).toBe(0);
  });

  it.each([0o770, 0o707, 0o777])("is not used where others can write (%o)", (mode) => {
    const { home, folder } = madeHome();
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, mode);
    expect(statusOfRun(home)).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is not used behind a symbolic link", () => {
    const { home, folder } = madeHome();
    const elsewhere = join(home, "elsewhere");
    mkdirSync(elsewhere);
    mkdirSync(join(home, ".cache"));
    symlinkSync(elsewhere, folder);
    expect(statusOfRun(home)).toBe(0);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it("is done without where it cannot be made", () => {
    expect(statusOfRun("/dev/null")).toBe(0);
  });
});
