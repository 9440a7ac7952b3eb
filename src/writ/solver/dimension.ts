/** What is one thing that requests differ in? A field, or a part of one, with the values it can have. */
import { parseAddress } from "../addresses.ts";
import { type Facts, type FactValue, isVector, isVersion, type VersionFact } from "../facts.ts";
import type { FieldType } from "../vocabulary.ts";
import type { Range } from "./shape.ts";

/** Where the value lies among the facts. `bit` of a set of bits, `member` of a set of strings: each is a dimension of its own. */
export interface Source {
  readonly key: string;
  readonly type: FieldType;
  readonly component?: string;
  readonly bit?: number;
  readonly member?: string;
  /** What an absent fact counts as, where absence means a number. */
  readonly fallback?: number;
}

/** The values that are possible, before constants cut them. */
export type Domain =
  /** One of these words. */
  | { readonly kind: "closed"; readonly words: readonly string[] }
  /** Any word; `make` gives the n-th example, or `undefined` when there are no more. */
  | { readonly kind: "open"; readonly make: (n: number) => string | undefined }
  /** Numbers: both ends of each range count, ranges ascend. */
  | { readonly kind: "ordered"; readonly ranges: readonly Range[] };

export interface Dimension {
  readonly name: string;
  readonly source: Source;
  readonly domain: Domain;
  readonly isOptional: boolean;
}

/** A value as its dimension counts it: a word, or a number. */
export type Value = string | bigint;

const YES_OR_NO: Domain = { kind: "closed", words: ["true", "false"] };
const THERE: Domain = { kind: "closed", words: ["there"] };
/** The last second of the year 9999. */
const MAX_TIME = 253_402_300_799n;
const V6 = 1n << 32n;
const MAPPED = 0xffffn << 32n;

/** All values of a field of this type. */
export function domainOf(source: Source, max?: number): Domain {
  const { type } = source;
  if (source.bit !== undefined || source.member !== undefined) return YES_OR_NO;
  switch (type.kind) {
    case "flag":
      return YES_OR_NO;
    case "enum":
      return { kind: "closed", words: type.values };
    case "bytes":
      return { kind: "open", make: (n) => hexExample(n, type.size) };
    case "str":
      return { kind: "open", make: (n) => `other-${n}` };
    case "uint":
      return upTo(max === undefined ? (1n << BigInt(type.bits)) - 1n : BigInt(max));
    case "duration":
      return upTo(BigInt(Number.MAX_SAFE_INTEGER));
    case "time":
      return upTo(MAX_TIME);
    case "version":
      return upTo((1n << 96n) - 1n);
    case "cidr":
      return {
        kind: "ordered",
        ranges: [
          [0n, V6 - 1n],
          [V6, V6 + MAPPED - 1n],
          [V6 + MAPPED + V6, V6 + (1n << 128n) - 1n],
        ],
      };
    case "bits":
    case "set":
    case "tcb":
    case "path":
      return THERE;
  }
}

function upTo(most: bigint): Domain {
  return { kind: "ordered", ranges: [[0n, most]] };
}

/** Bytes that nobody wrote: they are never shown. */
function hexExample(n: number, size: number): string | undefined {
  const hex = n.toString(16);
  return hex.length > 2 * size ? undefined : hex.padEnd(2 * size, "e");
}

export function versionNumber([major, minor, patch]: VersionFact): bigint {
  return (BigInt(major) << 64n) | (BigInt(minor) << 32n) | BigInt(patch);
}

/** Addresses on one line: IPv4 first, then IPv6. */
export function addressNumber({ family, value }: { readonly family: 4 | 6; readonly value: bigint }): bigint {
  return family === 4 ? value : V6 + value;
}

/** The value of a dimension in these facts; `undefined` where it is absent, or not of its type. */
export function valueIn(facts: Facts, source: Source): Value | undefined {
  const { key, type, component, bit, member, fallback } = source;
  const fact = facts.get(key) ?? fallback;
  if (component !== undefined) return isVector(fact) ? numberOf(fact[component]) : undefined;
  if (bit !== undefined)
    return typeof fact === "bigint" ? String(((fact >> BigInt(bit)) & 1n) === 1n) : undefined;
  if (member !== undefined)
    return Array.isArray(fact) ? String(fact.some((one) => one === member)) : undefined;
  return fact === undefined ? undefined : plainValue(fact, type);
}

function plainValue(fact: FactValue, { kind }: FieldType): Value | undefined {
  switch (kind) {
    case "bits":
    case "set":
    case "tcb":
      return "there";
    case "cidr": {
      const address = typeof fact === "string" ? parseAddress(fact) : undefined;
      return address === undefined ? undefined : addressNumber(address);
    }
    case "version":
      return isVersion(fact) ? versionNumber(fact) : undefined;
    case "uint":
    case "duration":
    case "time":
      return typeof fact === "number" ? numberOf(fact) : undefined;
    case "flag":
    case "enum":
    case "bytes":
    case "str":
    case "path":
      return String(fact);
  }
}

function numberOf(fact: number | undefined): bigint | undefined {
  return Number.isSafeInteger(fact) ? BigInt(fact ?? 0) : undefined;
}
