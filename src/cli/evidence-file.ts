/** What kind of evidence is in this file? Recognised by content: a report, a paravisor's blob, JSON, or the first two as text. */
import { parseRuntimeClaims, type RuntimeClaims } from "../attestation/azure/claims.ts";
import { parseHclBlob } from "../attestation/azure/hcl.ts";
import { type Evidence, parseEvidence } from "../attestation/evidence.ts";
import { REPORT_SIZE } from "../attestation/snp/layout.ts";
import { equalBytes, parseBase64, parseHex, parseUtf8, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { carriedOfJson, quoteOfJson } from "./evidence-json.ts";

/** PROTOCOL section 11: evidence of at most 256 KiB; hex doubles it. */
export const MAX_EVIDENCE_FILE_BYTES = 600_000;

/** What a paravisor's blob says where no quote came with it. */
export interface BareBlob {
  readonly claimsBytes: Uint8Array;
  readonly runtime: RuntimeClaims;
}

export interface EvidenceInFile {
  /** Of a blob without a quote: its report alone. */
  readonly evidence: Evidence;
  readonly blob?: BareBlob;
}

/**
 * Reads evidence of any kind.
 *
 * @param quote - The file after --quote: the `quote` object of `az-snp-vtpm` evidence. It belongs to a blob, and to nothing else.
 * @throws {@link Fault} `evidence/malformed` for bytes that are nothing of it; the codes of {@link parseEvidence}.
 */
export function evidenceInFile(bytes: Uint8Array, quote?: Uint8Array): EvidenceInFile {
  const isJson = bytes.find((byte) => byte > SPACE) === BRACE;
  const binary = isText(bytes) && !isJson ? (binaryOf(bytes) ?? bytes) : bytes;
  if (!isJson && equalBytes(binary.slice(0, BLOB_BEGINS.length), BLOB_BEGINS)) return blobIn(binary, quote);
  if (quote !== undefined) {
    throw new Fault("evidence/malformed", "expected a paravisor's blob, to which the quote belongs");
  }
  return { evidence: parseEvidence(isJson ? carriedOfJson(bytes) : reportIn(binary)) };
}

const SPACE = 0x20;
const BRACE = 0x7b;
const BLOB_BEGINS = utf8("HCLA");

function blobIn(hcl: Uint8Array, quote: Uint8Array | undefined): EvidenceInFile {
  if (quote !== undefined) {
    return { evidence: parseEvidence({ format: "azure-hcl", hcl, ...quoteOfJson(quote) }) };
  }
  const { report, claimsBytes } = parseHclBlob(hcl);
  const runtime = parseRuntimeClaims(claimsBytes);
  return { evidence: parseEvidence({ format: "raw", report }), blob: { claimsBytes, runtime } };
}

function reportIn(binary: Uint8Array) {
  if (binary.length < REPORT_SIZE) {
    throw new Fault(
      "evidence/malformed",
      `expected a report of ${REPORT_SIZE} bytes, received ${binary.length}`,
    );
  }
  const carried = { format: "raw", report: binary.slice(0, REPORT_SIZE) } as const;
  return binary.length === REPORT_SIZE ? carried : { ...carried, certTable: binary.slice(REPORT_SIZE) };
}

/** A report holds bytes that no text has: zeros, to begin with. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every(
    (byte) => byte === 0x09 || byte === 0x0a || byte === 0x0d || (byte >= SPACE && byte < 0x7f),
  );
}

/** Hex first: every even run of hex digits is base64 as well. */
function binaryOf(bytes: Uint8Array): Uint8Array | undefined {
  const text = (parseUtf8(bytes) ?? "").replaceAll(/\s/g, "");
  return parseHex(text) ?? parseBase64(text);
}
