/** How does one key become several? HKDF (RFC 5869) over the Primitives port, and the labels of our derivations. */
import { concatBytes, u8, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { HashName, Primitives } from "../base/primitives.ts";

type Hmac = Pick<Primitives, "hmac">;

const HASH_SIZE: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** Every purpose for which a 32-byte key of ours is derived from another; the label is HKDF's info, the salt is empty. */
export const DERIVATIONS = {
  nonceMac: "ostiary/nonce-mac/v1",
  credentialMac: "ostiary/credential-mac/v1",
  kekWrap: "ostiary/kek-wrap/v1",
  kekId: "ostiary/kek-id/v1",
  diskMarker: "ostiary/disk-marker/v1",
} as const;

/** Derives the 32-byte key of one named purpose (HKDF-SHA-256, empty salt). */
export function deriveKey(primitives: Hmac, purpose: keyof typeof DERIVATIONS, ikm: Uint8Array): Uint8Array {
  const info = utf8(DERIVATIONS[purpose]);
  return hkdf(primitives, { hash: "sha256", ikm, salt: new Uint8Array(0), info, length: 32 });
}

export interface HkdfInput {
  readonly hash: HashName;
  readonly ikm: Uint8Array;
  /** Empty means a string of zeros, as RFC 5869 says. */
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  /** At most 255 times the hash's size. */
  readonly length: number;
}

/**
 * HKDF: extract, then expand.
 *
 * @throws {@link Fault} `internal/invariant` for a length that HKDF cannot give.
 */
export function hkdf(primitives: Hmac, input: HkdfInput): Uint8Array {
  const { hash, ikm, salt, info, length } = input;
  return hkdfExpand(primitives, { hash, prk: hkdfExtract(primitives, { hash, salt, ikm }), info, length });
}

/** HKDF-Extract: a pseudorandom key of the hash's size. */
export function hkdfExtract(
  primitives: Hmac,
  input: { readonly hash: HashName; readonly salt: Uint8Array; readonly ikm: Uint8Array },
): Uint8Array {
  return primitives.hmac(input.hash, input.salt, input.ikm);
}

/**
 * HKDF-Expand.
 *
 * @throws {@link Fault} `internal/invariant` for a length that HKDF cannot give.
 */
export function hkdfExpand(
  primitives: Hmac,
  input: {
    readonly hash: HashName;
    readonly prk: Uint8Array;
    readonly info: Uint8Array;
    readonly length: number;
  },
): Uint8Array {
  const { hash, prk, info, length } = input;
  const blocks = Math.ceil(length / HASH_SIZE[hash]);
  if (!Number.isSafeInteger(length) || length < 0 || blocks > 255) {
    throw new Fault("internal/invariant", `HKDF gives at most 255 blocks, asked for ${length} bytes`);
  }
  let block: Uint8Array = new Uint8Array(0);
  const okm = new Uint8Array(blocks * HASH_SIZE[hash]);
  for (let i = 1; i <= blocks; i += 1) {
    block = primitives.hmac(hash, prk, concatBytes(block, info, u8(i)));
    okm.set(block, (i - 1) * HASH_SIZE[hash]);
  }
  return okm.slice(0, length);
}
