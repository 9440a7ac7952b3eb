/** What kind of evidence is in this file? Recognised by content: a report, a report with its table, either as text, or a message's member. */
import type { CarriedEvidence } from "../attestation/evidence.ts";
import { REPORT_SIZE } from "../attestation/snp/layout.ts";
import { parseBase64, parseHex, parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { decode, type Reading } from "../wire/codec.ts";
import { EVIDENCE } from "../wire/evidence.ts";

/** PROTOCOL section 11: evidence of at most 256 KiB; hex doubles it. */
export const MAX_EVIDENCE_FILE_BYTES = 600_000;

/** @throws {@link Fault} `evidence/malformed` for bytes that are none of these. */
export function carriedEvidenceOf(bytes: Uint8Array): CarriedEvidence {
  if (bytes[0] === OPENING_BRACE) return decode(EVIDENCE, bytes, AS_JSON);
  const binary = isText(bytes) ? (binaryOf(bytes) ?? bytes) : bytes;
  if (binary.length < REPORT_SIZE) {
    throw new Fault(
      "evidence/malformed",
      `expected a report of ${REPORT_SIZE} bytes, received ${binary.length}`,
    );
  }
  const report = binary.slice(0, REPORT_SIZE);
  return binary.length === REPORT_SIZE
    ? { format: "raw", report }
    : { format: "raw", report, certTable: binary.slice(REPORT_SIZE) };
}

/** `{`, with which neither hex nor base64 begins; the version of a report is far below it. */
const OPENING_BRACE = 0x7b;
/** `evidence` of a request (PROTOCOL section 4). */
const AS_JSON: Reading = { maxBytes: MAX_EVIDENCE_FILE_BYTES, maxDepth: 4, code: "evidence/malformed" };

/** A report holds bytes that no text has: zeros, to begin with. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every(
    (byte) => byte === 0x09 || byte === 0x0a || byte === 0x0d || (byte >= 0x20 && byte < 0x7f),
  );
}

/** Hex first: every even run of hex digits is base64 as well. */
function binaryOf(bytes: Uint8Array): Uint8Array | undefined {
  const text = (parseUtf8(bytes) ?? "").replaceAll(/\s/g, "");
  return parseHex(text) ?? parseBase64(text);
}
