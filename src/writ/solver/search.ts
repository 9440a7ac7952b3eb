/** Is there a request in a set that has no diagram? A search over cells, field by field, with a bound on its steps. */
import { ALWAYS, childOf, eachRun, isEnd, levelOf, NEVER } from "./diagram.ts";
import { formulaOf, isBuilt, type Ref, type Regions } from "./regions.ts";

/** Level → cell: a request, as far as it matters. */
export type Model = ReadonlyMap<number, number>;

export type Search =
  | { readonly kind: "found"; readonly model: Model }
  | { readonly kind: "none" }
  | { readonly kind: "not-decided" };

/** What is left of a set once some fields have their cells: a node, or nodes joined; `unknown` is never settled. */
type Rest = number | "unknown" | { readonly kind: "and" | "or" | "minus"; readonly of: readonly Rest[] };

interface Budget {
  left: number;
  hasUnknown: boolean;
}

/** @param steps - How many nodes may be looked at. Neither time nor memory: the answer is the same everywhere. */
export function findModel(regions: Regions, ref: Ref, steps: number): Search {
  const budget: Budget = { left: steps, hasUnknown: false };
  const model = descend(regions, restOf(regions, ref, budget), budget);
  if (model !== undefined) return { kind: "found", model };
  return budget.left <= 0 || budget.hasUnknown ? { kind: "not-decided" } : { kind: "none" };
}

function restOf(regions: Regions, ref: Ref, budget: Budget): Rest {
  budget.left -= 1;
  if (isBuilt(ref)) return ref;
  const formula = formulaOf(regions, ref);
  if (formula.kind === "unknown" || budget.left <= 0) return "unknown";
  return joined(
    formula.kind,
    formula.of.map((one) => restOf(regions, one, budget)),
  );
}

function joined(kind: "and" | "or" | "minus", of: readonly Rest[]): Rest {
  if (kind === "minus") return difference(of[0] ?? NEVER, of[1] ?? NEVER);
  const [neutral, decisive] = kind === "and" ? [ALWAYS, NEVER] : [NEVER, ALWAYS];
  if (of.includes(decisive)) return decisive;
  const open = of.filter((one) => one !== neutral);
  const [first] = open;
  if (first === undefined) return neutral;
  return open.length === 1 ? first : { kind, of: open };
}

function difference(a: Rest, b: Rest): Rest {
  if (a === NEVER || b === ALWAYS) return NEVER;
  if (b === NEVER) return a;
  return { kind: "minus", of: [a, b] };
}

/** Depth first: the first cell of the earliest field that is still open, then its others. */
function descend(regions: Regions, rest: Rest, budget: Budget): Map<number, number> | undefined {
  if (rest === ALWAYS) return new Map();
  if (rest === NEVER || budget.left <= 0) return undefined;
  const level = firstLevel(regions, rest);
  if (level === undefined) {
    budget.hasUnknown = true;
    return undefined;
  }
  const lasts = new Set<number>();
  collectLasts(regions, rest, { level, lasts });
  for (const cell of [...lasts].sort((a, b) => a - b)) {
    const model = descend(regions, restrict(regions, rest, { level, cell, budget }), budget);
    if (model !== undefined) return model.set(level, cell);
  }
  return undefined;
}

function firstLevel(regions: Regions, rest: Rest): number | undefined {
  if (rest === "unknown") return undefined;
  if (typeof rest === "number") return isEnd(rest) ? undefined : levelOf(regions.diagrams, rest);
  const levels = rest.of.flatMap((one) => firstLevel(regions, one) ?? []);
  return levels.length === 0 ? undefined : levels.reduce((least, level) => Math.min(least, level));
}

interface Branch {
  readonly level: number;
  readonly lasts: Set<number>;
}

/** The last cell of every run: between two of them nothing changes. */
function collectLasts(regions: Regions, rest: Rest, branch: Branch): void {
  if (rest === "unknown") return;
  if (typeof rest !== "number") {
    for (const one of rest.of) collectLasts(regions, one, branch);
  } else if (levelOf(regions.diagrams, rest) === branch.level) {
    eachRun(regions.diagrams, rest, (_, last) => branch.lasts.add(last));
  }
}

interface Choice {
  readonly level: number;
  readonly cell: number;
  readonly budget: Budget;
}

function restrict(regions: Regions, rest: Rest, choice: Choice): Rest {
  choice.budget.left -= 1;
  if (rest === "unknown") return rest;
  if (typeof rest === "number") {
    return levelOf(regions.diagrams, rest) === choice.level
      ? childOf(regions.diagrams, rest, choice.cell)
      : rest;
  }
  const of = rest.of.map((one) => restrict(regions, one, choice));
  return of.every((one, at) => one === rest.of[at]) ? rest : joined(rest.kind, of);
}
