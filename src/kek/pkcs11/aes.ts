/** How does an AES-256 key wrap that never leaves its token? By AES-GCM inside the token, CKM_AES_GCM, the AAD authenticated there. */
import { concatBytes, hexOf, lengthPrefixed, u8, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { zeroize } from "../../keys/zeroize.ts";
import { allocated, copied, laidOut, wordAt } from "./memory.ts";
import { expectOk, type Session } from "./token.ts";
import { CKM, CKR } from "./words.ts";

/** What is wrapped in a token begins with 2; what the process wraps itself begins with 1. */
const VERSION = u8(2);
const IV_SIZE = 12;
const TAG_SIZE = 16;
const BLOCK = 16;

export interface HedgeParts extends Pick<Primitives, "hmac" | "digest"> {
  readonly random: (size: number) => Uint8Array;
}

/** `version ‖ iv ‖ ciphertext ‖ tag`. */
export async function wrapByAes(
  { plaintext, aad }: { readonly plaintext: Uint8Array; readonly aad: Uint8Array },
  { session, key }: { readonly session: Session; readonly key: bigint },
  parts: HedgeParts,
): Promise<Uint8Array> {
  const mechanism = gcmOf(ivFor(plaintext, aad, parts), aad);
  await begin("C_EncryptInit", mechanism, { session, key });
  const sealed = await ended("C_Encrypt", plaintext, session);
  if (sealed.length !== plaintext.length + TAG_SIZE) {
    throw new Fault("kek/unavailable", "the token sealed to another length than AES-GCM does");
  }
  // Tokens that trust no IV but their own have written it in the place of ours.
  return concatBytes(VERSION, mechanism.slice(IV_AT, IV_AT + IV_SIZE), sealed);
}

/**
 * INVARIANT: an IV never repeats under one key. It is 96 bits of HMAC-SHA-256 under 32 fresh random bytes over what is wrapped: random as SP 800-38D
 * section 8.2.2 wants it, good for 2^32 wraps however many brokers share the token, without a counter that a restored machine would set
 * back. Should a machine's randomness ever repeat, another plaintext or AAD still gets another IV.
 */
export function ivFor(plaintext: Uint8Array, aad: Uint8Array, { hmac, random }: HedgeParts): Uint8Array {
  return hmac("sha256", random(32), concatBytes(lengthPrefixed(aad), plaintext)).slice(0, IV_SIZE);
}

/** `undefined` where these bytes were not wrapped under this key for this use. */
export async function unwrapByAes(
  wrapped: Uint8Array,
  aad: Uint8Array,
  { session, key }: { readonly session: Session; readonly key: bigint },
): Promise<Uint8Array | undefined> {
  if (wrapped.length < 1 + IV_SIZE + TAG_SIZE || wrapped[0] !== VERSION[0]) return undefined;
  const mechanism = gcmOf(wrapped.slice(1, 1 + IV_SIZE), aad);
  await begin("C_DecryptInit", mechanism, { session, key });
  try {
    return await ended("C_Decrypt", wrapped.slice(1 + IV_SIZE), session);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    await checkOf({ session, key }); // which fails where the token itself does
    return undefined;
  } finally {
    zeroize(mechanism); // not before: a token may read it until the end
  }
}

/** CK_MECHANISM, CK_GCM_PARAMS behind it, and the IV behind that. */
const IV_AT = 8 * (3 + 6);

function gcmOf(iv: Uint8Array, aad: Uint8Array): Uint8Array {
  const bound = concatBytes(VERSION, aad);
  const parameters = [
    iv,
    BigInt(IV_SIZE),
    BigInt(8 * IV_SIZE),
    bound,
    BigInt(bound.length),
    BigInt(8 * TAG_SIZE),
  ];
  return laidOut([CKM.aesGcm, parameters, BigInt(8 * parameters.length)]);
}

async function begin(
  name: "C_EncryptInit" | "C_DecryptInit",
  mechanism: Uint8Array,
  { session, key }: { readonly session: Session; readonly key: bigint },
): Promise<void> {
  expectOk(name, await session.module(name, session.handle, mechanism, key));
}

async function ended(
  name: "C_Encrypt" | "C_Decrypt",
  bytes: Uint8Array,
  { module, handle }: Session,
): Promise<Uint8Array> {
  const [given, room, size] = [copied(bytes), allocated(bytes.length + BLOCK), allocated(8)];
  size.set(laidOut([BigInt(room.length)]));
  const answered = await module(name, handle, given, BigInt(bytes.length), room, size);
  const length = Number(wordAt(size, 0));
  const answer = room.slice(0, Math.min(length, room.length));
  zeroize(given);
  zeroize(room);
  expectOk(name, answered);
  if (length > room.length) throw new Fault("kek/unavailable", `the token gave more than ${name} asked for`);
  return answer;
}

/** What tokens answer to a tag that does not match: the document's codes, and SoftHSM's general error. */
const REFUSALS: readonly bigint[] = [CKR.encryptedDataInvalid, CKR.encryptedDataLenRange, CKR.generalError];

function isRefusal(thrown: unknown): boolean {
  return (
    thrown instanceof Fault && REFUSALS.some((code) => thrown.detail["returned"] === `0x${code.toString(16)}`)
  );
}

/** Sixteen bytes that name the key and tell nothing of it: a hash of what it makes of one block. */
export async function aesKeyIdOf(
  at: { readonly session: Session; readonly key: bigint },
  { digest }: Pick<Primitives, "digest">,
): Promise<string> {
  const value = await checkOf(at);
  return hexOf(digest("sha256", concatBytes(utf8("ostiary/pkcs11-kek-id/v1"), value)).slice(0, 16));
}

/** One block under the bare cipher, which no IV of GCM begins with: its counter would stand at a number that none reaches. */
const CHECK_BLOCK = utf8("ostiary kek-id 1");

async function checkOf({
  session,
  key,
}: {
  readonly session: Session;
  readonly key: bigint;
}): Promise<Uint8Array> {
  const mechanism = laidOut([CKM.aesEcb, 0n, 0n]);
  await begin("C_EncryptInit", mechanism, { session, key });
  const value = await ended("C_Encrypt", CHECK_BLOCK, session);
  if (value.length === BLOCK) return value;
  throw new Fault("kek/unavailable", "the token made another length than a block of one block");
}
