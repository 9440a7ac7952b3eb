/** What follows from values that were chosen? A whole request is made of some of its cells, by each kind of axiom. */
import { describe, expect, it } from "vitest";
import type { Axiom } from "../../../src/writ/axiom.ts";
import type { FactValue, VersionFact } from "../../../src/writ/facts.ts";
import { labelledFacts, settle } from "../../../src/writ/solver/settle.ts";
import type { Vocabulary } from "../../../src/writ/vocabulary.ts";
import { TOY } from "../toy.ts";

const DAYS = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
const FITS: Axiom = { kind: "components", text: "", fields: ["low", "high"] };
const AT_MOST: Axiom = { kind: "at-most", text: "", lower: "low", upper: "high" };
const COPY: Axiom = { kind: "alias", text: "", field: "copy", of: "low" };
const DIFFERS: Axiom = {
  kind: "differs",
  text: "",
  flag: "apart",
  pairs: [
    ["low", "high"],
    ["v1", "v2"],
  ],
};
const CALENDAR: Axiom = { kind: "calendar", text: "", weekday: "day", hour: "hour", days: DAYS };
const LABELLED: Axiom = { kind: "labelled", text: "", field: "count", of: "mark" };
const IMPLIES: Axiom = {
  kind: "implies",
  text: "",
  when: [],
  follows: [{ kind: "flag", field: "apart", is: true }],
};

type Values = Readonly<Record<string, FactValue>>;

interface Ways {
  readonly asked?: readonly string[];
  readonly mayBe?: (name: string, value: number | VersionFact) => boolean;
}

function vocabularyOf(axioms: readonly Axiom[]): Vocabulary {
  return {
    ...TOY,
    productField: "product",
    products: [
      { name: "lamp", silicon: [], components: ["a", "b", "c"] },
      { name: "torch", silicon: [], components: ["a"] },
    ],
    ordinary: { lamp: new Map([["low", { a: 7, b: 8 }]]) },
    axioms,
  };
}

function settled(axioms: readonly Axiom[], values: Values, { asked = [], mayBe }: Ways = {}): Values {
  const facts = new Map(Object.entries(values));
  settle({
    facts,
    vocabulary: vocabularyOf(axioms),
    isAsked: (field) => asked.includes(field),
    mayBe: mayBe ?? (() => true),
  });
  return Object.fromEntries(facts);
}

describe("a vector", () => {
  it("has the components of its product: its own, else the ordinary ones, else 0", () => {
    expect(settled([FITS], { product: "lamp", low: { b: 1, z: 9 } })).toEqual({
      product: "lamp",
      low: { a: 7, b: 1, c: 0 },
    });
    expect(settled([FITS], { product: "lamp", high: { b: 1 } })["high"]).toEqual({ a: 0, b: 1, c: 0 });
    expect(settled([FITS], { product: "torch", low: {} })["low"]).toEqual({ a: 0 });
  });

  it("stays as it is where the product is not known, and what is no vector stays too", () => {
    expect(settled([FITS], { product: "stove", low: { z: 1 } })["low"]).toEqual({ z: 1 });
    expect(settled([FITS], { low: { z: 1 } })["low"]).toEqual({ z: 1 });
    expect(settled([FITS], { product: "lamp", low: "word" })).toEqual({ product: "lamp", low: "word" });
    expect(settled([FITS], { product: "lamp" })).toEqual({ product: "lamp" });
  });

  it("comes down to its limit, component by component", () => {
    const facts = { low: { a: 5, b: 1, c: 9 }, high: { a: 3, b: 2 } };
    expect(settled([AT_MOST], facts)).toEqual({ low: { a: 3, b: 1, c: 9 }, high: { a: 3, b: 2 } });
  });

  it("has no limit where one of both is not there, or is no vector", () => {
    for (const facts of [
      { low: { a: 5 } },
      { high: { a: 5 } },
      { low: 3, high: { a: 5 } },
      { low: { a: 5 }, high: 3 },
    ]) {
      expect(settled([AT_MOST], facts)).toEqual(facts);
    }
  });
});

describe("another name", () => {
  it("has the value of the field, and keeps its own where there is none", () => {
    expect(settled([COPY], { low: { a: 1 }, copy: { a: 2 } })["copy"]).toEqual({ a: 1 });
    expect(settled([COPY], { copy: { a: 2 } })).toEqual({ copy: { a: 2 } });
  });

  it("is made after vectors are whole and in order, whatever the order of the axioms", () => {
    const facts = { product: "torch", low: { a: 5, z: 1 }, high: { a: 3, z: 0 } };
    const after = { product: "torch", low: { a: 3 }, high: { a: 3 }, copy: { a: 3 }, apart: false };
    const all = [COPY, DIFFERS, AT_MOST, FITS];
    expect(settled(all, facts)).toEqual(after);
    expect(settled(all.toReversed(), facts)).toEqual(after);
  });
});

describe("a flag that says whether pairs differ", () => {
  const ALIKE = { low: { a: 1 }, high: { a: 1 }, v1: [1, 2, 3], v2: [1, 2, 3] } as const;

  it("follows them where nobody asks for it", () => {
    expect(settled([DIFFERS], { ...ALIKE, apart: true })["apart"]).toBe(false);
    expect(settled([DIFFERS], { ...ALIKE, v2: [1, 2, 4] })["apart"]).toBe(true);
    expect(settled([DIFFERS], { ...ALIKE, low: { a: 2 } })["apart"]).toBe(true);
  });

  it("makes them equal where it is asked for and false", () => {
    const facts = { ...ALIKE, low: { a: 0 }, v1: [9, 9, 9], apart: false } as const;
    expect(settled([DIFFERS], facts, { asked: ["apart"] })).toEqual({ ...ALIKE, apart: false });
  });

  it("moves one of the last pair where it is asked for and true: the second up, else the first down", () => {
    const asked = ["apart"];
    const facts = { ...ALIKE, apart: true };
    expect(settled([DIFFERS], facts, { asked })).toEqual({ ...facts, v2: [1, 2, 4] });
    const isDown = (name: string): boolean => name === "v1";
    expect(settled([DIFFERS], facts, { asked, mayBe: isDown })).toEqual({ ...facts, v1: [1, 2, 2] });
    const unequal = { ...facts, v1: [1, 2, 9] } as const;
    expect(settled([DIFFERS], unequal, { asked })).toEqual(unequal);
  });

  it("moves a component where versions cannot, to a value of its cell only", () => {
    const asked = ["apart"];
    const facts = { ...ALIKE, low: { a: 1, b: 4 }, high: { a: 1, b: 4 }, apart: true };
    const up = (name: string, value: number | VersionFact): boolean => name === "high.b" && value === 5;
    expect(settled([DIFFERS], facts, { asked, mayBe: up })).toEqual({ ...facts, high: { a: 1, b: 5 } });
    const down = (name: string, value: number | VersionFact): boolean => name === "low.b" && value === 3;
    expect(settled([DIFFERS], facts, { asked, mayBe: down })).toEqual({ ...facts, low: { a: 1, b: 3 } });
    expect(settled([DIFFERS], facts, { asked, mayBe: () => false })).toEqual(facts);
  });

  it("never goes below 0", () => {
    const zero = { low: { a: 0 }, high: { a: 0 }, v1: [1, 0, 0], v2: [1, 0, 0], apart: true } as const;
    const mayBe = (name: string): boolean => name === "v1" || name.startsWith("low");
    expect(settled([DIFFERS], zero, { asked: ["apart"], mayBe })).toEqual(zero);
    const one = { ...zero, low: { a: 1 }, high: { a: 1 } };
    expect(settled([DIFFERS], one, { asked: ["apart"], mayBe })).toEqual({ ...one, low: { a: 0 } });
  });

  it("moves nothing that is neither version nor vector", () => {
    const words = { low: "x", high: "x", v1: "y", v2: "y", apart: true };
    expect(settled([DIFFERS], words, { asked: ["apart"] })).toEqual(words);
  });
});

describe("weekday and hour", () => {
  it("are those of the moment", () => {
    const now = Date.UTC(2026, 10, 21, 23, 59, 59) / 1000;
    expect(settled([CALENDAR], { now, day: "mon", hour: 1 })).toEqual({ now, day: "sat", hour: 23 });
    expect(settled([CALENDAR], { now: 0 })).toEqual({ now: 0, day: "thu", hour: 0 });
  });

  it("stay as they are without a moment", () => {
    expect(settled([CALENDAR], { day: "mon", hour: 1 })).toEqual({ day: "mon", hour: 1 });
    expect(settled([{ ...CALENDAR, days: [] }], { now: 7200, day: "mon" })).toEqual({
      now: 7200,
      day: "mon",
      hour: 2,
    });
  });
});

it("implications and labels change nothing here: cells were chosen by them", () => {
  const facts = { apart: false, mark: "aaaa" };
  expect(settled([IMPLIES, LABELLED], facts)).toEqual(facts);
});

describe("a label", () => {
  const sets = [{ field: "mark", entries: [{ value: "aaaa", vcpus: 4 }] }];
  const labelled = (values: Values) =>
    Object.fromEntries(labelledFacts(new Map(Object.entries(values)), vocabularyOf([COPY, LABELLED]), sets));

  it("is that of the value, else is not there", () => {
    expect(labelled({ mark: "aaaa" })).toEqual({ mark: "aaaa", count: 4 });
    expect(labelled({ mark: "aaaa", count: 2 })).toEqual({ mark: "aaaa", count: 4 });
    expect(labelled({ mark: "bbbb", count: 2 })).toEqual({ mark: "bbbb" });
    expect(labelled({ count: 2 })).toEqual({});
    expect(labelled({ mark: 7, count: 2 })).toEqual({ mark: 7 });
  });
});
