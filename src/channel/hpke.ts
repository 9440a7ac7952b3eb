/** How is a secret sealed to a guest's one-use key? HPKE base mode (RFC 9180) over the Primitives port. */
import { concatBytes, isZero, parseHex, u8, u16be, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Group, Primitives } from "../base/primitives.ts";
import { hkdfExpand, hkdfExtract } from "../keys/derive.ts";

/** A ciphersuite with a Diffie-Hellman KEM and KDF HKDF-SHA256, by its numbers in RFC 9180 section 7. */
export interface HpkeSuite {
  readonly group: Group;
  readonly kemId: number;
  readonly aeadId: number;
  /** Bytes of a public key, which are those of `enc`, and of a private key. */
  readonly publicKeySize: number;
  readonly privateKeySize: number;
  /** Bytes of the AEAD key: 16 or 32 of AES-GCM. */
  readonly aeadKeySize: number;
  /** LabeledExtract("", "psk_id_hash", ""): base mode has one value per suite, so it is not computed for each seal. */
  readonly pskIdHash: Uint8Array;
}

const NONE = new Uint8Array(0);

/** Suite 1 of PROTOCOL section 1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
const HPKE_X25519: HpkeSuite = {
  group: "x25519",
  kemId: 0x0020,
  aeadId: 0x0002,
  publicKeySize: 32,
  privateKeySize: 32,
  aeadKeySize: 32,
  pskIdHash: parseHex("4ce5472ecdd5093ba0aecb8f871ff13f1fbc90ee76f0e18ace1a1b7e565bafa3") ?? NONE,
};

const KDF_ID = 0x0001;
const MODE_BASE = 0x00;
const VERSION = "HPKE-v1";
const SECRET_SIZE = 32;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;

type Hmac = Pick<Primitives, "hmac">;

export interface SealInput {
  /** The recipient's public key. */
  readonly recipient: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  /** A fresh random private key, used for this seal alone. Zeroised. */
  readonly ephemeral: Uint8Array;
}

export interface OpenInput {
  readonly privateKey: Uint8Array;
  readonly enc: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly ct: Uint8Array;
}

/**
 * Seals one message to a public key (`SealBase`, sequence number 0).
 *
 * @throws {@link Fault} `channel/bad-key` for a public key of the wrong size, or one that gives a secret of all zeroes.
 */
export async function sealBase(
  input: SealInput,
  primitives: Primitives,
  suite: HpkeSuite = HPKE_X25519,
): Promise<{ readonly enc: Uint8Array; readonly ct: Uint8Array }> {
  const { recipient, info, aad, plaintext, ephemeral } = input;
  if (recipient.length !== suite.publicKeySize) throw badKey(`${suite.publicKeySize} bytes`);
  refuseWrongPrivateKey(ephemeral, suite);
  const [shared, enc] = await Promise.all([
    primitives.agree(suite.group, ephemeral, recipient),
    primitives.publicKeyOf(suite.group, ephemeral),
  ]);
  ephemeral.fill(0);
  // INVARIANT: a point of small order must not choose the key (RFC 9180 section 7.1.4).
  if (isZero(shared)) throw badKey("a point that is not of small order");
  const { key, nonce } = keysOf({ shared, kemContext: concatBytes(enc, recipient), info }, primitives, suite);
  const ct = await primitives.aeadSeal(key, nonce, aad, plaintext);
  key.fill(0);
  return { enc, ct };
}

/**
 * Opens what {@link sealBase} sealed (`OpenBase`).
 *
 * @returns The plaintext; `undefined` for anything that was not sealed to this key with this `info` and `aad`.
 * @throws {@link Fault} `internal/invariant` for a private key of the wrong size.
 */
export async function openBase(
  input: OpenInput,
  primitives: Primitives,
  suite: HpkeSuite = HPKE_X25519,
): Promise<Uint8Array | undefined> {
  const { privateKey, enc, info, aad, ct } = input;
  refuseWrongPrivateKey(privateKey, suite);
  if (enc.length !== suite.publicKeySize || ct.length < TAG_SIZE) return undefined;
  const [shared, recipient] = await Promise.all([
    primitives.agree(suite.group, privateKey, enc),
    primitives.publicKeyOf(suite.group, privateKey),
  ]);
  if (isZero(shared)) return undefined;
  const { key, nonce } = keysOf({ shared, kemContext: concatBytes(enc, recipient), info }, primitives, suite);
  const plaintext = await primitives.aeadOpen(key, nonce, aad, ct);
  key.fill(0);
  return plaintext;
}

/** ExtractAndExpand of the KEM (section 4.1), then KeySchedule (section 5.1). Zeroises `shared`. */
function keysOf(
  input: { readonly shared: Uint8Array; readonly kemContext: Uint8Array; readonly info: Uint8Array },
  primitives: Hmac,
  suite: HpkeSuite,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const { shared, kemContext, info } = input;
  const kem = kdfOf(primitives, concatBytes(utf8("KEM"), u16be(suite.kemId)));
  const eaePrk = kem.extract(NONE, "eae_prk", shared);
  const sharedSecret = kem.expand(eaePrk, "shared_secret", kemContext, SECRET_SIZE);

  const suiteId = concatBytes(utf8("HPKE"), u16be(suite.kemId), u16be(KDF_ID), u16be(suite.aeadId));
  const schedule = kdfOf(primitives, suiteId);
  const context = concatBytes(u8(MODE_BASE), suite.pskIdHash, schedule.extract(NONE, "info_hash", info));
  const secret = schedule.extract(sharedSecret, "secret", NONE);
  const key = schedule.expand(secret, "key", context, suite.aeadKeySize);
  const nonce = schedule.expand(secret, "base_nonce", context, NONCE_SIZE);
  for (const spent of [shared, eaePrk, sharedSecret, secret]) spent.fill(0);
  return { key, nonce };
}

interface LabeledKdf {
  readonly extract: (salt: Uint8Array, label: string, ikm: Uint8Array) => Uint8Array;
  readonly expand: (prk: Uint8Array, label: string, info: Uint8Array, length: number) => Uint8Array;
}

/** LabeledExtract and LabeledExpand of section 4 under one suite id. */
function kdfOf(primitives: Hmac, suiteId: Uint8Array): LabeledKdf {
  const version = utf8(VERSION);
  return {
    extract: (salt, label, ikm) =>
      hkdfExtract(primitives, {
        hash: "sha256",
        salt,
        ikm: concatBytes(version, suiteId, utf8(label), ikm),
      }),
    expand: (prk, label, info, length) =>
      hkdfExpand(primitives, {
        hash: "sha256",
        prk,
        info: concatBytes(u16be(length), version, suiteId, utf8(label), info),
        length,
      }),
  };
}

function refuseWrongPrivateKey(privateKey: Uint8Array, suite: HpkeSuite): void {
  if (privateKey.length === suite.privateKeySize) return;
  throw new Fault("internal/invariant", `a private key of this suite has ${suite.privateKeySize} bytes`);
}

function badKey(expected: string): Fault {
  return new Fault("channel/bad-key", `expected a public key of ${expected}`);
}
