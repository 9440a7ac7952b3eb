/** How is JSON from strangers read? Whole, once, within limits: no duplicate member, no bad UTF-8, no surprise depth. */
import { parseUtf8 } from "./bytes.ts";
import type { JsonValue } from "./canonical-json.ts";
import { Fault } from "./fault.ts";
import type { FaultCode } from "./fault-codes.ts";
import { type IsFitNumber, isExact, mistakeIn } from "./json-mistake.ts";

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
  return read(bytes, limits, { parse: (text) => JSON.parse(text), isFit: isExact });
}

/** JSON whose integers beyond 2^53 are there too, as `bigint`: what others write whose integers have 64 bits. */
export type ExactJson = string | number | bigint | boolean | null | readonly ExactJson[] | ExactObject;
export interface ExactObject {
  readonly [name: string]: ExactJson | undefined;
}

/**
 * Reads as {@link parseStrictJson} does, and keeps integers of up to 20 digits as they are: beyond 2^53 they are `bigint`. Larger
 * ones, and numbers in another form that would be changed silently, are refused.
 *
 * @throws {@link Fault} as {@link parseStrictJson}.
 */
export function parseExactJson(bytes: Uint8Array, limits: JsonLimits): ExactJson {
  return read<ExactJson>(bytes, limits, {
    parse: (text) => (LONG_DIGITS.test(text) ? withIntegers(text) : JSON.parse(text)),
    isFit: (value, source) => isExact(value) || integerOf(source) !== undefined,
  });
}

/** Where there is no such run of digits there is no such integer; being asked of each number costs more than all the rest. */
const LONG_DIGITS = /[0-9]{16}/;

function withIntegers(text: string): ExactJson {
  return WITH_SOURCES.parse(text, (_name, value, context) => integerOf(context?.source) ?? value);
}

/** What ECMAScript gives a reviver beside the value: how a scalar stood in the text. TypeScript does not know of it yet. */
interface ParserWithSources {
  parse(
    text: string,
    reviver: (name: string, value: ExactJson, context?: { readonly source?: string }) => ExactJson,
  ): ExactJson;
}
const WITH_SOURCES: ParserWithSources = JSON;

const WIDE_INTEGER = /^-?[0-9]{16,20}$/;

/** An integer that a number does not carry; `undefined` for whatever else stood there. */
function integerOf(source: string | undefined): bigint | undefined {
  if (source === undefined || !WIDE_INTEGER.test(source) || isExact(Number(source))) return undefined;
  return BigInt(source);
}

/** How a text becomes a value, and which numbers that value holds as they stood. */
interface Parser<T> {
  readonly parse: (text: string) => T;
  readonly isFit: IsFitNumber;
}

function read<T extends ExactJson>(bytes: Uint8Array, limits: JsonLimits, parser: Parser<T>): T {
  if (bytes.length > limits.maxBytes) {
    throw new Fault(
      "request/too-large",
      `expected at most ${limits.maxBytes} bytes, received ${bytes.length}`,
    );
  }
  const text = parseUtf8(bytes);
  if (text === undefined) throw new Fault(limits.code, "expected JSON in UTF-8");
  const names = colonsOf(text, limits.maxDepth);
  const value = names === undefined ? undefined : parsed(text, parser);
  // INVARIANT: JSON text has one colon outside of strings for each name, so that equal numbers mean no name twice.
  if (value === undefined || namesIn(value, limits.maxDepth) !== names) {
    throw new Fault(limits.code, mistakeIn(text, limits.maxDepth, parser.isFit));
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

function parsed<T>(text: string, { parse }: Parser<T>): T | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** How many names a value has, counting those inside; not a number where something in it is refused. */
function namesIn(value: ExactJson, levels: number): number {
  if (levels === 0) return Number.NaN;
  if (typeof value !== "object" || value === null) return isFitScalar(value) ? 0 : Number.NaN;
  if (isList(value)) return value.reduce<number>((sum, element) => sum + namesIn(element, levels - 1), 0);
  let names = 0;
  for (const [name, member] of Object.entries(value)) {
    names += isFitName(name) && member !== undefined ? 1 + namesIn(member, levels - 1) : Number.NaN;
  }
  return names;
}

function isFitScalar(value: string | number | bigint | boolean | null): boolean {
  if (typeof value === "string") return value.isWellFormed();
  return typeof value !== "number" || isExact(value);
}

function isFitName(name: string): boolean {
  return name !== "__proto__" && name.isWellFormed();
}

function isList(value: readonly ExactJson[] | ExactObject): value is readonly ExactJson[] {
  return Array.isArray(value);
}
