/** What do sets make together when a diagram would be too large, and how is a request found in them? */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { cheapestPath } from "../../../src/writ/solver/cheapest.ts";
import { ALWAYS, createDiagrams, makeNode, NEVER } from "../../../src/writ/solver/diagram.ts";
import { createMemo, recall, remember } from "../../../src/writ/solver/memo.ts";
import {
  formulaOf,
  isBuilt,
  joinAll,
  type Regions,
  unknownRef,
  without,
} from "../../../src/writ/solver/regions.ts";
import { findModel } from "../../../src/writ/solver/search.ts";
import {
  ALWAYS_TRUE,
  allOf,
  anyOf,
  both,
  eachLiteral,
  either,
  literal,
  NEVER_TRUE,
  negated,
} from "../../../src/writ/solver/shape.ts";

const STEPS = 100_000;

function open(maxNodes = 1_000_000): Regions {
  return { diagrams: createDiagrams({ maxNodes, maxSteps: 1_000_000 }), formulas: [] };
}

/** Cells `from` to `to` of ten. */
function node({ diagrams }: Regions, level: number, from: number, to = from): number {
  return makeNode(diagrams, level, [
    ...(from === 0 ? [] : [[from - 1, NEVER] as const]),
    [to, ALWAYS],
    ...(to === 9 ? [] : [[9, NEVER] as const]),
  ]);
}

describe("joining", () => {
  it("nothing is everything for `and`, nothing for `or`; one is itself", () => {
    const regions = open();
    const one = node(regions, 0, 3);
    expect([joinAll(regions, "and", []), joinAll(regions, "or", [])]).toEqual([ALWAYS, NEVER]);
    expect([joinAll(regions, "and", [one]), joinAll(regions, "or", [one])]).toEqual([one, one]);
  });

  it("all of many are joined, of an odd number too", () => {
    const regions = open();
    const all = [1, 3, 5, 7, 8].map((cell) => node(regions, 0, cell));
    const kept = makeNode(
      regions.diagrams,
      0,
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((cell) => [cell, [1, 3, 5, 7, 8].includes(cell) ? ALWAYS : NEVER]),
    );
    expect(joinAll(regions, "or", all)).toBe(kept);
    expect(joinAll(regions, "and", all)).toBe(NEVER);
    expect(without(regions, kept, kept)).toBe(NEVER);
  });

  it("what an end decides needs no formula, even where nothing fits", () => {
    const regions = open(0);
    const [a, unknown] = [node(regions, 0, 3), unknownRef(regions)];
    expect(isBuilt(unknown)).toBe(false);
    for (const one of [a, unknown]) {
      expect(joinAll(regions, "and", [one, NEVER])).toBe(NEVER);
      expect(joinAll(regions, "and", [NEVER, one])).toBe(NEVER);
      expect(joinAll(regions, "and", [one, ALWAYS])).toBe(one);
      expect(joinAll(regions, "and", [ALWAYS, one])).toBe(one);
      expect(joinAll(regions, "or", [one, ALWAYS])).toBe(ALWAYS);
      expect(joinAll(regions, "or", [ALWAYS, one])).toBe(ALWAYS);
      expect(joinAll(regions, "or", [one, NEVER])).toBe(one);
      expect(joinAll(regions, "or", [NEVER, one])).toBe(one);
      expect(joinAll(regions, "or", [one, one])).toBe(one);
      expect(without(regions, NEVER, one)).toBe(NEVER);
      expect(without(regions, one, ALWAYS)).toBe(NEVER);
      expect(without(regions, one, NEVER)).toBe(one);
    }
    expect(regions.formulas).toHaveLength(1);
  });

  it("what does not fit is a formula of its parts", () => {
    const regions = open(4);
    const [a, b] = [node(regions, 0, 3), node(regions, 1, 3)];
    const [all, any, less] = [
      joinAll(regions, "and", [a, b]),
      joinAll(regions, "or", [a, b]),
      without(regions, a, b),
    ];
    expect([all, any, less].map((ref) => isBuilt(ref))).toEqual([false, false, false]);
    expect([all, any, less].map((ref) => formulaOf(regions, ref))).toEqual([
      { kind: "and", of: [a, b] },
      { kind: "or", of: [a, b] },
      { kind: "minus", of: [a, b] },
    ]);
    expect(formulaOf(regions, -99)).toEqual({ kind: "unknown" });
  });

  it("a formula of more than 400 storeys is not known", () => {
    const regions = open(4);
    const [a, b] = [node(regions, 0, 3), node(regions, 1, 3)];
    let ref = joinAll(regions, "and", [a, b]);
    for (let at = 1; at < 400; at += 1) ref = without(regions, ALWAYS, ref);
    expect(formulaOf(regions, ref).kind).toBe("minus");
    expect(formulaOf(regions, without(regions, ALWAYS, ref)).kind).toBe("unknown");
    expect(formulaOf(regions, joinAll(regions, "or", [a, ref])).kind).toBe("unknown");
    expect(formulaOf(regions, joinAll(regions, "or", [ref, a])).kind).toBe("unknown");
  });
});

describe("a search", () => {
  const small = () => {
    const regions = open(4);
    return { regions, a: node(regions, 0, 3, 5), b: node(regions, 1, 7, 9) };
  };
  const found = (...cells: readonly (readonly [number, number])[]) => ({
    kind: "found",
    model: new Map(cells),
  });

  it("finds the last cell of the first run that fits, of every field that matters", () => {
    const { regions, a, b } = small();
    expect(findModel(regions, joinAll(regions, "and", [a, b]), STEPS)).toEqual(found([0, 5], [1, 9]));
    expect(findModel(regions, joinAll(regions, "or", [a, b]), STEPS)).toEqual(found([0, 2], [1, 9]));
    expect(findModel(regions, without(regions, a, b), STEPS)).toEqual(found([0, 5], [1, 6]));
    expect(findModel(regions, without(regions, b, a), STEPS)).toEqual(found([0, 2], [1, 9]));
    expect(findModel(regions, ALWAYS, STEPS)).toEqual(found());
    expect(findModel(regions, a, STEPS)).toEqual(found([0, 5]));
  });

  it("says that there is none only when it has looked everywhere", () => {
    const { regions, a, b } = small();
    const both = joinAll(regions, "and", [a, b]);
    expect(findModel(regions, without(regions, both, a), STEPS)).toEqual({ kind: "none" });
    expect(findModel(regions, NEVER, STEPS)).toEqual({ kind: "none" });
    expect(findModel(regions, without(regions, both, a), 3)).toEqual({ kind: "not-decided" });
    expect(findModel(regions, both, 1)).toEqual({ kind: "not-decided" });
    expect(findModel(regions, both, 0)).toEqual({ kind: "not-decided" });
  });

  it("is not decided by what is unknown, unless the rest decides", () => {
    const { regions, a, b } = small();
    const unknown = unknownRef(regions);
    const undecided = { kind: "not-decided" };
    expect(findModel(regions, unknown, STEPS)).toEqual(undecided);
    expect(findModel(regions, joinAll(regions, "and", [a, unknown]), STEPS)).toEqual(undecided);
    expect(findModel(regions, without(regions, ALWAYS, unknown), STEPS)).toEqual(undecided);
    expect(findModel(regions, without(regions, a, unknown), STEPS)).toEqual(undecided);
    expect(findModel(regions, without(regions, unknown, b), STEPS)).toEqual(undecided);
    expect(findModel(regions, joinAll(regions, "or", [unknown, b]), STEPS)).toEqual(found([1, 9]));
  });

  const cells = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 });
  test.prop([
    fc.array(fc.tuple(fc.nat(2), cells), { minLength: 3, maxLength: 6 }),
    fc.array(fc.constantFrom("and", "or", "minus"), { minLength: 5, maxLength: 5 }),
  ])("answers as trying all 27 requests does", (leaves, operations) => {
    const regions = open(2);
    const refs = leaves.map(([level, list]) =>
      makeNode(
        regions.diagrams,
        level,
        list.map((one, cell) => [cell, one ? ALWAYS : NEVER]),
      ),
    );
    const joined = refs.reduce((ref, next, at) => {
      const operation = operations[at - 1];
      if (operation === "minus") return without(regions, ref, next);
      return joinAll(regions, operation === "or" ? "or" : "and", [ref, next]);
    });
    const isIn = (request: readonly number[]): boolean =>
      leaves
        .map(([level, list]) => list[request[level] ?? 0] === true)
        .reduce((is, next, at) =>
          operations[at - 1] === "minus"
            ? is && !next
            : operations[at - 1] === "or"
              ? is || next
              : is && next,
        );
    const all = Array.from({ length: 27 }, (_, n) => [n % 3, Math.floor(n / 3) % 3, Math.floor(n / 9)]);
    const result = findModel(regions, joined, STEPS);
    expect(result.kind).toBe(all.some(isIn) ? "found" : "none");
    if (result.kind !== "found") return;
    const { model } = result;
    const chosen = all.filter((request) =>
      request.every((cell, level) => (model.get(level) ?? cell) === cell),
    );
    expect(chosen.length).toBeGreaterThan(0);
    expect(chosen.every(isIn)).toBe(true);
  });
});

describe("the cheapest path", () => {
  it("takes the least sum, and the earlier cell of two that cost the same", () => {
    const regions = open();
    const [later, never] = [node(regions, 1, 2, 4), NEVER];
    const root = makeNode(regions.diagrams, 0, [
      [0, never],
      [3, later],
      [9, ALWAYS],
    ]);
    const price =
      (costs: Readonly<Record<string, number>>) => (level: number, first: number, last: number) => {
        const cost = costs[`${level}:${first}`];
        return cost === undefined ? undefined : { cell: last, cost };
      };
    const cells = (...list: readonly (readonly [number, number])[]) => new Map(list);
    expect(cheapestPath(regions.diagrams, root, price({ "0:1": 1, "0:4": 5, "1:2": 2 }))).toEqual({
      cost: 3,
      cells: cells([0, 3], [1, 4]),
    });
    expect(cheapestPath(regions.diagrams, root, price({ "0:1": 1, "0:4": 2, "1:2": 2 }))).toEqual({
      cost: 2,
      cells: cells([0, 9]),
    });
    expect(cheapestPath(regions.diagrams, root, price({ "0:1": 1, "0:4": 3, "1:2": 2 }))).toEqual({
      cost: 3,
      cells: cells([0, 3], [1, 4]),
    });
    expect(cheapestPath(regions.diagrams, root, price({ "0:0": 0, "0:1": 1 }))).toBeUndefined();
    expect(cheapestPath(regions.diagrams, NEVER, price({}))).toBeUndefined();
    expect(cheapestPath(regions.diagrams, ALWAYS, price({}))).toEqual({ cost: 0, cells: new Map() });
  });
});

describe("what was made already", () => {
  it("is recalled by operation and both nodes, also when the table has grown", () => {
    const memo = createMemo();
    expect(recall(memo, 1, 0, 0)).toBe(-1);
    remember(memo, { code: 1, a: 2, b: 3, node: 4 });
    expect(recall(memo, 1, 2, 3)).toBe(4);
    expect([
      recall(memo, 2, 2, 3),
      recall(memo, 1, 3, 2),
      recall(memo, 1, 2, 4),
      recall(memo, 1, 9, 3),
    ]).toEqual([-1, -1, -1, -1]);
    const before = memo.keys.length;
    for (let at = 0; at < 3000; at += 1) remember(memo, { code: 2, a: at, b: at + 1, node: at });
    expect(memo.keys.length).toBeGreaterThan(before);
    const known = Array.from({ length: 3000 }, (_, at) => recall(memo, 2, at, at + 1));
    expect(known.every((node, at) => node === at || node === -1)).toBe(true);
    expect(known.filter((node) => node >= 0).length).toBeGreaterThan(1500);
    expect(recall(memo, 2, 2999, 3000)).toBe(2999);
  });
});

describe("a shape", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => literal(name, { kind: "words", words: ["x"] }));
  if (a === undefined || b === undefined || c === undefined) throw new Error("three truths");

  it("is surely true and surely false by its members", () => {
    expect(allOf([a, b])).toEqual({
      yes: { kind: "and", of: [a.yes, b.yes] },
      no: { kind: "or", of: [a.no, b.no] },
    });
    expect(anyOf([a, b])).toEqual({
      yes: { kind: "or", of: [a.yes, b.yes] },
      no: { kind: "and", of: [a.no, b.no] },
    });
    expect(negated(a)).toEqual({ yes: a.no, no: a.yes });
    expect([a.yes, a.no]).toMatchObject([{ isNegated: false }, { isNegated: true }]);
  });

  it("loses what changes nothing, and is flat", () => {
    expect([both([]), either([])]).toEqual([ALWAYS_TRUE, NEVER_TRUE]);
    expect([both([a.yes]), either([a.yes])]).toEqual([a.yes, a.yes]);
    expect(both([ALWAYS_TRUE, a.yes, both([b.yes, c.yes])])).toEqual({
      kind: "and",
      of: [a.yes, b.yes, c.yes],
    });
    expect(either([NEVER_TRUE, a.yes, either([b.yes, c.yes])])).toEqual({
      kind: "or",
      of: [a.yes, b.yes, c.yes],
    });
    expect(both([a.yes, either([b.yes, c.yes])])).toEqual({
      kind: "and",
      of: [a.yes, { kind: "or", of: [b.yes, c.yes] }],
    });
    expect([both([a.yes, NEVER_TRUE]), either([a.yes, ALWAYS_TRUE])]).toEqual([NEVER_TRUE, ALWAYS_TRUE]);
  });

  it("has all of its literals visited", () => {
    const seen: string[] = [];
    eachLiteral(both([a.yes, either([b.no, c.yes])]), ({ dimension }) => seen.push(dimension));
    eachLiteral(ALWAYS_TRUE, () => seen.push("never"));
    expect(seen).toEqual(["a", "b", "c"]);
  });
});
