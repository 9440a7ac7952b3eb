/** Do the real reports inside Azure's blobs verify, at the time they were good? Taken out at 0x20; the blob itself is another parser's. */
import { describe, expect } from "vitest";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { REPORT_SIZE } from "../../src/attestation/snp/layout.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { parseBase64Url } from "../../src/base/bytes.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { itWithVectors, readVector, readVectorJson } from "../support/shared-vectors.ts";
import { amdCertificate, amdTrust } from "./real-case.ts";

const AT = "2025-06-01T00:00:00Z";
const REPORT_AT = 0x20;

interface Sample {
  readonly blob: Uint8Array;
  readonly certificates: readonly Uint8Array[];
}

interface OldJson {
  readonly report: readonly number[];
  readonly vcek: string;
}

interface NewJson {
  readonly hcl_report: string;
  readonly vcek: string;
}

const pem = (...path: readonly string[]) => parseEndorsementFile(readVector("azure", ...path)).certificates;
const chainOf = (line: "Milan" | "Genoa") => [`SEV-${line}.pem`, `ARK-${line}.pem`].map(amdCertificate);

function jsonSample(name: string, line: "Milan" | "Genoa"): Sample {
  const { report, vcek } = readVectorJson<OldJson>("azure/trustee", name);
  const { certificates } = parseEndorsementFile(new TextEncoder().encode(vcek));
  return { blob: Uint8Array.from(report), certificates: [...certificates, ...chainOf(line)] };
}

function newSample(): Sample {
  const { hcl_report: blob, vcek } = readVectorJson<NewJson>("azure/trustee/evidence-v1.json");
  const [report, leaf] = [blob, vcek].map((text) => parseBase64Url(text.replace(/=+$/, "")));
  if (report === undefined || leaf === undefined) throw new Error("evidence-v1.json is not as it was");
  return { blob: report, certificates: [leaf, ...chainOf("Milan")] };
}

const SAMPLES: Readonly<Record<string, () => Sample>> = {
  "trustee's hcl-report.bin": () => ({
    blob: readVector("azure/trustee/hcl-report.bin"),
    certificates: pem("trustee", "vcek.pem"),
  }),
  "trustee's evidence-v0.json": () => jsonSample("evidence-v0.json", "Milan"),
  "trustee's evidence-v1.json": newSample,
  "trustee's evidence-genoa.json": () => jsonSample("evidence-genoa.json", "Genoa"),
};

function evidenceOf({ blob }: Sample) {
  return parseEvidence({ format: "raw", report: blob.slice(REPORT_AT, REPORT_AT + REPORT_SIZE) });
}

const verified = (sample: Sample, at: string) =>
  verifyEvidence(evidenceOf(sample), { certificates: sample.certificates, crls: [] }, amdTrust(at));

describe("a report of Azure's", () => {
  for (const [name, sampleOf] of Object.entries(SAMPLES)) {
    itWithVectors(`in ${name} verifies in June 2025, not before its leaf and not after`, async () => {
      const sample = sampleOf();
      const { product, evidence, isSimulated } = await verified(sample, AT);
      expect({ product, isSimulated }).toEqual({
        product: name.includes("genoa") ? "genoa" : "milan",
        isSimulated: false,
      });
      expect(evidence.report.vmpl).toBe(0);
      // 12: REPORT_DATA is a SHA-256 and 32 zero bytes there.
      expect(evidence.report.reportData.slice(32)).toEqual(new Uint8Array(32));
      expect(await codeOfPromise(verified(sample, "2022-12-01T00:00:00Z"))).toBe("endorsement/not-yet-valid");
      expect(await codeOfPromise(verified(sample, "2035-06-01T00:00:00Z"))).toBe("endorsement/expired");
    });

    itWithVectors(`in ${name} does not verify with one byte of CHIP_ID changed`, async () => {
      const sample = sampleOf();
      const at = REPORT_AT + 0x1a6;
      const bent = { ...sample, blob: sample.blob.with(at, (sample.blob[at] ?? 0) ^ 1) };
      expect(await codeOfPromise(verified(bent, AT))).toBe("endorsement/chip-mismatch");
    });
  }

  itWithVectors("beside a certificate of another chip at the same TCB does not verify", async () => {
    const blob = readVector("azure/azure-cvm-tooling/hcl-report-snp.bin");
    const certificates = pem("azure-cvm-tooling", "certs.pem");
    expect(certificates).toHaveLength(3);
    expect(await codeOfPromise(verified({ blob, certificates }, AT))).toBe("endorsement/chip-mismatch");
    expect(evidenceOf({ blob, certificates }).report.signingKey).toBe("vcek");
  });

  itWithVectors("is not the whole blob, and not the blob's beginning", () => {
    const blob = readVector("azure/trustee/hcl-report.bin");
    expect(codeOf(() => parseEvidence({ format: "raw", report: blob }))).toBe("evidence/malformed");
    expect(codeOf(() => parseEvidence({ format: "raw", report: blob.slice(0, REPORT_SIZE) }))).toBe(
      "evidence/unknown-version",
    );
  });

  itWithVectors("is none in a blob of Intel's", () => {
    const blob = readVector("azure/azure-cvm-tooling/hcl-report-tdx.bin");
    expect(codeOf(() => evidenceOf({ blob, certificates: [] }))).toBe("evidence/unknown-version");
  });
});
