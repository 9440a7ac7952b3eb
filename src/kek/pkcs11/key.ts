/** Which key of a token is meant, and is it one that never leaves it? One of its label, sensitive, not extractable, usable after login alone. */
import { equalBytes, utf8 } from "../../base/bytes.ts";
import { Fault, type FaultDetail } from "../../base/fault.ts";
import { addressOf, allocated, laidOut, templateOf, ulong, wordAt } from "./memory.ts";
import { expectOk, type Session } from "./token.ts";
import { CKA, CKK, CKO, P384_OID } from "./words.ts";

/** AES-256, or one half of a P-384 pair. */
export interface TokenKey {
  readonly kind: "aes-256" | "p-384";
  readonly handle: bigint;
}

/**
 * Finds the key and looks at what the token says of it.
 *
 * @throws {@link Fault} `kek/unavailable` for none, for several, and for one that could leave the token.
 */
export async function findKey(label: string, session: Session): Promise<TokenKey> {
  const [one, another] = await keysOf(label, session);
  if (one === undefined) {
    throw unfit(label, "is not in the token: `ostiary kek rotate` makes one in it", { found: 0 });
  }
  if (another !== undefined) {
    throw unfit(label, "is there twice: give one of the two keys another label", { found: 2 });
  }
  await refuseLoose(label, one.handle, session);
  if (one.kind === "aes-256") await refuseOtherThanAes256(label, one.handle, session);
  else await refuseOtherThanP384(label, one.handle, session);
  return one;
}

/** What carries the label and could be meant, by its class alone. @throws {@link Fault} `kek/unavailable`. */
export async function keysOf(label: string, session: Session): Promise<readonly TokenKey[]> {
  const secret = await found(label, CKO.secretKey, session);
  const halves = await found(label, CKO.privateKey, session);
  return [
    ...secret.map((handle) => ({ kind: "aes-256", handle }) as const),
    ...halves.map((handle) => ({ kind: "p-384", handle }) as const),
  ];
}

/** The point of the public half, uncompressed. @throws {@link Fault} `kek/unavailable`. */
export async function publicPointOf(label: string, session: Session): Promise<Uint8Array> {
  const [handle, another] = await found(label, CKO.publicKey, session);
  if (handle === undefined || another !== undefined) {
    throw unfit(label, "has no public half of its label, or more than one");
  }
  const point = await attribute(handle, CKA.ecPoint, session);
  const bare = point.subarray(2); // an OCTET STRING of 97 bytes around it
  if (point.length === 99 && point[0] === 4 && point[1] === 97 && bare[0] === 4) return bare.slice();
  throw unfit(label, "has a public half that is no point of P-384");
}

/** INVARIANT: what the token would give away, or use without a PIN, is no root key. */
async function refuseLoose(label: string, handle: bigint, session: Session): Promise<void> {
  const is = async (type: bigint): Promise<boolean> => isTrue(await attribute(handle, type, session));
  if (!(await is(CKA.sensitive)) || (await is(CKA.extractable))) {
    throw unfit(label, "could leave the token: make one that is sensitive and not extractable");
  }
  if (!(await is(CKA.private))) throw unfit(label, "is usable without a PIN: make one that is private");
}

async function refuseOtherThanAes256(label: string, handle: bigint, session: Session): Promise<void> {
  const type = await attribute(handle, CKA.keyType, session);
  const size = await attribute(handle, CKA.valueLen, session);
  if (!equalBytes(type, ulong(CKK.aes)) || !equalBytes(size, ulong(32n))) {
    throw unfit(label, "is no AES key of 256 bits");
  }
  for (const use of [CKA.encrypt, CKA.decrypt]) {
    if (!isTrue(await attribute(handle, use, session))) throw unfit(label, "may not encrypt and decrypt");
  }
}

async function refuseOtherThanP384(label: string, handle: bigint, session: Session): Promise<void> {
  const type = await attribute(handle, CKA.keyType, session);
  const isP384 =
    equalBytes(type, ulong(CKK.ec)) && equalBytes(await attribute(handle, CKA.ecParams, session), P384_OID);
  if (!isP384) throw unfit(label, "is no key of the curve P-384");
  if (!isTrue(await attribute(handle, CKA.derive, session))) throw unfit(label, "may not derive");
}

/** At most two: more are as wrong. */
async function found(label: string, kind: bigint, session: Session): Promise<readonly bigint[]> {
  const { module, handle } = session;
  const wanted = templateOf([
    [CKA.class, ulong(kind)],
    [CKA.token, true],
    [CKA.label, utf8(label)],
  ]);
  expectOk("C_FindObjectsInit", await module("C_FindObjectsInit", handle, wanted.memory, wanted.count));
  const [objects, count] = [allocated(2 * 8), allocated(8)];
  const answered = await module("C_FindObjects", handle, objects, 2n, count);
  expectOk("C_FindObjectsFinal", await module("C_FindObjectsFinal", handle));
  expectOk("C_FindObjects", answered);
  return [wordAt(objects, 0), wordAt(objects, 8)].slice(0, Math.min(2, Number(wordAt(count, 0))));
}

const MOST_BYTES = 256;

/** The value of an attribute. @throws {@link Fault} `kek/unavailable`. */
export async function attribute(object: bigint, type: bigint, session: Session): Promise<Uint8Array> {
  const value = allocated(MOST_BYTES);
  const memory = laidOut([type, addressOf(value), BigInt(MOST_BYTES)]);
  const answered = await session.module("C_GetAttributeValue", session.handle, object, memory, 1n);
  expectOk("C_GetAttributeValue", answered);
  const size = wordAt(memory, 16);
  if (size > MOST_BYTES) {
    throw new Fault("kek/unavailable", `the token has no value of attribute 0x${type.toString(16)}`);
  }
  return value.slice(0, Number(size));
}

function isTrue(value: Uint8Array): boolean {
  return value.length === 1 && value[0] === 1;
}

function unfit(label: string, sentence: string, detail: FaultDetail = {}): Fault {
  return new Fault("kek/unavailable", `the key \`${label}\` ${sentence}`, { key: label, ...detail });
}
