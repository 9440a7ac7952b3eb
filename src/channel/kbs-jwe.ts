/** How is a secret sealed for a guest that speaks the KBS protocol? One flattened JWE, byte for byte as its client opens it. */
import { base64UrlOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { concatKdf } from "./jwe.ts";
import type { KbsCurve, KbsKey } from "./kbs-key.ts";
import { badKey } from "./kem.ts";

/** The five members that the client requires, in its order (RFC 7516 section 7.2.2); there is no `aad`. */
export interface KbsJwe {
  readonly protected: string;
  readonly encrypted_key: string;
  readonly iv: string;
  readonly ciphertext: string;
  readonly tag: string;
}

export interface KbsSealing {
  readonly key: KbsKey;
  /** Not kept and not overwritten: it is the caller's. */
  readonly plaintext: Uint8Array;
  readonly random: (length: number) => Uint8Array;
}

type Ciphers = Pick<Primitives, "agree" | "publicKeyOf" | "digest" | "wrapKey" | "rsaSeal" | "aeadSeal">;

const KEY_SIZE = 32;
const IV_SIZE = 12;
const TAG_SIZE = 16;
const NONE = new Uint8Array(0);

/**
 * Seals one secret.
 *
 * The client does not authenticate the header that it received. It reads it, writes it again, and takes that: so the header stands
 * here as its serializer writes it, `alg`, `enc`, then the rest by name, without white space.
 *
 * @throws {@link Fault} `channel/bad-key` for a key that nothing can be sealed to after all.
 */
export async function sealKbsJwe({ key, plaintext, random }: KbsSealing, ciphers: Ciphers): Promise<KbsJwe> {
  const contentKey = random(KEY_SIZE);
  const { header, wrapped } =
    key.alg === "RSA-OAEP-256"
      ? await wrappedToRsa(key.spki, contentKey, ciphers)
      : await wrappedToPoint({ ...key, contentKey, random }, ciphers);
  const protectedHeader = base64UrlOf(utf8(header));
  const iv = random(IV_SIZE);
  const sealed = await ciphers.aeadSeal(contentKey, iv, utf8(protectedHeader), plaintext);
  contentKey.fill(0);
  return {
    protected: protectedHeader,
    encrypted_key: base64UrlOf(wrapped),
    iv: base64UrlOf(iv),
    ciphertext: base64UrlOf(sealed.subarray(0, -TAG_SIZE)),
    tag: base64UrlOf(sealed.subarray(-TAG_SIZE)),
  };
}

interface Wrapped {
  readonly header: string;
  readonly wrapped: Uint8Array;
}

async function wrappedToRsa(spki: Uint8Array, contentKey: Uint8Array, ciphers: Ciphers): Promise<Wrapped> {
  const wrapped = await ciphers.rsaSeal(spki, NONE, contentKey);
  if (wrapped === undefined) throw badKey("RSA whose modulus is one");
  return { header: '{"alg":"RSA-OAEP-256","enc":"A256GCM"}', wrapped };
}

interface ToPoint {
  readonly curve: KbsCurve;
  readonly point: Uint8Array;
  readonly contentKey: Uint8Array;
  readonly random: (length: number) => Uint8Array;
}

async function wrappedToPoint(to: ToPoint, ciphers: Ciphers): Promise<Wrapped> {
  const { curve, point, contentKey, random } = to;
  const ephemeral = scalarOf(curve, random);
  const [shared, epk] = await Promise.all([
    ciphers.agree(curve.group, ephemeral, point),
    ciphers.publicKeyOf(curve.group, ephemeral),
  ]);
  ephemeral.fill(0);
  if (shared.length === 0) throw badKey(`a point of ${curve.crv}`);
  const algorithm = "ECDH-ES+A256KW";
  const wrappingKey = concatKdf({ shared, algorithm, apu: NONE, apv: NONE, bits: 256 }, ciphers);
  shared.fill(0);
  const wrapped = await ciphers.wrapKey(wrappingKey, contentKey);
  wrappingKey.fill(0);
  return { header: `{"alg":"${algorithm}","enc":"A256GCM","epk":${epkText(curve, epk)}}`, wrapped };
}

/** A random scalar. That it is the order or more is not once in 2^32 on P-256, and far less on P-521: misuse of the port, a fault. */
function scalarOf({ size, firstMask }: KbsCurve, random: (length: number) => Uint8Array): Uint8Array {
  const scalar = random(size);
  scalar[0] = (scalar[0] ?? 0) & firstMask;
  return scalar;
}

function epkText({ crv, size }: KbsCurve, point: Uint8Array): string {
  if (point.length !== 1 + 2 * size) {
    throw new Fault("internal/invariant", `a point of ${crv} has ${1 + 2 * size} bytes`);
  }
  const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)].map(base64UrlOf);
  return `{"crv":"${crv}","kty":"EC","x":"${x}","y":"${y}"}`;
}
