/** Is evidence of Azure's genuine only whole? Real VMs, the negatives named beside them, and every part exchanged for another's. */
import { describe, expect, it } from "vitest";
import { type CarriedEvidence, parseEvidence } from "../../../src/attestation/evidence.ts";
import { parseEventLog, replayed } from "../../../src/attestation/tpm/event-log.ts";
import { verifyEvidence } from "../../../src/attestation/verify.ts";
import { hexOf, utf8 } from "../../../src/base/bytes.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { azureHclBlob } from "../../../src/simulator/azure-hcl.ts";
import { endorsementsOf } from "../../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../../src/simulator/sp.ts";
import { createSimulatedVtpm } from "../../../src/simulator/vtpm.ts";
import { AZURE_SAMPLES, type AzureSample } from "../../support/azure-vectors.ts";
import { codeOfPromise } from "../../support/faults.ts";
import { itWithVectors } from "../../support/shared-vectors.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../../support/simulated.ts";
import { type AzureDeviation, azureEvidence, OTHER_VTPM, VTPM } from "../../support/simulated-azure.ts";
import { bootLog, secureBootEvent, separators } from "../boot-log.ts";
import { amdTrust } from "../real-case.ts";

const AT = "2025-06-01T00:00:00Z";
const ROOT = simulatedRoot("milan");
const CHIP = createSimulatedChip(ROOT);
const BINDER = new Uint8Array(32).fill(0xb1);

async function verified({ hcl, quote, signature, pcrs, certificates }: AzureSample) {
  const evidence = parseEvidence({ format: "azure-hcl", hcl, quote, signature, pcrs });
  return verifyEvidence(evidence, { certificates, crls: [] }, amdTrust(AT));
}

async function simulated(deviation: AzureDeviation = {}, chip = CHIP) {
  return verifiedAs(azureEvidence(BINDER, chip, deviation), chip);
}

async function verifiedAs(carried: CarriedEvidence, chip = CHIP) {
  const endorsements = endorsementsOf(ROOT, chip, SIMULATED_NOW);
  const evidence = parseEvidence({ ...carried, endorsements });
  const crls = evidence.crls.map((der) => ({ der }));
  return verifyEvidence(evidence, { certificates: evidence.certificates, crls }, simulatedTrust("milan"));
}

const codeOfSimulated = (deviation: AzureDeviation) => codeOfPromise(simulated(deviation));

describe("evidence of a real VM of Azure's", () => {
  for (const [name, sampleOf] of Object.entries(AZURE_SAMPLES)) {
    itWithVectors(`in ${name} is genuine, and says what its vTPM holds`, async () => {
      const sample = sampleOf();
      const { product, vtpm, isSimulated, evidence } = await verified(sample);
      expect({ product, isSimulated, kind: evidence.kind }).toEqual({
        product: sample.product,
        isSimulated: false,
        kind: "azure-hcl",
      });
      expect(hexOf(vtpm?.pcrs[0] ?? BINDER)).toBe(sample.pcr0);
      expect(vtpm?.isSecureBoot).toBe(true);
    });

    itWithVectors(`in ${name} is not genuine with another VM's quote`, async () => {
      const [own, ...others] = [sampleOf(), ...Object.entries(AZURE_SAMPLES).map(([, of]) => of())];
      for (const { quote, signature, pcrs, hcl } of others.filter(({ pcr0 }) => pcr0 !== own.pcr0)) {
        const mixed = { ...own, quote, signature, pcrs };
        expect(await codeOfPromise(verified(mixed))).toBe("evidence/quote-signature");
        expect(hexOf(hcl)).not.toBe(hexOf(own.hcl));
      }
    });
  }

  const negatives: readonly (readonly [string, number, (byte: number) => number, RegExp])[] = [
    ["claims that somebody changed", 0x6e0, (byte) => byte + 1, /^evidence\/runtime-data-mismatch$/],
    [
      "a report that somebody changed",
      0x1a6,
      () => 0,
      /^e(vidence\/bad-signature|ndorsement\/tcb-mismatch)$/,
    ],
    ["no attestation key", 0x540, () => 0, /^evidence\/ak-missing$/],
  ];
  for (const [name, at, change, code] of negatives) {
    itWithVectors(`is refused with ${name} (byte 0x${at.toString(16)})`, async () => {
      const sample = AZURE_SAMPLES["hcl-report.bin"]?.();
      if (sample === undefined) throw new Error("no such sample");
      const hcl = sample.hcl.with(at, change(sample.hcl[at] ?? 0) & 0xff);
      expect(await codeOfPromise(verified({ ...sample, hcl }))).toMatch(code);
    });
  }

  itWithVectors("is not genuine with any byte of the blob flipped", async () => {
    const sample = AZURE_SAMPLES["evidence-genoa.json"]?.();
    if (sample === undefined) throw new Error("no such sample");
    const claimed = 0x4d4 + 1200;
    const trust = amdTrust(AT);
    for (let at = 0; at < sample.hcl.length; at += at < claimed ? 7 : 191) {
      const hcl = sample.hcl.with(at, (sample.hcl[at] ?? 0) ^ 0x10);
      const attempt = Promise.resolve().then(() => {
        const evidence = parseEvidence({ ...sample, format: "azure-hcl", hcl });
        return verifyEvidence(evidence, { certificates: sample.certificates, crls: [] }, trust);
      });
      expect(await codeOfPromise(attempt), `byte ${at}`).toMatch(/^(evidence|endorsement)\//);
    }
  });
});

describe("evidence of a simulated VM", () => {
  it("is genuine", async () => {
    const { vtpm, isSimulated } = await simulated();
    expect({ isSimulated, pcrs: vtpm?.pcrs.length }).toEqual({ isSimulated: true, pcrs: 24 });
  });

  const rows: readonly (readonly [string, AzureDeviation, string])[] = [
    [
      "a report that a guest of VMPL 2 asked for",
      { paravisor: { report: { vmpl: 2 } } },
      "evidence/wrong-vmpl",
    ],
    [
      "claims whose hash the report does not hold",
      { paravisor: { report: { patchBefore: (report) => void report.fill(7, 0x50, 0x51) } } },
      "evidence/runtime-data-mismatch",
    ],
    [
      "REPORT_DATA that holds more than the hash",
      { paravisor: { report: { patchBefore: (report) => void report.fill(7, 0x8f, 0x90) } } },
      "evidence/runtime-data-mismatch",
    ],
    [
      "the claims of another VM, which name the key that quoted",
      {
        paravisor: { patch: withClaimsOf(OTHER_VTPM.akModulus) },
        carried: OTHER_VTPM.quote({ qualifyingData: BINDER }),
      },
      "evidence/runtime-data-mismatch",
    ],
    [
      "a quote of another VM",
      { carried: OTHER_VTPM.quote({ qualifyingData: BINDER }) },
      "evidence/quote-signature",
    ],
    [
      "two attestation keys",
      { paravisor: { claims: (text) => text.replace("HCLEkPub", "HCLAkPub") } },
      "evidence/ak-missing",
    ],
    [
      "a chip's signature that is not its own",
      { paravisor: { report: { patchAfter: flip(0x90) } } },
      "evidence/bad-signature",
    ],
    [
      "another's PCR values",
      { carried: { pcrs: OTHER_VTPM.quote({ qualifyingData: BINDER }).pcrs.toReversed() } },
      "evidence/quote-digest",
    ],
    ["the event log of another boot", { carried: { eventLog: bootLog(separators()) } }, "evidence/event-log"],
    ["an event log that is none", { carried: { eventLog: utf8("a log") } }, "evidence/malformed"],
  ];
  it.each(rows)("is refused with %s", async (_name, deviation, code) => {
    expect(await codeOfSimulated(deviation)).toBe(code);
  });

  it("is refused at the first check that fails: the report's own signature before all else", async () => {
    const everything: AzureDeviation = {
      paravisor: { report: { vmpl: 2, patchAfter: flip(0x90) } },
      quote: { selections: [] },
      carried: { pcrs: VTPM.quote({ qualifyingData: BINDER }).pcrs.toReversed() },
    };
    expect(await codeOfSimulated(everything)).toBe("evidence/bad-signature");
  });

  it.each([
    ["on, as the paravisor says", true, undefined, true],
    ["off, as the paravisor says", false, undefined, false],
    ["on, as both say", true, 1, true],
    ["off, as firmware measured", true, 0, false],
    ["off, as the paravisor says, whatever firmware measured", false, 1, false],
  ])("has secure boot %s", async (_name, isSecureBoot, measured, isOn) => {
    const events = [...(measured === undefined ? [] : [secureBootEvent(measured)]), ...separators()];
    const eventLog = bootLog(events);
    const vtpm = measured === undefined ? VTPM : booted(eventLog);
    const carried = measured === undefined ? {} : { eventLog };
    const { vtpm: facts } = await simulated({ vtpm, paravisor: { isSecureBoot }, carried });
    expect(facts?.isSecureBoot).toBe(isOn);
  });

  it("says nothing of secure boot where nobody does", async () => {
    const claims = (text: string): string => text.replace('"secure-boot":true,', "");
    const { vtpm } = await simulated({ paravisor: { claims } });
    expect(vtpm).not.toHaveProperty("isSecureBoot");
  });
});

describe("one format shown as another", () => {
  it("is refused: a blob as a report, a report as a blob, a quote's evidence under an SVSM", async () => {
    const { hcl, quote, signature, pcrs } = azureEvidence(BINDER, CHIP);
    const report = CHIP.report({ reportData: new Uint8Array(64) });
    const shown: readonly CarriedEvidence[] = [
      { format: "raw", report: hcl },
      { format: "azure-hcl", hcl: report, quote, signature, pcrs },
      { format: "svsm", report: hcl, manifest: quote },
    ];
    for (const carried of shown) {
      expect(await codeOfPromise(Promise.resolve().then(() => verifiedAs(carried)))).toBe(
        "evidence/malformed",
      );
    }
  });
});

function flip(at: number) {
  return (report: Uint8Array): void => void report.fill((report[at] ?? 0) ^ 1, at, at + 1);
}

/** Puts the claims that another blob of this chip holds into a blob. */
function withClaimsOf(akModulus: Uint8Array) {
  return (blob: Uint8Array): void => blob.set(azureHclBlob(CHIP, { akModulus }).slice(0x4d4), 0x4d4);
}

/** The same vTPM after a boot that this log tells of. */
function booted(eventLog: Uint8Array) {
  const values = replayed(parseEventLog(eventLog), nodePrimitives);
  return createSimulatedVtpm(VTPM.key, Object.fromEntries(values));
}
