/** Who signed this? COSE_Sign1 (RFC 9052 section 4.2) under a key that was named beforehand, and the same made. */
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, SignatureScheme } from "../base/primitives.ts";
import { bareKeyOf } from "../base/spki.ts";
import { type Cbor, type CborTag, decodeCbor, encodeCbor, mapOf } from "./cbor.ts";
import { bytesOf, type Fields, field, fieldsOf, listOf, malformed, unknownKeys } from "./fields.ts";

export const SIGN1_TAG = 18;
/** RFC 9052 section 4.4: keeps a signature of another structure from counting as one of this. */
const CONTEXT = "Signature1";
const HEADER = { alg: 1, crit: 2, contentType: 3, kid: 4, meta: 8, claims: 15 };
/** RFC 9054 and draft-ietf-cose-hash-envelope: the payload would be the hash of something else. */
const HASH_ENVELOPE = [258, 259, 260];

/** COSE algorithm → which keys make it. RFC 9053 names a family, RFC 9864 one curve. */
const SCHEMES: ReadonlyMap<bigint, SignatureScheme> = new Map([
  [-7n, "ecdsa-p256-sha256"],
  [-9n, "ecdsa-p256-sha256"],
  [-35n, "ecdsa-p384-sha384"],
  [-51n, "ecdsa-p384-sha384"],
  [-8n, "ed25519"],
  [-19n, "ed25519"],
]);
/** The number that is written: the one that every reader knows. */
const WRITTEN: ReadonlyMap<SignatureScheme, bigint> = new Map([
  ["ecdsa-p256-sha256", -7n],
  ["ecdsa-p384-sha384", -35n],
  ["ed25519", -8n],
]);

/** A message, read and not yet believed. */
export interface Sign1 {
  readonly protected: Fields;
  /** As received: what the signature covers. */
  readonly protectedBytes: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** A key that signs: PKCS#8, and its public half as DER SubjectPublicKeyInfo. */
export interface SigningKey {
  readonly pkcs8: Uint8Array;
  readonly spki: Uint8Array;
}

/**
 * Reads what stands under tag 18.
 *
 * @throws {@link Fault} `reference/malformed`: an algorithm outside of what is signed, a critical header that is not known, a header twice, a
 *   payload that is elsewhere or is a hash.
 */
export function parseSign1(item: Cbor | undefined): Sign1 {
  const [head, open, payload, signature, ...rest] = listOf(item, "COSE_Sign1");
  if (signature === undefined || rest.length > 0) throw malformed("COSE_Sign1: expected an array of four");
  const protectedBytes = bytesOf(head, "COSE protected headers");
  const headers = fieldsOf(decodeCbor(protectedBytes), "COSE protected headers");
  refuseHeaders(headers, fieldsOf(open, "COSE unprotected headers"));
  if (payload === null)
    throw malformed("COSE_Sign1: expected the payload in it, received one that is elsewhere");
  return {
    protected: headers,
    protectedBytes,
    payload: bytesOf(payload, "COSE payload"),
    signature: bytesOf(signature, "COSE signature"),
  };
}

/**
 * Verifies a message under one of these keys. The key chooses how: the algorithm in the message must be that of the key.
 *
 * @param spkis - Keys that whoever imports trusts for this; nothing in the message makes a key one of them.
 * @returns The SHA-256 of the key that signed, hex.
 * @throws {@link Fault} `reference/bad-signature`.
 */
export async function verifySign1(
  sign1: Sign1,
  spkis: readonly Uint8Array[],
  primitives: Primitives,
): Promise<string> {
  const scheme = SCHEMES.get(algorithmOf(sign1.protected));
  const signed = toBeSigned(sign1.protectedBytes, sign1.payload);
  for (const spki of spkis) {
    if (scheme === undefined || bareKeyOf(scheme, spki) === undefined) continue;
    const isGood = await primitives.verify(scheme, spki, signed, sign1.signature); // in order: the first that holds
    if (isGood) return hexOf(primitives.digest("sha256", spki));
  }
  const kid = field(sign1.protected, HEADER.kid);
  throw new Fault("reference/bad-signature", "expected a signature by one of the keys that were named", {
    algorithm: String(algorithmOf(sign1.protected)),
    ...(kid instanceof Uint8Array ? { kid: hexOf(kid.subarray(0, 64)) } : {}),
  });
}

/**
 * Signs a payload. Its `kid` is the SHA-256 of the key.
 *
 * @throws {@link Fault} `file/unusable` for a key of another kind than P-256, P-384 and Ed25519.
 */
export async function makeSign1(
  payload: Uint8Array,
  headers: { readonly contentType: string; readonly meta: Uint8Array },
  key: SigningKey,
  primitives: Primitives,
): Promise<CborTag> {
  const [scheme, algorithm] = [...WRITTEN].find(([one]) => bareKeyOf(one, key.spki) !== undefined) ?? [];
  if (scheme === undefined || algorithm === undefined) throw noKey();
  const protectedBytes = encodeCbor(
    mapOf(
      [HEADER.alg, algorithm],
      [HEADER.contentType, headers.contentType],
      [HEADER.kid, primitives.digest("sha256", key.spki)],
      [HEADER.meta, headers.meta],
    ),
  );
  const signature = await primitives.sign(scheme, key.pkcs8, toBeSigned(protectedBytes, payload));
  if (signature === undefined) throw noKey();
  return { tag: SIGN1_TAG, value: [protectedBytes, mapOf(), payload, signature] };
}

/** Sig_structure. INVARIANT: both byte strings are those that arrived; written anew they could be others. */
function toBeSigned(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor([CONTEXT, protectedBytes, new Uint8Array(0), payload]);
}

function algorithmOf(headers: Fields): bigint {
  const algorithm = field(headers, HEADER.alg);
  if (typeof algorithm === "bigint" && SCHEMES.has(algorithm)) return algorithm;
  throw malformed("COSE: expected the algorithm ES256, ES384 or EdDSA among the protected headers");
}

function refuseHeaders(headers: Fields, open: Fields): void {
  algorithmOf(headers);
  if (field(headers, HEADER.crit) !== undefined) {
    const critical = listOf(field(headers, HEADER.crit), "COSE crit");
    const known = new Set<Cbor>(Object.values(HEADER).map(BigInt));
    const isKnown = (label: Cbor) =>
      typeof label === "bigint" && known.has(label) && headers.entries.has(label);
    if (!critical.every(isKnown)) throw malformed("COSE: expected no critical header that is not known");
  }
  if (HASH_ENVELOPE.some((key) => field(headers, key) !== undefined))
    throw malformed("COSE: expected the payload itself, received its hash");
  const isMoved = [HEADER.alg, HEADER.crit].some((key) => field(open, key) !== undefined);
  const isTwice = unknownKeys(open, []).some((key) => headers.entries.has(key));
  if (isMoved || isTwice) throw malformed("COSE: expected each header once, and alg and crit protected");
}

function noKey(): Fault {
  return new Fault("file/unusable", "expected a private key of P-256, P-384 or Ed25519");
}
