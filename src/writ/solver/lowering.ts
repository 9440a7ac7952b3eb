/** Which cells does a literal select, and what do axioms leave of them? Shapes become diagrams. */
import { type Axis, absentCellOf, type Cell, type Selection } from "./axis.ts";
import { combine } from "./combine.ts";
import type { Correlations, Distinction, Relation } from "./correlations.ts";
import { ALWAYS, type Diagrams, eachRun, isEnd, levelOf, makeNode, NEVER } from "./diagram.ts";
import type { Grid } from "./grid.ts";
import { isBuilt, joinAll, type Ref, type Regions, unknownRef, without } from "./regions.ts";
import type { Literal, Shape } from "./shape.ts";

export interface Floor {
  readonly grid: Grid;
  readonly regions: Regions;
  readonly shapes: WeakMap<Shape, Ref>;
  readonly correlations: Correlations;
}

/** The set that a shape stands for. What the grid was not cut for is unknown. */
export function refOf(floor: Floor, shape: Shape): Ref {
  const known = floor.shapes.get(shape);
  if (known !== undefined) return known;
  const made = makeRef(floor, shape);
  floor.shapes.set(shape, made);
  return made;
}

function makeRef(floor: Floor, shape: Shape): Ref {
  switch (shape.kind) {
    case "always":
      return ALWAYS;
    case "never":
      return NEVER;
    case "literal":
      return literalRef(floor, shape);
    case "and":
    case "or":
      return joinAll(
        floor.regions,
        shape.kind,
        shape.of.map((one) => refOf(floor, one)),
      );
  }
}

function literalRef({ grid, regions }: Floor, { dimension, values, isNegated }: Literal): Ref {
  const place = grid.places.get(dimension);
  const axis = place === undefined ? undefined : grid.axes[place.level];
  const selected = place?.select(values);
  if (place === undefined || axis === undefined || selected === undefined) return unknownRef(regions);
  const absent = values.kind === "absent" ? undefined : absentCellOf(axis);
  const present = absent ?? axis.cells.length;
  const runs = selectionRuns(selected, present, isNegated);
  return makeNode(regions.diagrams, place.level, absent === undefined ? runs : [...runs, [absent, NEVER]]);
}

type Run = readonly [last: number, child: number];

/** Inside and outside by turns, up to the cell before `end`. */
function selectionRuns(selected: Selection, end: number, isNegated: boolean): readonly Run[] {
  const [inside, outside] = isNegated ? [NEVER, ALWAYS] : [ALWAYS, NEVER];
  const runs = selected.flatMap(([first, last]): readonly Run[] =>
    first === 0
      ? [[last, inside]]
      : [
          [first - 1, outside],
          [last, inside],
        ],
  );
  const isOpen = (selected.at(-1)?.[1] ?? -1) < end - 1;
  return isOpen ? [...runs, [end - 1, outside]] : runs;
}

interface CellChoice {
  readonly level: number;
  readonly holds: (cell: number) => boolean;
}

function cellsRef(regions: Regions, { cells }: Axis, { level, holds }: CellChoice): Ref {
  const runs = cells.map((_, cell): [number, number] => [cell, holds(cell) ? ALWAYS : NEVER]);
  return makeNode(regions.diagrams, level, runs);
}

// ── axioms ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Everything that the axioms permit. */
export function correlated(floor: Floor): Ref {
  const { regions, correlations } = floor;
  return joinAll(regions, "and", [
    ...correlations.shapes.map((shape) => refOf(floor, shape)),
    ...correlations.relations.map((relation) => relationRef(floor, relation)),
    ...correlations.distinctions.map((distinction) => distinctionRef(floor, distinction)),
  ]);
}

function relationRef(floor: Floor, { kind, left, right, when }: Relation): Ref {
  const axis = axisNamed(floor, left)?.axis;
  const absent = axis === undefined ? undefined : absentCellOf(axis);
  const holds = pairRef(floor, [left, right], (a, b) => (kind === "same" ? a === b : a <= b || a === absent));
  return when === undefined ? holds : joinAll(floor.regions, "or", [holds, unless(floor, when)]);
}

function unless(floor: Floor, when: Shape): Ref {
  return without(floor.regions, ALWAYS, refOf(floor, when));
}

/** Only a pair of equal values in a cell of one value surely does not differ. */
function distinctionRef(floor: Floor, { when, pairs }: Distinction): Ref {
  const differing = pairs.map((pair) => {
    const cells = axisNamed(floor, pair[0])?.axis.cells ?? [];
    return pairRef(floor, pair, (a, b) => a !== b || !isSingle(cells[a]));
  });
  return joinAll(floor.regions, "or", [...differing, unless(floor, when)]);
}

function isSingle(cell: Cell | undefined): boolean {
  return cell?.range === undefined || cell.range[0] === cell.range[1];
}

/** The cells of two dimensions, cut alike, that stand in a relation; */
function pairRef(
  floor: Floor,
  [left, right]: readonly [string, string],
  relates: (a: number, b: number) => boolean,
): Ref {
  const [one, other] = [axisNamed(floor, left), axisNamed(floor, right)];
  const { regions } = floor;
  if (one === undefined || other === undefined) return unknownRef(regions);
  const isTurned = one.level > other.level;
  const [upper, lower] = isTurned ? [other, one] : [one, other];
  const runs = upper.axis.cells.map((_, cell): [number, Ref] => [
    cell,
    cellsRef(regions, lower.axis, {
      level: lower.level,
      holds: (below) => (isTurned ? relates(below, cell) : relates(cell, below)),
    }),
  ]);
  return makeNode(regions.diagrams, upper.level, runs);
}

function axisNamed(
  { grid }: Floor,
  name: string,
): { readonly axis: Axis; readonly level: number } | undefined {
  const level = grid.places.get(name)?.level;
  const axis = level === undefined ? undefined : grid.axes[level];
  return level === undefined || axis === undefined ? undefined : { axis, level };
}

// ── forgetting ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** What can still be, when only the dimensions in `named` are looked at. */
export function forgetLevels({ grid, regions }: Floor, ref: Ref, named: ReadonlySet<string>): Ref {
  if (!isBuilt(ref)) return ref;
  const kept = new Set([...grid.places].flatMap(([name, { level }]) => (named.has(name) ? [level] : [])));
  return forget(regions.diagrams, ref, { kept, known: new Map() }) ?? ref;
}

interface Forgetting {
  readonly kept: ReadonlySet<number>;
  readonly known: Map<number, number>;
}

function forget(diagrams: Diagrams, node: number, forgetting: Forgetting): number | undefined {
  if (isEnd(node)) return node;
  const known = forgetting.known.get(node);
  if (known !== undefined) return known;
  const level = levelOf(diagrams, node);
  const runs: [number, number][] = [];
  const children: [number, number][] = [];
  eachRun(diagrams, node, (_, last, child) => children.push([last, child]));
  for (const [last, child] of children) {
    const made = forget(diagrams, child, forgetting);
    if (made === undefined) return undefined;
    runs.push([last, made]);
  }
  const result = forgetting.kept.has(level) ? makeNode(diagrams, level, runs) : anyOf(diagrams, runs);
  if (result !== undefined) forgetting.known.set(node, result);
  return result;
}

function anyOf(diagrams: Diagrams, runs: readonly (readonly [number, number])[]): number | undefined {
  let result: number | undefined = NEVER;
  for (const [, child] of runs)
    result = result === undefined ? undefined : combine(diagrams, "or", result, child);
  return result;
}
