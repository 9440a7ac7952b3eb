/** What ties a quote of the SVSM's vTPM to one exchange, and to one challenge? A hash of REPORT_DATA, and a MAC over it by the credential's secret. */
import { concatBytes, lengthPrefixed, utf8 } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";

const QUOTE_LABEL = "ostiary/svsm-vtpm/v1";
const PROOF_LABEL = "ostiary/svsm-credential/v1";

/**
 * What the quote has to be asked for with (TPM2_Quote's `qualifyingData`): 32 bytes, SHA-256 of
 * `LP("ostiary/svsm-vtpm/v1") ‖ LP(REPORT_DATA)`, LP being a length of four bytes before what it counts. REPORT_DATA is the hash of the
 * exchange's binder and of the SVSM's manifest: the quote is of that exchange, and of that SVSM's services.
 *
 * @param reportData - 64 bytes.
 */
export function svsmVtpmBinder(reportData: Uint8Array, { digest }: Pick<Primitives, "digest">): Uint8Array {
  return digest("sha256", concatBytes(lengthPrefixed(utf8(QUOTE_LABEL)), lengthPrefixed(reportData)));
}

/**
 * That whoever shows this report learned the secret of a credential: 32 bytes, HMAC-SHA-256 under the secret of
 * `LP("ostiary/svsm-credential/v1") ‖ LP(REPORT_DATA)`. The secret itself is never sent, so that an agent which activates what it is given
 * opens no other verifier's credential for whoever asks.
 *
 * @param secret - 32 bytes.
 */
export function credentialProof(
  secret: Uint8Array,
  reportData: Uint8Array,
  { hmac }: Pick<Primitives, "hmac">,
): Uint8Array {
  return hmac("sha256", secret, concatBytes(lengthPrefixed(utf8(PROOF_LABEL)), lengthPrefixed(reportData)));
}
