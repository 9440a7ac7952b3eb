/** How does AMD write an ECDSA signature? Little-endian r and s in fields of 72 bytes, of which 48 count. */
import { concatBytes, isZero, parseHex } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { REPORT_FIELDS } from "./layout.ts";

const COMPONENT_SIZE = 48;

/** Order of P-384 (FIPS 186-4 D.1.2.4). */
const P384_ORDER =
  parseHex(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
  ) ?? new Uint8Array(0);

/**
 * The signature of a report as `r ‖ s`, 96 bytes big-endian (IEEE P1363). High s is accepted: AMD's firmware emits it.
 *
 * @param report - All 1184 bytes; that the padding is zero is the parser's business.
 */
export function signatureOf(report: Uint8Array): Uint8Array {
  return concatBytes(
    componentOf(report, REPORT_FIELDS.signatureR.at),
    componentOf(report, REPORT_FIELDS.signatureS.at),
  );
}

/** Whether nothing was signed: MASK_CHIP_KEY leaves zeros here. */
export function isUnsigned(signature: Uint8Array): boolean {
  return isZero(signature);
}

/** Refuses r or s that is 0 or not below the order, before any arithmetic. @throws {@link Fault} `evidence/bad-signature`. */
export function refuseOutOfRange(signature: Uint8Array): void {
  for (const at of [0, COMPONENT_SIZE]) {
    const value = signature.subarray(at, at + COMPONENT_SIZE);
    if (isZero(value) || !isBelowOrder(value)) {
      throw new Fault("evidence/bad-signature", "expected r and s between 1 and the order of P-384");
    }
  }
}

/** Big-endian: the first byte that differs decides. Signatures are public. */
function isBelowOrder(value: Uint8Array): boolean {
  const at = P384_ORDER.findIndex((byte, i) => byte !== value[i]);
  return at >= 0 && (value[at] ?? 0) < (P384_ORDER[at] ?? 0);
}

function componentOf(report: Uint8Array, at: number): Uint8Array {
  return report.slice(at, at + COMPONENT_SIZE).reverse();
}
