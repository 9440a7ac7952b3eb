/** Is a diagram what it claims: sets by one number each, joined as sets are, within its limits? Against plain lists of tuples. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { combine, type Operation } from "../../../src/writ/solver/combine.ts";
import {
  ALWAYS,
  childOf,
  createDiagrams,
  type Diagrams,
  eachRun,
  isEnd,
  levelOf,
  makeNode,
  NEVER,
} from "../../../src/writ/solver/diagram.ts";

const CELLS = 3;
const LEVELS = 3;
const SIZE = CELLS ** LEVELS;
const LARGE = { maxNodes: 1e6, maxSteps: 1e6 };

/** A set of tuples as a bit each, first level first. */
type Members = readonly boolean[];

function nodeOf(diagrams: Diagrams, members: Members, level = 0): number {
  if (level === LEVELS) return members[0] === true ? ALWAYS : NEVER;
  const width = members.length / CELLS;
  const runs = Array.from({ length: CELLS }, (_, cell): [number, number] => [
    cell,
    nodeOf(diagrams, members.slice(cell * width, (cell + 1) * width), level + 1),
  ]);
  return makeNode(diagrams, level, runs);
}

function holds(diagrams: Diagrams, root: number, tuple: number): boolean {
  let node = root;
  while (!isEnd(node)) {
    const cell = Math.floor(tuple / CELLS ** (LEVELS - 1 - levelOf(diagrams, node))) % CELLS;
    node = childOf(diagrams, node, cell);
  }
  return node === ALWAYS;
}

const set = fc.array(fc.boolean(), { minLength: SIZE, maxLength: SIZE });
const AS_LISTS: Readonly<Record<Operation, (a: boolean, b: boolean) => boolean>> = {
  and: (a, b) => a && b,
  or: (a, b) => a || b,
  minus: (a, b) => a && !b,
};

describe("a diagram", () => {
  test.prop([set])("holds exactly its tuples, by as few nodes as there are", (members) => {
    const diagrams = createDiagrams(LARGE);
    const root = nodeOf(diagrams, members);
    expect(members.map((_, tuple) => holds(diagrams, root, tuple))).toEqual(members);
    expect(nodeOf(diagrams, members)).toBe(root);
    expect(root === NEVER).toBe(!members.includes(true));
    expect(root === ALWAYS).toBe(!members.includes(false));
  });

  test.prop([set, set, fc.constantFrom<Operation>("and", "or", "minus")])(
    "joins two sets as lists are joined, and to the same number",
    (a, b, operation) => {
      const diagrams = createDiagrams(LARGE);
      const joined = a.map((one, at) => AS_LISTS[operation](one, b[at] === true));
      const made = combine(diagrams, operation, nodeOf(diagrams, a), nodeOf(diagrams, b));
      expect(made).toBe(nodeOf(diagrams, joined));
    },
  );

  test.prop([set])("has runs that follow each other, none with the child of the one before", (members) => {
    const diagrams = createDiagrams(LARGE);
    const root = nodeOf(diagrams, members);
    if (isEnd(root)) return;
    const runs: (readonly number[])[] = [];
    eachRun(diagrams, root, (...run) => runs.push(run));
    expect(runs[0]?.[0]).toBe(0);
    expect(runs.at(-1)?.[1]).toBe(CELLS - 1);
    for (const [at, [first = 0, , child]] of runs.slice(1).entries()) {
      expect(first).toBe((runs[at]?.[1] ?? 0) + 1);
      expect(child).not.toBe(runs[at]?.[2]);
    }
  });

  it("keeps its numbers while its tables grow", () => {
    const diagrams = createDiagrams(LARGE);
    const one = (level: number, cell: number): number =>
      makeNode(diagrams, level, [
        [cell - 1, NEVER],
        [cell, ALWAYS],
        [9999, NEVER],
      ]);
    const nodes = Array.from({ length: 5000 }, (_, at) => one(0, at + 1));
    expect(new Set(nodes).size).toBe(5000);
    expect(nodes.map((_, at) => one(0, at + 1))).toEqual(nodes);
    const all = nodes.reduce((sum, node) => combine(diagrams, "or", sum, node) ?? NEVER, NEVER);
    expect(childOf(diagrams, all, 5000)).toBe(ALWAYS);
    expect(childOf(diagrams, all, 5001)).toBe(NEVER);
  });

  it("makes nothing beyond its nodes or its steps, and still stands afterwards", () => {
    for (const limits of [
      { maxNodes: 4, maxSteps: 1e6 },
      { maxNodes: 1e6, maxSteps: 1 },
    ]) {
      const diagrams = createDiagrams(limits);
      const [a, b] = [0, 1].map((level) =>
        makeNode(diagrams, level, [
          [0, ALWAYS],
          [2, NEVER],
        ]),
      );
      const [c, d] = [2, 3].map((level) =>
        makeNode(diagrams, level, [
          [0, ALWAYS],
          [2, NEVER],
        ]),
      );
      const first = combine(diagrams, "and", a ?? 0, b ?? 0);
      expect([first, combine(diagrams, "or", c ?? 0, d ?? 0)]).toContain(undefined);
      expect(combine(diagrams, "and", a ?? 0, ALWAYS)).toBe(a);
      expect(
        makeNode(diagrams, 0, [
          [0, ALWAYS],
          [2, NEVER],
        ]),
      ).toBe(a);
    }
  });
});
