/** How are the fields of a map read that somebody else wrote? By number, each with the type that it must have. */
import { Fault } from "../base/fault.ts";
import { type Instant, instant } from "../base/time.ts";
import type { Cbor, CborKey } from "./cbor.ts";

/** A map that is being read. `what` names it in faults. */
export interface Fields {
  readonly what: string;
  readonly entries: ReadonlyMap<CborKey, Cbor>;
}

const MAX_MOMENT = 253_402_300_799n;
const EPOCH_TAG = 1;
const URI_TAG = 32;

/** @throws {@link Fault} `reference/malformed` for what is no map. */
export function fieldsOf(item: Cbor | undefined, what: string): Fields {
  if (isMap(item)) return { what, entries: item.entries };
  throw malformed(`${what}: expected a map`);
}

export function field(fields: Fields, key: number): Cbor | undefined {
  return fields.entries.get(BigInt(key));
}

/** The keys that a reader does not know, to tell of them. */
export function unknownKeys({ entries }: Fields, known: readonly number[]): readonly CborKey[] {
  const names = new Set<CborKey>(known.map(BigInt));
  return [...entries.keys()].filter((key) => !names.has(key));
}

/** @throws {@link Fault} `reference/malformed` for what is no array, or an empty one. */
export function listOf(item: Cbor | undefined, what: string): readonly Cbor[] {
  if (Array.isArray(item) && item.length > 0) return item;
  throw malformed(`${what}: expected an array that is not empty`);
}

/** An array of exactly two. */
export function pairOf(item: Cbor | undefined, what: string): readonly [Cbor, Cbor] {
  const [first, second, ...rest] = listOf(item, what);
  if (first !== undefined && second !== undefined && rest.length === 0) return [first, second];
  throw malformed(`${what}: expected an array of two`);
}

export function textOf(item: Cbor | undefined, what: string): string {
  if (typeof item === "string") return item;
  throw malformed(`${what}: expected a text`);
}

export function bytesOf(item: Cbor | undefined, what: string): Uint8Array {
  if (item instanceof Uint8Array) return item;
  throw malformed(`${what}: expected a byte string`);
}

/** A text, alone or as a URI. */
export function uriOf(item: Cbor | undefined, what: string): string {
  return textOf(untagged(item, URI_TAG) ?? item, what);
}

/** What stands under a tag; `undefined` for another tag or none. */
export function untagged(item: Cbor | undefined, tag: number): Cbor | undefined {
  return isTag(item) && item.tag === tag ? item.value : undefined;
}

export function tagOf(item: Cbor | undefined): number | undefined {
  return isTag(item) ? item.tag : undefined;
}

/** Whole seconds since 1970, under tag 1 or, in claims of a token, bare. */
export function momentOf(item: Cbor | undefined, what: string): Instant | undefined {
  if (item === undefined) return undefined;
  const seconds = untagged(item, EPOCH_TAG) ?? item;
  if (typeof seconds === "bigint" && seconds >= 0n && seconds <= MAX_MOMENT) return instant(Number(seconds));
  throw malformed(`${what}: expected whole seconds between 1970 and 9999`);
}

export function malformed(message: string): Fault {
  return new Fault("reference/malformed", message);
}

function isMap(item: Cbor | undefined): item is { readonly entries: ReadonlyMap<CborKey, Cbor> } {
  return typeof item === "object" && item !== null && "entries" in item && typeof item.entries === "object";
}

function isTag(item: Cbor | undefined): item is { readonly tag: number; readonly value: Cbor } {
  return typeof item === "object" && item !== null && "tag" in item;
}
