/** How is evidence written, whoever shows it? One member, the same in a guest's request and in a broker's challenge. */
import * as v from "valibot";
import type { CarriedEvidence, CarriedHostVtpm } from "../attestation/evidence.ts";
import type { CarriedSvsmVtpm } from "../attestation/svsm/vtpm.ts";
import type { JsonObject } from "../base/canonical-json.ts";
import { decode, REQUEST } from "./codec.ts";
import { bytesField, bytesText, fixedBytesField } from "./fields.ts";
import * as limits from "./limits.ts";

const REPORT = bytesField(1, 8 * 1024);
const QUOTE = bytesField(1, limits.MAX_QUOTE_BYTES);
/** PCR 0 to 23 of the SHA-256 bank. */
const PCRS = v.pipe(v.array(fixedBytesField(32)), v.length(24));
const ENDORSEMENTS = v.exactOptional(
  v.pipe(
    v.array(bytesField(1, limits.MAX_ENDORSEMENT_BYTES)),
    v.minLength(1),
    v.maxLength(limits.MAX_ENDORSEMENTS),
  ),
);

/** Lengths inside reports, tables, blobs, quotes and logs are judged by their parsers; here they are bounded. */
export const EVIDENCE = v.variant("format", [
  v.strictObject({
    format: v.literal("raw"),
    report: REPORT,
    certTable: v.exactOptional(bytesField(1, limits.MAX_BODY_BYTES)),
    endorsements: ENDORSEMENTS,
    hostVtpm: v.exactOptional(
      v.strictObject({
        quote: QUOTE,
        signature: bytesField(1, 512),
        pcrs: PCRS,
        akCertificate: bytesField(1, limits.MAX_ENDORSEMENT_BYTES),
      }),
    ),
  }),
  v.strictObject({
    format: v.literal("azure-hcl"),
    hcl: bytesField(1, limits.MAX_HCL_BYTES),
    quote: QUOTE,
    signature: fixedBytesField(256),
    pcrs: PCRS,
    eventLog: v.exactOptional(bytesField(1, limits.MAX_EVENT_LOG_BYTES)),
    endorsements: ENDORSEMENTS,
  }),
  v.strictObject({
    format: v.literal("svsm"),
    report: REPORT,
    manifest: bytesField(1, limits.MAX_MANIFEST_BYTES),
    endorsements: ENDORSEMENTS,
    vtpm: v.exactOptional(
      v.strictObject({
        ak: bytesField(1, limits.MAX_PUBLIC_AREA_BYTES),
        quote: QUOTE,
        signature: bytesField(1, 512),
        pcrs: PCRS,
        proof: fixedBytesField(32),
        eventLog: v.exactOptional(bytesField(1, limits.MAX_EVENT_LOG_BYTES)),
      }),
    ),
  }),
]);

/** Evidence by itself, in a file. @throws {@link Fault} `evidence/malformed`, `request/too-large`. */
export function decodeEvidence(bytes: Uint8Array): CarriedEvidence {
  return decode(EVIDENCE, bytes, { ...REQUEST, code: "evidence/malformed" });
}

export function evidenceText(evidence: CarriedEvidence): JsonObject {
  const endorsements = evidence.endorsements?.map(bytesText);
  switch (evidence.format) {
    case "raw":
      return {
        format: evidence.format,
        report: bytesText(evidence.report),
        certTable: evidence.certTable && bytesText(evidence.certTable),
        endorsements,
        hostVtpm: evidence.hostVtpm && hostVtpmText(evidence.hostVtpm),
      };
    case "azure-hcl":
      return {
        format: evidence.format,
        hcl: bytesText(evidence.hcl),
        quote: bytesText(evidence.quote),
        signature: bytesText(evidence.signature),
        pcrs: evidence.pcrs.map(bytesText),
        eventLog: evidence.eventLog && bytesText(evidence.eventLog),
        endorsements,
      };
    case "svsm":
      return {
        format: evidence.format,
        report: bytesText(evidence.report),
        manifest: bytesText(evidence.manifest),
        endorsements,
        vtpm: evidence.vtpm && svsmVtpmText(evidence.vtpm),
      };
  }
}

function svsmVtpmText({ ak, quote, signature, pcrs, proof, eventLog }: CarriedSvsmVtpm): JsonObject {
  return {
    ak: bytesText(ak),
    quote: bytesText(quote),
    signature: bytesText(signature),
    pcrs: pcrs.map(bytesText),
    proof: bytesText(proof),
    eventLog: eventLog && bytesText(eventLog),
  };
}

function hostVtpmText({ quote, signature, pcrs, akCertificate }: CarriedHostVtpm): JsonObject {
  return {
    quote: bytesText(quote),
    signature: bytesText(signature),
    pcrs: pcrs.map(bytesText),
    akCertificate: bytesText(akCertificate),
  };
}
