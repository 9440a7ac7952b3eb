/** Are exactly those policies found whose patterns match a resource? Against matching each pattern by itself. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { revocationsIn, revokedSetsOf } from "../../../src/writ/evaluation/revocations.ts";
import { createScopeIndex } from "../../../src/writ/evaluation/scope-index.ts";
import { meets } from "../../../src/writ/patterns.ts";
import type { Pattern } from "../../../src/writ/program.ts";
import { resourceAxis } from "../../../src/writ/solver/resources.ts";
import { lamp, programOf } from "../toy.ts";

function matches({ segments, isOpen }: Pattern, resource: readonly string[]): boolean {
  const fits = isOpen ? resource.length > segments.length : resource.length === segments.length;
  return fits && segments.every((one, at) => one === "*" || one === resource[at]);
}

const name = fc.constantFrom("a", "b", "c");
const resource = fc.array(name, { minLength: 1, maxLength: 4 });
const pattern = fc
  .tuple(fc.array(fc.oneof(name, fc.constant("*")), { maxLength: 3 }), fc.boolean())
  .filter(([segments, isOpen]) => isOpen || segments.length > 0)
  .map(([segments, isOpen]): Pattern => ({ segments, isOpen }));

const [policy] = programOf('policy p { for resource "**" allow }').declarations;
if (policy === undefined) throw new Error("no policy");
const declared = policy;

test.prop([fc.array(fc.array(pattern, { minLength: 1, maxLength: 3 }), { maxLength: 24 }), resource], {
  numRuns: 300,
})("each once, in the order of their declarations", (all, path) => {
  const list = all.map((patterns, at) => ({ at, declaration: { ...declared, patterns } }));
  const found = createScopeIndex(list)(path.join("/")).map(({ at }) => at);
  const wanted = list.filter(({ declaration }) => declaration.patterns.some((one) => matches(one, path)));
  expect(found).toEqual(wanted.map(({ at }) => at));
});

const RESOURCES = Array.from({ length: 4 }, (_, length) =>
  Array.from({ length: 4 ** (length + 1) }, (__, n) =>
    Array.from({ length: length + 1 }, (___, at) => "abcd"[Math.floor(n / 4 ** at) % 4] ?? ""),
  ),
).flat();

test.prop([pattern, pattern], { numRuns: 300 })(
  "patterns meet exactly if some resource matches both",
  (left, right) => {
    const isBoth = RESOURCES.some((one) => matches(left, one) && matches(right, one));
    expect(meets(left, right)).toBe(isBoth);
    expect(meets(right, left)).toBe(isBoth);
  },
);

test.prop([fc.array(pattern, { minLength: 1, maxLength: 4 }), resource], { numRuns: 200 })(
  "the solver's cells tell apart what patterns do, and each has an example of its own",
  (patterns, path) => {
    const dimension = {
      name: "r",
      source: { key: "r", type: { kind: "path" } },
      domain: { kind: "closed", words: [] },
      isOptional: false,
    } as const;
    const made = resourceAxis(dimension, patterns, 10_000);
    const axis = made?.axis;
    const cell = axis?.cellOf(path.join("/"));
    expect(cell).toBeDefined();
    for (const one of patterns) {
      const text = [...one.segments, ...(one.isOpen ? ["**"] : [])].join("/");
      const runs = axis?.select({ kind: "words", words: [text] });
      const isIn = (at: number | undefined): boolean =>
        runs?.some(([first, last]) => at !== undefined && at >= first && at <= last) === true;
      expect(isIn(cell)).toBe(matches(one, path));
      const samples = axis?.cells.map(({ sample }) => matches(one, String(sample).split("/"))) ?? [];
      expect(samples).toEqual(axis?.cells.map((_, at) => isIn(at)));
    }
    expect(axis?.cells.map(({ sample }) => axis.cellOf(sample))).toEqual(axis?.cells.map((_, at) => at));
    expect(made?.shown).toHaveLength(axis?.cells.length ?? -1);
  },
);

describe("what the solver shows of a resource", () => {
  const shown = (...texts: readonly string[]) => {
    const patterns = texts.map((text): Pattern => {
      const segments = text.split("/");
      return segments.at(-1) === "**"
        ? { segments: segments.slice(0, -1), isOpen: true }
        : { segments, isOpen: false };
    });
    const source = { key: "r", type: { kind: "path" } } as const;
    const dimension = {
      name: "r",
      source,
      domain: { kind: "closed", words: [] },
      isOptional: false,
    } as const;
    const made = resourceAxis(dimension, patterns, 100);
    return made?.axis.cells.map(({ sample }, at) => `${sample}: ${made.shown[at]}`);
  };

  it("is its segments, `(any)` where any name would do, `(any other)` beside those that are named", () => {
    expect(shown("a/*")).toEqual(["a: a", "a/a: a/(any)"]);
    expect(shown("b/**")).toEqual(["b: b", "b/a: b/(any)"]);
    expect(shown("a", "*")).toEqual(["a: a", "b: (any other)", "a/a: a/(any)"]);
    expect(shown("a/b", "a/*")).toEqual(["a: a", "a/b: a/b", "a/a: a/(any other)"]);
  });

  it("is nothing where patterns cross in too many ways, and none is selected that was not asked for", () => {
    const source = { key: "r", type: { kind: "path" } } as const;
    const dimension = {
      name: "r",
      source,
      domain: { kind: "closed", words: [] },
      isOptional: false,
    } as const;
    const patterns: readonly Pattern[] = [{ segments: ["a"], isOpen: false }];
    expect(resourceAxis(dimension, patterns, 1)).toBeUndefined();
    const axis = resourceAxis(dimension, patterns, 100)?.axis;
    expect(axis?.select({ kind: "words", words: ["b"] })).toBeUndefined();
    expect(axis?.select({ kind: "absent" })).toBeUndefined();
    expect(axis?.cellOf("a/../b")).toBe(axis?.cellOf("z"));
  });
});

describe("revoked values", () => {
  const SETS = `refset one of mark { "x" = hex"aaaa" state revoked "y" = hex"bbbb" "z" = hex"cccc" state retiring }
refset two of mark { "w" = hex"aaaa" state revoked }
refset three of mark { "v" = hex"dddd" }
policy p { for resource "house/*" allow }`;
  const { modules } = programOf(SETS);
  const told = (mark?: string) =>
    revocationsIn(
      modules.map((module) => ({ revoked: revokedSetsOf(module) })),
      lamp(mark === undefined ? {} : { mark }),
    ).map(({ set, label, field }) => `${set} ${label} ${field}`);

  it("are those that the facts equal, each once, by place", () => {
    expect(told("aaaa")).toEqual(["one x mark", "two w mark"]);
    expect([told("bbbb"), told("cccc"), told("dddd"), told()]).toEqual([[], [], [], []]);
    const twice = [...modules, ...modules].map((module) => ({ revoked: revokedSetsOf(module) }));
    expect(revocationsIn(twice, lamp({ mark: "aaaa" }))).toHaveLength(2);
    expect(modules.flatMap(revokedSetsOf).map(({ byValue }) => byValue.size)).toEqual([1, 1]);
  });
});
