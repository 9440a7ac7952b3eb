/** When is an axiom broken? Each kind of axiom and of claim, at its edges, about lamps and about facts of any type. */
import { describe, expect, it } from "vitest";
import type { Axiom, Claim } from "../../../src/writ/axiom.ts";
import type { FactValue } from "../../../src/writ/facts.ts";
import { brokenAxioms } from "../../../src/writ/solver/axioms.ts";
import type { Vocabulary } from "../../../src/writ/vocabulary.ts";
import { TOY } from "../toy.ts";

type Values = Readonly<Record<string, FactValue>>;

const SETS = [{ field: "mark", entries: [{ value: "aaaa", vcpus: 4 }] }];

function isBroken(axiom: Axiom, values: Values, more: Partial<Vocabulary> = {}): boolean {
  const vocabulary: Vocabulary = {
    ...TOY,
    productField: "product",
    products: [{ name: "lamp", silicon: [], components: ["a", "b"] }],
    ...more,
    axioms: [axiom],
  };
  return brokenAxioms(new Map(Object.entries(values)), vocabulary, SETS).length === 1;
}

function follows(claim: Claim): Axiom {
  return { kind: "implies", text: "", when: [{ kind: "present", field: "on" }], follows: [claim] };
}

type Row = readonly [values: Values, broken: boolean];

function rows(name: string, axiom: Axiom, all: readonly Row[]): void {
  describe(name, () => {
    it.each(all)("%j: broken %s", (values, broken) => expect(isBroken(axiom, values)).toBe(broken));
  });
}

rows("present", follows({ kind: "present", field: "x" }), [
  [{}, false],
  [{ on: 1 }, true],
  [{ on: 1, x: false }, false],
  [{ on: 1, "x[3]": 1 }, false],
  [{ on: 1, xx: 1 }, true],
]);

rows("absent", follows({ kind: "absent", field: "x" }), [
  [{ on: 1 }, false],
  [{ on: 1, x: false }, true],
  [{ on: 1, "x[3]": 1 }, true],
  [{ on: 1, xx: 1 }, false],
]);

rows("one of some words", follows({ kind: "one-of", field: "x", values: ["a", "1"] }), [
  [{ on: 1, x: "a" }, false],
  [{ on: 1, x: "b" }, true],
  [{ on: 1, x: 1 }, true],
  [{ on: 1 }, true],
  [{ on: 1, "x[1]": "a", "x[2]": "1" }, false],
  [{ on: 1, "x[1]": "a", "x[2]": "b" }, true],
]);

rows("a flag", follows({ kind: "flag", field: "x", is: false }), [
  [{ on: 1, x: false }, false],
  [{ on: 1, x: true }, true],
  [{ on: 1, x: 0 }, true],
  [{ on: 1 }, true],
]);

const WITHIN: Claim = {
  kind: "within",
  field: "x",
  ranges: [
    [2, 3],
    [7, 7],
  ],
};
rows("within ranges, both ends", follows(WITHIN), [
  [{ on: 1, x: 1 }, true],
  [{ on: 1, x: 2 }, false],
  [{ on: 1, x: 3 }, false],
  [{ on: 1, x: 4 }, true],
  [{ on: 1, x: 7 }, false],
  [{ on: 1, x: 8 }, true],
  [{ on: 1, x: "2" }, true],
]);

const BOTH: Axiom = {
  kind: "implies",
  text: "",
  when: [
    { kind: "present", field: "a" },
    { kind: "present", field: "b" },
  ],
  follows: [
    { kind: "present", field: "c" },
    { kind: "present", field: "d" },
  ],
};
rows("every `when`, then every `follows`", BOTH, [
  [{ a: 1 }, false],
  [{ b: 1 }, false],
  [{ a: 1, b: 1 }, true],
  [{ a: 1, b: 1, c: 1 }, true],
  [{ a: 1, b: 1, d: 1 }, true],
  [{ a: 1, b: 1, c: 1, d: 1 }, false],
]);

rows("two names of one value", { kind: "alias", text: "", field: "x", of: "y" }, [
  [{}, false],
  [{ x: 1 }, true],
  [{ y: 1 }, true],
  [{ x: 1, y: 1 }, false],
  [{ x: 1, y: 2 }, true],
  [{ x: { a: 1, b: 2 }, y: { b: 2, a: 1 } }, false],
  [{ x: { a: 1, b: 2 }, y: { a: 1 } }, true],
  [{ x: { a: 1 }, y: { a: 1, b: 2 } }, true],
  [{ x: { a: 1 }, y: { a: 2 } }, true],
  [{ x: { a: 1 }, y: 1 }, true],
  [{ x: 1, y: { a: 1 } }, true],
  [{ x: [1, 2, 3], y: [1, 2, 3] }, false],
]);

rows("no component above", { kind: "at-most", text: "", lower: "x", upper: "y" }, [
  [{ x: { a: 2 }, y: { a: 2 } }, false],
  [{ x: { a: 3 }, y: { a: 2 } }, true],
  [{ x: { a: 1, b: 3 }, y: { a: 2, b: 2 } }, true],
  [{ x: { a: 1, b: 3 }, y: { a: 2 } }, false],
  [{ x: { a: 3 } }, false],
  [{ y: { a: 3 } }, false],
  [{ x: { a: 3 }, y: 2 }, false],
  [{ x: 3, y: { a: 2 } }, false],
]);

const DIFFERS: Axiom = {
  kind: "differs",
  text: "",
  flag: "f",
  pairs: [
    ["a", "b"],
    ["c", "d"],
  ],
};
rows("a flag is false exactly where every pair is equal", DIFFERS, [
  [{ a: 1, b: 1, c: 1, d: 1 }, false],
  [{ a: 1, b: 2 }, false],
  [{ f: false, a: 1, b: 1, c: 1, d: 1 }, false],
  [{ f: true, a: 1, b: 1, c: 1, d: 1 }, true],
  [{ f: true, a: 1, b: 1, c: 1, d: 2 }, false],
  [{ f: false, a: 1, b: 1, c: 1, d: 2 }, true],
  [{ f: false, a: 1, b: 2, c: 1, d: 1 }, true],
]);

const COMPONENTS: Axiom = { kind: "components", text: "", fields: ["x", "y"] };
rows("the components of the product", COMPONENTS, [
  [{ product: "lamp", x: { a: 1, b: 1 } }, false],
  [{ product: "lamp", x: { b: 1, a: 1 }, y: { a: 1 } }, true],
  [{ product: "lamp", x: { a: 1, c: 1 } }, true],
  [{ product: "lamp", x: { a: 1, b: 1, c: 1 } }, true],
  [{ product: "stove", x: { a: 1 } }, false],
  [{ x: { a: 1 } }, false],
  [{ product: "lamp", x: 1 }, false],
]);

it("without a product field no vector lacks a component", () => {
  const { productField: _, ...rest } = { ...TOY, productField: "product" };
  const vocabulary: Vocabulary = {
    ...rest,
    products: [{ name: "lamp", silicon: [], components: ["a"] }],
    axioms: [COMPONENTS],
  };
  const facts = new Map<string, FactValue>([
    ["product", "lamp"],
    ["x", { z: 1 }],
  ]);
  expect(brokenAxioms(facts, vocabulary, [])).toEqual([]);
});

rows("a label", { kind: "labelled", text: "", field: "count", of: "mark" }, [
  [{ mark: "aaaa", count: 4 }, false],
  [{ mark: "aaaa", count: 5 }, true],
  [{ mark: "aaaa" }, true],
  [{ mark: "bbbb" }, false],
  [{ mark: "bbbb", count: 4 }, true],
  [{ mark: 7 }, false],
  [{ count: 4 }, true],
]);

const DAYS = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
const CALENDAR: Axiom = { kind: "calendar", text: "", weekday: "day", hour: "hour", days: DAYS };
const NOON = Date.UTC(2026, 10, 21, 12) / 1000;
rows("the calendar", CALENDAR, [
  [{ now: NOON, day: "sat", hour: 12 }, false],
  [{ now: NOON, day: "sun", hour: 12 }, true],
  [{ now: NOON, day: "sat", hour: 11 }, true],
  [{ now: NOON - 1, day: "sat", hour: 11 }, false],
  [{ now: NOON }, false],
  [{ now: NOON, day: "sat" }, false],
  [{ now: NOON, hour: 12 }, false],
  [{ day: "sun", hour: 12 }, false],
]);
