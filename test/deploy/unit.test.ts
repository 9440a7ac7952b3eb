/** Is the unit of systemd one, and how much of the machine does it leave open? Asked of systemd itself, without running it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const ANALYZE = "/usr/bin/systemd-analyze";
const text = readFileSync(join(import.meta.dirname, "../../deploy/ostiary.service"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "ostiary-unit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function analyze(unit: string, ...words: readonly string[]) {
  const path = join(folder, "ostiary.service");
  writeFileSync(path, unit);
  return spawnSync(ANALYZE, [...words, path], { encoding: "utf8" });
}

/** Of ten, as systemd counts. */
function exposureOf(unit: string): number {
  const { stdout } = analyze(unit, "security", "--offline=true", "--no-pager");
  return Number(/Overall exposure level for \S+: ([\d.]+) /.exec(stdout)?.[1]);
}

describe.skipIf(!existsSync(ANALYZE))("the unit (systemd-analyze of Debian's package `systemd`)", () => {
  it("is understood to the last line", () => {
    const { status, stderr } = analyze(text.replaceAll("/usr/bin/ostiary", process.execPath), "verify");
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("leaves less than 2 of 10 open, and each of its biggest parts shows", () => {
    const exposure = exposureOf(text);
    expect(exposure).toBeLessThan(2);
    for (const line of [
      "User=ostiary",
      "CapabilityBoundingSet=",
      "ProtectSystem=strict",
      "RestrictNamespaces=yes",
    ]) {
      expect(exposureOf(text.replace(`${line}\n`, "")), line).toBeGreaterThan(exposure);
    }
  });
});
