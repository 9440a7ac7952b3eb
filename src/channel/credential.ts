/** Which secret goes into the credential of one challenge? A MAC over whom it is for, so that nothing is stored between challenge and release. */
import { concatBytes, lengthPrefixed } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { deriveKey } from "../keys/derive.ts";
import type { NonceKey } from "./nonce.ts";

/** Whose, and in which exchange. */
export interface CredentialOf {
  /** Of the exchange: 48 bytes, ours. */
  readonly nonce: Uint8Array;
  /** TPMT_PUBLIC of the endorsement key that it is encrypted to. */
  readonly ek: Uint8Array;
  /** The name of the object that has to live in the same TPM. */
  readonly akName: Uint8Array;
}

/**
 * The secret of 32 bytes: HMAC-SHA-256 over `LP(nonce) ‖ LP(ek) ‖ LP(akName)`, under a key of its own that is derived from the one of the
 * nonce's epoch. Whoever asks with an endorsement key that he made himself learns the secret of that key alone, and no SVSM names it.
 *
 * @param key - Of the epoch that the nonce names.
 */
export function credentialSecret(
  { nonce, ek, akName }: CredentialOf,
  key: NonceKey,
  primitives: Pick<Primitives, "hmac">,
): Uint8Array {
  const macKey = deriveKey(primitives, "credentialMac", key.macKey);
  const input = concatBytes(lengthPrefixed(nonce), lengthPrefixed(ek), lengthPrefixed(akName));
  const secret = primitives.hmac("sha256", macKey, input);
  macKey.fill(0);
  return secret;
}
