/** Is this a key by which a TPM only ever signs what it made itself? One that it made, that never leaves it, and that is restricted. */
import { concatBytes } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { spkiOf } from "../../base/spki.ts";
import { nameOf } from "./object-name.ts";
import { type PublicArea, publicAreaIn } from "./public-area.ts";
import { OBJECT, TPM_ALG, TPM_ECC_NIST_P256 } from "./words.ts";

export interface AttestationKey {
  /** DER SubjectPublicKeyInfo: RSA of 2048 bits with the exponent 65537, or P-256. */
  readonly spki: Uint8Array;
  /** What a credential is made for. */
  readonly name: Uint8Array;
}

/**
 * INVARIANT: a key that somebody loaded from outside may not say of itself that it is fixed; a restricted one signs nothing that begins as
 * what a TPM makes itself does. Without either, whoever holds the key writes quotes as he likes.
 */
const NEEDED =
  OBJECT.fixedTpm | OBJECT.fixedParent | OBJECT.sensitiveDataOrigin | OBJECT.restricted | OBJECT.sign;
/** Who may use it, and how long it lives: no business of whoever believes its quotes. */
const OTHERS = OBJECT.stClear | OBJECT.userWithAuth | OBJECT.adminWithPolicy | OBJECT.noDa;
const RSA_BITS = 2048;
const RSA_EXPONENTS = [0, 65_537];
const COORDINATE_SIZE = 32;

/**
 * Reads one from its public area.
 *
 * @param publicArea - TPMT_PUBLIC.
 * @throws {@link Fault} `evidence/malformed`; `evidence/ak-unfit` for a key of another kind, scheme or attributes.
 */
export function attestationKeyIn(
  publicArea: Uint8Array,
  primitives: Pick<Primitives, "digest">,
): AttestationKey {
  const area = publicAreaIn(publicArea, "evidence/malformed");
  const spki = isBound(area) ? spkiIn(area) : undefined;
  if (spki !== undefined) return { spki, name: nameOf(publicArea, primitives) };
  throw new Fault(
    "evidence/ak-unfit",
    "expected a restricted signing key that the TPM made and never gives away, RSA of 2048 bits or P-256, with SHA-256",
    { attributes: `0x${area.attributes.toString(16)}` },
  );
}

function isBound({ nameAlgorithm, attributes, symmetric }: PublicArea): boolean {
  const hasAll = (attributes & NEEDED) === NEEDED && (attributes & ~(NEEDED | OTHERS)) === 0;
  return hasAll && nameAlgorithm === TPM_ALG.sha256 && symmetric === undefined;
}

function spkiIn({ scheme, numbers }: PublicArea): Uint8Array | undefined {
  if (scheme?.hash !== TPM_ALG.sha256) return undefined;
  if (numbers.kind === "rsa") {
    const { bits, exponent, modulus } = numbers;
    const isKnown = bits === RSA_BITS && RSA_EXPONENTS.includes(exponent) && modulus.length === RSA_BITS / 8;
    return isKnown && scheme.algorithm === TPM_ALG.rsaSsa
      ? spkiOf("rsa-2048-pkcs1-sha256", modulus)
      : undefined;
  }
  const { curve, x, y } = numbers;
  const isWhole = x.length === COORDINATE_SIZE && y.length === COORDINATE_SIZE;
  return curve === TPM_ECC_NIST_P256 && isWhole && scheme.algorithm === TPM_ALG.ecdsa
    ? spkiOf("ecdsa-p256-sha256", concatBytes(x, y))
    : undefined;
}
