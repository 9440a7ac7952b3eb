/** What lies in the envelope of a transit key, how is one made, and how is one told that somebody brings? */
import { concatBytes, lengthPrefixed, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { HashName, KeyPairKind, Primitives, SignatureScheme } from "../base/primitives.ts";
import { Reader } from "../base/reader.ts";
import { bareKeyOf } from "../base/spki.ts";
import type { Made, Maker } from "./make-secret.ts";
import type { TransitType } from "./transit-type.ts";

/** Which way an RSA key signs; every other key has one way. */
export type Padding = "pss" | "pkcs1";

/** What a type is made of. A symmetric key has `size` bytes; one that is brought may have more, up to `most`. */
export type Build =
  | { readonly use: "cipher"; readonly size: number; readonly most: number }
  | { readonly use: "mac"; readonly size: number; readonly most: number; readonly hash: HashName }
  | {
      readonly use: "signature";
      readonly pair: KeyPairKind;
      readonly schemes: Readonly<Record<Padding, SignatureScheme>>;
    };

const BUILDS: Readonly<Record<TransitType, Build>> = {
  "aes-256-gcm": { use: "cipher", size: 32, most: 32 },
  "hmac-sha256": { use: "mac", size: 32, most: 64, hash: "sha256" },
  "hmac-sha384": { use: "mac", size: 48, most: 128, hash: "sha384" },
  ed25519: signature("ed25519", "ed25519"),
  "ecdsa-p256": signature("p-256", "ecdsa-p256-sha256"),
  "ecdsa-p384": signature("p-384", "ecdsa-p384-sha384"),
  "rsa-3072": signature("rsa-3072", "rsa-3072-pss-sha256", "rsa-3072-pkcs1-sha256"),
  "rsa-4096": signature("rsa-4096", "rsa-4096-pss-sha256", "rsa-4096-pkcs1-sha256"),
};

/** Where a type signs in one way only, that way stands for both. */
function signature(pair: KeyPairKind, pss: SignatureScheme, pkcs1: SignatureScheme = pss): Build {
  return { use: "signature", pair, schemes: { pss, pkcs1 } };
}

export function buildOf(type: TransitType): Build {
  return BUILDS[type];
}

/** A key as it lies in its envelope. The public half lies with the private one: a row of the database may name another. */
export interface TransitKey {
  /** Bytes of a symmetric key, or PKCS#8 DER. The caller overwrites it. */
  readonly secret: Uint8Array;
  /** DER SubjectPublicKeyInfo of a pair; empty for everything else. */
  readonly publicKey: Uint8Array;
}

/** `LP(secret) ‖ LP(public half)`. */
export function encodeTransitKey({ secret, publicKey }: TransitKey): Uint8Array {
  return concatBytes(lengthPrefixed(secret), lengthPrefixed(publicKey));
}

const MAX_KEY_BYTES = 8192;

/** Reads {@link encodeTransitKey}. @throws {@link Fault} `secret/malformed`. */
export function parseTransitKey(bytes: Uint8Array): TransitKey {
  const reader = new Reader(bytes, "secret/malformed");
  const secret = reader.lengthPrefixed(MAX_KEY_BYTES);
  const publicKey = reader.lengthPrefixed(MAX_KEY_BYTES);
  reader.end();
  return { secret, publicKey };
}

/** Makes a fresh one. Its `plaintext` is what lies in the envelope. */
export async function makeTransitKey(type: TransitType, maker: Maker): Promise<Made> {
  const build = buildOf(type);
  if (build.use !== "signature") return madeOf({ secret: maker.random(build.size), publicKey: NONE });
  const { pkcs8, spki } = await maker.primitives.generateKeyPair(build.pair);
  return madeOf({ secret: pkcs8, publicKey: spki });
}

const NONE = new Uint8Array(0);

/** Overwrites `secret`, which stands in what it gives. */
function madeOf(key: TransitKey): Made {
  const plaintext = encodeTransitKey(key);
  key.secret.fill(0);
  return { plaintext, publicKey: key.publicKey };
}

const PROBE = utf8("ostiary/transit-probe/v1");

/**
 * Takes a key that somebody brings, if it is one of the type: a symmetric one of its size, or a pair whose halves fit, shown by
 * a signature. Overwrites `secret`.
 *
 * @throws {@link Fault} `request/malformed`.
 */
export async function broughtTransitKey(
  type: TransitType,
  key: TransitKey,
  primitives: Pick<Primitives, "sign" | "verify">,
): Promise<Made> {
  const build = buildOf(type);
  const isGood =
    build.use === "signature" ? await isPair(build.schemes, key, primitives) : isSized(build, key);
  if (isGood) return madeOf(key);
  key.secret.fill(0);
  throw new Fault("request/malformed", `expected a key of the type \`${type}\``);
}

function isSized(
  { size, most }: { readonly size: number; readonly most: number },
  { secret, publicKey }: TransitKey,
): boolean {
  return secret.length >= size && secret.length <= most && publicKey.length === 0;
}

async function isPair(
  { pss }: Readonly<Record<Padding, SignatureScheme>>,
  { secret, publicKey }: TransitKey,
  { sign, verify }: Pick<Primitives, "sign" | "verify">,
): Promise<boolean> {
  if (bareKeyOf(pss, publicKey) === undefined) return false;
  const made = await sign(pss, secret, PROBE);
  return made !== undefined && verify(pss, publicKey, PROBE, made);
}
