/** Does the provider get its own report out of configfs-tsm, whoever else writes there and whatever the kernel answers? */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openConfigfsTsm } from "../../src/agent/providers/configfs-tsm.ts";
import { nodeTsmFiles } from "../../src/agent/providers/tsm-files.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Vmpl } from "../../src/wire/messages.ts";
import { random } from "../client/sealed-answer.ts";
import { ownChannel, ownFolder } from "./own-channel.ts";
import { kernelError, type LookAlikePlan, type TsmLookAlike, tsmLookAlike } from "./tsm-look-alike.ts";

const DATA = random(64);

function opened({ folder, files }: TsmLookAlike, vmpl?: Vmpl) {
  return openConfigfsTsm({ folder, files, random, vmpl, channel: ownChannel() });
}

async function attested(tsm: TsmLookAlike, vmpl?: Vmpl) {
  return (await opened(tsm, vmpl)).attest(DATA);
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

async function codeAt(plan: LookAlikePlan): Promise<string | undefined> {
  const tsm = tsmLookAlike(plan);
  const fault = await faultOf(attested(tsm));
  expect(tsm.left()).toEqual([]);
  return fault?.code;
}

/** The acts of one question, without those that open the interface. */
function asking({ acts }: TsmLookAlike): readonly string[] {
  return acts.slice(acts.lastIndexOf("read provider"));
}

describe("configfs-tsm", () => {
  it("gives a report over the 64 bytes, the host's table, and leaves no entry", async () => {
    const auxblob = random(200);
    const tsm = tsmLookAlike({ auxblob: () => auxblob });
    const evidence = await attested(tsm);
    expect(parseReport(evidence.report).reportData).toEqual(DATA);
    expect(evidence.certTable).toEqual(auxblob);
    expect(tsm.left()).toEqual([]);
  });

  it("counts its writes, and reads the generation after each blob, the report last", async () => {
    const tsm = tsmLookAlike();
    await attested(tsm);
    expect(asking(tsm)).toEqual([
      "read provider",
      "read generation",
      "write privlevel",
      "write inblob",
      "read auxblob",
      "read generation",
      "read outblob",
      "read generation",
    ]);
  });

  it.each([0, 1, 2, 3] as const)("asks at VMPL %i where that is configured", async (vmpl) => {
    const provider = await opened(tsmLookAlike(), vmpl);
    const { report } = await provider.attest(DATA);
    expect([provider.vmpl, parseReport(report).vmpl]).toEqual([vmpl, vmpl]);
  });

  it.each([0, 1, 2, 3] as const)("asks at the floor %i, where no level is configured", async (floor) => {
    const provider = await opened(tsmLookAlike({ privlevelFloor: floor }));
    const { report } = await provider.attest(DATA);
    expect([provider.vmpl, parseReport(report).vmpl]).toEqual([floor, floor]);
  });

  it("writes no level to a kernel that shows no floor, and asks at 0", async () => {
    const tsm = tsmLookAlike({ without: ["privlevel_floor"] });
    const provider = await opened(tsm);
    expect([provider.vmpl, parseReport((await provider.attest(DATA)).report).vmpl]).toEqual([0, 0]);
    expect(tsm.acts).not.toContain("write privlevel");
  });

  const tables: readonly (readonly [string, LookAlikePlan])[] = [
    ["an attribute that is not there", { without: ["auxblob"] }],
    ["an empty one", { auxblob: () => new Uint8Array(0) }],
    ["one of zeroes", { auxblob: () => new Uint8Array(4096) }],
  ];
  it.each(tables)("takes %s for a host that gives no certificates", async (_, plan) => {
    const { certTable, report } = await attested(tsmLookAlike(plan));
    expect([certTable, report.length]).toEqual([undefined, 1184]);
  });

  it("copies what it is given: a caller that changes it later changes nothing", async () => {
    const data = DATA.slice();
    const asked = (await opened(tsmLookAlike())).attest(data);
    data.fill(0);
    expect(parseReport((await asked).report).reportData).toEqual(DATA);
  });

  it("asks one after the other, each in an entry of its own, whatever became of the one before", async () => {
    const turns: unknown[] = [];
    const tsm = tsmLookAlike({
      onAct: (act, entry) => {
        if (act === "read provider" || act === "read privlevel_floor") return;
        if (turns.at(-1) !== entry) turns.push(entry);
        if (turns.length === 2 && act === "read outblob") throw kernelError("EIO");
      },
    });
    const provider = await opened(tsm);
    const asked = await Promise.allSettled(
      [random(64), random(64), random(64)].map((data) => provider.attest(data)),
    );
    expect(asked.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect([turns.length, new Set(turns).size]).toEqual([3, 3]);
  });
});

describe("an entry that somebody else writes to", () => {
  function racing(times: number, at: string): TsmLookAlike {
    let left = times;
    return tsmLookAlike({
      onAct: (act, entry) => {
        if (act !== at || left === 0) return;
        left -= 1;
        entry.disturb();
      },
    });
  }
  const questions = (tsm: TsmLookAlike) => tsm.acts.filter((act) => act === "write inblob").length;

  it.each(["read outblob", "read auxblob", "write inblob", "write privlevel"])(
    "at `%s` is asked anew, and gives our own report",
    async (at) => {
      const tsm = racing(3, at);
      const { report } = await attested(tsm);
      expect(parseReport(report).reportData).toEqual(DATA);
      expect(questions(tsm)).toBe(4);
      expect(tsm.left()).toEqual([]);
    },
  );

  it.each([2, 3])("before the generation is read for the %ith time is asked anew", async (turn) => {
    let reads = 0;
    const tsm = tsmLookAlike({
      onAct: (act, entry) => {
        if (act !== "read generation") return;
        reads += 1;
        if (reads === turn) entry.disturb();
      },
    });
    expect(parseReport((await attested(tsm)).report).reportData).toEqual(DATA);
    expect(questions(tsm)).toBe(2);
  });

  it("with the same bytes is noticed too: the table might be of another report", async () => {
    let isFirst = true;
    const tsm = tsmLookAlike({
      onAct: (act, entry) => {
        if (act !== "read outblob" || !isFirst) return;
        isFirst = false;
        entry.write("inblob", DATA);
      },
    });
    await attested(tsm);
    expect(questions(tsm)).toBe(2);
  });

  it("again and again is given up", async () => {
    const tsm = racing(1000, "read outblob");
    expect((await faultOf(attested(tsm)))?.code).toBe("provider/unavailable");
    expect(questions(tsm)).toBe(5);
    expect(tsm.left()).toEqual([]);
  });

  it.each(["EBUSY", "EAGAIN", "EINTR"])("or a firmware that is busy (%s) is asked again", async (code) => {
    let isBusy = true;
    const tsm = tsmLookAlike({
      onAct: (act) => {
        if (act !== "read outblob" || !isBusy) return;
        isBusy = false;
        throw kernelError(code);
      },
    });
    expect((await attested(tsm)).report).toHaveLength(1184);
  });
});

describe("a key that the kernel has wiped (ENOTTY)", () => {
  const wiping = (): LookAlikePlan => ({
    onAct: (act) => {
      if (act.startsWith("read auxblob")) throw kernelError("ENOTTY");
    },
  });

  it("is final: nobody of this boot asks again, in this process or the next", async () => {
    const folder = ownFolder();
    const providerOf = (tsm: TsmLookAlike, boot: string) =>
      openConfigfsTsm({ ...tsm, random, channel: ownChannel({ folder, boot }) });
    const [first, next, rebooted] = [tsmLookAlike(wiping()), tsmLookAlike(), tsmLookAlike()];
    expect((await faultOf((await providerOf(first, "one")).attest(DATA)))?.code).toBe("provider/key-wiped");
    expect((await faultOf((await providerOf(next, "one")).attest(DATA)))?.code).toBe("provider/key-wiped");
    expect(next.acts).not.toContain("write inblob");
    expect((await (await providerOf(rebooted, "two")).attest(DATA)).report).toHaveLength(1184);
  });

  it("is not what a module means that is gone meanwhile", async () => {
    let isGone = false;
    const folder = ownFolder();
    const tsm = tsmLookAlike({
      onAct: (act) => {
        if (act === "read auxblob") isGone = true;
        if (isGone && act === "read provider") throw kernelError("ENXIO");
        if (isGone) throw kernelError("ENOTTY");
      },
    });
    const own = { random, channel: ownChannel({ folder }) };
    const fault = await faultOf((await openConfigfsTsm({ ...tsm, ...own })).attest(DATA));
    expect(fault?.code).toBe("provider/unavailable");
    const { report } = await (await openConfigfsTsm({ ...tsmLookAlike(), ...own })).attest(DATA);
    expect(report).toHaveLength(1184);
  });
});

describe("what cannot be used is provider/unavailable, and leaves no entry", () => {
  const failing = (at: string, code: string): LookAlikePlan => ({
    onAct: (act) => {
      if (act.endsWith(` ${at}`)) throw kernelError(code);
    },
  });
  const rows: Readonly<Record<string, LookAlikePlan>> = {
    "another provider": { provider: "tdx_guest" },
    "no provider's name": { provider: "" },
    "no provider at all": { provider: undefined },
    "a provider's name that is no text": { provider: "\u0000\uffff".repeat(40) },
    "outblob missing": failing("outblob", "ENOENT"),
    "outblob refused (EINVAL)": failing("outblob", "EINVAL"),
    "outblob refused by the firmware (ENXIO)": failing("outblob", "ENXIO"),
    "outblob failing (EIO)": failing("outblob", "EIO"),
    "inblob refused (EINVAL)": failing("inblob", "EINVAL"),
    "privilege refused (EPERM)": failing("inblob", "EPERM"),
    "generation missing": failing("generation", "ENOENT"),
    "auxblob failing": failing("auxblob", "EIO"),
    "busy for ever": failing("outblob", "EBUSY"),
    "a floor that is none": { privlevelFloor: 4 },
    "an empty report": { outblob: () => new Uint8Array(0) },
    "half a report": { outblob: (report) => report.slice(0, 600) },
    "a report with bytes after it": { outblob: (report) => Uint8Array.of(...report, 0) },
    "a report over other bytes": { outblob: (report) => report.with(0x50, (report[0x50] ?? 0) ^ 1) },
  };
  it.each(Object.keys(rows))("%s", async (name) => {
    expect(await codeAt(rows[name] ?? {})).toBe("provider/unavailable");
  });

  it("a level below the floor, before anything is asked", async () => {
    const tsm = tsmLookAlike({ privlevelFloor: 2 });
    expect((await faultOf(opened(tsm, 1)))?.code).toBe("provider/unavailable");
    expect(tsm.acts).toEqual(["read provider", "read privlevel_floor"]);
  });

  it("a folder that is not there, with what to do", async () => {
    const folder = "/nowhere/tsm/report";
    const fault = await faultOf(openConfigfsTsm({ folder, random, channel: ownChannel() }));
    expect(fault?.code).toBe("provider/unavailable");
    expect(fault?.detail).toMatchObject({ folder, reason: "ENOENT" });
    expect(fault?.message).toContain("modprobe");
  });

  it("a plain folder, where making an entry brings no attributes", async () => {
    const folder = ownFolder();
    const fault = await faultOf(openConfigfsTsm({ folder, random, channel: ownChannel() }));
    expect(fault?.code).toBe("provider/unavailable");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("an attribute larger than the kernel makes any, read no further than the cap", async () => {
    const folder = ownFolder();
    writeFileSync(join(folder, "outblob"), new Uint8Array(8 << 20));
    expect(await nodeTsmFiles.read(folder, "outblob")).toHaveLength(128 * 1024);
  });

  it("our own mistake, 65 bytes, is told as such and never reaches the kernel", async () => {
    const tsm = tsmLookAlike();
    const provider = await opened(tsm);
    expect((await faultOf(provider.attest(random(65))))?.code).toBe("internal/invariant");
    expect(tsm.acts).toEqual(["read provider", "read privlevel_floor"]);
  });
});
