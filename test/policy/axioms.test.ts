/** Is every axiom true of what the verifier says, of simulated guests and of real ones, and noticed where it is broken? */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { AMD_ROOTS } from "../../src/attestation/endorsement/roots.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import type { TcbVersion } from "../../src/attestation/snp/tcb.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { instant, parseInstant } from "../../src/base/time.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatedChip, generateChipKey } from "../../src/simulator/sp.ts";
import type { LabelSet } from "../../src/writ/entry-labels.ts";
import type { Facts, FactValue } from "../../src/writ/facts.ts";
import { brokenAxioms } from "../../src/writ/solver/axioms.ts";
import { itWithVectors, readVector, readVectorJson, sharedVectors } from "../support/shared-vectors.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";
import { CONTEXT } from "./report-bytes.ts";

const MEASURED = "02".repeat(48);

function setOf(...vcpus: readonly number[]): LabelSet {
  return { field: "measurement", entries: vcpus.map((count) => ({ value: MEASURED, vcpus: count })) };
}

function textsBroken(facts: Facts, refsets: readonly LabelSet[] = []): readonly string[] {
  return brokenAxioms(facts, SNP_VOCABULARY, refsets).map(({ text }) => text);
}

describe("a set of facts that contradicts an axiom breaks that one and no other", () => {
  const TCB = { bootloader: 4, tee: 0, snp: 24, microcode: 219 };
  const LOW = { ...TCB, snp: 23 };
  type Row = readonly [
    says: string,
    product: "milan" | "genoa" | "turin",
    changes: Readonly<Record<string, FactValue | undefined>>,
  ];
  const NO_CPU = { "cpu.family": undefined, "cpu.model": undefined, "cpu.stepping": undefined };
  const UEFI = { "uefi.endorsed_by": "google", "uefi.svn": 1, "uefi.digest": "00".repeat(48) };
  const POSTURE = {
    "posture.age": 0,
    "posture.passed": ["memory.swap"],
    "posture.warnings": 0,
    "posture.failures": 0,
  };
  const rows: readonly Row[] = [
    [
      "a v2 report has no",
      "milan",
      { "report.version": "2", silicon: undefined, "host.alias_check": undefined },
    ],
    ["a v2 report has no", "milan", { "report.version": "2", ...NO_CPU, "host.alias_check": undefined }],
    ["a v2 report has no", "milan", { "report.version": "2", ...NO_CPU, silicon: undefined }],
    ["a v3 or v4 report has", "milan", { "host.alias_check": undefined }],
    ["a v3 or v4 report has", "genoa", { "report.version": "4", "cpu.stepping": undefined }],
    ["a v3 or v4 report has", "milan", { "host.tio": false }],
    ["a v3 or v4 report has", "milan", { "mitigations.launch": 1n }],
    ["a v5 report has", "turin", { "host.tio": undefined }],
    ["a v5 report has", "turin", { "mitigations.current": undefined }],
    ["`silicon` milan, milan-x is sold as", "genoa", { silicon: "milan-x" }],
    ["`silicon` genoa, genoa-x, siena is sold as", "milan", { silicon: "siena" }],
    ["`silicon` turin, turin-dense is sold as", "milan", { silicon: "turin" }],
    ["`product` milan is `cpu.family` 25", "milan", { "cpu.family": 26 }],
    ["`product` milan is `cpu.model` 0 .. 15", "milan", { "cpu.model": 16 }],
    ["`product` genoa is `cpu.model` 16 .. 31 or 160 .. 175", "genoa", { "cpu.model": 32 }],
    ["`product` turin is `cpu.family` 26", "turin", { "cpu.family": 25 }],
    ["`product` turin is `cpu.model` 0 .. 17", "turin", { "cpu.model": 18 }],
    ["a TCB has the components of its `product`", "milan", { "tcb.launch": { ...TCB, fmc: 1 } }],
    ["a TCB has the components of its `product`", "turin", { "tcb.launch": TCB }],
    ["`endorsement.tcb` equals", "milan", { "endorsement.tcb": LOW }],
    ["no component of `tcb.reported`", "milan", { "tcb.current": LOW, "tcb.committed": LOW }],
    [
      "no component of `tcb.committed`",
      "milan",
      { "tcb.current": LOW, "tcb.reported": LOW, "endorsement.tcb": LOW, "firmware.provisional": true },
    ],
    ["`firmware.provisional` is true exactly", "milan", { "firmware.provisional": true }],
    ["`firmware.provisional` is true exactly", "milan", { "tcb.committed": LOW }],
    ["`firmware.provisional` is true exactly", "milan", { "firmware.version": [1, 56, 0] }],
    ["a masked chip has no", "milan", { "report.chip_masked": true }],
    ["a chip that is not masked has", "milan", { "report.chip_id": undefined }],
    ["there is no `endorsement.csp`", "milan", { "endorsement.csp": "aws" }],
    ["there is no `endorsement.csp`", "milan", { "endorsement.csp_id": "CN=x" }],
    ["a VLEK has an", "milan", { "endorsement.kind": "vlek" }],
    ["`vtpm.*` comes with", "milan", { "vtpm.pcr[4]": "00".repeat(32) }],
    ["`vtpm.*` comes with", "milan", { "vtpm.secure_boot": true }],
    [
      "PCR 16 and 23 say nothing",
      "milan",
      { "evidence.format": "azure-hcl", "vtpm.pcr[16]": "00".repeat(32) },
    ],
    [
      "PCR 16 and 23 say nothing",
      "milan",
      { "evidence.format": "azure-hcl", "vtpm.pcr[23]": "00".repeat(32) },
    ],
    [
      "under an SVSM PCR 17 to 22 say nothing",
      "milan",
      { "evidence.format": "svsm", "vtpm.pcr[17]": "00".repeat(32) },
    ],
    [
      "under an SVSM PCR 17 to 22 say nothing",
      "milan",
      { "evidence.format": "svsm", "vtpm.pcr[22]": "00".repeat(32) },
    ],
    ["PCR 16 and 23 say nothing", "milan", { "host_vtpm.pcr[23]": "00".repeat(32) }],
    ["`host_vtpm.*` comes with", "milan", { "evidence.format": "svsm", "host_vtpm.pcr[0]": "00".repeat(32) }],
    ["`uefi.*` comes with", "milan", { "evidence.format": "svsm", ...UEFI }],
    ["`uefi.*` comes with", "milan", { "evidence.format": "azure-hcl", ...UEFI }],
    ["`uefi.svn` and `uefi.digest` come with", "milan", { ...UEFI, "uefi.digest": undefined }],
    ["there is no `uefi.svn` or `uefi.digest` without", "milan", { "uefi.svn": 1 }],
    ["a posture says how many", "milan", { ...POSTURE, "posture.failures": undefined }],
    ["a posture says how many", "milan", { ...POSTURE, "posture.warnings": undefined }],
    ["there is no `posture.*` without", "milan", { ...POSTURE, "posture.age": undefined }],
    ["there is no `posture.*` without", "milan", { "posture.lockdown": "integrity" }],
    ["there is no `posture.*` without", "milan", { "posture.failed": ["memory.swap"] }],
    ["there is no `posture.*` without", "milan", { "posture.uptime": 1000 }],
    ["`vm.vcpus` is that of", "milan", { "vm.vcpus": 4 }],
    ["`now.weekday` and `now.hour`", "milan", { now: SIMULATED_NOW, "now.weekday": "sun" }],
    ["`now.weekday` and `now.hour`", "milan", { now: SIMULATED_NOW, "now.hour": 1 }],
  ];
  for (const [says, product, changes] of rows) {
    it(`${says}: ${product}, ${Object.keys(changes).join(", ")}`, () => {
      const facts = new Map(SNP_VOCABULARY.ordinary[product]);
      for (const [field, value] of Object.entries(changes)) {
        if (value === undefined) facts.delete(field);
        else facts.set(field, value);
      }
      const broken = textsBroken(facts);
      expect(broken).toHaveLength(1);
      expect(broken[0]?.startsWith(says)).toBe(true);
    });
  }

  it("each axiom has a row", () => {
    const unseen = SNP_VOCABULARY.axioms.filter(({ text }) => !rows.some(([says]) => text.startsWith(says)));
    expect(unseen.map(({ text }) => text)).toEqual(["`product` genoa is `cpu.family` 25"]);
    const facts = new Map(SNP_VOCABULARY.ordinary["genoa"]).set("cpu.family", 26);
    expect(textsBroken(facts)).toEqual(["`product` genoa is `cpu.family` 25"]);
  });

  it("labels follow the reference values: one number, none where they disagree", () => {
    const facts = new Map(SNP_VOCABULARY.ordinary["milan"]);
    const labelled = new Map(facts).set("vm.vcpus", 4);
    expect(textsBroken(facts, [setOf(4)])).toHaveLength(1);
    expect(textsBroken(labelled, [setOf(4), setOf(4)])).toEqual([]);
    expect(textsBroken(labelled, [setOf(4, 8)])).toHaveLength(1);
    expect(textsBroken(facts, [setOf(4, 8)])).toEqual([]);
  });
});

describe("an axiom is true of every request", () => {
  it.each(Object.entries(SNP_VOCABULARY.ordinary))("the ordinary one of %s", (_, facts) => {
    expect(textsBroken(facts)).toEqual([]);
  });

  const key = generateChipKey();
  const level = fc.integer({ min: 0, max: 255 });
  const guest = fc.record({
    product: fc.constantFrom("milan", "genoa", "turin"),
    version: fc.constantFrom(2, 3, 4, 5),
    kind: fc.constantFrom("vcek", "vlek"),
    stepping: fc.integer({ min: 0, max: 4 }),
    reported: level,
    committed: level,
    above: fc.integer({ min: 0, max: 3 }),
    firmware: level,
    isMasked: fc.boolean(),
    platform: fc.bigInt({ min: 0n, max: 255n }),
    now: fc.integer({ min: 0, max: 86_400 * 30 }),
    vcpus: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  });

  test.prop([guest], { numRuns: 80 })(
    "that a simulated guest makes and the verifier passes",
    async (plan) => {
      const { product } = plan;
      const root = simulatedRoot(product);
      const ordinary = SNP_VOCABULARY.ordinary[product];
      const family = Number(ordinary?.get("cpu.family"));
      const model = Number(ordinary?.get("cpu.model"));
      const tcbOf = (snp: number): TcbVersion => ({
        ...(product === "turin" ? { fmc: 1 } : {}),
        bootloader: 1,
        tee: 0,
        snp,
        microcode: 75,
      });
      const chip = createSimulatedChip(root, {
        key,
        kind: plan.kind,
        tcb: tcbOf(plan.reported),
        cpuid: { family, model, stepping: plan.stepping },
      });
      const version = product === "turin" && plan.version === 2 ? 3 : plan.version;
      const evidence = parseEvidence({
        format: "raw",
        report: chip.report({
          version,
          reportData: new Uint8Array(64),
          committedTcb: tcbOf(plan.committed),
          currentTcb: tcbOf(Math.min(255, Math.max(plan.reported, plan.committed) + plan.above)),
          launchTcb: tcbOf(plan.firmware),
          platformInfo: plan.platform,
          fields: {
            currentVersion: Uint8Array.of(plan.firmware & 1, 55, 1),
            ...(plan.isMasked ? { chipId: new Uint8Array(64) } : {}),
          },
        }),
        endorsements: [chip.leaf, plan.kind === "vcek" ? root.ask : root.asvk, root.ark],
      });
      const crls = [{ der: root.crl({ thisUpdate: SIMULATED_NOW }), obtainedAt: SIMULATED_NOW }];
      const { certificates } = evidence;
      const verified = await verifyEvidence(evidence, { certificates, crls }, simulatedTrust(product));
      const refsets = [setOf(...plan.vcpus)];
      const isAgreed = new Set(plan.vcpus).size === 1;
      const labels = new Map(isAgreed ? [[MEASURED, plan.vcpus[0] ?? 0]] : []);
      const now = instant(SIMULATED_NOW + plan.now);
      expect(textsBroken(factsOf(verified, { ...CONTEXT, now }, labels), refsets)).toEqual([]);
    },
  );

  itWithVectors("that AMD's own processors made: every catalogued case that verifies", async () => {
    let count = 0;
    for (const name of readdirSync(join(sharedVectors ?? "", "snp/cases"))) {
      const facts = await factsOfCase(name);
      if (facts === undefined) continue;
      expect([name, textsBroken(facts)]).toEqual([name, []]);
      count += 1;
    }
    expect(count).toBeGreaterThan(5);
  });
});

/** `undefined` for a case that does not verify. */
async function factsOfCase(name: string): Promise<Facts | undefined> {
  const { at, verified, crl } = readVectorJson<Expectation>("snp/cases", name, "expect.json");
  if (!verified) return undefined;
  const folder = join(sharedVectors ?? "", "snp/cases", name, "endorsements");
  const certificates = (existsSync(folder) ? readdirSync(folder) : []).flatMap(
    (file) => parseEndorsementFile(readVector("snp/cases", name, "endorsements", file)).certificates,
  );
  const evidence = parseEvidence({ format: "raw", report: readVector("snp/cases", name, "report.bin") });
  const crls = crl === undefined ? [] : [{ der: readVector("snp/amd", crl) }];
  const verification = await verifyEvidence(
    evidence,
    { certificates, crls },
    {
      now: parseInstant(at) ?? instant(0),
      primitives: nodePrimitives,
      roots: AMD_ROOTS,
      memo: createChainMemo(64),
      revocation: "if-present",
    },
  );
  return factsOf(verification, CONTEXT);
}

interface Expectation {
  readonly at: string;
  readonly verified: boolean;
  readonly crl?: string;
}
