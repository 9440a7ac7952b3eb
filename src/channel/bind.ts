/** Was this evidence made for this very exchange? REPORT_DATA against the binder, VMPL against the transcript. */
import type { Evidence } from "../attestation/evidence.ts";
import type { VerifiedEvidence } from "../attestation/verify.ts";
import type { Brand } from "../base/brand.ts";
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Transcript } from "./transcript.ts";

/** Genuine evidence that was made over this transcript. Only {@link bindToTranscript} makes it. */
export type BoundEvidence = Brand<VerifiedEvidence & { readonly transcript: Transcript }, "bound">;

/**
 * Refuses evidence that was made for another exchange, before anything is paid for it. A cheap filter: passing it means
 * nothing, since the evidence is not verified yet.
 *
 * @throws {@link Fault} `channel/not-bound`.
 */
export function refuseForeign(evidence: Evidence, transcript: Transcript): void {
  const { report } = evidence;
  if (transcript.format !== evidence.kind) {
    throw new Fault("channel/not-bound", "expected evidence of the transcript's own format", {
      expected: transcript.format,
      received: evidence.kind,
    });
  }
  // INVARIANT: equalBytes compares all bytes of equal lengths, so that no prefix, truncation or padding passes.
  const isSameBinder = transcript.binder.length === 64 && equalBytes(report.reportData, transcript.binder);
  if (!isSameBinder) {
    throw new Fault("channel/not-bound", "expected REPORT_DATA to be the hash of this exchange's transcript");
  }
  if (report.vmpl !== transcript.fields.vmpl) {
    throw new Fault("channel/not-bound", "expected the report to be of the transcript's VMPL", {
      expected: transcript.fields.vmpl,
      received: report.vmpl,
    });
  }
}

/**
 * Binds verified evidence to the exchange it was made for.
 *
 * @param transcript - Rebuilt from one's own view, never received.
 * @returns The same evidence with the transcript, under a mark that appraisal asks for.
 * @throws {@link Fault} `channel/not-bound`: other REPORT_DATA in any of its 64 bytes, or another VMPL.
 */
export function bindToTranscript(verified: VerifiedEvidence, transcript: Transcript): BoundEvidence {
  refuseForeign(verified.evidence, transcript);
  return { ...verified, transcript } as BoundEvidence;
}
