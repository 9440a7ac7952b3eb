/** What does a guest owner sign for a guest to start? The ID block and its authentication page (AMD 56860 rev. 1.58, 8.18 and tables 75 to 77). */
import { concatBytes, equalBytes, isZero, u32le, u64le } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { Reader } from "../base/reader.ts";
import { bareKeyOf, spkiOf } from "../base/spki.ts";
import { DIGEST_SIZE, PAGE_SIZE } from "./page-update.ts";

const CURVE = "ecdsa-p384-sha384";
/** ECDSA P-384 with SHA-384, and the number of its curve. */
const ALGORITHM = 1;
const P384 = 2;
const VERSION = 1;
const ID_SIZE = 16;
const COMPONENT_SIZE = 72;
const COORDINATE_SIZE = 48;
const KEY_SIZE = 1028;
const SIGNATURE_SIZE = 512;
const AUTH_AT = { blockSignature: 0x40, idKey: 0x240, idKeySignature: 0x680, authorKey: 0x880 };

export const ID_BLOCK_SIZE = 96;

/** What a guest must be, and what it is called in its reports. */
export interface IdBlock {
  readonly launchDigest: Uint8Array;
  /** 16 bytes each, FAMILY_ID and IMAGE_ID of reports. */
  readonly familyId: Uint8Array;
  readonly imageId: Uint8Array;
  /** GUEST_SVN of reports: the security version that policies ask for. */
  readonly guestSvn: number;
  /** POLICY that the guest must be started with. */
  readonly policy: bigint;
}

/** A key that signs, PKCS#8, and its public half, DER SubjectPublicKeyInfo: ECDSA P-384. */
export interface IdKey {
  readonly pkcs8: Uint8Array;
  readonly spki: Uint8Array;
}

/** What an authentication page proves of a block. */
export interface IdBlockProof {
  /** SHA-384 over the key as AMD writes it: ID_KEY_DIGEST of reports. */
  readonly idKeyDigest: Uint8Array;
  /** AUTHOR_KEY_DIGEST; `undefined` where the page has no author. */
  readonly authorKeyDigest: Uint8Array | undefined;
}

/**
 * The 96 bytes that are signed.
 *
 * @throws {@link Fault} `measurement/bad-id-block` for an id that is all zeros: what nobody set names nothing.
 */
export function encodeIdBlock({ launchDigest, familyId, imageId, guestSvn, policy }: IdBlock): Uint8Array {
  const isWhole =
    launchDigest.length === DIGEST_SIZE && familyId.length === ID_SIZE && imageId.length === ID_SIZE;
  if (!isWhole) throw malformed("expected a launch digest of 48 bytes, and ids of 16");
  if (isZero(familyId) || isZero(imageId))
    throw malformed("expected a family id and an image id other than zero");
  return concatBytes(launchDigest, familyId, imageId, u32le(VERSION), u32le(guestSvn), u64le(policy));
}

/** Reads an ID block; ids of zero are told as they are. @throws {@link Fault} `measurement/bad-id-block`. */
export function parseIdBlock(bytes: Uint8Array): IdBlock {
  const reader = new Reader(bytes, "measurement/bad-id-block");
  const [launchDigest, familyId, imageId] = [
    reader.bytes(DIGEST_SIZE),
    reader.bytes(ID_SIZE),
    reader.bytes(ID_SIZE),
  ];
  const version = reader.u32le();
  const [guestSvn, policy] = [reader.u32le(), reader.u64le()];
  reader.end();
  if (version !== VERSION)
    throw malformed(`expected version ${VERSION} of the ID block, received ${version}`);
  return { launchDigest, familyId, imageId, guestSvn, policy };
}

/**
 * The authentication page: the block signed by the ID key, and the ID key by its author where there is one.
 *
 * @throws {@link Fault} `measurement/bad-id-block` for a key that is none of P-384.
 */
export async function signIdBlock(
  block: Uint8Array,
  keys: { readonly id: IdKey; readonly author?: IdKey },
  primitives: Primitives,
): Promise<Uint8Array> {
  const idKey = encodeIdKey(keys.id.spki);
  const page = new Uint8Array(PAGE_SIZE);
  page.set(u32le(ALGORITHM), 0);
  page.set(u32le(keys.author === undefined ? 0 : ALGORITHM), 4);
  page.set(await signatureBy(keys.id, block, primitives), AUTH_AT.blockSignature);
  page.set(idKey, AUTH_AT.idKey);
  if (keys.author !== undefined) {
    page.set(await signatureBy(keys.author, idKey, primitives), AUTH_AT.idKeySignature);
    page.set(encodeIdKey(keys.author.spki), AUTH_AT.authorKey);
  }
  return page;
}

/**
 * Whether the page vouches for the block, and by which keys, as the firmware looks at it when a guest starts.
 *
 * @throws {@link Fault} `measurement/bad-id-block`: another size or algorithm, something where nothing belongs, a key or a signature that is
 *   none.
 */
export async function verifyIdBlock(
  block: Uint8Array,
  page: Uint8Array,
  primitives: Primitives,
): Promise<IdBlockProof> {
  parseIdBlock(block);
  if (page.length !== PAGE_SIZE) throw malformed(`expected ${PAGE_SIZE} bytes, received ${page.length}`);
  const reader = new Reader(page, "measurement/bad-id-block");
  const [idAlgorithm, authorAlgorithm] = [reader.u32le(), reader.u32le()];
  const hasAuthor = authorAlgorithm === ALGORITHM;
  if (idAlgorithm !== ALGORITHM || (authorAlgorithm !== 0 && !hasAuthor)) {
    throw malformed("expected ECDSA P-384 with SHA-384, and no other algorithm");
  }
  refuseNonZero(page, hasAuthor);
  const idKey = page.slice(AUTH_AT.idKey, AUTH_AT.idKey + KEY_SIZE);
  const author = page.slice(AUTH_AT.authorKey, AUTH_AT.authorKey + KEY_SIZE);
  await refuseUnsigned(block, page.subarray(AUTH_AT.blockSignature), idKey, primitives);
  if (hasAuthor) await refuseUnsigned(idKey, page.subarray(AUTH_AT.idKeySignature), author, primitives);
  const digest = (bytes: Uint8Array) => primitives.digest("sha384", bytes);
  return { idKeyDigest: digest(idKey), authorKeyDigest: hasAuthor ? digest(author) : undefined };
}

/** A public key as AMD writes it: curve, then x and y little-endian in fields of 72 bytes; 1028 bytes. */
export function encodeIdKey(spki: Uint8Array): Uint8Array {
  const point = bareKeyOf(CURVE, spki);
  if (point === undefined) throw malformed("expected a key of ECDSA P-384");
  const key = new Uint8Array(KEY_SIZE);
  key.set(u32le(P384), 0);
  key.set(point.slice(0, COORDINATE_SIZE).reverse(), 4);
  key.set(point.slice(COORDINATE_SIZE).reverse(), 4 + COMPONENT_SIZE);
  return key;
}

async function signatureBy(key: IdKey, bytes: Uint8Array, primitives: Primitives): Promise<Uint8Array> {
  const signed = await primitives.sign(CURVE, key.pkcs8, bytes);
  if (signed === undefined) throw malformed("expected a private key of ECDSA P-384");
  const signature = new Uint8Array(SIGNATURE_SIZE);
  signature.set(signed.slice(0, COORDINATE_SIZE).reverse(), 0);
  signature.set(signed.slice(COORDINATE_SIZE).reverse(), COMPONENT_SIZE);
  return signature;
}

async function refuseUnsigned(
  bytes: Uint8Array,
  signature: Uint8Array,
  key: Uint8Array,
  primitives: Primitives,
): Promise<void> {
  const spki = spkiOf(CURVE, concatBytes(componentAt(key, 4), componentAt(key, 4 + COMPONENT_SIZE)));
  if (!equalBytes(encodeIdKey(spki), key)) throw malformed("expected a key of P-384 in AMD's form");
  const pair = concatBytes(componentAt(signature, 0), componentAt(signature, COMPONENT_SIZE));
  if (!(await primitives.verify(CURVE, spki, bytes, pair))) {
    throw malformed("expected a good signature by the key in the page");
  }
}

function componentAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.slice(at, at + COORDINATE_SIZE).reverse();
}

/** Reserved bytes, those behind numbers, and where there is no author all that an author would fill. */
function refuseNonZero(page: Uint8Array, hasAuthor: boolean): void {
  const idKeyEnd = AUTH_AT.idKey + KEY_SIZE;
  const authorEnd = AUTH_AT.authorKey + KEY_SIZE;
  const numbersEnd = 2 * COMPONENT_SIZE;
  const empty: readonly (readonly [number, number])[] = [
    [8, AUTH_AT.blockSignature],
    ...paddingOf(AUTH_AT.blockSignature, numbersEnd, SIGNATURE_SIZE),
    [idKeyEnd, AUTH_AT.idKeySignature],
    ...paddingOf(AUTH_AT.idKeySignature, hasAuthor ? numbersEnd : 0, SIGNATURE_SIZE),
    ...(hasAuthor ? [] : [[AUTH_AT.authorKey, authorEnd] as const]),
    [authorEnd, PAGE_SIZE],
  ];
  if (empty.some(([from, to]) => !isZero(page.subarray(from, to)))) {
    throw malformed("expected zeros in all that is reserved");
  }
}

/** Behind and, for a number of 48 bytes in a field of 72, within the two numbers of a signature. */
function paddingOf(at: number, numbersEnd: number, size: number): readonly (readonly [number, number])[] {
  const behind = [at + numbersEnd, at + size] as const;
  if (numbersEnd === 0) return [behind];
  return [
    [at + COORDINATE_SIZE, at + COMPONENT_SIZE],
    [at + COMPONENT_SIZE + COORDINATE_SIZE, at + 2 * COMPONENT_SIZE],
    behind,
  ];
}

function malformed(message: string): Fault {
  return new Fault("measurement/bad-id-block", message);
}
