/** Which cryptography does a Worker have? WebCrypto behind the Primitives port; @noble/hashes where it must be synchronous. */
import { p256 } from "@noble/curves/nist.js";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { sha3_256, shake256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { concatBytes, parseHex } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Group, HashName, Primitives, SignatureScheme } from "../../base/primitives.ts";
import { bareKeyOf, signatureSizeOf } from "../../base/spki.ts";
import { generateKeyPair } from "./key-pairs.ts";
import { sign, WEB_SCHEMES } from "./signing.ts";
import { tpmCiphers } from "./tpm-ciphers.ts";

type Subtle = typeof globalThis.crypto.subtle;

const HASHES = { sha256, sha384, sha512 } as const satisfies Record<HashName, unknown>;
const KEY_SIZE = 32;
const IV_SIZE = 12;
const TAG_SIZE = 16;

/**
 * The Primitives of a runtime that has WebCrypto.
 *
 * @param subtle - `crypto.subtle`; it must know Ed25519 and X25519.
 */
export function workerPrimitives(subtle: Subtle): Primitives {
  return {
    digest: (algorithm, bytes) => HASHES[algorithm](bytes),
    sha3: (bytes) => sha3_256(bytes),
    shake256: (bytes, length) => shake256(bytes, { dkLen: length }),
    hmac: (algorithm, key, bytes) => nobleHmac(HASHES[algorithm], key, bytes),
    verify: (scheme, spki, bytes, signature) => verify(subtle, scheme, { spki, bytes, signature }),
    sign: (scheme, pkcs8, bytes) => sign(subtle, scheme, { pkcs8, bytes }),
    generateKeyPair: (kind) => generateKeyPair(subtle, kind),
    agree: async (group, privateKey, publicKey) => AGREEMENTS[group].agree(subtle, privateKey, publicKey),
    publicKeyOf: async (group, privateKey) => AGREEMENTS[group].publicKeyOf(subtle, privateKey),
    kemPublicKeyOf: async (seed) => kemPairOf(seed).publicKey,
    kemEncapsulate: async (encapsulationKey) => encapsulate(encapsulationKey),
    kemDecapsulate: async (seed, ciphertext) => decapsulate(seed, ciphertext),
    aeadSeal: async (key, iv, aad, plaintext) => {
      const aesKey = await aesKeyOf(subtle, key, "encrypt");
      return new Uint8Array(await subtle.encrypt(gcm(iv, aad), aesKey, owned(plaintext)));
    },
    aeadOpen: async (key, iv, aad, ciphertext) => {
      const aesKey = await aesKeyOf(subtle, key, "decrypt");
      return open(subtle, gcm(iv, aad), { aesKey, ciphertext });
    },
    ...tpmCiphers(subtle),
  };
}

interface Signed {
  readonly spki: Uint8Array;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** A point off its curve fails the import: that is a bad key, and false. */
async function verify(subtle: Subtle, scheme: SignatureScheme, signed: Signed): Promise<boolean> {
  if (signed.signature.length !== signatureSizeOf(scheme)) return false;
  if (bareKeyOf(scheme, signed.spki) === undefined) return false;
  const [signature, bytes] = [owned(signed.signature), owned(signed.bytes)];
  try {
    const key = await subtle.importKey("spki", owned(signed.spki), WEB_SCHEMES[scheme].key, false, [
      "verify",
    ]);
    return await subtle.verify(WEB_SCHEMES[scheme].use, key, signature, bytes);
  } catch {
    return false;
  }
}

const BASE_POINT = Uint8Array.from({ length: KEY_SIZE }, (_, i) => (i === 0 ? 9 : 0));
const X25519_PKCS8 = parseHex("302e020100300506032b656e04220420") ?? new Uint8Array(0);

async function agreeX25519(
  subtle: Subtle,
  privateKey: Uint8Array,
  publicKey: Uint8Array,
): Promise<Uint8Array> {
  const pkcs8 = concatBytes(X25519_PKCS8, sized(privateKey, KEY_SIZE, "an X25519 private key"));
  const point = owned(sized(publicKey, KEY_SIZE, "an X25519 public key"));
  const own = await subtle.importKey("pkcs8", owned(pkcs8), "X25519", false, ["deriveBits"]);
  const peer = await subtle.importKey("raw", point, "X25519", false, []);
  try {
    return new Uint8Array(await subtle.deriveBits({ name: "X25519", public: peer }, own, 8 * KEY_SIZE));
  } catch {
    // A point of small order, whose shared secret is all zero: the port gives the zeros to its caller.
    return new Uint8Array(KEY_SIZE);
  }
}

const POINT_SIZE = 65;
const UNCOMPRESSED = 0x04;
const P256 = { name: "ECDH", namedCurve: "P-256" };

/** The import refuses a point off the curve: the port gives no byte for it. */
async function agreeP256(subtle: Subtle, privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array> {
  const own = await p256PrivateKey(subtle, privateKey);
  const point = owned(sized(publicKey, POINT_SIZE, "an uncompressed point of P-256"));
  if (point[0] !== UNCOMPRESSED) return new Uint8Array(0);
  try {
    const peer = await subtle.importKey("raw", point, P256, false, []);
    return new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: peer }, own, 8 * KEY_SIZE));
  } catch {
    return new Uint8Array(0);
  }
}

const P256_PKCS8 =
  parseHex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420") ?? new Uint8Array(0);

async function p256PrivateKey(subtle: Subtle, privateKey: Uint8Array) {
  const pkcs8 = owned(concatBytes(P256_PKCS8, sized(privateKey, KEY_SIZE, "a P-256 private key")));
  try {
    return await subtle.importKey("pkcs8", pkcs8, P256, false, ["deriveBits"]);
  } catch {
    throw new Fault(
      "internal/invariant",
      "a P-256 private key is a number of 32 bytes from 1 to the order less 1",
    );
  }
}

/** WebCrypto gives a public key only to whoever may export the private one; noble computes it without. */
function p256PublicKeyOf(privateKey: Uint8Array): Uint8Array {
  try {
    return p256.getPublicKey(sized(privateKey, KEY_SIZE, "a P-256 private key"), false);
  } catch {
    throw new Fault(
      "internal/invariant",
      "a P-256 private key is a number of 32 bytes from 1 to the order less 1",
    );
  }
}

const AGREEMENTS = {
  x25519: {
    agree: agreeX25519,
    publicKeyOf: (subtle: Subtle, privateKey: Uint8Array) => agreeX25519(subtle, privateKey, BASE_POINT),
  },
  p256: {
    agree: agreeP256,
    publicKeyOf: async (_subtle: Subtle, privateKey: Uint8Array) => p256PublicKeyOf(privateKey),
  },
} as const satisfies Record<Group, unknown>;

/** WebCrypto has no ML-KEM here. Noble draws its randomness from `crypto.getRandomValues`. */
function encapsulate(encapsulationKey: Uint8Array) {
  try {
    const { sharedSecret, cipherText } = ml_kem768.encapsulate(encapsulationKey);
    return { shared: sharedSecret, ciphertext: cipherText };
  } catch {
    return undefined;
  }
}

function decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const { secretKey } = kemPairOf(seed);
  const shared = ml_kem768.decapsulate(sized(ciphertext, 1088, "an ML-KEM-768 ciphertext"), secretKey);
  secretKey.fill(0);
  return shared;
}

function kemPairOf(seed: Uint8Array) {
  return ml_kem768.keygen(sized(seed, 64, "an ML-KEM-768 seed"));
}

type AesKey = Awaited<ReturnType<typeof aesKeyOf>>;

async function aesKeyOf(subtle: Subtle, key: Uint8Array, use: "encrypt" | "decrypt") {
  if (key.length !== 16 && key.length !== 32) {
    throw new Fault("internal/invariant", `an AES key has 16 or 32 bytes, received ${key.length}`);
  }
  return subtle.importKey("raw", owned(key), "AES-GCM", false, [use]);
}

function gcm(iv: Uint8Array, aad: Uint8Array) {
  return {
    name: "AES-GCM",
    iv: owned(sized(iv, IV_SIZE, "an AES-GCM IV")),
    additionalData: owned(aad),
    tagLength: 8 * TAG_SIZE,
  };
}

async function open(
  subtle: Subtle,
  algorithm: ReturnType<typeof gcm>,
  sealed: { readonly aesKey: AesKey; readonly ciphertext: Uint8Array },
): Promise<Uint8Array | undefined> {
  if (sealed.ciphertext.length < TAG_SIZE) return undefined;
  try {
    return new Uint8Array(await subtle.decrypt(algorithm, sealed.aesKey, owned(sealed.ciphertext)));
  } catch {
    return undefined;
  }
}

function sized(bytes: Uint8Array, size: number, what: string): Uint8Array {
  if (bytes.length === size) return bytes;
  throw new Fault("internal/invariant", `${what} has ${size} bytes, received ${bytes.length}`);
}

/** A copy that nobody else can change while WebCrypto works on it, in memory of the kind that it asks for. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
