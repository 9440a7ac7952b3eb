/** What is a host's vTPM believed? A quote for this very report, under a key that the operator's authorities know, and nothing else. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { NO_PROVIDERS, providerAuthorities } from "../../src/attestation/endorsement/provider-chain.ts";
import { type CarriedRaw, parseEvidence } from "../../src/attestation/evidence.ts";
import { hostVtpmBinder } from "../../src/attestation/host-vtpm-binder.ts";
import { TPM_ALG } from "../../src/attestation/tpm/words.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { constraints } from "../../src/simulator/certificate.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { createSimulatedVtpm } from "../../src/simulator/vtpm.ts";
import { CONTEXT } from "../policy/report-bytes.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import {
  HOST_VTPM,
  type HostVtpmPlan,
  hostVtpmOf,
  OTHER_HOST_VTPM,
  simulatedProvider,
  simulatedProviders,
} from "../support/provider.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const root = simulatedRoot("genoa");
const chip = createSimulatedChip(root);
const REPORT_DATA = new Uint8Array(createHash("sha512").update("one exchange").digest());
const certTable = certTableOf(root, chip, SIMULATED_NOW);
const report = chip.report({ reportData: REPORT_DATA });
const TRUST = simulatedTrust("genoa");

function verified(carried: Partial<CarriedRaw>, providers = simulatedProviders()) {
  const evidence = parseEvidence({ format: "raw", report, certTable, ...carried });
  const endorsements = {
    certificates: evidence.certificates,
    crls: evidence.crls.map((der) => ({ der })),
  };
  return verifyEvidence(evidence, endorsements, { ...TRUST, providers });
}

/** The code of what became of a quote. */
async function verdictOn(plan: HostVtpmPlan): Promise<string | undefined> {
  const parsed = codeOf(() =>
    parseEvidence({ format: "raw", report, hostVtpm: hostVtpmOf(REPORT_DATA, plan) }),
  );
  return parsed ?? codeOfPromise(verified({ hostVtpm: hostVtpmOf(REPORT_DATA, plan) }));
}

const SELECTION = { bank: TPM_ALG.sha256, bits: Uint8Array.of(0xff, 0xff, 0xff) };
const SHA1 = 0x0004;

describe("what is quoted", () => {
  it("is bound to the report: SHA-256 of a label and REPORT_DATA, each with its length", () => {
    const label = Buffer.from("ostiary/host-vtpm/v1");
    const head = Buffer.from([0, 0, 0, label.length]);
    const input = Buffer.concat([head, label, Buffer.from([0, 0, 0, 64]), REPORT_DATA]);
    const expected = new Uint8Array(createHash("sha256").update(input).digest());
    expect(hostVtpmBinder(REPORT_DATA, nodePrimitives)).toEqual(expected);
  });
});

describe("a quote of the host's vTPM", () => {
  it("gives its registers the provider's name, and never the guest's own", async () => {
    const evidence = await verified({ hostVtpm: hostVtpmOf(REPORT_DATA) });
    const facts = factsOf(evidence, CONTEXT);
    const [value] = HOST_VTPM.quote({ qualifyingData: new Uint8Array(0) }).pcrs.slice(11);
    expect(facts.get("host_vtpm.pcr[11]")).toBe(Buffer.from(value ?? []).toString("hex"));
    expect([...facts.keys()].filter((name) => name.startsWith("vtpm."))).toEqual([]);
    expect([...facts.keys()].filter((name) => name.startsWith("host_vtpm.pcr"))).toHaveLength(22);
    expect(facts.has("host_vtpm.pcr[16]") || facts.has("host_vtpm.pcr[23]")).toBe(false);
    expect(evidence.hostVtpm).toMatchObject({ resetCount: 3, restartCount: 0, isSimulated: true });
  });

  it("may be of a key of RSA", async () => {
    const vtpm = createSimulatedVtpm(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
    expect(await verdictOn({ vtpm })).toBeUndefined();
  });

  it("says nothing where the operator lets nobody speak for a host's vTPM", async () => {
    const evidence = await verified({ hostVtpm: hostVtpmOf(REPORT_DATA) }, NO_PROVIDERS);
    expect(evidence).not.toHaveProperty("hostVtpm");
    const facts = factsOf(evidence, CONTEXT);
    expect([...facts.keys()].filter((name) => name.includes("vtpm"))).toEqual([]);
  });

  const OTHER_REPORT_DATA = REPORT_DATA.with(63, (REPORT_DATA[63] ?? 0) ^ 1);
  const { keys, akCertificate, firmwareCertificate, akIntermediate } = simulatedProvider();
  const binder = hostVtpmBinder(REPORT_DATA, nodePrimitives);

  it.each<[string, HostVtpmPlan, string]>([
    [
      "for another exchange",
      { quote: { qualifyingData: hostVtpmBinder(OTHER_REPORT_DATA, nodePrimitives) } },
      "channel/not-bound",
    ],
    ["over REPORT_DATA itself", { quote: { qualifyingData: REPORT_DATA } }, "channel/not-bound"],
    [
      "over the first bytes of what it should be",
      { quote: { qualifyingData: binder.slice(0, 31) } },
      "channel/not-bound",
    ],
    ["over nothing", { quote: { qualifyingData: new Uint8Array(0) } }, "channel/not-bound"],
    [
      "under a certificate of another vTPM",
      { carried: { akCertificate: akCertificate(OTHER_HOST_VTPM.key) } },
      "evidence/quote-signature",
    ],
    [
      "with the registers of another boot",
      { carried: { pcrs: OTHER_HOST_VTPM.quote({ qualifyingData: binder }).pcrs } },
      "evidence/quote-digest",
    ],
    [
      "with 23 registers",
      { carried: { pcrs: HOST_VTPM.quote({ qualifyingData: binder }).pcrs.slice(1) } },
      "evidence/malformed",
    ],
    [
      "of a bank that stands there twice",
      { quote: { selections: [SELECTION, SELECTION] } },
      "evidence/quote-selection",
    ],
    [
      "of two banks",
      { quote: { selections: [SELECTION, { ...SELECTION, bank: SHA1 }] } },
      "evidence/quote-selection",
    ],
    [
      "of the SHA-1 bank",
      { quote: { selections: [{ ...SELECTION, bank: SHA1 }] } },
      "evidence/quote-selection",
    ],
    [
      "of some registers",
      { quote: { selections: [{ ...SELECTION, bits: Uint8Array.of(0xff, 0xff, 0) }] } },
      "evidence/quote-selection",
    ],
    ["of nothing", { quote: { selections: [] } }, "evidence/quote-selection"],
    ["that is no quote but a certification", { quote: { type: 0x8017 } }, "evidence/quote-type"],
    ["that no TPM made", { quote: { magic: 0xff544348 } }, "evidence/quote-type"],
    [
      "with bytes behind it",
      { quote: { patchBefore: (attest) => concatBytes(attest, Uint8Array.of(0)) } },
      "evidence/malformed",
    ],
    [
      "that was altered afterwards",
      { quote: { patchAfter: (attest) => attest.with(50, (attest[50] ?? 0) ^ 1) } },
      "evidence/quote-signature",
    ],
    [
      "under an authority's own certificate",
      { carried: { akCertificate: akIntermediate } },
      "endorsement/provider-untrusted",
    ],
    [
      "under a certificate that says it is an authority's",
      {
        certificate: {
          changeExtensions: (usual) =>
            usual.map((one) =>
              one.oid === "2.5.29.19" ? { ...one, value: Uint8Array.of(0x30, 3, 1, 1, 0xff) } : one,
            ),
        },
      },
      "endorsement/provider-untrusted",
    ],
    [
      "under a certificate for encryption, as an endorsement key has",
      {
        certificate: {
          changeExtensions: (usual) =>
            usual.map((one) =>
              one.oid === "2.5.29.15" ? { ...one, value: Uint8Array.of(3, 2, 5, 0x20) } : one,
            ),
        },
      },
      "endorsement/provider-untrusted",
    ],
    [
      "under a certificate that ran out",
      { certificate: { notAfter: SIMULATED_NOW - 1 } as never },
      "endorsement/provider-expired",
    ],
    [
      "under a certificate of tomorrow",
      { certificate: { notBefore: SIMULATED_NOW + 1 } as never },
      "endorsement/provider-expired",
    ],
    [
      "under a certificate that its own key signed",
      { carried: { akCertificate: akCertificate(HOST_VTPM.key, {}, HOST_VTPM.key) } },
      "endorsement/provider-untrusted",
    ],
    [
      "under a certificate of Google's other authority",
      { carried: { akCertificate: firmwareCertificate() } },
      "endorsement/provider-untrusted",
    ],
    [
      "under a certificate that says a root issued it and another key signed",
      { carried: { akCertificate: akCertificate(HOST_VTPM.key, {}, keys.akRoot) } },
      "endorsement/provider-untrusted",
    ],
    [
      "under no certificate at all",
      { carried: { akCertificate: new Uint8Array(16) } },
      "endorsement/malformed",
    ],
    ["with a signature in DER", { carried: { signature: derSignature(binder) } }, "evidence/quote-signature"],
    ["with an empty signature", { carried: { signature: new Uint8Array(0) } }, "evidence/quote-signature"],
  ])("is refused %s", async (_name, plan, code) => {
    expect(await verdictOn(plan)).toBe(code);
  });

  it("is refused without the intermediate that signed its certificate", async () => {
    const providers = { firmware: [], hostVtpm: providerAuthorities([simulatedProvider().akRoot]) };
    const verdict = codeOfPromise(verified({ hostVtpm: hostVtpmOf(REPORT_DATA) }, providers));
    expect(await verdict).toBe("endorsement/provider-untrusted");
  });

  it("is refused under a root that allows no authority below it", async () => {
    const { akAuthority, akIntermediate: below } = simulatedProvider();
    const withPath = (...length: readonly number[]) => {
      const root = akAuthority({
        changeExtensions: (usual) =>
          usual.map((one) => (one.oid === "2.5.29.19" ? constraints(...length) : one)),
      });
      const providers = { firmware: [], hostVtpm: providerAuthorities([root, below]) };
      return codeOfPromise(verified({ hostVtpm: hostVtpmOf(REPORT_DATA) }, providers));
    };
    expect([await withPath(0), await withPath(1)]).toEqual(["endorsement/provider-untrusted", undefined]);
  });

  it.each([
    ["quote", 1],
    ["signature", 1],
    ["akCertificate", 7],
  ] as const)("is refused with one byte of its %s another", async (name, step) => {
    const good = hostVtpmOf(REPORT_DATA);
    const passed: number[] = [];
    for (let at = 0; at < good[name].length; at += step) {
      const bent = good[name].with(at, (good[name][at] ?? 0) ^ (1 << (at % 8)));
      if ((await verdictOn({ carried: { ...good, [name]: bent } })) === undefined) passed.push(at); // in order: one at a time
    }
    expect(passed).toEqual([]);
  });

  property.prop([fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 80 })])(
    "is read or refused, whatever its bytes",
    (quote, signature) => {
      const hostVtpm = { ...hostVtpmOf(REPORT_DATA), quote, signature };
      try {
        parseEvidence({ format: "raw", report, hostVtpm });
      } catch (thrown) {
        expect(isFault(thrown)).toBe(true);
      }
    },
  );
});

describe("the simulator's word", () => {
  it("does not count on a chip that is not the simulator's", async () => {
    const { providerStatements } = await import("../../src/attestation/provider-statements.ts");
    const evidence = parseEvidence({ format: "raw", report, hostVtpm: hostVtpmOf(REPORT_DATA) });
    if (evidence.kind !== "raw") throw new Error("not raw");
    const options = { ...TRUST, providers: simulatedProviders() };
    const chain = { isSimulated: false } as never;
    expect(await codeOfPromise(providerStatements(evidence, chain, options))).toBe(
      "endorsement/provider-untrusted",
    );
  });
});

/** The right signature, in the form that X.509 has and a TPM has not. */
function derSignature(qualifyingData: Uint8Array): Uint8Array {
  const { signature } = HOST_VTPM.quote({ qualifyingData });
  const integer = (half: Uint8Array): Uint8Array => {
    const digits = (half[0] ?? 0) >= 0x80 ? concatBytes(Uint8Array.of(0), half) : half;
    return concatBytes(Uint8Array.of(2, digits.length), digits);
  };
  const body = concatBytes(integer(signature.slice(0, 32)), integer(signature.slice(32)));
  return concatBytes(Uint8Array.of(0x30, body.length), body);
}
