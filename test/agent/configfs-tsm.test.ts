import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createConfigfsTsm } from "../../src/agent/providers/configfs-tsm.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Vmpl } from "../../src/wire/messages.ts";
import { random } from "../client/sealed-answer.ts";
import { kernelError, type TsmLookAlike, type TsmPlan, tsmLookAlike } from "./tsm-look-alike.ts";

const DATA = random(64);

function providerOf(tsm: TsmLookAlike, vmpl?: Vmpl) {
  const { folder, files } = tsm;
  return createConfigfsTsm({ folder, files, random, ...(vmpl === undefined ? {} : { vmpl }) });
}

async function faultOf(asked: Promise<unknown>): Promise<Fault | undefined> {
  try {
    await asked;
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
}

async function codeAt(plan: TsmPlan): Promise<string | undefined> {
  const tsm = tsmLookAlike(plan);
  const fault = await faultOf(providerOf(tsm).attest(DATA));
  expect(tsm.left()).toEqual([]);
  return fault?.code;
}

describe("configfs-tsm", () => {
  it("gives a report over the 64 bytes, the host's table, and leaves no entry", async () => {
    const auxblob = random(200);
    const tsm = tsmLookAlike({ auxblob });
    const evidence = await providerOf(tsm).attest(DATA);
    expect(parseReport(evidence.report).reportData).toEqual(DATA);
    expect(evidence.certTable).toEqual(auxblob);
    expect(tsm.left()).toEqual([]);
  });

  it("asks in the kernel's order, and for no level that is not configured", async () => {
    const tsm = tsmLookAlike();
    await providerOf(tsm).attest(DATA);
    expect(tsm.acts).toEqual([
      "read provider",
      "write inblob",
      "read generation",
      "read outblob",
      "read auxblob",
      "read generation",
    ]);
  });

  it.each([0, 1, 2, 3] as const)("asks at VMPL %i where that is configured", async (vmpl) => {
    const tsm = tsmLookAlike();
    const provider = providerOf(tsm, vmpl);
    const { report } = await provider.attest(DATA);
    expect([provider.vmpl, parseReport(report).vmpl]).toEqual([vmpl, vmpl]);
    expect(tsm.acts[1]).toBe("write privlevel");
  });

  const tables: readonly (readonly [string, Uint8Array | undefined])[] = [
    ["an attribute that is not there", undefined],
    ["an empty one", new Uint8Array(0)],
    ["one of zeroes", new Uint8Array(4096)],
  ];
  it.each(tables)("takes %s for a host that gives no certificates", async (_, auxblob) => {
    const { certTable, report } = await providerOf(tsmLookAlike({ auxblob })).attest(DATA);
    expect([certTable, report.length]).toEqual([undefined, 1184]);
  });

  it("copies what it is given: a caller that changes it later changes nothing", async () => {
    const data = DATA.slice();
    const asked = providerOf(tsmLookAlike()).attest(data);
    data.fill(0);
    expect(parseReport((await asked).report).reportData).toEqual(DATA);
  });

  it("asks one at a time, each in an entry of its own, whatever became of the one before", async () => {
    let count = 0;
    const tsm = tsmLookAlike({
      before: (act, attribute) => {
        if (act === "write" && attribute === "inblob") count += 1;
        if (count === 2 && attribute === "outblob") throw kernelError("EIO");
      },
    });
    const provider = providerOf(tsm);
    const data = [random(64), random(64), random(64)];
    const asked = await Promise.allSettled(data.map((bytes) => provider.attest(bytes)));
    expect(asked.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(tsm.mostAtOnce()).toBe(1);
  });
});

describe("an entry that somebody else writes to", () => {
  function racing(times: number, attribute: string): TsmLookAlike {
    let left = times;
    const tsm: TsmLookAlike = tsmLookAlike({
      before: (act, name, entry) => {
        if (act !== "read" || name !== attribute || left === 0) return;
        left -= 1;
        tsm.disturb(entry, random(64));
      },
    });
    return tsm;
  }

  it.each(["outblob", "auxblob"])(
    "before `%s` is read is asked anew, and gives our own report",
    async (at) => {
      const tsm = racing(3, at);
      const { report } = await providerOf(tsm).attest(DATA);
      expect(parseReport(report).reportData).toEqual(DATA);
      expect(tsm.acts.filter((act) => act === "write inblob")).toHaveLength(4);
      expect(tsm.left()).toEqual([]);
    },
  );

  it("before `generation` is read gives no report over foreign bytes either", async () => {
    const tsm = racing(2, "generation");
    const { report } = await providerOf(tsm).attest(DATA);
    expect(parseReport(report).reportData).toEqual(DATA);
  });

  it("again and again is given up", async () => {
    const tsm = racing(1000, "outblob");
    expect((await faultOf(providerOf(tsm).attest(DATA)))?.code).toBe("provider/unavailable");
    expect(tsm.acts.filter((act) => act === "write inblob")).toHaveLength(5);
    expect(tsm.left()).toEqual([]);
  });

  it.each(["EBUSY", "EAGAIN", "EINTR"])("or a firmware that is busy (%s) is asked again", async (code) => {
    let isBusy = true;
    const tsm = tsmLookAlike({
      before: (_, attribute) => {
        if (attribute !== "outblob" || !isBusy) return;
        isBusy = false;
        throw kernelError(code);
      },
    });
    expect((await providerOf(tsm).attest(DATA)).report).toHaveLength(1184);
  });
});

describe("what cannot be used is provider/unavailable, and leaves no entry", () => {
  const failing = (at: string, code: string): TsmPlan => ({
    before: (_, attribute) => {
      if (attribute === at) throw kernelError(code);
    },
  });
  const rows: Readonly<Record<string, TsmPlan>> = {
    "another provider": { provider: "tdx_guest" },
    "no provider's name": { provider: "" },
    "a provider's name that is no text": { provider: "\u0000\uffff".repeat(40) },
    "outblob missing": failing("outblob", "ENOENT"),
    "outblob refused (EINVAL)": failing("outblob", "EINVAL"),
    "outblob failing (EIO)": failing("outblob", "EIO"),
    "inblob refused (EINVAL)": failing("inblob", "EINVAL"),
    "privilege refused (EPERM)": failing("inblob", "EPERM"),
    "generation missing": failing("generation", "ENOENT"),
    "auxblob failing": failing("auxblob", "EIO"),
    "busy for ever": failing("outblob", "EBUSY"),
    "an empty report": { outblob: () => new Uint8Array(0) },
    "half a report": { outblob: (report) => report.slice(0, 600) },
    "a report with bytes after it": { outblob: (report) => Uint8Array.of(...report, 0) },
    "a report over other bytes": { outblob: (report) => report.with(0x50, (report[0x50] ?? 0) ^ 1) },
  };
  it.each(Object.keys(rows))("%s", async (name) => {
    expect(await codeAt(rows[name] ?? {})).toBe("provider/unavailable");
  });

  it("a level that the kernel does not allow", async () => {
    const tsm = tsmLookAlike(failing("privlevel", "EINVAL"));
    expect((await faultOf(providerOf(tsm, 1).attest(DATA)))?.code).toBe("provider/unavailable");
  });

  it("a folder that is not there, with what to do", async () => {
    const provider = createConfigfsTsm({ folder: "/nowhere/tsm/report", random });
    const fault = await faultOf(provider.attest(DATA));
    expect(fault?.code).toBe("provider/unavailable");
    expect(fault?.detail).toMatchObject({ folder: "/nowhere/tsm/report", reason: "ENOENT" });
    expect(fault?.message).toContain("modprobe");
  });

  it("a plain folder, where making an entry brings no attributes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-plain-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const fault = await faultOf(createConfigfsTsm({ folder, random }).attest(DATA));
    expect(fault?.code).toBe("provider/unavailable");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("an attribute larger than the kernel makes any, read no further than the cap", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-plain-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const files = tsmLookAlike({ outblob: () => new Uint8Array(8 << 20) }).files;
    mkdirSync(join(folder, "beside"));
    writeFileSync(join(folder, "beside", "file"), "");
    const fault = await faultOf(createConfigfsTsm({ folder, files, random }).attest(DATA));
    expect(fault?.code).toBe("provider/unavailable");
    expect(readdirSync(folder)).toEqual(["beside"]);
  });

  it("our own mistake, 65 bytes, is told as such and never reaches the kernel", async () => {
    const tsm = tsmLookAlike();
    expect((await faultOf(providerOf(tsm).attest(random(65))))?.code).toBe("internal/invariant");
    expect(tsm.acts).toEqual([]);
  });
});
