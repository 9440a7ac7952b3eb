/** How does a secret come to a broker without anybody on the way seeing it? Sealed to a key that the broker signed, for one path and use. */
import { concatBytes, lengthPrefixed, u16be, u64be, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import { type HpkeSuite, openBase, sealBase } from "./hpke.ts";
import { EPHEMERAL_SIZE } from "./kem.ts";
import { HPKE_X25519, HPKE_XWING } from "./suites.ts";

/** 1 `hpke-x25519`, 2 `hpke-xwing`. */
export type ImportSuite = 1 | 2;

const SUITES: Readonly<Record<ImportSuite, HpkeSuite>> = { 1: HPKE_X25519, 2: HPKE_XWING };

/** A public key to seal to, as the broker gives it. */
export interface ImportKey {
  /** 32 lower-case hex digits. */
  readonly id: string;
  /** The broker's identity. */
  readonly audience: string;
  readonly suite: ImportSuite;
  readonly publicKey: Uint8Array;
  readonly expiresAt: Instant;
}

/** What is brought, and where to: whoever carries it can change none of this. */
export interface ImportPlace {
  readonly path: string;
  /** `static`, or the type of a transit key. */
  readonly use: string;
  /** DER SubjectPublicKeyInfo of a pair; empty for everything else. */
  readonly publicKey: Uint8Array;
}

/** A secret on its way. */
export interface SealedImport {
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}

/** The bytes of a private import key. */
export function importKeySize(suite: ImportSuite): number {
  return SUITES[suite].kem.privateKeySize;
}

export function importPublicKeyOf(
  suite: ImportSuite,
  privateKey: Uint8Array,
  primitives: Primitives,
): Promise<Uint8Array> {
  return SUITES[suite].kem.publicKeyOf(privateKey, primitives);
}

/**
 * What the broker's signing key signs of an import key:
 *
 *   LP("ostiary/import-key/v1") ‖ LP(audience) ‖ LP(id) ‖ u16be(suite) ‖ LP(public key) ‖ u64be(expiresAt, Unix seconds)
 */
export function importKeyInput({ audience, id, suite, publicKey, expiresAt }: ImportKey): Uint8Array {
  const head = ["ostiary/import-key/v1", audience, id].map((text) => lengthPrefixed(utf8(text)));
  return concatBytes(...head, u16be(suite), lengthPrefixed(publicKey), u64be(BigInt(expiresAt)));
}

/** Seals by HPKE base mode. The plaintext stays with the caller, who overwrites it. @throws {@link Fault} `channel/bad-key`. */
export function sealImport(
  plan: { readonly key: ImportKey; readonly place: ImportPlace; readonly plaintext: Uint8Array },
  random: (size: number) => Uint8Array,
  primitives: Primitives,
): Promise<SealedImport> {
  const { key, place, plaintext } = plan;
  const { suite, publicKey: recipient } = key;
  const input = { recipient, info: infoOf(key), aad: aadOf(place), plaintext };
  return sealBase({ ...input, ephemeral: random(EPHEMERAL_SIZE) }, primitives, SUITES[suite]);
}

/** Opens what was sealed to this key, for this place; `undefined` for anything else. */
export function openImport(
  sealed: SealedImport,
  by: { readonly key: ImportKey; readonly privateKey: Uint8Array; readonly place: ImportPlace },
  primitives: Primitives,
): Promise<Uint8Array | undefined> {
  const { key, privateKey, place } = by;
  const input = { privateKey, ...sealed, info: infoOf(key), aad: aadOf(place) };
  return openBase(input, primitives, SUITES[key.suite]);
}

/** `LP("ostiary/import/v1") ‖ LP(audience) ‖ LP(id)`. */
function infoOf({ audience, id }: ImportKey): Uint8Array {
  return concatBytes(...["ostiary/import/v1", audience, id].map((text) => lengthPrefixed(utf8(text))));
}

/** `LP(path) ‖ LP(use) ‖ LP(public half)`. */
function aadOf({ path, use, publicKey }: ImportPlace): Uint8Array {
  return concatBytes(lengthPrefixed(utf8(path)), lengthPrefixed(utf8(use)), lengthPrefixed(publicKey));
}
