/** Does the policy for Azure know the paravisors of real VMs, and ask nothing else of one than what it booted? */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { instant } from "../../src/base/time.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { evaluate } from "../../src/writ/evaluation/evaluator.ts";
import type { FactValue } from "../../src/writ/facts.ts";
import { amdTrust } from "../attestation/real-case.ts";
import { CONTEXT } from "../policy/report-bytes.ts";
import { AZURE_SAMPLES } from "../support/azure-vectors.ts";
import { itWithVectors } from "../support/shared-vectors.ts";
import { digest } from "../writ/toy.ts";

const POLICIES = join(import.meta.dirname, "../../policies");
const APPROVED = "f462ec8036c6d104c5c1d45dfb7a0f170729c2e88acc3929cc2b8c927ac7ad24";
/** 2026-11-02T08:00:00Z. */
const NOW = instant(1_793_606_400);

function program() {
  const read = (name: string): string => readFileSync(join(POLICIES, name), "utf8");
  const path = "azure-luks.writ";
  const { program: compiled } = compileSources([{ path, text: read(path) }], {
    vocabulary: SNP_VOCABULARY,
    digest,
    files: (name) => new TextEncoder().encode(read(name)),
  });
  if (compiled === undefined) throw new Error("the policy does not compile");
  return compiled;
}

/** What a broker would see of a real VM, and what is set besides. */
async function verdict(name: string, besides: Readonly<Record<string, FactValue>>) {
  const sample = AZURE_SAMPLES[name]?.();
  if (sample === undefined) throw new Error(`no sample ${name}`);
  const evidence = parseEvidence({ ...sample, format: "azure-hcl" });
  const endorsements = { certificates: sample.certificates, crls: [] };
  const verified = await verifyEvidence(evidence, endorsements, amdTrust("2025-06-01T00:00:00Z"));
  const seen = factsOf(verified, {
    ...CONTEXT,
    now: NOW,
    resource: "prod/azure/luks/vm-1",
    channel: "tls-exporter",
  });
  const facts = new Map<string, FactValue>([
    ...seen,
    ["endorsement.crl_age", 3_600_000],
    ...Object.entries(besides),
  ]);
  const { isAllowed, sentence } = evaluate(program(), facts);
  return isAllowed ? "allowed" : sentence;
}

describe("the policy for Azure", () => {
  for (const name of ["evidence-v0.json", "evidence-v1.json", "evidence-genoa.json"]) {
    itWithVectors(`takes the paravisor of ${name}, and asks what it booted`, async () => {
      expect(await verdict(name, {})).toBe("this boot image is not approved");
      expect(await verdict(name, { "vtpm.pcr[11]": APPROVED })).toBe("allowed");
      const other = { "vtpm.pcr[11]": APPROVED, "id_block.guest_svn": 9 };
      expect(await verdict(name, other)).toBe("this paravisor was superseded");
    });
  }

  itWithVectors("takes no paravisor of an older key", async () => {
    const besides = { "vtpm.pcr[11]": APPROVED, "id_block.guest_svn": 65_547 };
    expect(await verdict("hcl-report.bin", besides)).toBe("not a paravisor of an accepted key");
  });
});
