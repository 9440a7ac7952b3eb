/** Are bytes written, read, joined and compared as the platform's own functions do it? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  base64UrlOf,
  concatBytes,
  equalBytes,
  hexOf,
  isZero,
  lengthPrefixed,
  parseBase64Url,
  parseHex,
  parseUtf8,
  u8,
  u16be,
  u32be,
  u64be,
  u64le,
  utf8,
} from "../../src/base/bytes.ts";

const bytes = fc.uint8Array({ maxLength: 300 });
const unicode = fc.string({ unit: "binary", maxLength: 300 });
const misuse = expect.objectContaining({ code: "internal/invariant" });

describe("hex", () => {
  test.prop([bytes])("is what Buffer writes, and is read back", (value) => {
    expect(hexOf(value)).toBe(Buffer.from(value).toString("hex"));
    expect(parseHex(hexOf(value))).toEqual(value);
    expect(parseHex(hexOf(value).toUpperCase())).toEqual(value);
  });

  it.each(["0", "0g", "g0", "0x00", " 00", "00 ", "0\u0130", "٠٠", "0-", "00\n", "@@", "``", "//", "::"])(
    "is not %j",
    (text) => {
      expect(parseHex(text)).toBeUndefined();
    },
  );

  test.prop([fc.string({ unit: "binary", maxLength: 12 })])(
    "is read exactly where a pattern says so",
    (text) => {
      expect(parseHex(text) !== undefined).toBe(/^(?:[0-9a-fA-F]{2})*$/.test(text));
    },
  );
});

describe("base64url", () => {
  test.prop([bytes])("is what Buffer writes, and is read back", (value) => {
    expect(base64UrlOf(value)).toBe(Buffer.from(value).toString("base64url"));
    expect(parseBase64Url(base64UrlOf(value))).toEqual(value);
  });

  it.each(["A", "AAAAA", "AA=", "AA==", "AA+A", "AA/A", "AB", "AAB", "AA A", "AAA\n", "AAAé", "=", "AAA€"])(
    "is not %j",
    (text) => {
      expect(parseBase64Url(text)).toBeUndefined();
    },
  );

  const near = fc.string({ unit: fc.constantFrom(..."ABQZagwz019-_+/= é"), maxLength: 9 });
  test.prop([near])("has one spelling for each value", (text) => {
    const value = parseBase64Url(text);
    if (value === undefined) expect(Buffer.from(text, "base64url").toString("base64url")).not.toBe(text);
    else expect(base64UrlOf(value)).toBe(text);
  });
});

describe("UTF-8", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  function platformText(value: Uint8Array): string | undefined {
    try {
      return decoder.decode(value);
    } catch {
      return undefined;
    }
  }

  test.prop([unicode])("is what TextEncoder writes, and is read back", (text) => {
    expect(utf8(text)).toEqual(Uint8Array.from(new TextEncoder().encode(text)));
    expect(parseUtf8(utf8(text))).toBe(text);
  });

  test.prop([bytes])("is read exactly where TextDecoder reads it", (value) => {
    expect(parseUtf8(value)).toBe(platformText(value));
  });

  const edges = fc.constantFrom(
    0x00,
    0x41,
    0x7f,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc0,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0xf5,
    0xf8,
    0xff,
  );
  test.prop([fc.array(edges, { maxLength: 7 })], { numRuns: 2000 })(
    "is read as TextDecoder does at the edges of every form",
    (values) => {
      const value = Uint8Array.from(values);
      expect(parseUtf8(value)).toBe(platformText(value));
    },
  );

  it("has every code point below U+3000 and a sample of those above", () => {
    const codes = Array.from({ length: 0x3000 }, (_, i) => i);
    for (let code = 0x3000; code <= 0x10ffff; code += 61) codes.push(code);
    const text = codes
      .filter((code) => code < 0xd800 || code > 0xdfff)
      .map((code) => String.fromCodePoint(code))
      .join("");
    expect(parseUtf8(utf8(text)) === text).toBe(true);
  });

  it("is read as TextDecoder does for every pair of bytes", () => {
    const pairs = Array.from({ length: 0x10000 }, (_, pair) => Uint8Array.of(pair >> 8, pair & 255));
    expect(pairs.filter((pair) => parseUtf8(pair) !== platformText(pair))).toEqual([]);
  });

  it.each([["\ud800"], ["a\udfff"], ["\ud83d\ud83d"], ["é\udc00\ud800"]])(
    "of a lone surrogate is misuse (%#)",
    (text) => {
      expect(() => utf8(text)).toThrow(misuse);
    },
  );

  it("keeps a byte order mark", () => {
    expect(parseUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe("\ufeffA");
  });
});

describe("joining and comparing", () => {
  test.prop([fc.array(bytes, { maxLength: 6 })])("joins into memory of its own", (parts) => {
    const joined = concatBytes(...parts);
    expect(joined).toEqual(Uint8Array.from(Buffer.concat(parts)));
    joined.fill(1);
    expect(concatBytes(...parts)).toEqual(Uint8Array.from(Buffer.concat(parts)));
  });

  test.prop([bytes, bytes])("compares as Buffer does", (a, b) => {
    expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
    expect(equalBytes(a, a.slice())).toBe(true);
  });

  it("sees a difference in any single bit", () => {
    const value = Uint8Array.from({ length: 64 }, (_, i) => i);
    for (let bit = 0; bit < 512; bit += 1) {
      const other = value.slice();
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(equalBytes(value, other)).toBe(false);
      const single = new Uint8Array(64);
      single[bit >> 3] = 1 << (bit & 7);
      expect(isZero(single)).toBe(false);
    }
    expect(isZero(new Uint8Array(64))).toBe(true);
    expect(isZero(new Uint8Array(0))).toBe(true);
  });
});

describe("integers", () => {
  test.prop([fc.integer({ min: 0, max: 2 ** 32 - 1 })])("are big-endian as DataView writes them", (value) => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, value);
    const expected = new Uint8Array(view.buffer);
    expect(u32be(value)).toEqual(expected);
    expect(u16be(value & 0xffff)).toEqual(expected.slice(2));
    expect(u8(value & 0xff)).toEqual(expected.slice(3));
  });

  test.prop([fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })])("of 64 bits have both orders", (value) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, value);
    expect(u64be(value)).toEqual(new Uint8Array(view.buffer));
    expect(u64le(value)).toEqual(new Uint8Array(view.buffer).reverse());
  });

  it("that do not fit are misuse", () => {
    for (const value of [-1, 0.5, Number.NaN, 2 ** 32]) expect(() => u32be(value)).toThrow(misuse);
    expect(() => u8(256)).toThrow(misuse);
    expect(() => u16be(65_536)).toThrow(misuse);
    for (const value of [-1n, 2n ** 64n]) expect(() => u64be(value)).toThrow(misuse);
  });

  it("stand before a length-prefixed field", () => {
    expect(hexOf(lengthPrefixed(utf8("abc")))).toBe("00000003616263");
    expect(hexOf(lengthPrefixed(new Uint8Array(0)))).toBe("00000000");
  });
});
