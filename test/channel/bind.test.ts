/** PROTOCOL section 5, step 7, and the attacks A08, A11, A12, A23: evidence for another exchange is no evidence. */
import { describe, expect, it } from "vitest";
import type { Evidence } from "../../src/attestation/evidence.ts";
import type { VerifiedEvidence } from "../../src/attestation/verify.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { type BoundEvidence, bindToTranscript, refuseForeign } from "../../src/channel/bind.ts";
import { encodeTranscript, type Transcript, transcriptOf } from "../../src/channel/transcript.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { evidenceOf, GENOA_V4 } from "../policy/report-bytes.ts";
import { codeOf } from "../support/faults.ts";
import { fieldsFor } from "./exchange-fields.ts";

const FIELDS = fieldsFor(1, 3);
const TRANSCRIPT = transcriptOf(FIELDS, nodePrimitives, "raw");
const REPORT_DATA_AT = 0x050;
const VMPL_AT = 0x030;

describe.each([
  {
    name: "the filter on unverified evidence",
    bind: (evidence: Evidence, transcript: Transcript) => refuseForeign(evidence, transcript, nodePrimitives),
  },
  {
    name: "binding verified evidence",
    bind: (evidence: Evidence, transcript: Transcript) =>
      void bindToTranscript(asVerified(evidence), transcript, nodePrimitives),
  },
])("$name", ({ bind }) => {
  it("lets evidence for this very exchange pass", () => {
    expect(codeOf(() => bind(reportOver(TRANSCRIPT.binder), TRANSCRIPT))).toBeUndefined();
  });

  it("refuses a difference in any of the 64 bytes (A12)", () => {
    for (let at = 0; at < 64; at += 1) {
      const reportData = TRANSCRIPT.binder.map((byte, i) => (i === at ? byte ^ 0x80 : byte));
      expect(
        codeOf(() => bind(reportOver(reportData), TRANSCRIPT)),
        `byte ${at}`,
      ).toBe("channel/not-bound");
    }
  });

  it.each([
    {
      name: "the right first half and zeroes",
      of: () => concatBytes(TRANSCRIPT.binder.slice(0, 32), new Uint8Array(32)),
    },
    {
      name: "zeroes and the right second half",
      of: () => concatBytes(new Uint8Array(32), TRANSCRIPT.binder.slice(32)),
    },
    { name: "nothing but zeroes", of: () => new Uint8Array(64) },
    {
      name: "a hash without a label (A11)",
      of: () => nodePrimitives.digest("sha512", encodeTranscript(FIELDS, "").slice(4)),
    },
    {
      name: "a hash under the TPM's label (A11)",
      of: () => nodePrimitives.digest("sha512", encodeTranscript(FIELDS, "ostiary/attest-tpm/v1")),
    },
    {
      name: "the TPM's binder, padded",
      of: () => concatBytes(transcriptOf(FIELDS, nodePrimitives, "azure-hcl").binder, new Uint8Array(32)),
    },
    { name: "the broker's own role", of: () => transcriptOf(fieldsFor(2, 3), nodePrimitives, "raw").binder },
    {
      name: "another audience (A21)",
      of: () =>
        transcriptOf({ ...FIELDS, audience: "https://broker.example/c/0002" }, nodePrimitives, "raw").binder,
    },
    {
      name: "another wrap key (A13)",
      of: () =>
        transcriptOf({ ...FIELDS, wrapPub: new Uint8Array(32).fill(0x56) }, nodePrimitives, "raw").binder,
    },
    {
      name: "other claims (A14)",
      of: () =>
        transcriptOf({ ...FIELDS, claimsHash: new Uint8Array(64).fill(0x78) }, nodePrimitives, "raw").binder,
    },
  ])("refuses $name", ({ of }) => {
    expect(codeOf(() => bind(reportOver(of()), TRANSCRIPT))).toBe("channel/not-bound");
  });

  it("refuses a report of another VMPL than the transcript says, in both directions (A23)", () => {
    const atTwo = transcriptOf({ ...FIELDS, vmpl: 2 }, nodePrimitives, "raw");
    expect(codeOf(() => bind(reportOver(TRANSCRIPT.binder, 2), TRANSCRIPT))).toBe("channel/not-bound");
    expect(codeOf(() => bind(reportOver(atTwo.binder, 0), atTwo))).toBe("channel/not-bound");
    expect(codeOf(() => bind(reportOver(atTwo.binder, 2), atTwo))).toBeUndefined();
  });

  it.each(["azure-hcl", "svsm"] as const)("refuses a report that is shown for the format %s", (format) => {
    const other = transcriptOf(FIELDS, nodePrimitives, format);
    const evidence = reportOver(TRANSCRIPT.binder);
    const forged = { ...evidence, report: { ...evidence.report, reportData: other.binder } };
    expect(codeOf(() => bind(forged, other))).toBe("channel/not-bound");
  });
});

describe("bound evidence", () => {
  it("is the verified evidence with its transcript", () => {
    const verified = asVerified(reportOver(TRANSCRIPT.binder));
    const bound = bindToTranscript(verified, TRANSCRIPT, nodePrimitives);
    expect(bound).toMatchObject({ evidence: verified.evidence, transcript: TRANSCRIPT });
  });

  it("is made of verified evidence and of nothing less, and is not made by hand", () => {
    const evidence = reportOver(TRANSCRIPT.binder);
    const verified = asVerified(evidence);
    const { endorsement, product } = verified;
    const lookalike = { evidence, product, endorsement, isSimulated: false };
    const half = { ...lookalike, transcript: TRANSCRIPT };
    // @ts-expect-error evidence that was only parsed is not verified
    const parsed: Parameters<typeof bindToTranscript>[0] = evidence;
    // @ts-expect-error a record that looks verified is not
    const unverified: Parameters<typeof bindToTranscript>[0] = lookalike;
    // @ts-expect-error a record that looks bound is not
    const unbound: BoundEvidence = half;
    // @ts-expect-error verified evidence with a transcript beside it was not compared with it
    const uncompared: BoundEvidence = { ...verified, transcript: TRANSCRIPT };
    const bound: BoundEvidence = bindToTranscript(verified, TRANSCRIPT, nodePrimitives);
    const stillVerified: VerifiedEvidence = bound;
    expect([parsed, unverified, unbound, uncompared, stillVerified]).toHaveLength(5);
  });
});

function reportOver(reportData: Uint8Array, vmpl = 0): Evidence {
  return evidenceOf(GENOA_V4, { [REPORT_DATA_AT]: [...reportData], [VMPL_AT]: [vmpl] });
}

/** What `verifyEvidence` would have made, had these reports a signature: binding looks at the report alone. */
function asVerified(evidence: Evidence): VerifiedEvidence {
  return { evidence, product: "genoa", isSimulated: true } as unknown as VerifiedEvidence;
}
