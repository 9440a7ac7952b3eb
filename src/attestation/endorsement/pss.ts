/** Is this exactly RSASSA-PSS with one hash throughout? MGF1 with the same hash, a salt as long as it is (RFC 4055). */
import { equalBytes, parseHex } from "../../base/bytes.ts";

interface Parameters {
  /** AlgorithmIdentifier of the hash, its parameters NULL. */
  readonly hash: string;
  readonly saltBytes: number;
}

const SHA256: Parameters = { hash: "300d06096086480165030402010500", saltBytes: 32 };
const SHA384: Parameters = { hash: "300d06096086480165030402020500", saltBytes: 48 };
const TRAILER = "a303020101";
const PSS_OID = "06092a864886f70d01010a";

/** AMD's intermediates write the default trailer field out, its leaves leave it out; both mean the same. */
function formsOf(parameters: Parameters): readonly Uint8Array[] {
  return ["", TRAILER].map((trailer) => {
    const hex = sequence(PSS_OID + sequence(membersOf(parameters) + trailer));
    return parseHex(hex) ?? new Uint8Array(0);
  });
}

/** `[0] hash, [1] MGF1(hash), [2] salt`. */
function membersOf({ hash, saltBytes }: Parameters): string {
  return `a00f${hash}a11c301a06092a864886f70d010108${hash}a2030201${saltBytes.toString(16)}`;
}

const OF_AMD = formsOf(SHA384);
const OF_PROVIDERS = formsOf(SHA256);

/** AMD's. @param algorithm - A whole AlgorithmIdentifier in DER. */
export function isPssSha384(algorithm: Uint8Array): boolean {
  return OF_AMD.some((form) => equalBytes(form, algorithm));
}

/** Google's, for what it says of its firmware. @param algorithm - A whole AlgorithmIdentifier in DER. */
export function isPssSha256(algorithm: Uint8Array): boolean {
  return OF_PROVIDERS.some((form) => equalBytes(form, algorithm));
}

function sequence(contentHex: string): string {
  return `30${(contentHex.length / 2).toString(16).padStart(2, "0")}${contentHex}`;
}
