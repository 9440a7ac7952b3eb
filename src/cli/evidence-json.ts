/** How is evidence written as JSON? As our own messages carry it, and as `az-snp-vtpm` evidence of the KBS protocol, old and new. */
import { parseEndorsementFile } from "../attestation/endorsement/pem.ts";
import type { CarriedAzureHcl, CarriedEvidence } from "../attestation/evidence.ts";
import type { CarriedQuote } from "../attestation/tpm/quote.ts";
import { parseBase64, parseBase64Url, parseHex, utf8 } from "../base/bytes.ts";
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { decodeEvidence } from "../wire/evidence.ts";

const LIMITS = { maxBytes: 600_000, maxDepth: 8, code: "evidence/malformed" } as const;

/**
 * Reads evidence as JSON: the member `evidence` of a request, or `az-snp-vtpm` evidence: `report`, `quote` and `vcek`, or `hcl_report`,
 * `tpm_quote` and `vcek`.
 *
 * @throws {@link Fault} `evidence/malformed`.
 */
export function carriedOfJson(bytes: Uint8Array): CarriedEvidence {
  const json = objectIn(parseStrictJson(bytes, LIMITS), "evidence");
  if (json["format"] !== undefined) return decodeEvidence(bytes);
  const isNew = json["hcl_report"] !== undefined;
  return azureEvidence(
    { hcl: json[isNew ? "hcl_report" : "report"], quote: json[isNew ? "tpm_quote" : "quote"] },
    json["vcek"],
  );
}

/** Reads the `quote` object of such evidence by itself. @throws {@link Fault} `evidence/malformed`. */
export function quoteOfJson(bytes: Uint8Array): CarriedQuote {
  return quoteIn(parseStrictJson(bytes, LIMITS));
}

function azureEvidence(
  { hcl, quote }: { readonly hcl: JsonValue | undefined; readonly quote: JsonValue | undefined },
  vcek: JsonValue | undefined,
): CarriedAzureHcl {
  const endorsements = vcek === undefined ? undefined : certificatesIn(vcek);
  return {
    format: "azure-hcl",
    hcl: bytesIn(hcl, "the paravisor's blob"),
    ...quoteIn(quote),
    ...(endorsements === undefined ? {} : { endorsements }),
  };
}

function quoteIn(value: JsonValue | undefined): CarriedQuote {
  const { message, signature, pcrs } = objectIn(value, "a quote");
  if (!isList(pcrs)) throw malformed("a list of PCR values");
  return {
    quote: bytesIn(message, "a quote's `message`"),
    signature: bytesIn(signature, "a quote's `signature`"),
    pcrs: pcrs.map((pcr) => bytesIn(pcr, "a PCR value")),
  };
}

/** In PEM, or DER as other bytes are written. */
function certificatesIn(value: JsonValue): readonly Uint8Array[] {
  const isPem = typeof value === "string" && value.includes("-----BEGIN");
  return parseEndorsementFile(isPem ? utf8(value) : bytesIn(value, "a certificate")).certificates;
}

/** A list of numbers, hex, or base64 of either alphabet, with padding or without. */
function bytesIn(value: JsonValue | undefined, what: string): Uint8Array {
  if (isList(value) && value.every(isByte)) return Uint8Array.from(value);
  if (typeof value === "string") {
    const bytes = parseHex(value) ?? parseBase64Url(value.replace(/=+$/, "")) ?? parseBase64(value);
    if (bytes !== undefined) return bytes;
  }
  throw malformed(`${what} as numbers, hex or base64`);
}

function isByte(value: JsonValue): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 256;
}

function objectIn(value: JsonValue | undefined, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !isList(value)) return value;
  throw malformed(`${what} as an object`);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function malformed(expected: string): Fault {
  return new Fault("evidence/malformed", `expected ${expected} in the JSON`);
}
