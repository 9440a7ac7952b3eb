/** How is evidence written, whoever shows it? One member, the same in a guest's request and in a broker's challenge. */
import * as v from "valibot";
import type { CarriedEvidence } from "../attestation/evidence.ts";
import type { JsonObject } from "../base/canonical-json.ts";
import { bytesField, bytesText } from "./fields.ts";
import * as limits from "./limits.ts";

/** Lengths inside the report and the certificate table are judged by their parsers; here they are bounded. */
export const EVIDENCE = v.variant("format", [
  v.strictObject({
    format: v.literal("raw"),
    report: bytesField(1, 8 * 1024),
    certTable: v.exactOptional(bytesField(1, limits.MAX_BODY_BYTES)),
    endorsements: v.exactOptional(
      v.pipe(
        v.array(bytesField(1, limits.MAX_ENDORSEMENT_BYTES)),
        v.minLength(1),
        v.maxLength(limits.MAX_ENDORSEMENTS),
      ),
    ),
  }),
]);

export function evidenceText(evidence: CarriedEvidence): JsonObject {
  return {
    format: evidence.format,
    report: bytesText(evidence.report),
    certTable: evidence.certTable && bytesText(evidence.certTable),
    endorsements: evidence.endorsements?.map(bytesText),
  };
}
