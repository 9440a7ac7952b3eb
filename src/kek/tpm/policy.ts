/** To what may a TPM seal? To a policy over the values of platform configuration registers, computed here as the TPM computes it. */
import { selectionOf } from "../../attestation/tpm/pcrs.ts";
import { TPM_CC } from "../../attestation/tpm/words.ts";
import { concatBytes, u32be } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";

/** The policy of TPM2_PolicyPCR over these values (Part 3, section 23.7). */
export function policyOf(
  pcrs: readonly number[],
  values: readonly Uint8Array[],
  { digest }: Pick<Primitives, "digest">,
): Uint8Array {
  const state = digest("sha256", concatBytes(...values));
  const before = new Uint8Array(32);
  return digest("sha256", concatBytes(before, u32be(TPM_CC.policyPcr), selectionOf(pcrs), state));
}
