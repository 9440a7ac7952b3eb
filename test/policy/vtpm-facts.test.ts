/** What does policy see of a vTPM? The registers of the paravisor's, under names that a host's vTPM never has. */
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { credentialProof } from "../../src/attestation/svsm/vtpm-binder.ts";
import { type EvidenceOptions, verifyEvidence } from "../../src/attestation/verify.ts";
import { hexOf } from "../../src/base/bytes.ts";
import { claimsOf, factsJson } from "../../src/policy/claims.ts";
import { EXCHANGE_FIELDS, factsOf } from "../../src/policy/facts.ts";
import { factsOfTold } from "../../src/policy/told-facts.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { endorsementsOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { svsmManifest, svsmReport } from "../../src/simulator/svsm.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";
import { type AzureDeviation, azureEvidence } from "../support/simulated-azure.ts";
import { type SvsmDeviation, svsmEvidence } from "../support/simulated-svsm.ts";
import { CONTEXT } from "./report-bytes.ts";

const ROOT = simulatedRoot("milan");
const CHIP = createSimulatedChip(ROOT);
const BINDER = new Uint8Array(32).fill(1);
const NO_CREDENTIAL = { idObject: new Uint8Array(0), encryptedSecret: new Uint8Array(0) };
const ENDORSEMENTS = endorsementsOf(ROOT, CHIP, SIMULATED_NOW);

async function verificationOf(
  carried: Parameters<typeof parseEvidence>[0],
  more: Partial<EvidenceOptions> = {},
) {
  const evidence = parseEvidence({ ...carried, endorsements: ENDORSEMENTS });
  const crls = evidence.crls.map((der) => ({ der }));
  const options = { ...simulatedTrust("milan"), ...more };
  return verifyEvidence(evidence, { certificates: evidence.certificates, crls }, options);
}

const ofAzure = (deviation?: AzureDeviation) => verificationOf(azureEvidence(BINDER, CHIP, deviation));
const named = (facts: Iterable<string>) => [...facts].filter((name) => name.includes("vtpm"));

describe("the facts of a VM of Azure's", () => {
  it("are its registers but the two that an operating system may set back, and secure boot", async () => {
    const { vtpm, ...rest } = await ofAzure();
    const facts = factsOf({ ...rest, ...(vtpm && { vtpm }) }, CONTEXT);
    const shown = Array.from({ length: 24 }, (_, pcr) => pcr).filter((pcr) => pcr !== 16 && pcr !== 23);
    expect(named(facts.keys())).toEqual([...shown.map((pcr) => `vtpm.pcr[${pcr}]`), "vtpm.secure_boot"]);
    for (const pcr of shown) expect(facts.get(`vtpm.pcr[${pcr}]`)).toBe(hexOf(vtpm?.pcrs[pcr] ?? BINDER));
    expect(facts.get("evidence.format")).toBe("azure-hcl");
    expect(facts.get("vtpm.secure_boot")).toBe(true);
  });

  it("leave secure boot out where nobody says it", async () => {
    const claims = (text: string): string => text.replace('"secure-boot":true,', "");
    const facts = factsOf(await ofAzure({ paravisor: { claims } }), CONTEXT);
    expect(facts.has("vtpm.secure_boot")).toBe(false);
  });

  it("are each a field of the vocabulary, and come back from what a decision told of them", async () => {
    const seen = factsOf(await ofAzure(), CONTEXT);
    const families = new Set(SNP_VOCABULARY.fields.map(({ name }) => name));
    for (const name of seen.keys()) expect(families.has(name.replace(/\[\d+\]$/, "")), name).toBe(true);
    const guests = new Map([...seen].filter(([field]) => !EXCHANGE_FIELDS.has(field)));
    expect(factsOfTold(factsJson(seen))).toEqual(guests);
  });

  it("are told of evidence that nobody verified, without a word on secure boot", async () => {
    const carried = azureEvidence(BINDER, CHIP);
    const claims = claimsOf(parseEvidence(carried));
    expect(claims["vtpm.pcr[11]"]).toBe(hexOf(carried.pcrs[11] ?? BINDER));
    expect(claims["evidence.format"]).toBe("azure-hcl");
    expect(named(Object.keys(claims))).toHaveLength(22);
  });
});

describe("the facts of a guest under an SVSM", () => {
  const secret = new Uint8Array(32).fill(5);
  const carried = (plan: SvsmDeviation = {}) =>
    svsmEvidence({ binder: new Uint8Array(64), chip: CHIP }, NO_CREDENTIAL, {
      beside: (_, data) => ({ proof: credentialProof(secret, data, nodePrimitives) }),
      ...plan,
    });

  it("are the registers of its vTPM where they were proven, by the names that a VM of Azure's has", async () => {
    const verified = await verificationOf(carried(), { credentialSecretOf: () => secret.slice() });
    const facts = factsOf(verified, CONTEXT);
    const shown = Array.from({ length: 16 }, (_, pcr) => `vtpm.pcr[${pcr}]`);
    expect(named(facts.keys())).toEqual(shown);
    expect(facts.get("vtpm.pcr[11]")).toBe(hexOf(carried().vtpm?.pcrs[11] ?? secret));
    expect([facts.has("vtpm.pcr[16]"), facts.has("vtpm.secure_boot")]).toEqual([false, false]);
    expect(facts.get("evidence.format")).toBe("svsm");
  });

  it("hold no register where nobody proved whose TPM it is, and are told as what was sent", async () => {
    expect(named(factsOf(await verificationOf(carried()), CONTEXT).keys())).toEqual([]);
    const claims = claimsOf(parseEvidence(carried()));
    expect(named(Object.keys(claims))).toHaveLength(16);
    expect(claims["vtpm.pcr[11]"]).toBe(hexOf(carried().vtpm?.pcrs[11] ?? secret));
    expect(claimsOf(parseEvidence(carried({ beside: () => undefined })))["vtpm.pcr[11]"]).toBeUndefined();
  });
});

describe("the facts of other guests", () => {
  it("hold no register of a vTPM", async () => {
    const manifest = svsmManifest([]);
    const binder = new Uint8Array(64);
    const reports = [
      { format: "raw", report: CHIP.report({ reportData: binder }) },
      { format: "svsm", report: svsmReport(CHIP, { binder, manifest }), manifest },
    ] as const;
    for (const carried of reports) {
      const facts = factsOf(await verificationOf(carried), CONTEXT);
      expect([named(facts.keys()), facts.get("evidence.format")]).toEqual([[], carried.format]);
    }
  });
});
