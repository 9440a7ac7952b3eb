/** Which reference values does a Trustee hold? Its lists in each of their forms, by name. */
import { parseBase64, parseUtf8, utf8 } from "../../base/bytes.ts";
import type { JsonObject, JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { formatInstant, parseInstant } from "../../base/time.ts";
import { ALWAYS, type Condition } from "./condition.ts";

/** One named value: a scalar, or a list of which any may be. */
export interface ReferenceValue {
  readonly value: JsonValue;
  /** RFC 3339: from then on nothing equals it. */
  readonly until?: string;
}

/** That a reference value has not ended yet. */
export function before(until: string | undefined): Condition {
  return until === undefined ? ALWAYS : { kind: "atom", text: `now < ${until}`, isIdentity: false };
}

export type ReferenceValues = ReadonlyMap<string, ReferenceValue>;

const MAX_BYTES = 1024 * 1024;
const LIMITS = { maxBytes: MAX_BYTES, maxDepth: 16, code: "request/malformed" } as const;

/**
 * Reads a list: the message that sets values (`payload` in base64), the values that are kept (`name`, `value` or `hash-value`,
 * `expiration`), alone or in a list, or an object of names and values.
 *
 * @throws {@link Fault} `request/malformed`, `request/too-large`.
 */
export function parseReferenceValues(bytes: Uint8Array): ReferenceValues {
  return new Map(rowsOf(parseStrictJson(bytes, LIMITS)));
}

type Row = readonly [name: string, value: ReferenceValue];

function rowsOf(json: JsonValue): readonly Row[] {
  if (isList(json)) return json.flatMap((one) => rowsOf(one));
  if (!isJsonObject(json)) throw malformed("an object, or a list of them");
  if (typeof json["payload"] === "string") return payloadRows(json["payload"]);
  return typeof json["name"] === "string"
    ? [keptRow(json["name"], json)]
    : Object.entries(json).map(plainRow);
}

function payloadRows(payload: string): readonly Row[] {
  const bytes = parseBase64(payload);
  const text = bytes === undefined ? undefined : parseUtf8(bytes);
  if (text === undefined) throw malformed("a `payload` in base64");
  return rowsOf(parseStrictJson(utf8(text), LIMITS));
}

function plainRow([name, value]: readonly [string, JsonValue | undefined]): Row {
  if (value === undefined) throw malformed(`a value for \`${name}\``);
  return [name, { value }];
}

/** Older ones keep their digests with the name of the hash beside each. */
function keptRow(name: string, kept: JsonObject): Row {
  const { value, "hash-value": hashes, expiration } = kept;
  const told = value ?? (isList(hashes) ? hashes.map(hashOf) : undefined);
  if (told === undefined) throw malformed(`\`value\` or \`hash-value\` of \`${name}\``);
  if (expiration === undefined || expiration === null) return [name, { value: told }];
  const until = typeof expiration === "string" ? parseInstant(expiration) : undefined;
  if (until === undefined) throw malformed(`\`expiration\` of \`${name}\` as 2027-01-01T00:00:00Z`);
  return [name, { value: told, until: formatInstant(until) }];
}

function hashOf(one: JsonValue): JsonValue {
  const value = isJsonObject(one) ? one["value"] : undefined;
  if (typeof value !== "string") throw malformed("a `value` in each `hash-value`");
  return value;
}

function isList(json: JsonValue | undefined): json is readonly JsonValue[] {
  return Array.isArray(json);
}

function malformed(expected: string): Fault {
  return new Fault("request/malformed", `reference values: expected ${expected}`);
}
