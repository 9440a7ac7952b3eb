/** What do two sets of requests make together? Both diagrams are walked side by side, each pair of nodes once. */
import { ALWAYS, type Diagrams, finish, NEVER, push } from "./diagram.ts";
import { recall, remember } from "./memo.ts";

/** `minus` is what is in the first and not in the second. */
export type Operation = "and" | "or" | "minus";

const CODES: Readonly<Record<Operation, number>> = { and: 1, or: 2, minus: 3 };

/** Both, either, or the first without the second; `undefined` when nodes or steps run out. */
export function combine(diagrams: Diagrams, operation: Operation, a: number, b: number): number | undefined {
  return apply(diagrams, CODES[operation], a, b);
}

function apply(diagrams: Diagrams, code: number, a: number, b: number): number | undefined {
  const known = EASY[code]?.(a, b) ?? -1;
  if (known >= 0) return known;
  const isSwapped = code !== CODES.minus && a > b;
  return isSwapped ? applyNodes(diagrams, code, b, a) : applyNodes(diagrams, code, a, b);
}

/** By operation: the answer where an end or equality decides it, else -1. */
const EASY: readonly ((a: number, b: number) => number)[] = [
  () => -1,
  (a, b) => {
    if (a === NEVER || b === NEVER) return NEVER;
    if (a === ALWAYS || a === b) return b;
    return b === ALWAYS ? a : -1;
  },
  (a, b) => {
    if (a === ALWAYS || b === ALWAYS) return ALWAYS;
    if (a === NEVER || a === b) return b;
    return b === NEVER ? a : -1;
  },
  (a, b) => {
    if (a === NEVER || b === ALWAYS || a === b) return NEVER;
    return b === NEVER ? a : -1;
  },
];

function applyNodes(diagrams: Diagrams, code: number, a: number, b: number): number | undefined {
  const known = recall(diagrams.memo, code, a, b);
  if (known >= 0) return known;
  diagrams.steps += 1;
  if (diagrams.steps > diagrams.limits.maxSteps) return undefined;
  const level = Math.min(diagrams.level[a] ?? 0, diagrams.level[b] ?? 0);
  const base = diagrams.top;
  if (!applyRuns(diagrams, { code, a, b, level, base })) {
    diagrams.top = base;
    return undefined;
  }
  const node = finish(diagrams, { level, base, limit: diagrams.limits.maxNodes });
  if (node !== undefined) remember(diagrams.memo, { code, a, b, node });
  return node;
}

interface Application {
  readonly code: number;
  readonly a: number;
  readonly b: number;
  readonly level: number;
  readonly base: number;
}

/** Makes the runs of the result above `base`; false when there is no room. */
function applyRuns(diagrams: Diagrams, application: Application): boolean {
  const { a, b, level } = application;
  if (diagrams.level[a] !== level) return applyRight(diagrams, application);
  return diagrams.level[b] === level ? applyBoth(diagrams, application) : applyLeft(diagrams, application);
}

/** Only the first node asks for this level. */
function applyLeft(diagrams: Diagrams, { code, a, b, base }: Application): boolean {
  const end = diagrams.start[a + 1] ?? 0;
  for (let at = diagrams.start[a] ?? 0; at < end; at += 2) {
    const child = apply(diagrams, code, diagrams.pool[at + 1] ?? 0, b);
    if (child === undefined) return false;
    push(diagrams, base, diagrams.pool[at] ?? 0, child);
  }
  return true;
}

/** Only the second node asks for this level. */
function applyRight(diagrams: Diagrams, { code, a, b, base }: Application): boolean {
  const end = diagrams.start[b + 1] ?? 0;
  for (let at = diagrams.start[b] ?? 0; at < end; at += 2) {
    const child = apply(diagrams, code, a, diagrams.pool[at + 1] ?? 0);
    if (child === undefined) return false;
    push(diagrams, base, diagrams.pool[at] ?? 0, child);
  }
  return true;
}

/** Walks the runs of both nodes side by side. */
function applyBoth(diagrams: Diagrams, { code, a, b, base }: Application): boolean {
  let left = at(diagrams.start, a);
  let right = at(diagrams.start, b);
  const end = at(diagrams.start, a + 1);
  while (left < end) {
    const child = apply(diagrams, code, at(diagrams.pool, left + 1), at(diagrams.pool, right + 1));
    if (child === undefined) return false;
    const lastLeft = at(diagrams.pool, left);
    const lastRight = at(diagrams.pool, right);
    push(diagrams, base, Math.min(lastLeft, lastRight), child);
    if (lastLeft <= lastRight) left += 2;
    if (lastRight <= lastLeft) right += 2;
  }
  return true;
}

function at(array: Int32Array, index: number): number {
  return array[index] ?? 0;
}
