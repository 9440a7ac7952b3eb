/** Do facts and the values of dimensions say the same, both ways? Every type of field, and the parts of those that have parts. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Facts, FactValue } from "../../../src/writ/facts.ts";
import {
  addressNumber,
  domainOf,
  type Source,
  type Value,
  valueIn,
  versionNumber,
} from "../../../src/writ/solver/dimension.ts";
import { exampleOf, writeValue } from "../../../src/writ/solver/write-value.ts";
import type { FieldType } from "../../../src/writ/vocabulary.ts";

const V6 = 1n << 32n;

function written(type: FieldType, value: Value | undefined, part: Partial<Source> = {}, before?: FactValue) {
  const facts = new Map<string, FactValue>(before === undefined ? [] : [["x", before]]);
  writeValue(facts, { key: "x", type, ...part }, value);
  return facts.get("x");
}

function read(type: FieldType, fact: FactValue | undefined, part: Partial<Source> = {}) {
  const facts: Facts = new Map(fact === undefined ? [] : [["x", fact]]);
  return valueIn(facts, { key: "x", type, ...part });
}

const UINT: FieldType = { kind: "uint", bits: 8 };
const ENUM: FieldType = { kind: "enum", values: ["b", "a"] };
const SAME: readonly (readonly [type: FieldType, fact: FactValue, value: Value])[] = [
  [{ kind: "flag" }, true, "true"],
  [{ kind: "flag" }, false, "false"],
  [ENUM, "a", "a"],
  [{ kind: "bytes", size: 2 }, "abcd", "abcd"],
  [{ kind: "str" }, "there", "there"],
  [{ kind: "path" }, "a/b", "a/b"],
  [UINT, 7, 7n],
  [{ kind: "duration" }, 86_400_000, 86_400_000n],
  [{ kind: "time" }, 1_800_000_000, 1_800_000_000n],
  [{ kind: "version" }, [1, 2, 3], (1n << 64n) | (2n << 32n) | 3n],
  [{ kind: "version" }, [0xffff_ffff, 0, 0xffff_ffff], (0xffff_ffffn << 64n) | 0xffff_ffffn],
  [{ kind: "cidr" }, "0.0.0.0", 0n],
  [{ kind: "cidr" }, "255.255.255.255", V6 - 1n],
  [{ kind: "cidr" }, "::", V6],
  [{ kind: "cidr" }, "2001:db8::1", V6 + 0x2001_0db8_0000_0000_0000_0000_0000_0001n],
];

describe("a fact and its value", () => {
  it.each(SAME)("%j", (type, fact, value) => {
    expect(read(type, fact)).toBe(value);
    expect(written(type, value)).toEqual(fact);
  });

  it("a vector, bits and names are there or not, beside their parts", () => {
    expect(read({ kind: "tcb" }, { snp: 1 })).toBe("there");
    expect(read({ kind: "bits", bits: 8 }, 5n)).toBe("there");
    expect(read({ kind: "set" }, [])).toBe("there");
    expect(written({ kind: "set" }, "there")).toEqual([]);
    expect(written({ kind: "set" }, "there", {}, ["a"])).toEqual(["a"]);
    expect(written({ kind: "bits", bits: 8 }, "there", {}, 5n)).toBe(5n);
    expect(written({ kind: "tcb" }, undefined, {}, { snp: 1 })).toBeUndefined();
  });

  it("a fact that is not of its type has no value", () => {
    const rows: readonly (readonly [FieldType, FactValue, Partial<Source>?])[] = [
      [UINT, "7"],
      [UINT, 1.5],
      [UINT, Number.NaN],
      [{ kind: "time" }, true],
      [{ kind: "duration" }, 2 ** 60],
      [{ kind: "version" }, ["1", "2"]],
      [{ kind: "version" }, "1.2.3"],
      [{ kind: "version" }, ["a", "b", "c"]],
      [{ kind: "cidr" }, "10.0.0.0/8"],
      [{ kind: "cidr" }, 1],
      [UINT, 7, { component: "snp" }],
      [UINT, ["7"], { component: "length" }],
      [UINT, { bootloader: 7 }, { component: "snp" }],
      [{ kind: "bits", bits: 8 }, 5, { bit: 0 }],
      [{ kind: "set" }, "a", { member: "a" }],
    ];
    for (const [type, fact, part] of rows)
      expect([type, fact, read(type, fact, part)]).toEqual([type, fact, undefined]);
    expect(read(UINT, undefined)).toBeUndefined();
    expect(read({ kind: "set" }, undefined)).toBeUndefined();
  });

  it("what counts as a number where it is absent is that number", () => {
    expect(read(UINT, undefined, { fallback: 0 })).toBe(0n);
    expect(read(UINT, 2, { fallback: 0 })).toBe(2n);
  });
});

describe("a part", () => {
  it("component: set, changed or taken away beside the others", () => {
    expect(written(UINT, 7n, { component: "snp" })).toEqual({ snp: 7 });
    expect(written(UINT, 7n, { component: "snp" }, { tee: 0, snp: 1 })).toEqual({ tee: 0, snp: 7 });
    expect(written(UINT, undefined, { component: "snp" }, { tee: 0, snp: 1 })).toEqual({ tee: 0 });
    expect(read(UINT, { tee: 0, snp: 7 }, { component: "snp" })).toBe(7n);
    expect(read(UINT, { tee: 0, snp: 7 }, { component: "tee" })).toBe(0n);
  });

  it("bit: set or cleared beside the others", () => {
    const bits: FieldType = { kind: "bits", bits: 64 };
    expect(written(bits, "true", { bit: 3 })).toBe(8n);
    expect(written(bits, "true", { bit: 1 }, 9n)).toBe(11n);
    expect(written(bits, "false", { bit: 3 }, 9n)).toBe(1n);
    expect(written(bits, "false", { bit: 2 }, 9n)).toBe(9n);
    expect([0, 1, 3].map((bit) => read(bits, 9n, { bit }))).toEqual(["true", "false", "true"]);
  });

  it("name: put in once or taken out beside the others", () => {
    const set: FieldType = { kind: "set" };
    expect(written(set, "true", { member: "a" })).toEqual(["a"]);
    expect(written(set, "true", { member: "a" }, ["b", "a"])).toEqual(["b", "a"]);
    expect(written(set, "false", { member: "a" }, ["b", "a"])).toEqual(["b"]);
    expect(["a", "c"].map((member) => read(set, ["b", "a"], { member }))).toEqual(["true", "false"]);
  });
});

describe("the values of a type", () => {
  const source = (type: FieldType, part: Partial<Source> = {}): Source => ({ key: "x", type, ...part });

  it("words of an enum, yes and no of flags, bits and names, presence of what has parts", () => {
    const yesOrNo = { kind: "closed", words: ["true", "false"] };
    expect(domainOf(source(ENUM))).toEqual({ kind: "closed", words: ["b", "a"] });
    expect(domainOf(source({ kind: "flag" }))).toEqual(yesOrNo);
    expect(domainOf(source({ kind: "bits", bits: 8 }, { bit: 0 }))).toEqual(yesOrNo);
    expect(domainOf(source({ kind: "set" }, { member: "" }))).toEqual(yesOrNo);
    for (const kind of ["set", "tcb", "path"] as const) {
      expect(domainOf(source({ kind }))).toEqual({ kind: "closed", words: ["there"] });
    }
    expect(domainOf(source({ kind: "bits", bits: 8 }))).toEqual({ kind: "closed", words: ["there"] });
  });

  it("numbers up to the last of their type, or of their component", () => {
    const upTo = (most: bigint) => ({ kind: "ordered", ranges: [[0n, most]] });
    expect(domainOf(source(UINT))).toEqual(upTo(255n));
    expect(domainOf(source({ kind: "uint", bits: 32 }))).toEqual(upTo(0xffff_ffffn));
    expect(domainOf(source(UINT), 7)).toEqual(upTo(7n));
    expect(domainOf(source({ kind: "duration" }))).toEqual(upTo(BigInt(Number.MAX_SAFE_INTEGER)));
    expect(domainOf(source({ kind: "time" }))).toEqual(
      upTo(BigInt(Date.UTC(9999, 11, 31, 23, 59, 59) / 1000)),
    );
    expect(domainOf(source({ kind: "version" }))).toEqual(
      upTo(versionNumber([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1])),
    );
  });

  it("addresses but those of IPv6 that are another writing of IPv4", () => {
    const mapped = 0xffffn << 32n;
    expect(domainOf(source({ kind: "cidr" }))).toEqual({
      kind: "ordered",
      ranges: [
        [0n, V6 - 1n],
        [V6, addressNumber({ family: 6, value: mapped - 1n })],
        [
          addressNumber({ family: 6, value: mapped + (1n << 32n) }),
          addressNumber({ family: 6, value: (1n << 128n) - 1n }),
        ],
      ],
    });
  });

  it("as many examples of bytes as there are, all different and of their length", () => {
    const domain = domainOf(source({ kind: "bytes", size: 1 }));
    const made = Array.from({ length: 257 }, (_, n) => (domain.kind === "open" ? domain.make(n) : undefined));
    expect(made.slice(0, 2)).toEqual(["0e", "1e"]);
    expect(made.slice(0, 256).every((hex) => hex !== undefined && /^[0-9a-f]{2}$/.test(hex))).toBe(true);
    expect(made[256]).toBeUndefined();
  });

  it("any text", () => {
    const domain = domainOf(source({ kind: "str" }));
    expect(domain.kind === "open" ? [domain.make(0), domain.make(1)] : []).toEqual(["other-0", "other-1"]);
  });

  const example: readonly (readonly [FieldType, FactValue])[] = [
    [{ kind: "bytes", size: 3 }, "000000"],
    [{ kind: "flag" }, false],
    [UINT, 0],
    [{ kind: "duration" }, 0],
    [{ kind: "time" }, 0],
    [{ kind: "tcb" }, {}],
    [{ kind: "version" }, [0, 0, 0]],
    [{ kind: "bits", bits: 8 }, 0n],
    [ENUM, "b"],
    [{ kind: "str" }, "any"],
    [{ kind: "set" }, []],
    [{ kind: "cidr" }, "192.0.2.1"],
    [{ kind: "path" }, "any"],
  ];
  it.each(example)("have an example where nobody asks: %j", (type, fact) => {
    expect(exampleOf(type)).toEqual(fact);
    expect(read(type, fact)).toBeDefined();
  });
});

const uint32 = fc.nat(0xffff_ffff);
test.prop([fc.tuple(uint32, uint32, uint32), fc.tuple(uint32, uint32, uint32)])(
  "versions and their numbers have one order",
  (a, b) => {
    const different = a.findIndex((part, at) => part !== b[at]);
    const isLess = different >= 0 && (a[different] ?? 0) < (b[different] ?? 0);
    expect(versionNumber(a) < versionNumber(b)).toBe(isLess);
  },
);
