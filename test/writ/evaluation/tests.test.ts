/** What does each test say of each value? True, false or unknown, at every edge, and of values of another type (WRIT sections 2 and 5). */
import { describe, expect, it } from "vitest";
import type { Request } from "../../../src/writ/evaluation/request.ts";
import { isWithin, readField } from "../../../src/writ/evaluation/request.ts";
import { testOf } from "../../../src/writ/evaluation/tests.ts";
import type { FactValue } from "../../../src/writ/facts.ts";
import type { Entry, FieldRef, FloorRow, Test } from "../../../src/writ/program.ts";

const ORIGIN = { file: "a.writ", span: { start: 0, end: 0 } };
const NOW = 1000;

function request(given: Partial<Request> = {}): Request {
  return { facts: new Map(), now: NOW, product: undefined, silicon: undefined, isRetiring: false, ...given };
}

type Row = readonly [
  test: Test,
  oks: readonly FactValue[],
  fails: readonly FactValue[],
  unknown?: readonly FactValue[],
];

const ROWS: readonly Row[] = [
  [{ kind: "has" }, [false, 0, ""], []],
  [{ kind: "flag" }, [true], [false, "true", 1]],
  [{ kind: "one-of", values: ["a"] }, ["a"], ["b", "", "ab"]],
  [{ kind: "one-of", values: ["a", "b"] }, ["a", "b"], ["c", "", "a,b"]],
  [{ kind: "one-of", values: ["true"] }, [true, "true"], [false]],
  [{ kind: "interval", intervals: [{ least: 2, most: 3 }] }, [2, 3], [1, 4, "2", 2n]],
  [{ kind: "interval", intervals: [{ least: 2 }] }, [2, 2 ** 50], [1, "3"]],
  [{ kind: "interval", intervals: [{ most: 2 }] }, [0, 2], [3]],
  [{ kind: "interval", intervals: [{ most: 1 }, { least: 4, most: 4 }] }, [0, 1, 4], [2, 3, 5, "1"]],
  [
    { kind: "version", relation: "==", value: [1, 2, 3] },
    [[1, 2, 3]],
    [[1, 2, 4], [1, 3, 3], [2, 2, 3], "1.2.3"],
  ],
  [
    { kind: "version", relation: "<", value: [1, 2, 3] },
    [
      [1, 2, 2],
      [1, 1, 9],
      [0, 9, 9],
    ],
    [
      [1, 2, 3],
      [1, 2, 4],
      [2, 0, 0],
    ],
  ],
  [
    { kind: "version", relation: "<=", value: [1, 2, 3] },
    [
      [1, 2, 3],
      [1, 2, 2],
    ],
    [
      [1, 2, 4],
      [1, 3, 0],
    ],
  ],
  [
    { kind: "version", relation: ">", value: [1, 2, 3] },
    [
      [1, 2, 4],
      [1, 3, 0],
      [2, 0, 0],
    ],
    [[1, 2, 3], [1, 1, 9], 5],
  ],
  [
    { kind: "version", relation: ">=", value: [1, 2, 3] },
    [
      [1, 2, 3],
      [1, 2, 4],
    ],
    [
      [1, 2, 2],
      [0, 9, 9],
    ],
  ],
  [
    { kind: "version-range", from: [1, 2, 0], to: [1, 4, 0] },
    [
      [1, 2, 0],
      [1, 3, 9],
      [1, 4, 0],
    ],
    [[1, 1, 9], [1, 4, 1], "1.3"],
  ],
  [
    { kind: "vector-equals", value: { a: 1, b: 2 } },
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [{ a: 1, b: 3 }, { a: 1, b: 2, c: 0 }, { a: 2 }, 3],
    [{ a: 1 }, {}],
  ],
  [
    { kind: "vector-least", least: { a: 1, b: 2 } },
    [
      { a: 1, b: 2 },
      { a: 9, b: 9, c: 0 },
    ],
    [{ a: 0, b: 9 }, { a: 9, b: 1 }, { a: 0 }, "x"],
    [{ a: 1 }, { b: 2 }, {}],
  ],
  [{ kind: "bits", mask: 5n }, [5n, 7n], [1n, 4n, 0n, 5]],
  [{ kind: "contains", value: "a" }, [["a"], ["b", "a"]], [[], ["b"], "a"]],
];

const BLOCKS: Test = {
  kind: "within",
  blocks: [
    { family: 4, base: 0x0a00_0000n, prefix: 8 },
    { family: 6, base: 0x2001_0db8n << 96n, prefix: 32 },
  ],
};

describe("a test", () => {
  const all: readonly Row[] = [
    ...ROWS,
    [
      BLOCKS,
      ["10.0.0.0", "10.255.255.255", "2001:db8::1", "::ffff:10.1.2.3"],
      ["11.0.0.0", "9.255.255.255", "2001:db9::", "::a00:1", "nonsense", 7],
    ],
  ];
  it.each(all.map(([test, ...values]) => ({ test, values })))("$test.kind $values", ({ test, values }) => {
    const asks = testOf(test);
    const verdicts = values.map((list) => (list ?? []).map((value) => asks(value, request())));
    const wanted = (["ok", "x", "?"] as const).map((verdict, at) =>
      (values[at] ?? []).map(() => ({ verdict, note: undefined })),
    );
    expect(verdicts).toEqual(wanted.slice(0, values.length));
  });
});

describe("a floor", () => {
  const row = (name: string, least: FloorRow["least"]): FloorRow => ({ name, least, origin: ORIGIN });
  const asks = testOf({
    kind: "floor",
    floor: "f",
    rows: [row("milan", { snp: 3, tee: 0 }), row("milan-x", { snp: 5 }), row("genoa", undefined)],
  });
  const told = (value: FactValue, given: Partial<Request>) => asks(value, request(given));

  it("asks the row of the silicon, else of the product", () => {
    expect(told({ snp: 3, tee: 0 }, { product: "milan" })).toEqual({
      verdict: "ok",
      note: "row milan: snp 3, tee 0",
    });
    expect(told({ snp: 4, tee: 0 }, { product: "milan", silicon: "milan-x" })).toEqual({
      verdict: "x",
      note: "row milan-x: snp 5",
    });
    expect(told({ snp: 4, tee: 0 }, { product: "milan", silicon: "milan-y" }).verdict).toBe("ok");
    expect(told({ tee: 0 }, { product: "milan" }).verdict).toBe("?");
    expect(told("x", { product: "milan" }).verdict).toBe("x");
  });

  it("refuses by a row that does, and where there is none", () => {
    expect(told({ snp: 9 }, { product: "genoa" })).toEqual({ verdict: "x", note: "row genoa refuses" });
    expect(told({ snp: 9 }, { product: "turin" })).toEqual({ verdict: "x", note: "no row for turin" });
    expect(told({ snp: 9 }, { product: "turin", silicon: "turin-dense" })).toEqual({
      verdict: "x",
      note: "no row for turin-dense",
    });
    expect(told({ snp: 9 }, {})).toEqual({ verdict: "x", note: "no row for this product" });
  });
});

describe("a reference set", () => {
  const entry = (label: string, more: Partial<Entry> = {}): Entry => ({
    label,
    value: "aa",
    state: "active",
    at: "a.writ:1",
    origin: ORIGIN,
    ...more,
  });
  const told = (entries: readonly Entry[], value: FactValue, now = NOW) => {
    const made = request({ now });
    return { ...testOf({ kind: "member", set: "s", entries })(value, made), isRetiring: made.isRetiring };
  };

  it("holds live entries in their window, half open", () => {
    const windowed = [entry("w", { valid: { from: 10, to: 20 } })];
    expect([9, 10, 19, 20].map((now) => told(windowed, "aa", now).verdict)).toEqual(["x", "ok", "ok", "x"]);
    expect(told([entry("open", { valid: { from: 10 } })], "aa", 10 ** 9).verdict).toBe("ok");
    expect(told([entry("a")], "ab").verdict).toBe("x");
    expect(told([entry("r", { state: "revoked" })], "aa")).toEqual({
      verdict: "x",
      note: undefined,
      isRetiring: false,
    });
  });

  it("marks what rests on a retiring entry alone", () => {
    const old = entry("old", { state: "retiring" });
    expect(told([old], "aa")).toMatchObject({ verdict: "ok", isRetiring: true });
    expect(told([old, entry("new")], "aa")).toMatchObject({ verdict: "ok", isRetiring: false });
    expect(told([old, entry("later", { valid: { from: NOW + 1 } })], "aa")).toMatchObject({
      isRetiring: true,
    });
  });

  it("names the entry in its note, inside and outside of its window", () => {
    const notes = [
      told([entry("one")], "aa").note,
      told([entry("one", { valid: { from: 5, to: 6 } })], "aa").note,
    ];
    expect(notes).toEqual([`"one" (active)`, `"one" is outside its window`]);
  });
});

describe("the fact behind a field", () => {
  const facts = new Map<string, FactValue>([
    ["v", { a: 1 }],
    ["n", 0],
  ]);
  const field = (key: string, more: Partial<FieldRef> = {}): FieldRef => ({
    name: key,
    key,
    type: { kind: "uint", bits: 8 },
    ...more,
  });

  it("is its value, a component of its vector, or what absence counts as", () => {
    expect(readField(facts, field("n"))).toBe(0);
    expect(readField(facts, field("n", { fallback: 7 }))).toBe(0);
    expect(readField(facts, field("m", { fallback: 7 }))).toBe(7);
    expect(readField(facts, field("m"))).toBeUndefined();
    expect(readField(facts, field("v", { component: "a" }))).toBe(1);
    expect(readField(facts, field("v", { component: "b" }))).toBeUndefined();
    expect(readField(facts, field("n", { component: "a" }))).toBeUndefined();
    expect(readField(facts, field("m", { component: "a" }))).toBeUndefined();
  });

  it("counts a window half open", () => {
    expect([9, 10, 19, 20].map((now) => isWithin({ from: 10, to: 20 }, now))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([9, 10].map((now) => isWithin({ from: 10 }, now))).toEqual([false, true]);
    expect(isWithin(undefined, 0)).toBe(true);
  });
});
