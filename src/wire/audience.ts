/** How do admins register audiences of tokens, and how are they listed? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { audienceNameField, instantField, instantText, textField } from "./fields.ts";
import { MAX_AUDIENCE_BYTES } from "./limits.ts";
import type { AudienceRegistration, AudienceSummary } from "./messages.ts";

const AUD = textField(MAX_AUDIENCE_BYTES);
const BEARER = v.exactOptional(v.literal(true));

export const AUDIENCE_REGISTRATION = v.strictObject({ aud: AUD, bearer: BEARER });

export const AUDIENCE_SUMMARY = v.object({
  name: audienceNameField(),
  aud: AUD,
  bearer: BEARER,
  createdAt: instantField(),
  createdBy: textField(128),
});

export const AUDIENCE_LIST = v.object({ audiences: v.array(AUDIENCE_SUMMARY) });

/** Reads a registration. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeAudienceRegistration(bytes: Uint8Array): AudienceRegistration {
  const { aud, bearer } = decode(AUDIENCE_REGISTRATION, bytes, REQUEST);
  return { aud, isBearer: bearer === true };
}

export function encodeAudienceRegistration({ aud, isBearer }: AudienceRegistration): string {
  return encode({ aud, bearer: isBearer ? true : undefined });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeAudienceSummary(bytes: Uint8Array): AudienceSummary {
  return summaryOf(decode(AUDIENCE_SUMMARY, bytes, ANSWER));
}

export function encodeAudienceSummary(audience: AudienceSummary): string {
  return encode(writtenOf(audience));
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeAudienceList(bytes: Uint8Array): readonly AudienceSummary[] {
  return decode(AUDIENCE_LIST, bytes, ANSWER).audiences.map(summaryOf);
}

export function encodeAudienceList(audiences: readonly AudienceSummary[]): string {
  return encode({ audiences: audiences.map(writtenOf) });
}

function summaryOf({ bearer, ...read }: v.InferOutput<typeof AUDIENCE_SUMMARY>): AudienceSummary {
  return { ...read, isBearer: bearer === true };
}

function writtenOf({ name, aud, isBearer, createdAt, createdBy }: AudienceSummary): JsonObject {
  return { name, aud, bearer: isBearer ? true : undefined, createdAt: instantText(createdAt), createdBy };
}
