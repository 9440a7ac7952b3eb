/** Which bytes does JSON have when it is hashed or signed? Those of RFC 8785 (JCS). */
import { utf8 } from "./bytes.ts";
import { Fault } from "./fault.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}

/**
 * Writes RFC 8785 canonical JSON; members that are `undefined` are left out.
 *
 * @throws {@link Fault} `internal/invariant` for a number that JSON has not, or a lone surrogate.
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === "string") return stringOf(value);
  if (typeof value === "number") return numberOf(value);
  if (typeof value === "boolean" || value === null) return String(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  return fixedTexts.get(value) ?? objectOf(value);
}

/**
 * Freezes an object whose members are no objects themselves, and remembers its text for as long as the object lives: what
 * stands in every trace of a program is written once.
 */
export function fixedJson<
  Flat extends Readonly<Record<string, string | number | boolean | null | undefined>>,
>(value: Flat): Flat {
  fixedTexts.set(value, objectOf(value));
  return Object.freeze(value);
}

const fixedTexts = new WeakMap<object, string>();

/** The UTF-8 bytes of {@link canonicalJson}. */
export function canonicalJsonBytes(value: JsonValue): Uint8Array {
  return utf8(canonicalJson(value));
}

function isList(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Members in the order of their names as UTF-16 code units (RFC 8785 section 3.2.3), which is what `<` compares. */
function objectOf(value: JsonObject): string {
  let members = "";
  for (const name of inOrder(Object.keys(value))) {
    const member = value[name];
    if (member !== undefined) members += (nameTexts.get(name) ?? nameText(name)) + canonicalJson(member);
  }
  return `{${members.slice(1)}}`;
}

/** The same few names stand in most of what is written here. Names of strangers are bounded in number and length. */
const nameTexts = new Map<string, string>();
const MAX_NAMES = 1024;
const MAX_NAME_LENGTH = 64;

/** A name as it stands before its value, with the comma that parts it from the member before. */
function nameText(name: string): string {
  const text = `,${stringOf(name)}:`;
  if (nameTexts.size < MAX_NAMES && name.length <= MAX_NAME_LENGTH) nameTexts.set(name, text);
  return text;
}

/** Up to here names are put in order by hand: most of our objects have few members, and `sort` copies. */
const FEW_NAMES = 24;

/** Sorts in place. */
function inOrder(names: string[]): readonly string[] {
  if (names.length > FEW_NAMES) return names.sort();
  for (let i = 1; i < names.length; i += 1) {
    const name = names[i] ?? "";
    let to = i;
    for (; to > 0 && (names[to - 1] ?? "") > name; to -= 1) names[to] = names[to - 1] ?? "";
    names[to] = name;
  }
  return names;
}

/** What JSON writes as it stands: printable ASCII but quote and backslash. */
const PLAIN = /^[ !#-[\]-~]*$/;

function stringOf(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new Fault("internal/invariant", "canonical JSON holds no lone surrogate");
  return JSON.stringify(text);
}

/** ECMAScript's own text of a number is the canonical one (RFC 8785 section 3.2.2.3). */
function numberOf(value: number): string {
  if (!Number.isFinite(value))
    throw new Fault("internal/invariant", "canonical JSON holds finite numbers only");
  return String(value);
}
