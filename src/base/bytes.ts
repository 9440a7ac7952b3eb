/** How are bytes written, joined and compared? Hex, base64url, UTF-8, integers; copies, never aliases. */
import { Fault } from "./fault.ts";

const HEX_DIGITS = "0123456789abcdef";
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, b) => `${HEX_DIGITS[b >> 4]}${HEX_DIGITS[b & 15]}`);
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE64URL_VALUE = new Map(
  Array.from(BASE64URL, (character, value) => [character.charCodeAt(0), value]),
);

/** Lower-case hex. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX_OF_BYTE[byte];
  return text;
}

/** Reads hex of either case without separators; `undefined` for anything else. */
export function parseHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Base64url without padding (RFC 4648 section 5). */
export function base64UrlOf(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const digits = Math.min(4, bytes.length - i + 1);
    for (let d = 0; d < digits; d += 1) text += BASE64URL[(group >> (18 - 6 * d)) & 63];
  }
  return text;
}

/** Reads base64url without padding, canonical (unused bits zero); `undefined` for anything else. */
export function parseBase64Url(text: string): Uint8Array | undefined {
  const tail = text.length % 4;
  if (tail === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let width = 0;
  let at = 0;
  for (let i = 0; i < text.length; i += 1) {
    const value = BASE64URL_VALUE.get(text.charCodeAt(i));
    if (value === undefined) return undefined;
    bits = ((bits << 6) | value) & 0xfff;
    width += 6;
    if (width >= 8) {
      width -= 8;
      bytes[at] = (bits >> width) & 255;
      at += 1;
    }
  }
  return (bits & ((1 << width) - 1)) === 0 ? bytes : undefined;
}

/** UTF-8 of a well-formed string. A lone surrogate is `internal/invariant`: text from outside is checked on the way in. */
export function utf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let size = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.codePointAt(i) ?? 0;
    if (code < 0x80) {
      bytes[size] = code;
      size += 1;
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      throw new Fault("internal/invariant", "text to encode holds a lone surrogate");
    }
    if (code > 0xffff) i += 1;
    size = putUtf8(bytes, size, code);
  }
  return bytes.slice(0, size);
}

/** Writes one code point above U+007F and answers where the next one goes. */
function putUtf8(bytes: Uint8Array, at: number, code: number): number {
  const size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (let i = size - 1; i > 0; i -= 1) bytes[at + i] = 0x80 | ((code >> (6 * (size - 1 - i))) & 63);
  bytes[at] = ((0xf00 >> size) & 0xff) | (code >> (6 * (size - 1)));
  return at + size;
}

const CHUNK = 4096;

/** Reads strict UTF-8 (no overlong form, no surrogate, nothing above U+10FFFF); `undefined` for anything else. */
export function parseUtf8(bytes: Uint8Array): string | undefined {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const asciiEnd = endOfAscii(bytes, i);
    if (asciiEnd > i) {
      text += String.fromCharCode.apply(undefined, Array.from(bytes.subarray(i, asciiEnd)));
      i = asciiEnd;
      continue;
    }
    const point = codePointAt(bytes, i);
    if (point === undefined) return undefined;
    text += String.fromCodePoint(point.code);
    i += point.size;
  }
  return text;
}

/** Where the run of ASCII that begins at `from` ends, at most a chunk further on. */
function endOfAscii(bytes: Uint8Array, from: number): number {
  const limit = Math.min(bytes.length, from + CHUNK);
  let at = from;
  while (at < limit && (bytes[at] ?? 0) < 0x80) at += 1;
  return at;
}

const UTF8_FORMS = [
  { mask: 0xe0, lead: 0xc0, size: 2, least: 0x80 },
  { mask: 0xf0, lead: 0xe0, size: 3, least: 0x800 },
  { mask: 0xf8, lead: 0xf0, size: 4, least: 0x10000 },
] as const;

function codePointAt(
  bytes: Uint8Array,
  at: number,
): { readonly code: number; readonly size: number } | undefined {
  const first = bytes[at] ?? 0;
  const form = UTF8_FORMS.find(({ mask, lead }) => (first & mask) === lead);
  if (form === undefined || at + form.size > bytes.length) return undefined;
  let code = first & ~form.mask & 0xff;
  for (let i = 1; i < form.size; i += 1) {
    const next = bytes[at + i] ?? 0;
    if ((next & 0xc0) !== 0x80) return undefined;
    code = (code << 6) | (next & 63);
  }
  const isScalar = code >= form.least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isScalar ? { code, size: form.size } : undefined;
}

/** Joins byte arrays into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
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
  for (let i = 0; i < size; i += 1) bytes[size - 1 - i] = Math.floor(value / 2 ** (8 * i)) & 255;
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
  return concatBytes(u32be(bytes.length), bytes);
}
