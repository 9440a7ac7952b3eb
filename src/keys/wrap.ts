/** How is a key kept under another key? Sealed with AES-256-GCM-SIV: `version ‖ nonce ‖ ciphertext ‖ tag`. */
import { concatBytes, u8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { sivOpen, sivSeal } from "./siv.ts";

const VERSION = u8(1);
const KEY_SIZE = 32;
const NONCE_SIZE = 12;
const HEAD_SIZE = VERSION.length + NONCE_SIZE;
const TAG_SIZE = 16;

export interface ToWrap {
  /** 12 bytes, fresh and random; one that repeats tells only whether two plaintexts are equal. */
  readonly nonce: Uint8Array;
  /** Authenticated, not stored. */
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
}

/**
 * Wraps under a 32-byte key. The version byte is authenticated together with the AAD.
 *
 * @throws {@link Fault} `internal/invariant` for a key or nonce of another size.
 */
export function wrapUnder(key: Uint8Array, { nonce, aad, plaintext }: ToWrap): Uint8Array {
  return concatBytes(VERSION, nonce, sivSeal(wrappingKey(key), nonce, concatBytes(VERSION, aad), plaintext));
}

/** Unwraps what {@link wrapUnder} made; `undefined` when the key, the AAD or one bit of the bytes is another. */
export function unwrapUnder(key: Uint8Array, wrapped: Uint8Array, aad: Uint8Array): Uint8Array | undefined {
  if (wrapped.length < HEAD_SIZE + TAG_SIZE || wrapped[0] !== VERSION[0]) return undefined;
  const nonce = wrapped.slice(VERSION.length, HEAD_SIZE);
  return sivOpen(wrappingKey(key), nonce, concatBytes(VERSION, aad), wrapped.slice(HEAD_SIZE));
}

function wrappingKey(key: Uint8Array): Uint8Array {
  if (key.length === KEY_SIZE) return key;
  throw new Fault("internal/invariant", `a wrapping key has 32 bytes, received ${key.length}`);
}
