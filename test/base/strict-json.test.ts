/** Does strict JSON read what `JSON.parse` reads, and refuse what would surprise? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import type { JsonValue } from "../../src/base/canonical-json.ts";
import { isFault } from "../../src/base/fault.ts";
import { isExact, mistakeIn } from "../../src/base/json-mistake.ts";
import {
  type ExactJson,
  type JsonLimits,
  parseExactJson,
  parseStrictJson,
} from "../../src/base/strict-json.ts";

const LIMITS: JsonLimits = { maxBytes: 1 << 20, maxDepth: 32, code: "request/malformed" };
const read = (text: string, limits: JsonLimits = LIMITS): JsonValue => parseStrictJson(utf8(text), limits);

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return "read";
  } catch (thrown) {
    return isFault(thrown) ? thrown.code : `threw ${String(thrown)}`;
  }
}

function platformValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** No name that is refused, and no integer beyond 2^53. */
function isOrdinary(text: string): boolean {
  const numbers = (text.match(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g) ?? []).map(Number);
  const areExact = numbers.every((value) => !Number.isInteger(value) || Number.isSafeInteger(value));
  return areExact && !text.includes("__proto__");
}

const json = fc.json({ maxDepth: 5, stringUnit: "binary" });

describe("strict JSON", () => {
  test.prop([json])("reads as JSON.parse reads, where it reads", (text) => {
    const code = codeOf(() => read(text));
    if (code === "read") expect(read(text)).toEqual(JSON.parse(text));
    else expect(code).toBe("request/malformed");
  });

  const ordinary = fc.jsonValue({ maxDepth: 5 }).filter((value) => isOrdinary(JSON.stringify(value)));
  test.prop([ordinary, fc.nat(3)])("reads every ordinary text, however it is laid out", (value, indent) => {
    const text = JSON.stringify(value, undefined, indent);
    expect(read(text)).toEqual(JSON.parse(text));
  });

  const scraps = fc.array(
    fc.oneof(
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "\\",
        "\\u00",
        "1",
        "-",
        ".",
        "e",
        "true",
        "null",
        " ",
      ),
      json,
    ),
    { maxLength: 8 },
  );
  test.prop([scraps], { numRuns: 500 })(
    "never reads what JSON.parse refuses, and throws nothing else",
    (parts) => {
      const text = parts.join("");
      const code = codeOf(() => parseStrictJson(new TextEncoder().encode(text), LIMITS));
      expect(["read", "request/malformed"]).toContain(code);
      if (platformValue(text) === undefined) expect(code).toBe("request/malformed");
    },
  );

  test.prop([scraps], { numRuns: 500 })("says of every text that it refuses where it goes wrong", (parts) => {
    const text = parts.join("");
    if (codeOf(() => read(text)) === "read") return;
    expect(mistakeIn(text, LIMITS.maxDepth, isExact)).toMatch(/ at character \d+ |nested at most/);
  });

  test.prop([fc.uint8Array({ maxLength: 200 })])(
    "reads any bytes whatever, or says that they are malformed",
    (bytes) => {
      expect(["read", "request/malformed"]).toContain(codeOf(() => parseStrictJson(bytes, LIMITS)));
    },
  );

  it.each([
    ["nothing", ""],
    ["white space alone", " \n"],
    ["a byte order mark", "\ufeff{}"],
    ["two values", "{}{}"],
    ["something after the value", "{} x"],
    ["a trailing comma in an object", '{"a":1,}'],
    ["a trailing comma in a list", "[1,]"],
    ["a comma alone", "[,]"],
    ["a comment", "{/* */}"],
    ["single quotes", "{'a':1}"],
    ["a name without quotes", "{a:1}"],
    ["a member twice", '{"a":1,"a":2}'],
    ["a member twice, once escaped", '{"a":1,"\\u0061":2}'],
    ["a member twice, deep inside", '[[{"b":{"a":1,"a":1}}]]'],
    ["a member twice, beside a string that looks like one member less", '{"a":1,"a":"\\":","b":"{"}'],
    ["the name __proto__", '{"__proto__":{}}'],
    ["the name __proto__, escaped", '{"\\u005f_proto__":1}'],
    ["a lone surrogate", '"\\ud800"'],
    ["surrogates the wrong way round", '"\\udc00\\ud800"'],
    ["a lone surrogate in a name", '{"\\udfff":1}'],
    ["a raw control character", '"a\u0001b"'],
    ["a raw line feed in a string", '"a\nb"'],
    ["an unknown escape", '"\\x41"'],
    ["half an escape", '"\\u12"'],
    ["a string without its end", '"abc'],
    ["a string that ends in a backslash", '"abc\\"'],
    ["a leading zero", "01"],
    ["a plus sign", "+1"],
    ["a bare minus", "-"],
    ["a bare point", "1."],
    ["a missing digit", ".5"],
    ["an empty exponent", "1e"],
    ["hexadecimal", "0x10"],
    ["NaN", "NaN"],
    ["Infinity", "-Infinity"],
    ["a number beyond double", "1e400"],
    ["2^53", "9007199254740992"],
    ["an integer that would change", "12345678901234567890"],
    ["an integer beyond 2^53 with an exponent", "1e22"],
    ["a capital word", "True"],
    ["undefined", "undefined"],
    ["an open list", "["],
    ["an open object", '{"a"'],
    ["a non-breaking space", "\u00a0{}"],
    ["a form feed", "\f{}"],
  ])("refuses %s", (_name, text) => {
    expect(codeOf(() => read(text))).toBe("request/malformed");
  });

  it("refuses bytes that are no UTF-8", () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xff, 0xfe],
    ]) {
      expect(codeOf(() => parseStrictJson(Uint8Array.from(bytes), LIMITS))).toBe("request/malformed");
    }
  });

  it("takes names that objects have by nature as plain names", () => {
    const text = '{"constructor":1,"toString":2,"hasOwnProperty":3,"length":4,"":5}';
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it("takes the largest exact integers", () => {
    expect(read("[9007199254740991,-9007199254740991,-0,0.1,1e2]")).toEqual([
      9007199254740991, -9007199254740991, -0, 0.1, 100,
    ]);
  });

  it("refuses more bytes than the limit with a code of its own, before it looks at them", () => {
    expect(codeOf(() => read("[1,2]", { ...LIMITS, maxBytes: 4 }))).toBe("request/too-large");
    expect(codeOf(() => read("[1,2]", { ...LIMITS, maxBytes: 5 }))).toBe("read");
  });

  it("counts depth from the outermost value", () => {
    const limits = { ...LIMITS, maxDepth: 3 };
    expect(codeOf(() => read('[{"a":1}]', limits))).toBe("read");
    expect(codeOf(() => read('[{"a":[]}]', limits))).toBe("read");
    expect(codeOf(() => read('[{"a":[1]}]', limits))).toBe("request/malformed");
  });

  it("uses the code it was given", () => {
    expect(codeOf(() => read("{", { ...LIMITS, code: "ledger/malformed" }))).toBe("ledger/malformed");
    expect(codeOf(() => read("[[[", { ...LIMITS, maxDepth: 1, code: "ledger/malformed" }))).toBe(
      "ledger/malformed",
    );
  });
});

describe("strict JSON under a megabyte of one thing", () => {
  const size = 1 << 20;
  const rows: readonly [string, string][] = [
    ["open brackets", "[".repeat(size)],
    ["open objects", '{"a":'.repeat(size / 5)],
    ["escapes in a string", `"${"\\n".repeat(size / 2 - 1)}"`],
    ["escapes in a string without its end", `"${"\\n".repeat(size / 2 - 1)}`],
    ["backslashes without an end", `"${"\\\\".repeat(size / 2 - 1)}`],
    ["quotes", '"'.repeat(size)],
    ["a long string without its end", `"${"a".repeat(size - 1)}`],
    ["digits", "1".repeat(size)],
    ["zeros after the point", `0.${"0".repeat(size - 2)}`],
    ["white space", " ".repeat(size)],
    ["small values", `[${"0,".repeat(size / 2 - 2)}0]`],
    ["members", `{${Array.from({ length: size / 16 }, (_, i) => `"m${i}":0`).join(",")}}`],
    [
      "members that look like indexes",
      `{${Array.from({ length: size / 16 }, (_, i) => `"${i * 7919}":0`).join(",")}}`,
    ],
  ];

  it.each(rows)("answers soon on %s", (_name, text) => {
    const before = performance.now();
    expect(["read", "request/malformed"]).toContain(codeOf(() => read(text)));
    expect(performance.now() - before).toBeLessThan(3000);
  });
});

const readExactly = (text: string): ExactJson => parseExactJson(utf8(text), LIMITS);

describe("strict JSON with integers of 64 bits", () => {
  test.prop([fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n })])("keeps every one of them", (value) => {
    expect(readExactly(`{"policy":[${value}]}`)).toEqual({
      policy: [Number.isSafeInteger(Number(value)) ? Number(value) : value],
    });
  });

  test.prop([json])("reads whatever strict JSON reads, to the same value", (text) => {
    if (codeOf(() => read(text)) === "read") expect(readExactly(text)).toEqual(read(text));
  });

  it.each([
    ["an integer of more digits than 64 bits have", "[100000000000000000000000]"],
    ["one that is written with an exponent", "[1e19]"],
    ["one with a fraction of zero", "[9007199254740993.0]"],
    ["one under a name that stands twice", '{"a":9007199254740993,"a":1}'],
    ["one deeper than is read", `${"[".repeat(33)}9007199254740993${"]".repeat(33)}`],
    ["one under a name that is refused", '{"__proto__":9007199254740993}'],
  ])("refuses %s", (_name, text) => {
    expect(codeOf(() => readExactly(text))).toBe("request/malformed");
  });

  it("takes an integer in a string for a string", () => {
    expect(readExactly('["9007199254740993"]')).toEqual(["9007199254740993"]);
  });
});
