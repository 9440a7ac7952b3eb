/** Which public key does a signature scheme accept? One DER template each, so that no parser's leniency decides. */
import { concatBytes, parseHex } from "./bytes.ts";
import { Fault } from "./fault.ts";
import type { SignatureScheme } from "./primitives.ts";

interface KeyTemplate {
  readonly prefix: Uint8Array;
  readonly keySize: number;
  readonly suffix: Uint8Array;
  /** Every signature of this kind of key has exactly this many bytes. */
  readonly signatureSize: number;
}

const RSA_2048: KeyTemplate = {
  prefix: constant("30820122300d06092a864886f70d01010105000382010f003082010a0282010100"),
  keySize: 256,
  suffix: constant("0203010001"),
  signatureSize: 256,
};

const RSA_3072: KeyTemplate = {
  prefix: constant("308201a2300d06092a864886f70d01010105000382018f003082018a0282018100"),
  keySize: 384,
  suffix: constant("0203010001"),
  signatureSize: 384,
};

const RSA_4096: KeyTemplate = {
  prefix: constant("30820222300d06092a864886f70d01010105000382020f003082020a0282020100"),
  keySize: 512,
  suffix: constant("0203010001"),
  signatureSize: 512,
};

/**
 * SubjectPublicKeyInfo, byte for byte: named curves with an uncompressed point, RSA of 2048, 3072 or 4096 bits with the exponent 65537.
 * AMD's ARK, ASK and VCEK have these forms; another encoding of the same key is refused.
 */
const TEMPLATES: Readonly<Record<SignatureScheme, KeyTemplate>> = {
  "ecdsa-p384-sha384": {
    prefix: constant("3076301006072a8648ce3d020106052b8104002203620004"),
    keySize: 96,
    suffix: constant(""),
    signatureSize: 96,
  },
  "ecdsa-p256-sha256": {
    prefix: constant("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    keySize: 64,
    suffix: constant(""),
    signatureSize: 64,
  },
  ed25519: {
    prefix: constant("302a300506032b6570032100"),
    keySize: 32,
    suffix: constant(""),
    signatureSize: 64,
  },
  "rsa-pss-sha384": RSA_4096,
  "rsa-2048-pkcs1-sha256": RSA_2048,
  "rsa-3072-pss-sha256": RSA_3072,
  "rsa-3072-pkcs1-sha256": RSA_3072,
  "rsa-4096-pss-sha256": RSA_4096,
  "rsa-4096-pkcs1-sha256": RSA_4096,
};

/**
 * The bare key inside a SubjectPublicKeyInfo of the scheme: `x ‖ y`, the 32 bytes of Ed25519, or the RSA modulus.
 * `undefined` for a key of another kind, curve, size or encoding. Whether a point lies on its curve is not looked at.
 */
export function bareKeyOf(scheme: SignatureScheme, spki: Uint8Array): Uint8Array | undefined {
  const { prefix, keySize, suffix } = TEMPLATES[scheme];
  if (spki.length !== prefix.length + keySize + suffix.length) return undefined;
  const isOfScheme = holdsAt(spki, 0, prefix) && holdsAt(spki, prefix.length + keySize, suffix);
  return isOfScheme ? spki.slice(prefix.length, prefix.length + keySize) : undefined;
}

/** The SubjectPublicKeyInfo of a bare key: what {@link bareKeyOf} reads. */
export function spkiOf(scheme: SignatureScheme, bareKey: Uint8Array): Uint8Array {
  const { prefix, keySize, suffix } = TEMPLATES[scheme];
  if (bareKey.length !== keySize)
    throw new Fault("internal/invariant", `a ${scheme} key has ${keySize} bytes`);
  return concatBytes(prefix, bareKey, suffix);
}

const SEALING_SCHEMES: readonly SignatureScheme[] = [
  "rsa-2048-pkcs1-sha256",
  "rsa-3072-pkcs1-sha256",
  "rsa-4096-pkcs1-sha256",
];

/** Whether this is an RSA key of a size that may be encrypted to. */
export function isSealingKey(spki: Uint8Array): boolean {
  return SEALING_SCHEMES.some((scheme) => bareKeyOf(scheme, spki) !== undefined);
}

/** How many bytes a signature of the scheme has. */
export function signatureSizeOf(scheme: SignatureScheme): number {
  return TEMPLATES[scheme].signatureSize;
}

function holdsAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  return part.every((byte, i) => bytes[at + i] === byte);
}

function constant(hex: string): Uint8Array {
  return parseHex(hex) ?? new Uint8Array(0);
}
