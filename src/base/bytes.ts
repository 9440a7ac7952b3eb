/** How are bytes written, joined and compared? Hex, base64url, UTF-8, integers; copies, never aliases. */
import { Fault } from "./fault.ts";

const HEX_DIGITS = "0123456789abcdef";
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, b) => `${HEX_DIGITS[b >> 4]}${HEX_DIGITS[b & 15]}`);
const HEX_VALUES = valuesOf(HEX_DIGITS, HEX_DIGITS.toUpperCase());
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE64URL_CODES = Uint8Array.from(BASE64URL, (character) => character.charCodeAt(0));
const BASE64URL_VALUES = valuesOf(BASE64URL);

/** What each ASCII character stands for in an alphabet (or in one of several spellings of it); -1 for no member. */
function valuesOf(...alphabets: readonly string[]): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (const alphabet of alphabets) {
    for (let i = 0; i < alphabet.length; i += 1) values[alphabet.charCodeAt(i)] = i;
  }
  return values;
}

/** Lower-case hex. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX_OF_BYTE[byte];
  return text;
}

/** Reads hex of either case without separators; `undefined` for anything else. */
export function parseHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  let any = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const high = HEX_VALUES[text.charCodeAt(2 * i)] ?? -1;
    const low = HEX_VALUES[text.charCodeAt(2 * i + 1)] ?? -1;
    any |= high | low; // negative as soon as one of them is
    bytes[i] = (high << 4) | low;
  }
  return any < 0 ? undefined : bytes;
}

/** Base64url without padding (RFC 4648 section 5). */
export function base64UrlOf(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    codes[at] = BASE64URL_CODES[group >> 18] ?? 0;
    codes[at + 1] = BASE64URL_CODES[(group >> 12) & 63] ?? 0;
    codes[at + 2] = BASE64URL_CODES[(group >> 6) & 63] ?? 0;
    codes[at + 3] = BASE64URL_CODES[group & 63] ?? 0;
    at += 4;
  }
  return textOf(codes.subarray(0, Math.ceil((bytes.length * 4) / 3)));
}

/** Reads base64url without padding, canonical (unused bits zero); `undefined` for anything else. */
export function parseBase64Url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.ceil(text.length / 4) * 3);
  let at = 0;
  let any = 0;
  for (let i = 0; i < text.length; i += 4) {
    const group =
      (sextetAt(text, i) << 18) |
      (sextetAt(text, i + 1) << 12) |
      (sextetAt(text, i + 2) << 6) |
      sextetAt(text, i + 3);
    any |= group; // negative as soon as one sextet is
    bytes[at] = group >> 16;
    bytes[at + 1] = group >> 8;
    bytes[at + 2] = group;
    at += 3;
  }
  const size = Math.floor((text.length * 3) / 4);
  return any >= 0 && isZero(bytes.subarray(size)) ? bytes.slice(0, size) : undefined;
}

/** The value of one character: -1 for none of the alphabet, 0 past the end. */
function sextetAt(text: string, at: number): number {
  return at < text.length ? (BASE64URL_VALUES[text.charCodeAt(at)] ?? -1) : 0;
}

/** Base64 with padding (RFC 4648 section 4), for formats that are not ours to choose. */
export function base64Of(bytes: Uint8Array): string {
  const text = base64UrlOf(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Reads base64 with its padding, canonical (unused bits zero); `undefined` for anything else. */
export function parseBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return parseBase64Url(text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_"));
}

/** UTF-8 of a well-formed string. A lone surrogate is `internal/invariant`: text from outside is checked on the way in. */
export function utf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return utf8Beyond(text, i, bytes);
    bytes[i] = code;
  }
  return bytes;
}

/** The rest of {@link utf8} for text whose first `from` characters are ASCII and written already. */
function utf8Beyond(text: string, from: number, ascii: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(from + (text.length - from) * 3);
  bytes.set(ascii.subarray(0, from));
  let size = from;
  for (let i = from; i < text.length; i += 1) {
    const code = text.codePointAt(i) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) {
      throw new Fault("internal/invariant", "text to encode holds a lone surrogate");
    }
    if (code > 0xffff) i += 1;
    size = putUtf8(bytes, size, code);
  }
  return bytes.slice(0, size);
}

/** Writes one code point and answers where the next one goes. */
function putUtf8(bytes: Uint8Array, at: number, code: number): number {
  if (code < 0x80) {
    bytes[at] = code;
    return at + 1;
  }
  const size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (let i = size - 1; i > 0; i -= 1) bytes[at + i] = 0x80 | ((code >> (6 * (size - 1 - i))) & 63);
  bytes[at] = ((0xf00 >> size) & 0xff) | (code >> (6 * (size - 1)));
  return at + size;
}

/** Reads strict UTF-8 (no overlong form, no surrogate, nothing above U+10FFFF); `undefined` for anything else. */
export function parseUtf8(bytes: Uint8Array): string | undefined {
  const units = new Uint16Array(bytes.length);
  let count = 0;
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i] ?? 0;
    const size = first < 0x80 ? 1 : sequenceSize(first);
    const code = size === 1 ? first : codePointAt(bytes, i, size);
    if (code < 0) return undefined;
    if (code > 0xffff) {
      units[count] = 0xd7c0 + (code >> 10);
      count += 1;
    }
    units[count] = code > 0xffff ? 0xdc00 | (code & 0x3ff) : code;
    count += 1;
    i += size;
  }
  return textOf(units.subarray(0, count));
}

/** How many bytes the sequence has that begins with this byte above ASCII; 0 where none may begin. */
function sequenceSize(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

const LEAST = [0, 0, 0x80, 0x800, 0x10000] as const;

/** The code point of a sequence of 2 to 4 bytes; -1 when it is none. */
function codePointAt(bytes: Uint8Array, at: number, size: number): number {
  if (size === 0 || at + size > bytes.length) return -1;
  let code = (bytes[at] ?? 0) & (0x7f >> size);
  for (let i = 1; i < size; i += 1) {
    const next = bytes[at + i] ?? 0;
    if ((next & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (next & 63);
  }
  const isScalar = code >= (LEAST[size] ?? 0) && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isScalar ? code : -1;
}

/** The string of UTF-16 code units: eight at a time, which measured fastest of what the language itself offers. */
function textOf(units: Uint8Array | Uint16Array): string {
  let text = "";
  let i = 0;
  const at = (place: number): number => units[place] ?? 0;
  for (; i + 8 <= units.length; i += 8) {
    text += String.fromCharCode(
      at(i),
      at(i + 1),
      at(i + 2),
      at(i + 3),
      at(i + 4),
      at(i + 5),
      at(i + 6),
      at(i + 7),
    );
  }
  for (; i < units.length; i += 1) text += String.fromCharCode(at(i));
  return text;
}

/** Joins byte arrays into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Compares without a data-dependent branch; lengths are public. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Whether every byte is zero; true for no bytes. */
export function isZero(bytes: Uint8Array): boolean {
  let any = 0;
  for (const byte of bytes) any |= byte;
  return any === 0;
}

/** One byte. */
export function u8(value: number): Uint8Array {
  return integer(value, 1);
}

/** Two bytes, big-endian. */
export function u16be(value: number): Uint8Array {
  return integer(value, 2);
}

/** Four bytes, big-endian. */
export function u32be(value: number): Uint8Array {
  return integer(value, 4);
}

function integer(value: number, size: 1 | 2 | 4): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
    throw new Fault("internal/invariant", `an unsigned integer of ${size} bytes was expected`);
  }
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 1) bytes[size - 1 - i] = value >>> (8 * i);
  return bytes;
}

/** Eight bytes, big-endian. */
export function u64be(value: bigint): Uint8Array {
  return u64le(value).reverse();
}

/** Eight bytes, little-endian. */
export function u64le(value: bigint): Uint8Array {
  if (value < 0n || value >= 1n << 64n) {
    throw new Fault("internal/invariant", "an unsigned integer of 8 bytes was expected");
  }
  return Uint8Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** `u32be(length) ‖ bytes`: the length prefix of PROTOCOL section 2. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(4 + bytes.length);
  prefixed.set(u32be(bytes.length));
  prefixed.set(bytes, 4);
  return prefixed;
}
