/** Does the agent's provider get on with the kernel's own path? Files of a mounted look-alike, with mkdir, close and errno as Linux has them. */
import { spawnSync } from "node:child_process";
import { mkdir, open, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { openConfigfsTsm } from "../../src/agent/providers/configfs-tsm.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { isFault, systemCodeOf } from "../../src/base/fault.ts";
import { random } from "../client/sealed-answer.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { describeWithFuse } from "../support/tsm-fuse/describe.ts";
import { mountTsm, type TsmMount, type TsmMountPlan } from "../support/tsm-fuse/mount.ts";
import { ownChannel } from "./own-channel.ts";

const DATA = random(64);

async function mounted(plan: Omit<TsmMountPlan, "machine"> = {}): Promise<TsmMount> {
  simulatedRoot("genoa");
  const tsm = await mountTsm({ machine: join(tmpdir(), "ostiary-simulator-v1", "genoa"), ...plan });
  onTestFinished(tsm.unmount);
  return tsm;
}

async function attest({ folder }: TsmMount, vmpl?: 0 | 1 | 2 | 3) {
  return (await openConfigfsTsm({ folder, random, vmpl, channel: ownChannel() })).attest(DATA);
}

async function outcomeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return "done";
  } catch (thrown) {
    return isFault(thrown) ? `${thrown.code}: ${thrown.message}` : systemCodeOf(thrown);
  }
}

describeWithFuse("configfs-tsm over a mount", () => {
  it("gives a report over the 64 bytes at the level asked for, the host's table, and leaves no entry", async () => {
    const tsm = await mounted({ measurement: new Uint8Array(48).fill(9), floor: 1 });
    const evidence = await attest(tsm, 2);
    const report = parseReport(evidence.report);
    expect([report.reportData, report.vmpl, report.measurement[0]]).toEqual([DATA, 2, 9]);
    expect(evidence.certTable?.length).toBeGreaterThan(3000);
    expect(await outcomeOf(attest(tsm, 0))).toMatch(/^provider\/unavailable: .*level from 1/);
    expect(await readdir(tsm.folder)).toEqual([]);
    await vi.waitFor(() =>
      expect(tsm.acts().slice(0, 6)).toEqual([
        "read provider",
        "read privlevel_floor",
        "read provider",
        "read generation",
        "write privlevel",
        "write inblob",
      ]),
    );
  });

  it("asks anew after another process wrote to its entry, and while the firmware is in use", async () => {
    const faults = [
      ["read auxblob", "race", 1],
      ["read outblob", "race", 1],
      ["read outblob", "EBUSY", 1],
    ] as const;
    const tsm = await mounted({ faults, hasNoTable: true });
    const evidence = await attest(tsm);
    expect([parseReport(evidence.report).reportData, evidence.certTable]).toEqual([DATA, undefined]);
    await vi.waitFor(() => expect(tsm.acts().filter((act) => act === "write inblob")).toHaveLength(4));
  });

  it("gives up on a race that never ends, a module that is gone, and a key that is gone", async () => {
    const racing = await mounted({ faults: [["read auxblob", "race", 99]] });
    expect(await outcomeOf(attest(racing))).toMatch(/^provider\/unavailable: .*writes of our own/);
    expect(await outcomeOf(attest(await mounted({ provider: "none" })))).toMatch(/modprobe sev-guest/);
    expect(await outcomeOf(attest(await mounted({ provider: "tdx_guest" })))).toMatch(/`tdx_guest`/);
    const wiped = await mounted({ faults: [["read outblob", "ENOTTY", 1]] });
    expect(await outcomeOf(attest(wiped))).toMatch(/^provider\/key-wiped: /);
    for (const tsm of [racing, wiped]) expect(await readdir(tsm.folder)).toEqual([]); // in order: each its own
  });
});

describeWithFuse("the look-alike", () => {
  it("refuses what the kernel refuses, when the kernel refuses it", async () => {
    const { folder } = await mounted();
    const entry = join(folder, "own");
    const at = (name: string): string => join(entry, name);
    await mkdir(entry);
    expect(await outcomeOf(mkdir(entry))).toBe("EEXIST");
    expect(await outcomeOf(mkdir(at("deeper")))).toBe("EPERM");
    expect(await outcomeOf(readFile(at("outblob")))).toBe("EINVAL");
    expect(await outcomeOf(writeFile(at("inblob"), random(65)))).toBe("EFBIG");
    expect(await outcomeOf(writeFile(at("inblob"), random(63)))).toBe("done");
    expect(await outcomeOf(readFile(at("outblob")))).toBe("EINVAL");
    expect(await outcomeOf(open(at("inblob"), "r+"))).toBe("EACCES");
    expect(await outcomeOf(open(at("outblob"), "r+"))).toBe("EACCES");
    expect(await outcomeOf(writeFile(at("privlevel"), "4"))).toBe("EINVAL");
    expect(await outcomeOf(readFile(at("manifestblob")))).toBe("ENOENT");
    expect(await readFile(at("generation"), "utf8")).toBe("1\n");
    await rmdir(entry);
    expect(await outcomeOf(rmdir(entry))).toBe("ENOENT");
  });

  it("commits a blob when it is closed, and keeps a report until the next write", async () => {
    const { folder } = await mounted();
    const entry = join(folder, "own");
    await mkdir(entry);
    const inblob = await open(join(entry, "inblob"), "w");
    await inblob.write(DATA.slice(0, 32));
    await inblob.write(DATA.slice(32));
    expect(await readFile(join(entry, "generation"), "utf8")).toBe("0\n");
    await inblob.close();
    expect(await readFile(join(entry, "generation"), "utf8")).toBe("1\n");
    const words = ["-c", 'cat "$0/outblob" "$0/outblob"', entry];
    const { stdout } = spawnSync("sh", words, { timeout: 10_000 });
    expect(stdout.subarray(0, 1184).equals(stdout.subarray(1184))).toBe(true);
    expect(Uint8Array.from(parseReport(Uint8Array.from(stdout.subarray(0, 1184))).reportData)).toEqual(DATA);
    await rmdir(entry);
  });
});
