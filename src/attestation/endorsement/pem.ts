/** What is in a file of endorsements? Certificates and CRLs, as PEM blocks in any number, or one in DER. */
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { DER, elementsOf, parseDer } from "./der.ts";
import { isPssSha384 } from "./pss.ts";

export interface EndorsementFile {
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*?)-----END \1-----/g;
const KIND_OF_LABEL: ReadonlyMap<string, "certificates" | "crls"> = new Map([
  ["CERTIFICATE", "certificates"],
  ["X509 CRL", "crls"],
]);
/** Sixteen certificates and the CRLs beside them, in PEM, come nowhere near it. */
const MAX_FILE_BYTES = 1_048_576;
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * Splits a file into DER pieces; text between PEM blocks is passed over.
 *
 * @throws {@link Fault} `endorsement/malformed` for a file with nothing of the kind, a block that is neither, or more than 1 MiB.
 */
export function parseEndorsementFile(bytes: Uint8Array): EndorsementFile {
  if (bytes.length > MAX_FILE_BYTES) throw malformed(`at most ${MAX_FILE_BYTES} bytes`);
  if (bytes[0] === DER.sequence)
    return isCrl(bytes) ? { certificates: [], crls: [bytes] } : { certificates: [bytes], crls: [] };
  const text = parseUtf8(bytes) ?? "";
  const found: { certificates: Uint8Array[]; crls: Uint8Array[] } = { certificates: [], crls: [] };
  for (const [, label = "", body = ""] of text.matchAll(BLOCK)) {
    const kind = KIND_OF_LABEL.get(label);
    if (kind === undefined) throw malformed(`certificates and CRLs only, received a block of \`${label}\``);
    found[kind].push(derOf(body));
  }
  if (found.certificates.length + found.crls.length === 0)
    throw malformed("a certificate or CRL in PEM or DER");
  return found;
}

/** Whether these bytes are a CRL's; false for what is no DER at all. */
export function looksLikeCrl(der: Uint8Array): boolean {
  try {
    return isCrl(der);
  } catch {
    return false;
  }
}

/** In a CRL the algorithm is the second element of the signed part (after the version); in a certificate the third. */
function isCrl(der: Uint8Array): boolean {
  const [tbs] = elementsOf(parseDer(der, DER.sequence).content);
  const [version, algorithm] = tbs === undefined ? [] : elementsOf(tbs.content);
  return version?.tag === DER.integer && algorithm !== undefined && isPssSha384(algorithm.whole);
}

function derOf(body: string): Uint8Array {
  const digits = body.replaceAll(/[\s=]/g, "");
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  for (let i = 0, bits = 0, width = 0, at = 0; i < digits.length; i += 1) {
    bits = ((bits << 6) | BASE64.indexOf(digits[i] ?? "")) & 0xffff;
    width += 6;
    if (width >= 8) {
      width -= 8;
      bytes[at] = (bits >> width) & 255;
      at += 1;
    }
  }
  return bytes;
}

function malformed(expected: string): Fault {
  return new Fault("endorsement/malformed", `expected ${expected}`);
}
