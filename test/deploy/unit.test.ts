/** Is the unit of systemd one, and how much of the machine does it leave open? Asked of systemd itself, without running it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const ANALYZE = "/usr/bin/systemd-analyze";
const read = (name: string): string => readFileSync(join(import.meta.dirname, "../../deploy", name), "utf8");
const text = read("ostiary.service");
const agent = read("ostiary-agent.service");
const folder = mkdtempSync(join(tmpdir(), "ostiary-unit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function analyze(unit: string, ...words: readonly string[]) {
  const path = join(
    folder,
    /^Description=.*guest$/m.test(unit) ? "ostiary-agent.service" : "ostiary.service",
  );
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

  it("of the agent is understood with its sockets, and leaves less than 3 of 10 open: it is root, for the kernel's reports", () => {
    writeFileSync(join(folder, "ostiary-agent.socket"), read("ostiary-agent.socket"));
    const unit = agent.replaceAll("/usr/bin/ostiary", process.execPath);
    const { status, stderr } = analyze(unit, "verify", join(folder, "ostiary-agent.socket"));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(agent).toMatch(/^LimitCORE=0$/m);
    const exposure = exposureOf(agent);
    expect(exposure).toBeLessThan(3);
    for (const line of ["NoNewPrivileges=yes", "ProtectSystem=strict", "RestrictNamespaces=yes"]) {
      expect(exposureOf(agent.replace(`${line}\n`, "")), line).toBeGreaterThan(exposure);
    }
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
