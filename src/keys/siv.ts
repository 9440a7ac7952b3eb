/** How is AES-GCM-SIV computed (RFC 8452)? By @noble/ciphers on every runtime: native libraries mostly lack it. */
import { gcmsiv } from "@noble/ciphers/aes.js";
import { Fault } from "../base/fault.ts";

const NONCE_SIZE = 12;
const TAG_SIZE = 16;

/** Seals: ciphertext and 16 bytes of tag. A repeated nonce tells only whether two messages are equal. */
export function sivSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  return cipherOf(key, nonce, aad).encrypt(plaintext);
}

/** Opens what {@link sivSeal} made; `undefined` when key, nonce, AAD or ciphertext is another. */
export function sivOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  const cipher = cipherOf(key, nonce, aad);
  if (ciphertext.length < TAG_SIZE) return undefined;
  try {
    return cipher.decrypt(ciphertext);
  } catch {
    return undefined;
  }
}

function cipherOf(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array): ReturnType<typeof gcmsiv> {
  if (key.length !== 16 && key.length !== 32) {
    throw new Fault("internal/invariant", `an AES-GCM-SIV key has 16 or 32 bytes, received ${key.length}`);
  }
  if (nonce.length !== NONCE_SIZE) {
    throw new Fault("internal/invariant", `an AES-GCM-SIV nonce has 12 bytes, received ${nonce.length}`);
  }
  return gcmsiv(key, nonce, aad);
}
