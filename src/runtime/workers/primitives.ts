/** Which cryptography does a Worker have? WebCrypto behind the Primitives port; @noble/hashes where it must be synchronous. */
import { p256, p521 } from "@noble/curves/nist.js";
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
    wrapKey: (wrappingKey, key) => wrapKey(subtle, wrappingKey, key),
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
const X25519_PKCS8 = constant("302e020100300506032b656e04220420");

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

const UNCOMPRESSED = 0x04;

interface Curve {
  readonly title: "P-256" | "P-521";
  /** Of a coordinate and of a scalar, in bytes. */
  readonly size: number;
  /** PKCS#8 of a private key, up to its scalar. */
  readonly pkcs8: Uint8Array;
  /** WebCrypto gives a public key only to whoever may export the private one; noble computes it without. */
  readonly publicKeyOf: (privateKey: Uint8Array) => Uint8Array;
}

const P256: Curve = {
  title: "P-256",
  size: 32,
  pkcs8: constant("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"),
  publicKeyOf: (privateKey) => p256.getPublicKey(privateKey, false),
};

const P521: Curve = {
  title: "P-521",
  size: 66,
  pkcs8: constant("3060020100301006072a8648ce3d020106052b81040023044930470201010442"),
  publicKeyOf: (privateKey) => p521.getPublicKey(privateKey, false),
};

/** How a key on a curve is imported. */
function ecdhOn({ title }: Curve) {
  return { name: "ECDH", namedCurve: title };
}

function agreementOn(curve: Curve) {
  return {
    agree: (subtle: Subtle, privateKey: Uint8Array, publicKey: Uint8Array) =>
      agreeOn({ curve, subtle }, privateKey, publicKey),
    publicKeyOf: async (_subtle: Subtle, privateKey: Uint8Array) => {
      const scalar = sized(privateKey, curve.size, `a ${curve.title} private key`);
      try {
        return curve.publicKeyOf(scalar);
      } catch {
        throw noScalar(curve);
      }
    },
  };
}

/** The import refuses a point off the curve: the port gives no byte for it. */
async function agreeOn(
  { curve, subtle }: { readonly curve: Curve; readonly subtle: Subtle },
  privateKey: Uint8Array,
  publicKey: Uint8Array,
): Promise<Uint8Array> {
  const own = await scalarOf(curve, subtle, privateKey);
  const point = owned(sized(publicKey, 1 + 2 * curve.size, `an uncompressed point of ${curve.title}`));
  if (point[0] !== UNCOMPRESSED) return new Uint8Array(0);
  try {
    const peer = await subtle.importKey("raw", point, ecdhOn(curve), false, []);
    return new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: peer }, own, 8 * curve.size));
  } catch {
    return new Uint8Array(0);
  }
}

async function scalarOf(curve: Curve, subtle: Subtle, privateKey: Uint8Array) {
  const scalar = sized(privateKey, curve.size, `a ${curve.title} private key`);
  const pkcs8 = owned(concatBytes(curve.pkcs8, scalar));
  try {
    return await subtle.importKey("pkcs8", pkcs8, ecdhOn(curve), false, ["deriveBits"]);
  } catch {
    throw noScalar(curve);
  }
}

function noScalar({ title, size }: Curve): Fault {
  return new Fault(
    "internal/invariant",
    `a ${title} private key is a number of ${size} bytes from 1 to the order less 1`,
  );
}

function constant(hex: string): Uint8Array {
  return parseHex(hex) ?? new Uint8Array(0);
}

const AGREEMENTS = {
  x25519: {
    agree: agreeX25519,
    publicKeyOf: (subtle: Subtle, privateKey: Uint8Array) => agreeX25519(subtle, privateKey, BASE_POINT),
  },
  p256: agreementOn(P256),
  p521: agreementOn(P521),
} as const satisfies Record<Group, unknown>;

/** WebCrypto wraps keys of its own: what is wrapped is one that may leave it. */
async function wrapKey(subtle: Subtle, wrappingKey: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  const [outer, inner] = [
    sized(wrappingKey, KEY_SIZE, "a wrapping key"),
    sized(key, KEY_SIZE, "a key to wrap"),
  ];
  const under = await subtle.importKey("raw", owned(outer), "AES-KW", false, ["wrapKey"]);
  const wrapped = await subtle.importKey("raw", owned(inner), "AES-GCM", true, ["encrypt"]);
  return new Uint8Array(await subtle.wrapKey("raw", wrapped, under, "AES-KW"));
}

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
