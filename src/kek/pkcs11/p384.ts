/** How does a P-384 key wrap that never leaves its token? It agrees on a key inside the token (ECDH); AES-256-GCM-SIV under that is the process's. */
import { createECDH, ECDH } from "node:crypto";
import { concatBytes, equalBytes, hexOf, u8, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { hkdf } from "../../keys/derive.ts";
import { sivOpen, sivSeal } from "../../keys/siv.ts";
import { zeroize } from "../../keys/zeroize.ts";
import { attribute } from "./key.ts";
import { allocated, laidOut, templateOf, ulong, wordAt } from "./memory.ts";
import { expectOk, type Session } from "./token.ts";
import { CKA, CKD_NULL, CKK, CKM, CKO } from "./words.ts";

const VERSION = u8(3);
const CURVE = "secp384r1";
const POINT_SIZE = 97;
const SECRET_SIZE = 48;
const TAG_SIZE = 16;
const HEAD_SIZE = 1 + POINT_SIZE;
/** A key is used once: its nonce says nothing. */
const NONCE = new Uint8Array(12);
const INFO = utf8("ostiary/pkcs11-kek-p384/v1");

/** The two halves: one stays in the token, the other is known. */
export interface P384Key {
  readonly session: Session;
  readonly key: bigint;
  readonly point: Uint8Array;
}

/**
 * `version ‖ ephemeral point ‖ ciphertext ‖ tag`.
 *
 * INVARIANT: the key is made of two agreements. The one with the ephemeral key makes each wrap another; whoever knows the public half could make that
 * alone. The one of the token's key with itself is the token's to compute, so that nobody wraps without it: a forged envelope does not open.
 */
export async function wrapByP384(
  { plaintext, aad }: { readonly plaintext: Uint8Array; readonly aad: Uint8Array },
  at: P384Key,
  primitives: Pick<Primitives, "hmac">,
): Promise<Uint8Array> {
  const ephemeral = createECDH(CURVE);
  const point = new Uint8Array(ephemeral.generateKeys());
  const shared = new Uint8Array(ephemeral.computeSecret(at.point));
  await refuseOtherHalf(shared, point, at);
  const key = keyOf(shared, await agreed(at.point, at), { point, at, primitives });
  const sealed = sivSeal(key, NONCE, concatBytes(VERSION, aad), plaintext);
  zeroize(key);
  return concatBytes(VERSION, point, sealed);
}

/** INVARIANT: what this process cannot open again through the token is never given out. */
async function refuseOtherHalf(shared: Uint8Array, point: Uint8Array, at: P384Key): Promise<void> {
  const inToken = await agreed(point, at);
  const isSame = equalBytes(inToken, shared);
  zeroize(inToken);
  if (!isSame)
    throw new Fault("kek/unavailable", "the public half in the token is not that of its private half");
}

/** `undefined` where these bytes were not wrapped under this key for this use. */
export async function unwrapByP384(
  wrapped: Uint8Array,
  aad: Uint8Array,
  { at, primitives }: { readonly at: P384Key; readonly primitives: Pick<Primitives, "hmac"> },
): Promise<Uint8Array | undefined> {
  if (wrapped.length < HEAD_SIZE + TAG_SIZE || wrapped[0] !== VERSION[0]) return undefined;
  const point = wrapped.slice(1, HEAD_SIZE);
  if (!isOnCurve(point)) return undefined;
  const key = keyOf(await agreed(point, at), await agreed(at.point, at), { point, at, primitives });
  const plaintext = sivOpen(key, NONCE, concatBytes(VERSION, aad), wrapped.slice(HEAD_SIZE));
  zeroize(key);
  return plaintext;
}

/** INVARIANT: no point of another curve reaches the token; by the answers to a few of them a careless one gives its key away. */
export function isOnCurve(point: Uint8Array): boolean {
  if (point.length !== POINT_SIZE || point[0] !== 4) return false;
  try {
    ECDH.convertKey(point, CURVE);
    return true;
  } catch {
    return false;
  }
}

/** Sixteen bytes of a hash of the public half. */
export function p384KeyIdOf(point: Uint8Array, { digest }: Pick<Primitives, "digest">): string {
  return hexOf(digest("sha256", concatBytes(utf8("ostiary/pkcs11-kek-id/v1"), point)).slice(0, 16));
}

/** Both secrets are overwritten. */
function keyOf(
  shared: Uint8Array,
  own: Uint8Array,
  of: { readonly point: Uint8Array; readonly at: P384Key; readonly primitives: Pick<Primitives, "hmac"> },
): Uint8Array {
  const ikm = concatBytes(shared, own);
  const info = concatBytes(INFO, of.point, of.at.point);
  const key = hkdf(of.primitives, { hash: "sha384", ikm, salt: new Uint8Array(0), info, length: 32 });
  for (const secret of [shared, own, ikm]) zeroize(secret);
  return key;
}

/** The x-coordinate that the token's key and a point agree on: CKM_ECDH1_DERIVE, no KDF. It is readable, and gone once it was read. */
async function agreed(point: Uint8Array, { session, key }: P384Key): Promise<Uint8Array> {
  const { module, handle } = session;
  const parameters = [CKD_NULL, 0n, 0n, BigInt(point.length), point];
  const mechanism = laidOut([CKM.ecdh1Derive, parameters, BigInt(8 * parameters.length)]);
  const wanted = templateOf([
    [CKA.class, ulong(CKO.secretKey)],
    [CKA.keyType, ulong(CKK.genericSecret)],
    [CKA.valueLen, ulong(BigInt(SECRET_SIZE))],
    [CKA.token, false],
    [CKA.sensitive, false],
    [CKA.extractable, true],
  ]);
  const object = allocated(8);
  const answered = await module("C_DeriveKey", handle, mechanism, key, wanted.memory, wanted.count, object);
  expectOk("C_DeriveKey", answered);
  try {
    const secret = await attribute(wordAt(object, 0), CKA.value, session);
    if (secret.length === SECRET_SIZE) return secret;
    throw new Fault("kek/unavailable", "the token agreed on a secret of another size than P-384's");
  } finally {
    await module("C_DestroyObject", handle, wordAt(object, 0));
  }
}
