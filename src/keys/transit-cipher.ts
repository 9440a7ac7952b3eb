/** How does a transit key encrypt? Each time under a key of its own, so that no number of messages makes two share a nonce. */
import { concatBytes, lengthPrefixed, u8, u32be, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { hkdf } from "./derive.ts";
import type { EnvelopeSeat } from "./envelope.ts";
import { zeroize } from "./zeroize.ts";

/*
 *   01         version of this format
 *   32 bytes   salt, random
 *   ..         AES-256-GCM: ciphertext, as long as the plaintext, and 16 bytes of tag
 *
 * key ‖ IV = HKDF-SHA-256(ikm = the transit key, salt, info = seat, L = 32 + 12)
 * AAD      = 01 ‖ seat ‖ LP(context)
 * seat     = LP("ostiary/transit-cipher/v1") ‖ LP(path) ‖ u32be(version of the key)
 */
const FORMAT = u8(1);
const LABEL = "ostiary/transit-cipher/v1";
const KEY_SIZE = 32;
const IV_SIZE = 12;
const TAG_SIZE = 16;

/** Bytes of randomness that each encryption takes. */
export const TRANSIT_SALT_SIZE = 32;

/** A version of a transit key and where it stands: a ciphertext opens there and nowhere else. */
export interface TransitCipher extends EnvelopeSeat {
  /** 32 bytes. Stays with the caller, who overwrites it. */
  readonly key: Uint8Array;
}

type Needed = Pick<Primitives, "hmac" | "aeadSeal" | "aeadOpen">;

/** Encrypts. `context` is authenticated and not stored; `salt` is fresh and random, {@link TRANSIT_SALT_SIZE} bytes of it. */
export async function encryptBy(
  cipher: TransitCipher,
  message: { readonly plaintext: Uint8Array; readonly context: Uint8Array; readonly salt: Uint8Array },
  primitives: Needed,
): Promise<Uint8Array> {
  const { plaintext, context, salt } = message;
  const { key, iv } = keysOf(cipher, salt, primitives);
  try {
    const sealed = await primitives.aeadSeal(key, iv, aadOf(cipher, context), plaintext);
    return concatBytes(FORMAT, salt, sealed);
  } finally {
    zeroize(key);
  }
}

/** Decrypts what {@link encryptBy} made; `undefined` where key, path, version, context or one bit of it is another. */
export async function decryptBy(
  cipher: TransitCipher,
  message: { readonly bytes: Uint8Array; readonly context: Uint8Array },
  primitives: Needed,
): Promise<Uint8Array | undefined> {
  const { bytes, context } = message;
  const head = FORMAT.length + TRANSIT_SALT_SIZE;
  if (bytes.length < head + TAG_SIZE || bytes[0] !== FORMAT[0]) return undefined;
  const { key, iv } = keysOf(cipher, bytes.slice(FORMAT.length, head), primitives);
  try {
    return await primitives.aeadOpen(key, iv, aadOf(cipher, context), bytes.slice(head));
  } finally {
    zeroize(key);
  }
}

function keysOf(cipher: TransitCipher, salt: Uint8Array, primitives: Pick<Primitives, "hmac">) {
  const { key: ikm } = cipher;
  const length = KEY_SIZE + IV_SIZE;
  const both = hkdf(primitives, { hash: "sha256", ikm, salt, info: seatOf(cipher), length });
  const keys = { key: both.slice(0, KEY_SIZE), iv: both.slice(KEY_SIZE) };
  zeroize(both);
  return keys;
}

function aadOf(cipher: EnvelopeSeat, context: Uint8Array): Uint8Array {
  return concatBytes(FORMAT, seatOf(cipher), lengthPrefixed(context));
}

function seatOf({ path, version }: EnvelopeSeat): Uint8Array {
  return concatBytes(lengthPrefixed(utf8(LABEL)), lengthPrefixed(utf8(path)), u32be(version));
}
