/** Does canonical JSON keep its meaning, have one spelling, and refuse what JSON has not? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  canonicalJsonBytes,
  fixedJson,
  type JsonObject,
  type JsonValue,
} from "../../src/base/canonical-json.ts";
import { parseStrictJson } from "../../src/base/strict-json.ts";
import { describeJcs } from "../contract/jcs.ts";
import { cryptoVector } from "../support/crypto-vectors.ts";

describeJcs(cryptoVector);

const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((value) => value.isWellFormed());
const value = fc.letrec<{ value: JsonValue; object: JsonObject; list: readonly JsonValue[] }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    tie("object"),
    tie("list"),
  ),
  object: fc.dictionary(
    text.filter((name) => name !== "__proto__"),
    tie("value"),
    { noNullPrototype: true },
  ),
  list: fc.array(tie("value")),
})).value;

describe("canonical JSON", () => {
  test.prop([value])("means what it was made from", (made) => {
    expect(JSON.parse(canonicalJson(made))).toEqual(JSON.parse(JSON.stringify(made)));
  });

  test.prop([value])("is written again the same", (made) => {
    const once = canonicalJson(made);
    expect(canonicalJson(JSON.parse(once))).toBe(once);
    expect(new TextDecoder().decode(canonicalJsonBytes(made))).toBe(once);
  });

  test.prop([fc.dictionary(text, fc.integer(), { noNullPrototype: true })])(
    "does not depend on the order in which members were set",
    (members) => {
      const reversed = Object.fromEntries(Object.entries(members).reverse());
      expect(canonicalJson(reversed)).toBe(canonicalJson(members));
    },
  );

  it("writes a fixed object as any other, and nothing can change it from then on", () => {
    const clause: { z: string; a: number } = { z: "é\n", a: -0 };
    const before = canonicalJson([clause]);
    const fixed = fixedJson(clause);
    expect(fixed).toBe(clause);
    expect(canonicalJson([fixed])).toBe(before);
    expect(before).toBe('[{"a":0,"z":"é\\n"}]');
    expect(Reflect.set(fixed, "a", 1)).toBe(false);
    expect(canonicalJson({ ...fixed, a: 1 })).toBe('{"a":1,"z":"é\\n"}');
  });

  it("orders names by UTF-16 code units, not by code points", () => {
    expect(canonicalJson({ "\ufb33": 1, "\u{1f600}": 2, "€": 3, "10": 4, "9": 5 })).toBe(
      '{"10":4,"9":5,"€":3,"\u{1f600}":2,"\ufb33":1}',
    );
  });

  it("writes more names than it remembers, and long ones, the same each time", () => {
    const names = Array.from({ length: 3000 }, (_, i) => `n${i}${i % 7 === 0 ? "x".repeat(100) : ""}`);
    const made = Object.fromEntries(names.map((name, i) => [name, i]));
    const sorted = Object.fromEntries([...names].sort().map((name) => [name, made[name] ?? 0]));
    for (let round = 0; round < 3; round += 1) expect(canonicalJson(made)).toBe(JSON.stringify(sorted));
  });

  it("leaves out members that are undefined", () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  });

  it.each([
    [0, "0"],
    [-0, "0"],
    [1e21, "1e+21"],
    [1e-7, "1e-7"],
    [0.1 + 0.2, "0.30000000000000004"],
    [9007199254740991, "9007199254740991"],
    [5e-324, "5e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
  ])("writes %d as ECMAScript does", (number, expected) => {
    expect(canonicalJson(number)).toBe(expected);
  });

  it("escapes control characters, quotes and backslashes and nothing else", () => {
    expect(canonicalJson('\u0000\b\t\n\f\r\u001f"\\/\u007f\u2028')).toBe(
      '"\\u0000\\b\\t\\n\\f\\r\\u001f\\"\\\\/\u007f\u2028"',
    );
  });

  it("calls numbers that JSON has not, and lone surrogates, misuse", () => {
    const misuse = expect.objectContaining({ code: "internal/invariant" });
    const bad: readonly JsonValue[] = [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      "\ud800",
      ["a\udc00"],
      { "\ud800": 1 },
    ];
    for (const made of bad) expect(() => canonicalJson(made)).toThrow(misuse);
  });

  test.prop([value])("of what strict JSON has read is read back equal", (made) => {
    const limits = { maxBytes: 1 << 20, maxDepth: 64, code: "request/malformed" } as const;
    const bytes = canonicalJsonBytes(made);
    let read: JsonValue;
    try {
      read = parseStrictJson(bytes, limits);
    } catch {
      return; // an integer beyond 2^53, which strict JSON refuses
    }
    expect(canonicalJsonBytes(read)).toEqual(bytes);
  });
});
