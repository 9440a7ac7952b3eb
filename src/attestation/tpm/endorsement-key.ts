/** To which key of a TPM can a credential be made? Its endorsement key: RSA of 2048 bits, or P-256, as TCG's default templates have it. */
import { Fault } from "../../base/fault.ts";
import type { FaultCode } from "../../base/fault-codes.ts";
import { spkiOf } from "../../base/spki.ts";
import { type KeyNumbers, type PublicArea, publicAreaIn } from "./public-area.ts";
import { OBJECT, TPM_ALG, TPM_ECC_NIST_P256 } from "./words.ts";

export type EndorsementKey =
  | {
      readonly kind: "rsa";
      /** DER SubjectPublicKeyInfo. */
      readonly spki: Uint8Array;
    }
  | { readonly kind: "ecc"; readonly x: Uint8Array; readonly y: Uint8Array };

const NEEDED =
  OBJECT.fixedTpm | OBJECT.fixedParent | OBJECT.sensitiveDataOrigin | OBJECT.restricted | OBJECT.decrypt;
const RSA_BITS = 2048;
const RSA_EXPONENTS = [0, 65_537]; // 0 stands for the other
const COORDINATE_SIZE = 32;
const AES_BITS = 128;

/**
 * Reads one: a storage key of the TPM's own, with SHA-256 and AES-128-CFB (TCG EK Credential Profile, templates L-1 and L-2). Whether a
 * modulus is one, or a point lies on its curve, whoever encrypts to it finds out.
 *
 * @param publicArea - TPMT_PUBLIC.
 * @throws {@link Fault} the code.
 */
export function endorsementKeyIn(publicArea: Uint8Array, code: FaultCode): EndorsementKey {
  const area = publicAreaIn(publicArea, code);
  const key = isStorageKey(area) ? keyOf(area.numbers) : undefined;
  if (key !== undefined) return key;
  throw new Fault(
    code,
    "expected an endorsement key of TCG's default template: RSA of 2048 bits or P-256, with SHA-256 and AES-128-CFB",
  );
}

function isStorageKey({ nameAlgorithm, attributes, symmetric, scheme }: PublicArea): boolean {
  const isBound = (attributes & NEEDED) === NEEDED && (attributes & OBJECT.sign) === 0;
  const { algorithm, bits, mode } = symmetric ?? {};
  const isAes = algorithm === TPM_ALG.aes && bits === AES_BITS && mode === TPM_ALG.cfb;
  return isBound && isAes && nameAlgorithm === TPM_ALG.sha256 && scheme === undefined;
}

function keyOf(numbers: KeyNumbers): EndorsementKey | undefined {
  if (numbers.kind === "rsa") {
    const { bits, exponent, modulus } = numbers;
    const isKnown = bits === RSA_BITS && RSA_EXPONENTS.includes(exponent) && modulus.length === RSA_BITS / 8;
    return isKnown ? { kind: "rsa", spki: spkiOf("rsa-2048-pkcs1-sha256", modulus) } : undefined;
  }
  const { curve, x, y } = numbers;
  const isWhole = x.length === COORDINATE_SIZE && y.length === COORDINATE_SIZE;
  return curve === TPM_ECC_NIST_P256 && isWhole ? { kind: "ecc", x, y } : undefined;
}
