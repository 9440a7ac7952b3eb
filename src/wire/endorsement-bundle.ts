/** How do certificates and CRLs of AMD travel between brokers and an admin? As PEM in one member, or page by page in DER. */
import * as v from "valibot";
import { ANSWER, decode, encode, type Reading } from "./codec.ts";
import { bytesField, bytesText, countField, textField } from "./fields.ts";

/** What an endorsement file holds at most, in characters, with room for the JSON around it. */
const MAX_FILE = 1_048_576;
export const MAX_ENDORSEMENT_BODY_BYTES = MAX_FILE * 2;

const REQUEST: Reading = { maxBytes: MAX_ENDORSEMENT_BODY_BYTES, maxDepth: 2, code: "request/malformed" };

export const ENDORSEMENT_IMPORT = v.strictObject({ pem: v.pipe(v.string(), v.maxLength(MAX_FILE)) });

export const ENDORSEMENT_COUNTS = v.object({
  authorities: countField(0),
  chips: countField(0),
  crls: countField(0),
});

export type EndorsementCounts = v.InferOutput<typeof ENDORSEMENT_COUNTS>;

const MAX_DER = 65_536;

export const ENDORSEMENT_PAGE = v.object({
  endorsements: v.array(v.object({ key: textField(512), der: bytesField(1, MAX_DER) })),
  next: v.exactOptional(textField(512)),
});

export type EndorsementPage = v.InferOutput<typeof ENDORSEMENT_PAGE>;

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeEndorsementImport(bytes: Uint8Array): string {
  return decode(ENDORSEMENT_IMPORT, bytes, REQUEST).pem;
}

export function encodeEndorsementImport(pem: string): string {
  return encode({ pem });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeEndorsementCounts(bytes: Uint8Array): EndorsementCounts {
  return decode(ENDORSEMENT_COUNTS, bytes, ANSWER);
}

export function encodeEndorsementCounts({ authorities, chips, crls }: EndorsementCounts): string {
  return encode({ authorities, chips, crls });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeEndorsementPage(bytes: Uint8Array): EndorsementPage {
  return decode(ENDORSEMENT_PAGE, bytes, ANSWER);
}

export function encodeEndorsementPage({ endorsements, next }: EndorsementPage): string {
  return encode({ endorsements: endorsements.map(({ key, der }) => ({ key, der: bytesText(der) })), next });
}
