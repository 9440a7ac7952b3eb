/** Which resources does a rule of Trustee speak of? Comparisons with the path, and in the end patterns. */
import { ALWAYS, all, type Condition, NEVER, not } from "./condition.ts";
import type { Comparison } from "./rego-tree.ts";
import type { Sym } from "./symbols.ts";

/** Repository, type and tag. */
const SEGMENTS = 3;
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;

type PathSym = Extract<Sym, { kind: "resource" | "segment" | "count" }>;

/** `undefined` for what is not understood. */
export function pathCompared(path: PathSym, op: Comparison, other: Sym): Condition | undefined {
  if (path.kind === "segment" && path.form === "list" && path.at >= SEGMENTS) return NEVER; // not there
  if (op === "!=") {
    const same = pathCompared(path, "==", other);
    return same && not(same);
  }
  if (path.kind === "count") return countCompared(path, op, other);
  if (op !== "==") return undefined;
  if (path.kind === "segment") {
    if (other.kind !== "constant") return undefined;
    return typeof other.value === "string" ? segmentIs(path, other.value) : NEVER;
  }
  return wholeIs(other);
}

function countCompared(
  { form }: Extract<PathSym, { kind: "count" }>,
  op: Comparison,
  other: Sym,
): Condition | undefined {
  if (op !== "==" || other.kind !== "constant" || typeof other.value !== "number") return undefined;
  // Of a path that is text this would be its length: what is three is a list.
  if (form === "list") return other.value === SEGMENTS ? ALWAYS : undefined;
  return other.value === SEGMENTS || other.value === SEGMENTS + 1
    ? { kind: "segments", count: other.value }
    : NEVER;
}

function segmentIs({ form, at }: Extract<PathSym, { kind: "segment" }>, value: string): Condition {
  return { kind: "segment", form, at, value };
}

/** The whole path: a list, or text with a slash before it or without. */
function wholeIs(other: Sym): Condition | undefined {
  const names =
    other.kind === "list"
      ? other.of.flatMap((one) =>
          one.kind === "constant" && typeof one.value === "string" ? [one.value] : [],
        )
      : other.kind === "constant" && typeof other.value === "string"
        ? other.value.replace(/^\//, "").split("/")
        : undefined;
  if (names === undefined || (other.kind === "list" && names.length !== other.of.length)) return undefined;
  if (names.length !== SEGMENTS) return NEVER;
  return all(names.map((value, at): Condition => ({ kind: "segment", form: "list", at, value })));
}

/** One way in which a condition may hold: at which path, and what else. */
export interface Alternative {
  /** Of each segment, which name it has to have; any where it is `undefined`. */
  readonly path: readonly (string | undefined)[];
  readonly when: Condition;
}

interface Part {
  readonly list: readonly (string | undefined)[];
  readonly split: ReadonlyMap<number, string>;
  readonly count: number | undefined;
  readonly when: readonly Condition[];
}

const MAX_ALTERNATIVES = 64;
const ANYWHERE: Part = {
  list: [undefined, undefined, undefined],
  split: new Map(),
  count: undefined,
  when: [],
};

/**
 * A condition as its alternatives, each with one path.
 *
 * @param tell - Is given why an alternative is left out.
 * @returns `undefined` where there are more than anybody would read.
 */
export function alternativesOf(
  condition: Condition,
  tell: (why: string) => void,
): readonly Alternative[] | undefined {
  const parts = partsOf(condition);
  if (parts === undefined || parts.length > MAX_ALTERNATIVES) return undefined;
  return parts.flatMap(({ list, split, count, when }) => {
    const path = placed(list, split, count, tell);
    return path === undefined ? [] : [{ path, when: all(when) }];
  });
}

function partsOf(condition: Condition): readonly Part[] | undefined {
  switch (condition.kind) {
    case "segment": {
      const { form, at, value } = condition;
      if (form === "split") return [{ ...ANYWHERE, split: new Map([[at, value]]) }];
      return [{ ...ANYWHERE, list: ANYWHERE.list.map((_any, i) => (i === at ? value : undefined)) }];
    }
    case "segments":
      return [{ ...ANYWHERE, count: condition.count }];
    case "all":
      return condition.of.reduce<readonly Part[] | undefined>(
        (sofar, one) => sofar && crossed(sofar, partsOf(one)),
        [ANYWHERE],
      );
    case "any":
      return hasPath(condition) ? joined(condition.of.map(partsOf)) : [{ ...ANYWHERE, when: [condition] }];
    case "never":
      return [];
    default:
      return [{ ...ANYWHERE, when: [condition] }];
  }
}

function hasPath(condition: Condition): boolean {
  if (condition.kind === "all" || condition.kind === "any") return condition.of.some(hasPath);
  return condition.kind === "segment" || condition.kind === "segments";
}

function joined(each: readonly (readonly Part[] | undefined)[]): readonly Part[] | undefined {
  const parts = each.flatMap((one) => (one === undefined ? [] : [one]));
  return parts.length === each.length ? parts.flat() : undefined;
}

function crossed(a: readonly Part[], b: readonly Part[] | undefined): readonly Part[] | undefined {
  if (b === undefined || a.length * b.length > MAX_ALTERNATIVES) return undefined;
  return a.flatMap((one) => b.flatMap((two) => both(one, two)));
}

/** Nothing where the two name the same place by two names. */
function both(a: Part, b: Part): readonly Part[] {
  const isSplit = [...b.split].some(([at, value]) => (a.split.get(at) ?? value) !== value);
  const isOther = a.list.some((name, at) => name !== undefined && (b.list[at] ?? name) !== name);
  const isCount = a.count !== undefined && b.count !== undefined && a.count !== b.count;
  if (isSplit || isOther || isCount) return [];
  return [
    {
      list: a.list.map((name, at) => name ?? b.list[at]),
      split: new Map([...a.split, ...b.split]),
      count: a.count ?? b.count,
      when: [...a.when, ...b.when],
    },
  ];
}

/** Where the parts of `split` stand in the path: whether a slash came first, the rule itself has to show. */
function placed(
  list: readonly (string | undefined)[],
  split: ReadonlyMap<number, string>,
  count: number | undefined,
  tell: (why: string) => void,
): readonly (string | undefined)[] | undefined {
  const shift = shiftOf(split, count);
  if (shift === undefined) {
    tell("it does not show whether the path begins with `/`: compare its count with 3 or 4");
    return undefined;
  }
  const path = [...list];
  for (const [at, value] of split) {
    const place = at - shift;
    if (place === -1 && value === "") continue;
    if (place < 0 || place >= SEGMENTS || (path[place] ?? value) !== value) return undefined;
    path[place] = value;
  }
  return path.every((name) => name === undefined || NAME.test(name)) ? path : undefined;
}

function shiftOf(split: ReadonlyMap<number, string>, count: number | undefined): 0 | 1 | undefined {
  if (count !== undefined) return count === SEGMENTS ? 0 : 1;
  if (split.size === 0) return 0;
  if (split.has(SEGMENTS) || split.get(0) === "") return 1;
  return split.has(0) ? 0 : undefined;
}
