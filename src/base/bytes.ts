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
  return DECODER.decode(codes.subarray(0, Math.ceil((bytes.length * 4) / 3)));
}

/** Reads base64url without padding, canonical (unused bits zero); `undefined` for anything else. */
export function parseBase64Url(text: string): Uint8Array | undefined {
  const whole = text.length & ~3;
  if (text.length - whole === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let any = 0; // negative as soon as one sextet is
  let at = 0;
  for (let i = 0; i < whole; i += 4) {
    const group =
      (sextetOf(text.charCodeAt(i)) << 18) |
      (sextetOf(text.charCodeAt(i + 1)) << 12) |
      (sextetOf(text.charCodeAt(i + 2)) << 6) |
      sextetOf(text.charCodeAt(i + 3));
    any |= group;
    bytes[at] = group >> 16;
    bytes[at + 1] = group >> 8;
    bytes[at + 2] = group;
    at += 3;
  }
  const rest = restOf(text, whole);
  for (let i = at; i < bytes.length; i += 1) bytes[i] = rest >> (16 - 8 * (i - at));
  const unused = rest & (0xff_ffff >> (8 * (bytes.length - at)));
  return any >= 0 && rest >= 0 && unused === 0 ? bytes : undefined;
}

/** The last two or three characters as a group of 24 bits; 0 where there are none, negative for one of no alphabet. */
function restOf(text: string, from: number): number {
  let group = 0;
  for (let i = from; i < text.length; i += 1) group |= sextetOf(text.charCodeAt(i)) << (18 - 6 * (i - from));
  return group;
}

/** The value of one character; -1 for none of the alphabet. */
function sextetOf(code: number): number {
  return code < 128 ? (BASE64URL_VALUES[code] ?? -1) : -1;
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

/**
 * The Encoding Standard's two classes: part of every runtime, though not of the language's own library. They decode and
 * encode as fast as the platform can, and do nothing else.
 */
declare const TextDecoder: new (
  label: "utf-8",
  options: { readonly fatal: true; readonly ignoreBOM: true },
) => { readonly decode: (bytes: Uint8Array) => string };
declare const TextEncoder: new () => { readonly encode: (text: string) => Uint8Array };

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();
/** Up to here a loop is quicker than the way to the platform and back. */
const FEW_CHARACTERS = 32;

/** UTF-8 of a well-formed string. A lone surrogate is `internal/invariant`: text from outside is checked on the way in. */
export function utf8(text: string): Uint8Array {
  const few = text.length <= FEW_CHARACTERS ? asciiOf(text) : undefined;
  if (few !== undefined) return few;
  if (!text.isWellFormed()) throw new Fault("internal/invariant", "text to encode holds a lone surrogate");
  return ENCODER.encode(text);
}

/** The bytes of ASCII; `undefined` for anything else. */
function asciiOf(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

/** Reads strict UTF-8 (no overlong form, no surrogate, nothing above U+10FFFF); `undefined` for anything else. */
export function parseUtf8(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
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

/** Two bytes, little-endian. */
export function u16le(value: number): Uint8Array {
  return u16be(value).reverse();
}

/** Four bytes, little-endian. */
export function u32le(value: number): Uint8Array {
  return u32be(value).reverse();
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
