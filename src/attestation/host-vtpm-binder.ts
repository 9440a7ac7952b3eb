/** What does a host's vTPM quote? A hash of REPORT_DATA, so that the quote is of the report's own exchange. */
import { concatBytes, lengthPrefixed, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";

const LABEL = "ostiary/host-vtpm/v1";

/**
 * What the quote has to be asked for with (TPM2_Quote's `qualifyingData`): 32 bytes, SHA-256 of
 * `LP("ostiary/host-vtpm/v1") ‖ LP(REPORT_DATA)`, LP being a length of four bytes before what it counts. REPORT_DATA is the hash of the
 * exchange's transcript, so the quote is of that exchange, and so far of that report.
 *
 * @param reportData - 64 bytes: the binder of a transcript.
 */
export function hostVtpmBinder(reportData: Uint8Array, { digest }: Pick<Primitives, "digest">): Uint8Array {
  return digest("sha256", concatBytes(lengthPrefixed(utf8(LABEL)), lengthPrefixed(reportData)));
}
