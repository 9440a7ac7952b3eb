/** How does a message go between JSON and plain data? Strict JSON, then its schema; every no is one Fault. */
import type { GenericSchema, InferOutput } from "valibot";
import { getDotPath, safeParse } from "valibot";
import type { JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { FaultCode } from "../base/fault-codes.ts";
import { type ExactJson, parseExactJson, parseStrictJson } from "../base/strict-json.ts";
import { MAX_ANSWER_BYTES, MAX_ANSWER_DEPTH, MAX_BODY_BYTES, MAX_JSON_DEPTH } from "./limits.ts";

/** The shape of a message; `http/` writes the OpenAPI document from the same ones. */
export type Schema = GenericSchema;

/** What is read, and as what a refusal is reported. */
export interface Reading {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly code: FaultCode;
}

/** A request, read by the broker. */
export const REQUEST: Reading = {
  maxBytes: MAX_BODY_BYTES,
  maxDepth: MAX_JSON_DEPTH,
  code: "request/malformed",
};
/** An answer, read by a client: what does not speak like a broker is no broker. */
export const ANSWER: Reading = {
  maxBytes: MAX_ANSWER_BYTES,
  maxDepth: MAX_ANSWER_DEPTH,
  code: "broker/unreachable",
};

/**
 * Reads one message.
 *
 * @throws {@link Fault} `reading.code` for JSON or a shape that is not the schema's; `request/too-large` beyond the cap.
 */
export function decode<S extends Schema>(schema: S, bytes: Uint8Array, reading: Reading): InferOutput<S> {
  return decodeValue(schema, parseStrictJson(bytes, reading), reading.code);
}

/** Reads one message whose integers may have 64 bits: beyond 2^53 its schema finds `bigint`. @throws {@link Fault} as {@link decode}. */
export function decodeExact<S extends Schema>(
  schema: S,
  bytes: Uint8Array,
  reading: Reading,
): InferOutput<S> {
  return decodeValue(schema, parseExactJson(bytes, reading), reading.code);
}

/** Reads a message that was parsed already. */
function decodeValue<S extends Schema>(schema: S, value: ExactJson, code: FaultCode): InferOutput<S> {
  const result = safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  // The place is shown and what was expected, never the value: it may be a secret.
  const place = (getDotPath(issue) ?? "the message").slice(0, MAX_PLACE);
  throw new Fault(code, `expected ${issue.expected ?? issue.type} at \`${place}\``);
}

const MAX_PLACE = 80;

/** Writes one message; members that are `undefined` are left out. */
export function encode(message: JsonValue): string {
  return JSON.stringify(message);
}
