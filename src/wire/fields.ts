/** Which kinds of member do messages have? Bytes, moments, digests, names and paths, as schemas. */
import * as v from "valibot";
import { base64UrlOf, parseBase64Url } from "../base/bytes.ts";
import type { JsonObject } from "../base/canonical-json.ts";
import { formatInstant, type Instant, parseInstant } from "../base/time.ts";
import { isAudienceName, isResourcePath, isSecretPath, MAX_PATH_BYTES } from "./resource-path.ts";

/**
 * Bytes in base64url without padding, between `least` and `most` of them. The text is measured before it is decoded: without
 * padding, each number of bytes has a length of its own.
 */
export function bytesField(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.minLength(textLength(least)),
    v.maxLength(textLength(most)),
    v.regex(/^[A-Za-z0-9_-]*$/),
    v.rawTransform<string, Uint8Array>(({ dataset, addIssue, NEVER }) => {
      const bytes = parseBase64Url(dataset.value);
      if (bytes !== undefined) return bytes;
      addIssue({ message: "", expected: `base64url of ${sizes(least, most)} bytes` });
      return NEVER;
    }),
  );
}

/** Exactly `size` bytes in base64url without padding. */
export function fixedBytesField(size: number) {
  return bytesField(size, size);
}

/** A moment as RFC 3339 in UTC. */
export function instantField() {
  return v.pipe(
    v.string(),
    v.maxLength(40),
    v.isoTimestamp(),
    v.rawTransform<string, Instant>(({ dataset, addIssue, NEVER }) => {
      const at = parseInstant(dataset.value);
      if (at !== undefined) return at;
      addIssue({ message: "", expected: "a moment as `2026-10-01T12:00:30Z`" });
      return NEVER;
    }),
  );
}

/** SHA-256 as 64 lower-case hex digits. */
export function digestField() {
  return v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
}

/** A decision id: a ULID. */
export function decisionIdField() {
  return v.pipe(v.string(), v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/));
}

/** The path of a stored secret, in normal form. */
export function secretPathField() {
  return v.pipe(v.string(), v.maxLength(MAX_PATH_BYTES), v.check(isSecretPath));
}

/** Any resource: a path in normal form, `token/NAME` and `attest` among them. */
export function resourceField() {
  return v.pipe(v.string(), v.maxLength(MAX_PATH_BYTES), v.check(isResourcePath));
}

/** The name under which an audience is registered: one segment of a resource path. */
export function audienceNameField() {
  return v.pipe(v.string(), v.check(isAudienceName));
}

/** The name of a cluster of brokers; empty where its operator gave none. */
export function clusterField() {
  return v.pipe(v.string(), v.regex(/^[\w.:-]{0,128}$/));
}

/** A whole number from `least` up to what JSON carries exactly. */
export function countField(least: number) {
  return v.pipe(v.number(), v.safeInteger(), v.minValue(least));
}

/** Text of at most `most` characters, without control characters. */
export function textField(most: number) {
  return v.pipe(v.string(), v.minLength(1), v.maxLength(most), v.regex(/^\P{Cc}*$/u));
}

/** Any JSON object; its text was read strictly and within the depth limit already. */
export function jsonObjectField() {
  return v.custom<JsonObject>(isJsonObject);
}

function isJsonObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Bytes as a message carries them. */
export function bytesText(bytes: Uint8Array): string {
  return base64UrlOf(bytes);
}

/** A moment as a message carries it. */
export function instantText(at: Instant): string {
  return formatInstant(at);
}

function textLength(size: number): number {
  return Math.ceil((size * 4) / 3);
}

function sizes(least: number, most: number): string {
  return least === most ? String(least) : `${least} to ${most}`;
}
