/** How is a fact read that was told as JSON? Whatever `claims.ts` wrote of one comes back as it was. */
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { parseInstant } from "../base/time.ts";
import { parseAddress } from "../writ/addresses.ts";
import type { Facts, FactValue, TcbFact } from "../writ/facts.ts";
import { MS_OF_UNIT } from "../writ/syntax/numbers.ts";
import type { Field, FieldType, Vocabulary } from "../writ/vocabulary.ts";
import { EXCHANGE_FIELDS } from "./facts.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

/**
 * What a decision saw of a guest. What its exchange alone decided is left out: a later use has all of that of its own.
 *
 * @returns `undefined` where one is no field of the vocabulary, or a value of another type.
 */
export function factsOfTold(told: JsonObject): Facts | undefined {
  return factsBut(EXCHANGE_FIELDS, told);
}

/**
 * All that a decision saw, its exchange included: to judge it again as it was. What the broker took for the peer's address stays the
 * word that it was, though it may be no address.
 */
export function allFactsOfTold(told: JsonObject): Facts | undefined {
  const facts = factsBut(JUST_SOURCE, told);
  const source = told[SOURCE];
  if (facts === undefined || source === undefined) return facts;
  if (typeof source !== "string") return undefined;
  facts.set(SOURCE, source);
  return facts;
}

const SOURCE = "request.source";
const JUST_SOURCE: ReadonlySet<string> = new Set([SOURCE]);

function factsBut(left: ReadonlySet<string>, told: JsonObject): Map<string, FactValue> | undefined {
  const facts = new Map<string, FactValue>();
  for (const [name, value] of Object.entries(told)) {
    if (left.has(name)) continue;
    const type = typeOf(name, SNP_VOCABULARY);
    const fact = type === undefined || value === undefined ? undefined : factOfJson(value, type);
    if (fact === undefined) return undefined;
    facts.set(name, fact);
  }
  return facts;
}

/** One value of a type; `undefined` for one that is not. */
export function factOfJson(value: JsonValue, type: FieldType): FactValue | undefined {
  return READERS[type.kind](value, type);
}

/** The type of a field by its name; `undefined` for what is none. */
export function typeOf(name: string, { fields, hasApprovals }: Vocabulary): FieldType | undefined {
  if (hasApprovals && name.startsWith("approvals:")) return { kind: "uint", bits: 8 };
  const [, base, index] = /^([^[]*)(?:\[(0|[1-9]\d?)\])?$/.exec(name) ?? [];
  const field = fields.find((one) => one.name === base);
  return field !== undefined && isMember(field, index) ? field.type : undefined;
}

/** A family is named with an index of its own, anything else without one. */
function isMember({ index: family }: Field, index: string | undefined): boolean {
  if (family === undefined || index === undefined) return family === undefined && index === undefined;
  return Number(index) >= family.from && Number(index) <= family.to;
}

type Reader = (value: JsonValue, type: FieldType) => FactValue | undefined;

const DURATION = /^(\d{1,12})(ms|s|m|h|d)$/;

const text: Reader = (value) =>
  typeof value === "string" || typeof value === "number" ? String(value) : undefined;
const number: Reader = (value) =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const READERS: Readonly<Record<FieldType["kind"], Reader>> = {
  bytes: (value, type) => {
    const size = type.kind === "bytes" ? type.size : 0;
    return typeof value === "string" && /^[0-9a-fA-F]*$/.test(value) && value.length === 2 * size
      ? value.toLowerCase()
      : undefined;
  },
  flag: (value) => (typeof value === "boolean" ? value : undefined),
  uint: (value, type) => {
    const count = number(value, type);
    return type.kind === "uint" && Number(count) < 2 ** type.bits ? count : undefined;
  },
  tcb: (value) => (isLevels(value) ? value : undefined),
  version: (value) => {
    const parts = /^\d{1,9}(\.\d{1,9}){0,2}$/.test(String(value)) ? String(value).split(".").map(Number) : [];
    const [major, minor = 0, build = 0] = parts;
    return major === undefined ? undefined : [major, minor, build];
  },
  bits: (value) =>
    typeof value === "string" && /^(0x)?[0-9a-fA-F]{1,16}$/.test(value)
      ? BigInt(`0x${value.replace("0x", "")}`)
      : undefined,
  enum: (value, type) => {
    const word = String(value);
    return type.kind === "enum" && type.values.includes(word) ? word : undefined;
  },
  duration: (value) => {
    const [, count, unit = ""] = DURATION.exec(String(value)) ?? [];
    return number(count === undefined ? value : Number(count) * (MS_OF_UNIT[unit] ?? 1), {
      kind: "duration",
    });
  },
  time: (value) => (typeof value === "string" ? parseInstant(inFull(value)) : undefined),
  str: text,
  set: (value) => (isTexts(value) ? value : undefined),
  cidr: (value) => (typeof value === "string" && parseAddress(value) !== undefined ? value : undefined),
  path: text,
};

/** A date of the language with what it may leave out: `2026-10-01` and `2026-10-01T12:00Z`. */
function inFull(date: string): string {
  if (date.length === "2026-10-01".length) return `${date}T00:00:00Z`;
  return date.replace(/T(\d\d:\d\d)Z$/, "T$1:00Z");
}

function isLevels(value: JsonValue): value is TcbFact & JsonObject {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  return (
    isRecord &&
    Object.values(value).every(
      (level) => Number.isInteger(level) && Number(level) >= 0 && Number(level) <= 255,
    )
  );
}

function isTexts(value: JsonValue): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
