/** Which protocol is an attestation of, and how is it answered? */
import * as v from "valibot";
import { parseUtf8 } from "../../base/bytes.ts";
import type { KbsVersion } from "../../channel/kbs-binding.ts";
import { encode } from "../codec.ts";

export const KBS_ATTEST_ANSWER = v.object({ token: v.string() });

/**
 * The body says no version; one of 0.4.0 names its runtime data. A look at the text alone: whichever it is taken for, its schema
 * lets nothing else through.
 */
export function versionOfAttestation(bytes: Uint8Array, spoken: readonly KbsVersion[]): KbsVersion {
  const isOlder = spoken.includes("0.2.0") && parseUtf8(bytes)?.includes('"runtime-data"') === false;
  return isOlder ? "0.2.0" : "0.4.0";
}

export function encodeKbsAttestAnswer(token: string): string {
  return encode({ token });
}
