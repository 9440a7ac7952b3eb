/** How is CBOR read when nothing may be guessed, and written in one form? The one door to cborg. */
import { encode, rfc8949EncodeOptions, Tagged, Tokenizer } from "cborg";
import { equalBytes, utf8 } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";

/** Whole numbers are bigint, whatever their size; there are no other numbers. */
export type Cbor = bigint | string | boolean | null | Uint8Array | readonly Cbor[] | CborMap | CborTag;
export type CborKey = bigint | string;
/** A plain map: each key once, a whole number or a text. */
export interface CborMap {
  readonly entries: ReadonlyMap<CborKey, Cbor>;
}
export interface CborTag {
  readonly tag: number;
  readonly value: Cbor;
}

const STRICT = {
  strict: true,
  allowBigInt: true,
  allowIndefinite: false,
  allowUndefined: false,
  retainStringBytes: true,
};
/** A CoRIM nests about a dozen deep. */
const MAX_DEPTH = 32;
/** 10,000 reference values with all that stands around them; each takes a byte of the file at least, and many bytes of memory. */
const MAX_ITEMS = 200_000;

/**
 * Reads one item of CBOR. Strict: shortest forms, definite lengths, UTF-8, each key of a map once, no floating-point number, no
 * `undefined`, nothing behind the item. The order of keys is free.
 *
 * @param bytes - Attacker-controlled. Byte strings in the answer are copies.
 * @throws {@link Fault} `reference/malformed`.
 * @see RFC 8949 section 4.2.1 (all of it but the order of keys)
 */
export function decodeCbor(bytes: Uint8Array): Cbor {
  const tokens = new Tokenizer(bytes, STRICT);
  try {
    const item = itemOf({ tokens, left: { items: MAX_ITEMS } }, 0);
    if (tokens.done()) return item;
  } catch (thrown) {
    if (isFault(thrown)) throw thrown;
    throw malformed(thrown instanceof Error ? thrown.message : "no CBOR");
  }
  throw malformed(`expected the end, received ${bytes.length - tokens.pos()} more bytes`);
}

/** Writes an item in the deterministic form of RFC 8949 section 4.2.1. */
export function encodeCbor(item: Cbor): Uint8Array {
  return Uint8Array.from(encode(plainOf(item), rfc8949EncodeOptions));
}

/** A map of these entries; those without a value are left out. */
export function mapOf(...entries: readonly (readonly [number | string, Cbor | undefined])[]): CborMap {
  const given = entries.flatMap(([key, value]) =>
    value === undefined ? [] : [[typeof key === "number" ? BigInt(key) : key, value] as const],
  );
  return { entries: new Map(given) };
}

interface Source {
  readonly tokens: Tokenizer;
  readonly left: { items: number };
}

interface Token {
  readonly type: { readonly name: string };
  readonly value?: unknown;
  readonly byteValue?: Uint8Array | undefined;
}

function itemOf(source: Source, depth: number): Cbor {
  source.left.items -= 1;
  if (depth > MAX_DEPTH) throw malformed(`expected at most ${MAX_DEPTH} levels`);
  if (source.left.items < 0) throw malformed(`expected at most ${MAX_ITEMS} items`);
  if (source.tokens.done()) throw malformed("expected a further item, received the end");
  const token: Token = source.tokens.next();
  switch (token.type.name) {
    case "array":
      return Array.from({ length: countOf(source, token) }, () => itemOf(source, depth + 1));
    case "map":
      return mapAt(source, countOf(source, token), depth);
    case "tag":
      return { tag: numberOf(token), value: itemOf(source, depth + 1) };
    default:
      return leafOf(token);
  }
}

function leafOf(token: Token): Cbor {
  const { name } = token.type;
  if (name === "uint" || name === "negint") return BigInt(String(token.value));
  if (token.value instanceof Uint8Array) return token.value.slice();
  if (name === "string") return textOf(token);
  if (name === "true" || name === "false") return name === "true";
  if (name === "null") return null;
  throw malformed(`expected no item of type ${name}`);
}

/** INVARIANT: a count is compared with what the file still holds before anything is made of that size. */
function countOf({ tokens, left }: Source, token: Token): number {
  const count = numberOf(token);
  const most = Math.min(left.items, tokens.data.length - tokens.pos());
  if (count > most) throw malformed(`expected at most ${most} further items, received a count of ${count}`);
  return count;
}

function mapAt(source: Source, count: number, depth: number): CborMap {
  const entries = new Map<CborKey, Cbor>();
  for (let i = 0; i < count; i += 1) {
    const key = itemOf(source, depth + 1);
    if (typeof key !== "bigint" && typeof key !== "string")
      throw malformed("expected keys that are numbers or texts");
    if (entries.has(key)) throw malformed(`expected the key ${key} once in a map`);
    entries.set(key, itemOf(source, depth + 1));
  }
  return { entries };
}

/** Invalid UTF-8 was replaced on the way here: then it does not read back. */
function textOf({ value, byteValue }: Token): string {
  const text = String(value);
  if (text === "" || (byteValue !== undefined && equalBytes(utf8(text), byteValue))) return text;
  throw malformed("expected a text in UTF-8");
}

function numberOf({ value }: Token): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw malformed("expected a count or a tag below 2^53");
}

/** As cborg takes it: its own class for tags, maps of the language for maps. */
function plainOf(item: Cbor): unknown {
  if (typeof item !== "object" || item === null || item instanceof Uint8Array) return item;
  if ("tag" in item) return new Tagged(item.tag, plainOf(item.value));
  if ("entries" in item && typeof item.entries !== "function")
    return new Map([...item.entries].map(([key, value]) => [key, plainOf(value)]));
  return Array.isArray(item) ? item.map(plainOf) : item;
}

function malformed(message: string): Fault {
  return new Fault("reference/malformed", `CBOR: ${message}`);
}
