/** How is a secret sealed to a guest's one-use key? HPKE base mode (RFC 9180) over the Primitives port. */
import { concatBytes, u8, u16be, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { badKey, EPHEMERAL_SIZE, type Kem } from "./kem.ts";
import { KDF_ID, labeledKdfOf } from "./labeled-kdf.ts";

/** A ciphersuite with KDF HKDF-SHA256, by its numbers in RFC 9180 section 7. */
export interface HpkeSuite {
  readonly kem: Kem;
  readonly aeadId: number;
  /** Bytes of the AEAD key: 16 or 32 of AES-GCM. */
  readonly aeadKeySize: number;
  /** LabeledExtract("", "psk_id_hash", ""): base mode has one value per suite, so it is not computed for each seal. */
  readonly pskIdHash: Uint8Array;
}

const NONE = new Uint8Array(0);

const MODE_BASE = 0x00;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;

export interface SealInput {
  /** The recipient's public key. */
  readonly recipient: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  /** 32 fresh random bytes, used for this seal alone. Zeroised. */
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
 * @throws {@link Fault} `channel/bad-key` for a public key of the wrong size, or one that would choose the secret.
 */
export async function sealBase(
  input: SealInput,
  primitives: Primitives,
  suite: HpkeSuite,
): Promise<{ readonly enc: Uint8Array; readonly ct: Uint8Array }> {
  const { recipient, info, aad, plaintext, ephemeral } = input;
  const { kem } = suite;
  if (recipient.length !== kem.publicKeySize) throw badKey(`${kem.publicKeySize} bytes`);
  refuseWrongSize(ephemeral, EPHEMERAL_SIZE);
  const { shared, enc } = await kem.encapsulate(recipient, ephemeral, primitives);
  const { key, nonce } = keysOf(shared, info, { primitives, suite });
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
  suite: HpkeSuite,
): Promise<Uint8Array | undefined> {
  const { privateKey, enc, info, aad, ct } = input;
  const { kem } = suite;
  refuseWrongSize(privateKey, kem.privateKeySize);
  if (enc.length !== kem.encSize || ct.length < TAG_SIZE) return undefined;
  const shared = await kem.decapsulate(privateKey, enc, primitives);
  if (shared === undefined) return undefined;
  const { key, nonce } = keysOf(shared, info, { primitives, suite });
  const plaintext = await primitives.aeadOpen(key, nonce, aad, ct);
  key.fill(0);
  return plaintext;
}

interface Under {
  readonly primitives: Pick<Primitives, "hmac">;
  readonly suite: HpkeSuite;
}

/** KeySchedule (section 5.1). Zeroises `shared`. */
function keysOf(
  shared: Uint8Array,
  info: Uint8Array,
  { primitives, suite }: Under,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const suiteId = concatBytes(utf8("HPKE"), u16be(suite.kem.id), u16be(KDF_ID), u16be(suite.aeadId));
  const schedule = labeledKdfOf(primitives, suiteId);
  const context = concatBytes(u8(MODE_BASE), suite.pskIdHash, schedule.extract(NONE, "info_hash", info));
  const secret = schedule.extract(shared, "secret", NONE);
  const key = schedule.expand(secret, "key", context, suite.aeadKeySize);
  const nonce = schedule.expand(secret, "base_nonce", context, NONCE_SIZE);
  shared.fill(0);
  secret.fill(0);
  return { key, nonce };
}

function refuseWrongSize(privateKey: Uint8Array, expected: number): void {
  if (privateKey.length === expected) return;
  throw new Fault("internal/invariant", `a private key of this suite has ${expected} bytes`);
}
