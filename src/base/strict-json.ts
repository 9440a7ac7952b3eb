/** How is JSON from strangers read? Whole, once, within limits: no duplicate member, no bad UTF-8, no surprise depth. */
import { parseUtf8 } from "./bytes.ts";
import type { JsonValue } from "./canonical-json.ts";
import { Fault } from "./fault.ts";
import type { FaultCode } from "./fault-codes.ts";

export interface JsonLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** The code of every refusal but the one for size, which is `request/too-large`. */
  readonly code: FaultCode;
}

interface Cursor {
  readonly text: string;
  readonly limits: JsonLimits;
  at: number;
}

const WHITE_SPACE = /[ \t\n\r]*/y;
const QUOTED = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/**
 * Reads one JSON text (RFC 8259) strictly: valid UTF-8 without BOM, no duplicate member name, nothing after the value,
 * strings well formed, `__proto__` refused as a name, integers beyond 2^53 refused (they would be changed silently).
 *
 * @throws {@link Fault} `limits.code`; `request/too-large` beyond `maxBytes`.
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits): JsonValue {
  if (bytes.length > limits.maxBytes) {
    throw new Fault(
      "request/too-large",
      `expected at most ${limits.maxBytes} bytes, received ${bytes.length}`,
    );
  }
  const text = parseUtf8(bytes);
  if (text === undefined) throw new Fault(limits.code, "expected JSON in UTF-8");
  const cursor: Cursor = { text, limits, at: 0 };
  const value = readValue(cursor, 1);
  if (cursor.at !== text.length) throw malformed(cursor, "the end");
  return value;
}

function readValue(cursor: Cursor, depth: number): JsonValue {
  if (depth > cursor.limits.maxDepth) {
    throw new Fault(cursor.limits.code, `expected JSON nested at most ${cursor.limits.maxDepth} deep`);
  }
  take(cursor, WHITE_SPACE);
  const value = readBareValue(cursor, depth);
  take(cursor, WHITE_SPACE);
  return value;
}

function readBareValue(cursor: Cursor, depth: number): JsonValue {
  const first = cursor.text[cursor.at];
  if (first === "{") return membersOf(cursor, depth);
  if (first === "[") return elementsOf(cursor, depth);
  if (first === '"') return stringOf(cursor);
  const word = take(cursor, WORD);
  if (word !== undefined) return word === "null" ? null : word === "true";
  return numberOf(cursor);
}

function membersOf(cursor: Cursor, depth: number): JsonValue {
  const members: Record<string, JsonValue> = {};
  cursor.at += 1;
  take(cursor, WHITE_SPACE);
  if (skip(cursor, "}")) return members;
  do {
    take(cursor, WHITE_SPACE);
    const name = stringOf(cursor);
    if (Object.hasOwn(members, name) || name === "__proto__") throw malformed(cursor, "each member once");
    take(cursor, WHITE_SPACE);
    if (!skip(cursor, ":")) throw malformed(cursor, "`:`");
    members[name] = readValue(cursor, depth + 1);
  } while (skip(cursor, ","));
  if (!skip(cursor, "}")) throw malformed(cursor, "`,` or `}`");
  return members;
}

function elementsOf(cursor: Cursor, depth: number): JsonValue {
  const elements: JsonValue[] = [];
  cursor.at += 1;
  take(cursor, WHITE_SPACE);
  if (skip(cursor, "]")) return elements;
  do elements.push(readValue(cursor, depth + 1));
  while (skip(cursor, ","));
  if (!skip(cursor, "]")) throw malformed(cursor, "`,` or `]`");
  return elements;
}

function stringOf(cursor: Cursor): string {
  const text = unquoted(take(cursor, QUOTED));
  if (text === undefined || !text.isWellFormed()) throw malformed(cursor, "a well-formed string");
  return text;
}

/** `JSON.parse` knows the escapes and refuses raw control characters; `undefined` when it refuses. */
function unquoted(quoted: string | undefined): string | undefined {
  if (quoted === undefined) return undefined;
  try {
    const text: unknown = JSON.parse(quoted);
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

function numberOf(cursor: Cursor): number {
  const digits = take(cursor, NUMBER);
  if (digits === undefined) throw malformed(cursor, "a value");
  const value = Number(digits);
  const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (!isExact) throw malformed(cursor, "a number within 2^53");
  return value;
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match === null) return undefined;
  cursor.at = pattern.lastIndex;
  return match[0];
}

function skip(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function malformed(cursor: Cursor, expected: string): Fault {
  return new Fault(cursor.limits.code, `expected ${expected} at character ${cursor.at} of the JSON text`);
}
