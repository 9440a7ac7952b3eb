/** Does the doctor read a report as it is, and have nothing signed that a broker would take? Reports of a simulated chip. */
import { describe, expect, it } from "vitest";
import { evidenceFindings } from "../../../src/agent/doctor/evidence.ts";
import type { Severity } from "../../../src/agent/doctor/finding.ts";
import type { EvidenceProvider } from "../../../src/attestation/provider.ts";
import { Fault } from "../../../src/base/fault.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { createSimulatedChip, ORDINARY, type ReportPlan } from "../../../src/simulator/sp.ts";
import { random } from "../../client/sealed-answer.ts";
import { simulatedRoot } from "../../support/simulated.ts";

const CHIP = createSimulatedChip(simulatedRoot("genoa"));
const TCB = ORDINARY.genoa.tcb;
const OLDER = { ...TCB, snp: TCB.snp - 1 };
const FLOOR = { bootloader: 0, tee: 0, snp: TCB.snp, microcode: 0 };

function providerOf(plan: Partial<ReportPlan> = {}, asked: Uint8Array[] = []): EvidenceProvider {
  return {
    name: "simulated",
    format: "raw",
    vmpl: 0,
    attest: async (binder) => {
      asked.push(binder);
      return { format: "raw", report: CHIP.report({ ...plan, reportData: binder }) };
    },
  };
}

async function severitiesOf(provider: EvidenceProvider, floor?: typeof FLOOR) {
  const { digest } = nodePrimitives;
  const findings = await evidenceFindings({
    provider,
    random,
    digest,
    ...(floor === undefined ? {} : { floor }),
  });
  return Object.fromEntries(findings.map(({ id, severity }) => [id, severity]));
}

const CALM: Readonly<Record<string, Severity>> = {
  "evidence.report": "ok",
  "snp.debug": "ok",
  "snp.migration": "ok",
  "tcb.floor": "ok",
  "tcb.provisional": "ok",
  "tcb.reported": "ok",
  "host.alias-check": "ok",
};

describe("a report", () => {
  it("of an ordinary guest is well in every way", async () => {
    expect(await severitiesOf(providerOf(), FLOOR)).toEqual(CALM);
  });

  const rows: Readonly<Record<string, readonly [Partial<ReportPlan>, Partial<typeof CALM>]>> = {
    "of a guest that can be debugged": [{ policy: 0xb0000n }, { "snp.debug": "error" }],
    "of a guest that an agent may move": [{ policy: 0x70000n }, { "snp.migration": "warning" }],
    "below the floor in what is reported": [
      { reportedTcb: OLDER, committedTcb: TCB, currentTcb: TCB },
      { "tcb.floor": "error", "tcb.reported": "note" },
    ],
    "below the floor in what is committed": [
      { committedTcb: OLDER, reportedTcb: TCB, currentTcb: TCB },
      { "tcb.floor": "error", "tcb.provisional": "note", "tcb.reported": "note" },
    ],
    "of firmware that is not committed": [
      { currentTcb: { ...TCB, snp: TCB.snp + 1 } },
      { "tcb.provisional": "note" },
    ],
    "of a host that looked for no aliases": [{ platformInfo: 1n }, { "host.alias-check": "warning" }],
  };
  it.each(Object.keys(rows))("%s", async (name) => {
    const [plan, changed] = rows[name] ?? [{}, {}];
    expect(await severitiesOf(providerOf(plan), FLOOR)).toEqual({ ...CALM, ...changed });
  });

  it("without a floor is no more than noted", async () => {
    expect(await severitiesOf(providerOf())).toEqual({ ...CALM, "tcb.floor": "note" });
  });

  it("that does not come, or is none, is one error and the end", async () => {
    const none = new Fault("provider/unavailable", "no hardware");
    const failing = { ...providerOf(), attest: () => Promise.reject(none) };
    expect(await severitiesOf(failing)).toEqual({ "evidence.report": "error" });
    const torn = {
      ...providerOf(),
      attest: async () => ({ format: "raw", report: new Uint8Array(9) }) as const,
    };
    expect(await severitiesOf(torn)).toEqual({ "evidence.report": "error" });
  });

  it("is over bytes that are new each time and as long as the format wants", async () => {
    const asked: Uint8Array[] = [];
    await severitiesOf(providerOf({}, asked));
    await severitiesOf(providerOf({}, asked));
    await severitiesOf({
      ...providerOf(),
      format: "azure-hcl",
      attest: async (binder) => {
        asked.push(binder);
        throw new Fault("provider/unavailable", "no vTPM");
      },
    });
    expect(asked.map(({ length }) => length)).toEqual([64, 64, 32]);
    expect(asked[0]).not.toEqual(asked[1]);
  });
});
