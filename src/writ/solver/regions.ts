/** How are sets of requests joined when a diagram of them would be too large? Diagrams while they fit, formulas after that. */
import { combine } from "./combine.ts";
import { ALWAYS, type Diagrams, NEVER } from "./diagram.ts";

/** Zero and more: a node. Below zero: a formula that was not built, by its number. Equal nodes are equal sets. */
export type Ref = number;

type Formula =
  | { readonly kind: "and" | "or"; readonly of: readonly Ref[] }
  | { readonly kind: "minus"; readonly of: readonly [Ref, Ref] }
  /** It was not known when the space was opened. */
  | { readonly kind: "unknown" };

export interface Regions {
  readonly diagrams: Diagrams;
  readonly formulas: Placed[];
}

interface Placed {
  readonly formula: Formula;
  readonly depth: number;
}

/** Deeper than any set of sources needs, and shallow enough to be walked. */
const MAX_DEPTH = 400;
const UNKNOWN: Formula = { kind: "unknown" };

export function isBuilt(ref: Ref): boolean {
  return ref >= 0;
}

export function formulaOf({ formulas }: Regions, ref: Ref): Formula {
  return formulas[-1 - ref]?.formula ?? UNKNOWN;
}

export function unknownRef(regions: Regions): Ref {
  return formula(regions, UNKNOWN);
}

function formula({ formulas }: Regions, made: Formula): Ref {
  const of = made.kind === "unknown" ? [] : made.of;
  const depth = 1 + of.reduce((most, ref) => Math.max(most, formulas[-1 - ref]?.depth ?? 0), 0);
  return -formulas.push(depth > MAX_DEPTH ? { formula: UNKNOWN, depth: 0 } : { formula: made, depth });
}

/** All of them, or any of them: in pairs, so that none grows before it must. */
export function joinAll(regions: Regions, kind: "and" | "or", refs: readonly Ref[]): Ref {
  let left = refs;
  while (left.length > 1) {
    const next: Ref[] = [];
    for (let at = 0; at < left.length; at += 2) {
      const first = left[at] ?? NEVER;
      const second = left[at + 1];
      next.push(second === undefined ? first : join(regions, kind, [first, second]));
    }
    left = next;
  }
  return left[0] ?? (kind === "and" ? ALWAYS : NEVER);
}

function join(regions: Regions, kind: "and" | "or", [a, b]: readonly [Ref, Ref]): Ref {
  if (a === b) return a;
  const [neutral, decisive] = kind === "and" ? [ALWAYS, NEVER] : [NEVER, ALWAYS];
  if (a === decisive || b === decisive) return decisive;
  if (a === neutral) return b;
  if (b === neutral) return a;
  const node = isBuilt(a) && isBuilt(b) ? combine(regions.diagrams, kind, a, b) : undefined;
  return node ?? formula(regions, { kind, of: [a, b] });
}

/** What is in the first and not in the second. */
export function without(regions: Regions, a: Ref, b: Ref): Ref {
  if (a === NEVER || b === ALWAYS) return NEVER;
  if (b === NEVER) return a;
  const node = isBuilt(a) && isBuilt(b) ? combine(regions.diagrams, "minus", a, b) : undefined;
  return node ?? formula(regions, { kind: "minus", of: [a, b] });
}
