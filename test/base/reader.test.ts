/** Does the reader stay inside its bytes and leave nothing unread? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, lengthPrefixed, u8, u16be, u32be, u64le, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { Reader } from "../../src/base/reader.ts";

const malformed = expect.objectContaining({ code: "evidence/malformed" });
const readerOf = (bytes: Uint8Array): Reader => new Reader(bytes, "evidence/malformed");

describe("a reader", () => {
  test.prop([
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 0, max: 65_535 }),
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.uint8Array({ maxLength: 40 }),
  ])("reads what was written, in order", (a, b, c, d, e) => {
    const reader = readerOf(
      concatBytes(
        u8(a),
        u16be(b),
        u16be(b).reverse(),
        u32be(c),
        u32be(c).reverse(),
        u64le(d),
        lengthPrefixed(e),
        e,
      ),
    );
    expect(reader.u8()).toBe(a);
    expect(reader.u16be()).toBe(b);
    expect(reader.u16le()).toBe(b);
    expect(reader.at).toBe(5);
    expect(reader.u32be()).toBe(c);
    expect(reader.u32le()).toBe(c);
    expect(reader.u64le()).toBe(d);
    expect(reader.lengthPrefixed(40)).toEqual(e);
    expect(reader.left).toBe(e.length);
    expect(reader.bytes(e.length)).toEqual(e);
    reader.end();
  });

  it("refuses every field that would pass the end, and stays where it was", () => {
    const fields: readonly [number, (reader: Reader) => unknown][] = [
      [1, (reader) => reader.u8()],
      [2, (reader) => reader.u16be()],
      [2, (reader) => reader.u16le()],
      [4, (reader) => reader.u32be()],
      [4, (reader) => reader.u32le()],
      [8, (reader) => reader.bytes(8)],
    ];
    for (const [size, read] of fields) {
      const reader = readerOf(new Uint8Array(size - 1));
      expect(() => read(reader)).toThrow(malformed);
      expect(reader.at).toBe(0);
      expect(() => read(readerOf(new Uint8Array(size)))).not.toThrow();
    }
    expect(() => readerOf(new Uint8Array(7)).u64le()).toThrow(malformed);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses to read %d bytes", (size) => {
    expect(() => readerOf(new Uint8Array(8)).bytes(size)).toThrow(malformed);
  });

  it("refuses a length-prefixed field beyond its limit or the end, before it takes memory", () => {
    expect(() => readerOf(concatBytes(u32be(5), utf8("hello"))).lengthPrefixed(4)).toThrow(malformed);
    expect(() => readerOf(concatBytes(u32be(6), utf8("hello"))).lengthPrefixed(9)).toThrow(malformed);
    expect(() => readerOf(u32be(0xffff_ffff)).lengthPrefixed(2 ** 32)).toThrow(malformed);
  });

  it("refuses leftovers", () => {
    const reader = readerOf(Uint8Array.of(1, 2));
    reader.u8();
    expect(() => reader.end()).toThrow(malformed);
    reader.u8();
    expect(() => reader.end()).not.toThrow();
  });

  it("gives copies", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const field = readerOf(bytes).bytes(3);
    field.fill(9);
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
  });

  const step = fc.constantFrom("u8", "u16be", "u16le", "u32be", "u32le", "u64le", "end");
  test.prop([fc.uint8Array({ maxLength: 30 }), fc.array(step, { maxLength: 12 })])(
    "gives values or its fault for any bytes and any steps",
    (bytes, steps) => {
      const reader = readerOf(bytes);
      try {
        for (const name of steps) reader[name]();
      } catch (thrown) {
        expect(isFault(thrown, "evidence/malformed")).toBe(true);
      }
      expect(reader.at).toBeLessThanOrEqual(bytes.length);
    },
  );
});
