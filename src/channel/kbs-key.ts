/** Which key does a guest of the KBS protocol want its secrets sealed to? Its JWK, if it is one that may be sealed to. */
import { concatBytes, parseBase64Url } from "../base/bytes.ts";
import type { Fault } from "../base/fault.ts";
import type { Group, Primitives, SignatureScheme } from "../base/primitives.ts";
import { spkiOf } from "../base/spki.ts";
import { badKey } from "./kem.ts";

/** The guest's key as it came: these members and no others. */
export type KbsPublicKey =
  | {
      readonly kty: "EC";
      readonly crv: string;
      readonly alg: string;
      readonly x: string;
      readonly y: string;
    }
  | { readonly kty: "RSA"; readonly alg: string; readonly n: string; readonly e: string };

/** A key that answers can be sealed to. */
export type KbsKey =
  | { readonly alg: "ECDH-ES+A256KW"; readonly curve: KbsCurve; readonly point: Uint8Array }
  | { readonly alg: "RSA-OAEP-256"; readonly spki: Uint8Array };

export interface KbsCurve {
  readonly crv: "P-256" | "P-521";
  readonly group: Exclude<Group, "x25519">;
  /** Of a coordinate and of a scalar, in bytes. */
  readonly size: number;
  /** What the first byte of a scalar may have: one of 521 bits has one bit there. */
  readonly firstMask: number;
}

const CURVES: readonly KbsCurve[] = [
  { crv: "P-256", group: "p256", size: 32, firstMask: 0xff },
  { crv: "P-521", group: "p521", size: 66, firstMask: 0x01 },
];

/** Moduli by their size in bytes. */
const RSA_SCHEMES: Readonly<Record<number, SignatureScheme>> = {
  256: "rsa-2048-pkcs1-sha256",
  384: "rsa-3072-pkcs1-sha256",
  512: "rsa-4096-pkcs1-sha256",
};
const EXPONENT_65537 = "AQAB";
const UNCOMPRESSED = 0x04;

/**
 * Reads the key. Nothing is sealed to one whose private half could be anybody's: a point off its curve, a short modulus, an even
 * one, the exponent 1. RSA1_5 is refused: whoever watches what becomes of its ciphertexts can read them.
 *
 * @throws {@link Fault} `channel/bad-key`.
 */
export async function kbsKeyOf(jwk: KbsPublicKey, primitives: Pick<Primitives, "agree">): Promise<KbsKey> {
  return jwk.kty === "EC" ? curveKeyOf(jwk, primitives) : rsaKeyOf(jwk);
}

async function curveKeyOf(
  jwk: Extract<KbsPublicKey, { kty: "EC" }>,
  { agree }: Pick<Primitives, "agree">,
): Promise<KbsKey> {
  const curve = CURVES.find(({ crv }) => crv === jwk.crv);
  if (curve === undefined) throw badKey("the curve P-256 or P-521");
  if (jwk.alg !== "ECDH-ES+A256KW") throw badKey(`the algorithm ECDH-ES+A256KW, on ${curve.crv}`);
  const [x, y] = [parseBase64Url(jwk.x), parseBase64Url(jwk.y)];
  if (x?.length !== curve.size || y?.length !== curve.size) throw offCurve(curve);
  const point = concatBytes(Uint8Array.of(UNCOMPRESSED), x, y);
  const one = new Uint8Array(curve.size).fill(1, -1);
  // INVARIANT: any scalar agrees with a point of the curve, and none with anything else.
  if ((await agree(curve.group, one, point)).length === 0) throw offCurve(curve);
  return { alg: "ECDH-ES+A256KW", curve, point };
}

function offCurve({ crv, size }: KbsCurve): Fault {
  return badKey(`two coordinates of ${size} bytes, a point of ${crv}`);
}

function rsaKeyOf({ alg, n, e }: Extract<KbsPublicKey, { kty: "RSA" }>): KbsKey {
  if (alg !== "RSA-OAEP-256") throw badKey("the algorithm RSA-OAEP-256; RSA1_5 and others are not sealed to");
  const modulus = parseBase64Url(n) ?? new Uint8Array(0);
  const scheme = RSA_SCHEMES[modulus.length];
  const [first = 0, last = 0] = [modulus[0], modulus.at(-1)];
  const isWhole = (first & 0x80) !== 0 && (last & 1) === 1;
  if (scheme === undefined || !isWhole || e !== EXPONENT_65537) {
    throw badKey("RSA with 2048, 3072 or 4096 bits and the exponent 65537");
  }
  return { alg: "RSA-OAEP-256", spki: spkiOf(scheme, modulus) };
}
