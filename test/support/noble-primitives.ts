/** What does another author's code say? The Primitives port over @noble alone, as an oracle. It has no RSA. */
import { aeskw, cfb, gcm } from "@noble/ciphers/aes.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { sha3_256, shake256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { concatBytes, hexOf } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Primitives, SignatureScheme } from "../../src/base/primitives.ts";
import { bareKeyOf } from "../../src/base/spki.ts";
import { generateKeyPair } from "../../src/runtime/workers/key-pairs.ts";

const HASHES = { sha256, sha384, sha512 } as const;
const UNCOMPRESSED = Uint8Array.of(4);

type Verify = (key: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;

const VERIFY: Readonly<Record<SignatureScheme, Verify>> = {
  "ecdsa-p384-sha384": (key, bytes, signature) =>
    p384.verify(signature, bytes, concatBytes(UNCOMPRESSED, key), { lowS: false }),
  "ecdsa-p256-sha256": (key, bytes, signature) =>
    p256.verify(signature, bytes, concatBytes(UNCOMPRESSED, key), { lowS: false }),
  ed25519: (key, bytes, signature) => ed25519.verify(signature, bytes, key, { zip215: false }),
  "rsa-pss-sha384": () => false,
  "rsa-2048-pkcs1-sha256": () => false,
  "rsa-3072-pss-sha256": () => false,
  "rsa-3072-pkcs1-sha256": () => false,
  "rsa-4096-pss-sha256": () => false,
  "rsa-4096-pkcs1-sha256": () => false,
};

type Sign = (key: Uint8Array, bytes: Uint8Array) => Uint8Array;

/** Where the private key begins in the PKCS#8 that both runtimes write, and how noble signs with it. */
const SIGN: Readonly<Partial<Record<SignatureScheme, { readonly head: string; readonly sign: Sign }>>> = {
  "ecdsa-p384-sha384": { head: "0201010430", sign: (key, bytes) => p384.sign(bytes, key, { lowS: false }) },
  "ecdsa-p256-sha256": { head: "0201010420", sign: (key, bytes) => p256.sign(bytes, key, { lowS: false }) },
  ed25519: { head: "06032b657004220420", sign: (key, bytes) => ed25519.sign(bytes, key) },
};

export const noblePrimitives: Primitives = {
  digest: (algorithm, bytes) => HASHES[algorithm](bytes),
  sha3: (bytes) => sha3_256(bytes),
  shake256: (bytes, length) => shake256(bytes, { dkLen: length }),
  hmac: (algorithm, key, bytes) => hmac(HASHES[algorithm], key, bytes),
  verify: async (scheme, spki, bytes, signature) => {
    const key = bareKeyOf(scheme, spki);
    if (key === undefined) return false;
    return orElse(() => VERIFY[scheme](key, bytes, signature), false);
  },
  sign: async (scheme, pkcs8, bytes) => {
    const { head, sign } = SIGN[scheme] ?? { head: "none", sign: () => bytes };
    const at = hexOf(pkcs8).indexOf(head) / 2;
    const start = at + head.length / 2;
    return at < 0 ? undefined : sign(pkcs8.slice(start, start + (pkcs8[start - 1] ?? 0)), bytes);
  },
  generateKeyPair: (kind) => generateKeyPair(globalThis.crypto.subtle, kind), // fresh keys are no oracle's matter
  agree: async (group, privateKey, publicKey) => {
    if (group !== "x25519") return agreeOn(CURVES[group], privateKey, publicKey);
    refuseSizes([privateKey, 32], [publicKey, 32]);
    return orElse(() => x25519.getSharedSecret(privateKey, publicKey), new Uint8Array(32));
  },
  publicKeyOf: async (group, privateKey) => {
    if (group !== "x25519") return publicKeyOn(CURVES[group], privateKey);
    refuseSizes([privateKey, 32]);
    return x25519.getPublicKey(privateKey);
  },
  rsaSeal: async () => undefined,
  wrapKey: async (wrappingKey, key) => {
    refuseSizes([wrappingKey, 32], [key, 32]);
    return aeskw(wrappingKey).encrypt(key);
  },
  cfbEncrypt: (key, iv, plaintext) => {
    refuseSizes([key, 16], [iv, 16]);
    return cfb(key, iv).encrypt(plaintext);
  },
  kemPublicKeyOf: async (seed) => {
    refuseSizes([seed, 64]);
    return ml_kem768.keygen(seed).publicKey;
  },
  kemEncapsulate: async (encapsulationKey) => {
    const sealed = orElse(() => ml_kem768.encapsulate(encapsulationKey), undefined);
    return sealed && { shared: sealed.sharedSecret, ciphertext: sealed.cipherText };
  },
  kemDecapsulate: async (seed, ciphertext) => {
    refuseSizes([seed, 64], [ciphertext, 1088]);
    return ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey);
  },
  aeadSeal: async (key, iv, aad, plaintext) => {
    refuseSizes([key, 16, 32], [iv, 12]);
    return gcm(key, iv, aad).encrypt(plaintext);
  },
  aeadOpen: async (key, iv, aad, ciphertext) => {
    refuseSizes([key, 16, 32], [iv, 12]);
    return orElse(() => gcm(key, iv, aad).decrypt(ciphertext), undefined);
  },
};

const CURVES = { p256: { curve: p256, size: 32 }, p521: { curve: p521, size: 66 } } as const;
type Curve = (typeof CURVES)[keyof typeof CURVES];

function agreeOn({ curve, size }: Curve, privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  refuseSizes([privateKey, size], [publicKey, 1 + 2 * size]);
  if (!curve.utils.isValidSecretKey(privateKey)) throw new Fault("internal/invariant", "no scalar");
  return orElse(() => curve.getSharedSecret(privateKey, publicKey).slice(1), new Uint8Array(0));
}

function publicKeyOn({ curve, size }: Curve, privateKey: Uint8Array): Uint8Array {
  refuseSizes([privateKey, size]);
  if (!curve.utils.isValidSecretKey(privateKey)) throw new Fault("internal/invariant", "no scalar");
  return curve.getPublicKey(privateKey, false);
}

function refuseSizes(...fields: readonly (readonly [Uint8Array, ...number[]])[]): void {
  for (const [bytes, ...sizes] of fields) {
    if (!sizes.includes(bytes.length)) throw new Fault("internal/invariant", "a field has another size");
  }
}

function orElse<T>(compute: () => T, otherwise: T): T {
  try {
    return compute();
  } catch {
    return otherwise;
  }
}
