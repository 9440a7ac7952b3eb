/** Is evidence of Azure's believed with any one of its bytes flipped? All of a real VM's blob, quote, signature and registers. */
import { describe, expect } from "vitest";
import { parseEvidence } from "../../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../../src/attestation/verify.ts";
import { AZURE_SAMPLES, type AzureSample } from "../../support/azure-vectors.ts";
import { codeOfPromise } from "../../support/faults.ts";
import { itWithVectors } from "../../support/shared-vectors.ts";
import { amdTrust } from "../real-case.ts";

const TRUST = amdTrust("2025-06-01T00:00:00Z");

function sample(): AzureSample {
  const found = AZURE_SAMPLES["evidence-genoa.json"]?.();
  if (found === undefined) throw new Error("no such sample");
  return found;
}

function codeOf(changed: Pick<AzureSample, "hcl" | "quote" | "signature" | "pcrs" | "certificates">) {
  const attempt = Promise.resolve().then(() => {
    const evidence = parseEvidence({ ...changed, format: "azure-hcl" });
    return verifyEvidence(evidence, { certificates: changed.certificates, crls: [] }, TRUST);
  });
  return codeOfPromise(attempt);
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] ?? 0) ^ (1 << (at % 8)));
}

describe("a flipped bit of a real VM's", () => {
  itWithVectors("control: nothing flipped", async () => {
    expect(await codeOf(sample())).toBeUndefined();
  });

  for (const part of ["hcl", "quote", "signature"] as const) {
    itWithVectors(`${part} is never believed`, async () => {
      const whole = sample();
      for (let at = 0; at < whole[part].length; at += 1) {
        expect(await codeOf({ ...whole, [part]: flipped(whole[part], at) }), `byte ${at}`).toMatch(
          /^(evidence|endorsement)\//,
        );
      }
    });
  }

  itWithVectors("registers is never believed", async () => {
    const whole = sample();
    for (let at = 0; at < 24 * 32; at += 1) {
      const pcrs = whole.pcrs.map((value, pcr) => (pcr === at >> 5 ? flipped(value, at & 31) : value));
      expect(await codeOf({ ...whole, pcrs }), `byte ${at}`).toBe("evidence/quote-digest");
    }
  });
});
