/** How is JSON from strangers read? Whole, once, within limits: no duplicate member, no bad UTF-8, no surprise depth. */
import { parseUtf8 } from "./bytes.ts";
import type { JsonObject, JsonValue } from "./canonical-json.ts";
import { Fault } from "./fault.ts";
import type { FaultCode } from "./fault-codes.ts";
import { isExact, mistakeIn } from "./json-mistake.ts";

export interface JsonLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** The code of every refusal but the one for size, which is `request/too-large`. */
  readonly code: FaultCode;
}

/**
 * Reads one JSON text (RFC 8259) strictly: valid UTF-8 without BOM, no duplicate member name, nothing after the value,
 * strings well formed, `__proto__` refused as a name, integers beyond 2^53 refused (they would be changed silently).
 *
 * The platform's parser reads it. What that one lets pass is counted beside it: depth before, so that no nesting reaches it,
 * and names after, since of two members of one name only one arrives.
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
  const names = colonsOf(text, limits.maxDepth);
  const value = names === undefined ? undefined : parsed(text);
  // INVARIANT: JSON text has one colon outside of strings for each name, so that equal numbers mean no name twice.
  if (value === undefined || namesIn(value, limits.maxDepth) !== names) {
    throw new Fault(limits.code, mistakeIn(text, limits.maxDepth));
  }
  return value;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const NESTING: Readonly<Record<number, number>> = { 91: 1, 123: 1, 93: -1, 125: -1 };

/** How many colons stand outside of strings; `undefined` where more brackets are open at once than `maxDepth`. */
function colonsOf(text: string, maxDepth: number): number | undefined {
  let open = 0;
  let colons = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) colons += 1;
    else open += NESTING[code] ?? 0;
    if (open > maxDepth) return undefined;
  }
  return colons;
}

/** Where the string that begins here ends; the end of the text for one that never does. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How many names a value has, counting those inside; not a number where something in it is refused. */
function namesIn(value: JsonValue, levels: number): number {
  if (levels === 0) return Number.NaN;
  if (typeof value !== "object" || value === null) return isFitScalar(value) ? 0 : Number.NaN;
  if (isList(value)) return value.reduce<number>((sum, element) => sum + namesIn(element, levels - 1), 0);
  let names = 0;
  for (const [name, member] of Object.entries(value)) {
    names += isFitName(name) && member !== undefined ? 1 + namesIn(member, levels - 1) : Number.NaN;
  }
  return names;
}

function isFitScalar(value: string | number | boolean | null): boolean {
  if (typeof value === "string") return value.isWellFormed();
  return typeof value !== "number" || isExact(value);
}

function isFitName(name: string): boolean {
  return name !== "__proto__" && name.isWellFormed();
}

function isList(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value);
}
