/** Was this evidence made for this very exchange? What the hardware signed against the binder, VMPL against the transcript. */
import type { Evidence } from "../attestation/evidence.ts";
import type { VerifiedEvidence } from "../attestation/verify.ts";
import type { Brand } from "../base/brand.ts";
import { concatBytes, equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { BindingTranscript } from "./transcript.ts";

/** Genuine evidence that was made over this transcript. Only {@link bindToTranscript} makes it. */
export type BoundEvidence = Brand<VerifiedEvidence & { readonly transcript: BindingTranscript }, "bound">;

/**
 * Refuses evidence that was made for another exchange, before anything is paid for it. A cheap filter: passing it means
 * nothing, since the evidence is not verified yet.
 *
 * @throws {@link Fault} `channel/not-bound`.
 */
export function refuseForeign(
  evidence: Evidence,
  transcript: BindingTranscript,
  primitives: Pick<Primitives, "digest">,
): void {
  const { report } = evidence;
  if (transcript.format !== evidence.kind) {
    throw new Fault("channel/not-bound", "expected evidence of the transcript's own format", {
      expected: transcript.format,
      received: evidence.kind,
    });
  }
  // INVARIANT: equalBytes compares all bytes of equal lengths, so that no prefix, truncation or padding passes.
  const { where, received, expected } = boundBytesOf(evidence, transcript.binder, primitives);
  if (!equalBytes(received, expected)) {
    throw new Fault("channel/not-bound", `expected ${where} to be over this exchange's transcript`);
  }
  if (report.vmpl !== transcript.fields.vmpl) {
    throw new Fault("channel/not-bound", "expected the report to be of the transcript's VMPL", {
      expected: transcript.fields.vmpl,
      received: report.vmpl,
    });
  }
}

/** Where each format carries the binder, and what has to stand there (PROTOCOL sections 2 and 10). */
function boundBytesOf(evidence: Evidence, binder: Uint8Array, { digest }: Pick<Primitives, "digest">) {
  const { reportData } = evidence.report;
  switch (evidence.kind) {
    case "raw":
      return { where: "REPORT_DATA", received: reportData, expected: binder };
    case "azure-hcl":
      return { where: "the quote", received: evidence.quote.attest.extraData, expected: binder };
    case "svsm":
      return {
        where: "the SVSM's report",
        received: reportData,
        expected: digest("sha512", concatBytes(binder, evidence.manifest)),
      };
  }
}

/**
 * Binds verified evidence to the exchange it was made for.
 *
 * @param transcript - Rebuilt from one's own view, never received.
 * @returns The same evidence with the transcript, under a mark that appraisal asks for.
 * @throws {@link Fault} `channel/not-bound`: evidence of another format, over other bytes than the binder's, or of another VMPL.
 */
export function bindToTranscript(
  verified: VerifiedEvidence,
  transcript: BindingTranscript,
  primitives: Pick<Primitives, "digest">,
): BoundEvidence {
  refuseForeign(verified.evidence, transcript, primitives);
  return { ...verified, transcript } as BoundEvidence;
}
