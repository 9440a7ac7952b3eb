/** Is this exactly AMD's signature algorithm? RSASSA-PSS, SHA-384, MGF1 with SHA-384, salt of 48 bytes (RFC 4055). */
import { equalBytes, parseHex } from "../../base/bytes.ts";

/** `SEQUENCE { id-RSASSA-PSS, SEQUENCE { [0] SHA-384, [1] MGF1(SHA-384), [2] 48, [3] 1 } }`, with hash parameters NULL. */
const SHA384 = "300d06096086480165030402020500";
const PARAMETERS = `a00f${SHA384}a11c301a06092a864886f70d010108${SHA384}a203020130`;
const TRAILER = "a303020101";
const PSS_OID = "06092a864886f70d01010a";

/** AMD's intermediates write the default trailer field out, its leaves leave it out; both mean the same. */
const FORMS = ["", TRAILER].map((trailer) => sequence(PSS_OID + sequence(PARAMETERS + trailer)));
const ACCEPTED = FORMS.map((hex) => parseHex(hex) ?? new Uint8Array(0));

/** @param algorithm - A whole AlgorithmIdentifier in DER. */
export function isPssSha384(algorithm: Uint8Array): boolean {
  return ACCEPTED.some((form) => equalBytes(form, algorithm));
}

function sequence(contentHex: string): string {
  return `30${(contentHex.length / 2).toString(16).padStart(2, "0")}${contentHex}`;
}
