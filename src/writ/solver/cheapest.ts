/** Which request of a set differs least from a given one? The cheapest path to the end of its diagram. */
import { ALWAYS, type Diagrams, eachRun, isEnd, levelOf, NEVER } from "./diagram.ts";

/** What it costs to take one of the cells from `first` to `last` of a level, and which; `undefined` when none may be taken. */
export type Price = (level: number, first: number, last: number) => Step | undefined;

export interface Step {
  readonly cell: number;
  readonly cost: number;
}

/** A cheapest request: level → cell of the levels that it depends on. */
export interface Path {
  readonly cost: number;
  readonly cells: ReadonlyMap<number, number>;
}

interface Best {
  readonly cost: number;
  readonly step?: Step;
  readonly next: number;
}

/** Ties go to the earlier cell; `undefined` when no permitted path leads there. */
export function cheapestPath(diagrams: Diagrams, root: number, price: Price): Path | undefined {
  const known = new Map<number, Best>();
  const { cost } = bestFrom(diagrams, root, { price, known });
  if (cost === Infinity) return undefined;
  const cells = new Map<number, number>();
  for (let node = root; !isEnd(node); ) {
    const best = known.get(node);
    if (best?.step !== undefined) cells.set(levelOf(diagrams, node), best.step.cell);
    node = best?.next ?? ALWAYS;
  }
  return { cost, cells };
}

function bestFrom(
  diagrams: Diagrams,
  node: number,
  walk: { readonly price: Price; readonly known: Map<number, Best> },
): Best {
  if (isEnd(node)) return { cost: node === NEVER ? Infinity : 0, next: node };
  const before = walk.known.get(node);
  if (before !== undefined) return before;
  const level = levelOf(diagrams, node);
  let best: Best = { cost: Infinity, next: NEVER };
  eachRun(diagrams, node, (first, last, child) => {
    const step = child === NEVER ? undefined : walk.price(level, first, last);
    if (step === undefined) return;
    const cost = step.cost + bestFrom(diagrams, child, walk).cost;
    if (cost < best.cost) best = { cost, step, next: child };
  });
  walk.known.set(node, best);
  return best;
}
