/** Which request shows that a set is not empty? One that differs as little as possible from an ordinary one. */
import type { Facts, FactValue } from "../facts.ts";
import type { Program } from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { Axis, Cell } from "./axis.ts";
import { cheapestPath, type Path, type Price } from "./cheapest.ts";
import { type Dimension, type Source, type Value, valueIn, versionNumber } from "./dimension.ts";
import type { Grid } from "./grid.ts";
import { isBuilt, joinAll, type Ref, type Regions } from "./regions.ts";
import { findModel } from "./search.ts";
import { labelledFacts, settle } from "./settle.ts";
import { exampleOf, writeValue } from "./write-value.ts";

/** What it costs to change a dimension, by its name. */
export type WeightOf = (dimension: string) => number;

/** A request that the evaluator can judge. What stands in `invented` is never to be shown: nobody wrote it. */
export interface Witness {
  /** Every field that is never absent, and what belongs to it. Labels are those of the first program. */
  readonly facts: Facts;
  /** Fields that the answer depends on; any other could have another value: "(any)". */
  readonly telling: ReadonlySet<string>;
  /** Fields whose value is an example of "(any other value)". */
  readonly invented: ReadonlySet<string>;
  /** What differs from the request that it was to resemble, of what the answer depends on; in the order of levels. */
  readonly changes: readonly Change[];
  /** The resource, with `(any)` for segments that any name could take. */
  readonly resource: string;
}

/** One dimension that has another value than before; `undefined` is absent. */
export interface Change {
  readonly dimension: Dimension;
  readonly from: Value | undefined;
  readonly to: Value | undefined;
}

export interface WitnessSetting {
  readonly vocabulary: Vocabulary;
  readonly grid: Grid;
  readonly regions: Regions;
  readonly plans: ReadonlyMap<Program, unknown>;
  readonly whole: Ref;
  readonly axioms: Ref;
  readonly maxSteps: number;
}

/**
 * A request of the set that the axioms permit; `undefined` when there is none, or none was found within the budget.
 *
 * @param near - What it is to resemble; if not given, the ordinary request of the product that needs the fewest changes.
 * @param weightOf - What it costs to change a dimension; infinity keeps it as it is. A search cannot weigh: where it is
 *   needed, there is no answer then. 1 if not given.
 */
export function witnessOf(
  setting: WitnessSetting,
  region: Ref,
  near?: Facts,
  weightOf?: WeightOf,
): Witness | undefined {
  const target = joinAll(setting.regions, "and", [setting.axioms, region]);
  if (weightOf !== undefined && !isBuilt(target)) return undefined;
  const ordinary = Object.values(setting.vocabulary.ordinary);
  const bases = near === undefined ? [...ordinary, ...(ordinary.length === 0 ? [new Map()] : [])] : [near];
  const found = bases.flatMap((base) => {
    const path = pathTo(setting, target, priceFrom(setting, base, weightOf ?? (() => 1)));
    return path === undefined ? [] : [{ base, path }];
  });
  const [best] = found.toSorted((a, b) => a.path.cost - b.path.cost);
  return best === undefined ? undefined : toldWitness(setting, best.base, best.path);
}

function pathTo({ regions, maxSteps }: WitnessSetting, target: Ref, price: Price): Path | undefined {
  if (isBuilt(target)) return cheapestPath(regions.diagrams, target, price);
  const search = findModel(regions, target, maxSteps);
  return search.kind === "found" ? { cost: 0, cells: search.model } : undefined;
}

/** Nothing for a cell that the request is in already; another costs its weight, and the nearest that somebody wrote is taken. */
function priceFrom({ grid, vocabulary }: WitnessSetting, base: Facts, weightOf: WeightOf): Price {
  const own = grid.axes.map(({ dimension, cellOf }) => cellOf(valueIn(base, dimension.source)));
  return (level, first, last) => {
    const [axis, cell] = [grid.axes[level], own[level]];
    if (axis === undefined) return undefined;
    if (cell !== undefined && cell >= first && cell <= last) return { cell, cost: 0 };
    const isPast = axis.dimension.name === vocabulary.timeField && cell !== undefined && last < cell;
    const cost = weightOf(axis.dimension.name);
    return cost === Infinity || isPast
      ? undefined
      : { cell: nearestCell(axis, { first, last, own: cell }), cost };
  };
}

interface CellRun {
  readonly first: number;
  readonly last: number;
  readonly own: number | undefined;
}

function nearestCell({ cells, dimension }: Axis, { first, last, own }: CellRun): number {
  if (dimension.domain.kind === "ordered") return own !== undefined && own > last ? last : first;
  for (let cell = first; cell <= last; cell += 1) if (cells[cell]?.isOther === false) return cell;
  return first;
}

function toldWitness(setting: WitnessSetting, base: Facts, path: Path): Witness {
  const { grid, vocabulary } = setting;
  const cells = completed(setting, base, path);
  const facts = new Map(base);
  const choices = choicesOf(grid, base, cells);
  const moved = choices.filter(({ isMoved }) => isMoved);
  for (const { dimension, to } of moved) writeValue(facts, dimension.source, to);
  fillIn(facts, setting);
  settle({
    facts,
    vocabulary,
    isAsked: (field) => grid.places.has(field),
    mayBe: (name, value) => mayBe(setting, { name, value, cells }),
  });
  const [program] = setting.plans.keys();
  const labelled = labelledFacts(facts, vocabulary, program?.refsets ?? []);
  const telling = new Set(
    [...path.cells.keys()].map((level) => grid.axes[level]?.dimension.source.key ?? ""),
  );
  return {
    facts: labelled,
    telling,
    invented: new Set(choices.flatMap(({ dimension, isOther }) => (isOther ? [dimension.source.key] : []))),
    changes: moved.filter(({ level }) => path.cells.has(level)),
    resource: resourceOf(setting, cells, facts),
  };
}

interface Choice extends Change {
  readonly level: number;
  readonly isMoved: boolean;
  readonly isOther: boolean;
}

/** What each dimension becomes. Parts of a field that is not there stay away; any other field that has no value gets one. */
function choicesOf({ axes }: Grid, base: Facts, cells: ReadonlyMap<number, number>): readonly Choice[] {
  return axes.flatMap(({ dimension, cellOf, cells: all }, level): readonly Choice[] => {
    const from = valueIn(base, dimension.source);
    const own = cellOf(from);
    const cell = cells.get(level) ?? own ?? (isPart(dimension.source) ? undefined : 0);
    const chosen = cell === undefined ? undefined : all[cell];
    if (chosen === undefined) return [];
    const isMoved = cell !== own;
    const to = isMoved ? nearestValue(chosen, from) : from;
    return [{ level, dimension, from, to, isMoved, isOther: chosen.isOther }];
  });
}

/** Whether a dimension is a part of a field, which may be absent as a whole. */
function isPart({ component, bit, member }: Source): boolean {
  return component !== undefined || bit !== undefined || member !== undefined;
}

/** Of numbers the one that is nearest to what was, else the cell's example. */
function nearestValue({ sample, range }: Cell, own: Value | undefined): Value | undefined {
  return range !== undefined && typeof own === "bigint" && own > range[1] ? range[1] : sample;
}

/** The same request with the fields that only axioms name. */
function completed(setting: WitnessSetting, base: Facts, { cells }: Path) {
  const { regions, whole } = setting;
  if (!isBuilt(whole)) return cells;
  const usual = priceFrom(setting, base, () => 1);
  const rest = cheapestPath(regions.diagrams, whole, (level, first, last) => {
    const cell = cells.get(level);
    if (cell === undefined) return usual(level, first, last);
    return cell >= first && cell <= last ? { cell, cost: 0 } : undefined;
  });
  return new Map([...(rest?.cells ?? []), ...cells]);
}

/** Fields that are never absent have some value. */
function fillIn(facts: Map<string, FactValue>, { grid, vocabulary }: WitnessSetting): void {
  for (const { name, type, absence } of vocabulary.fields) {
    if (absence === undefined && !facts.has(name)) facts.set(name, exampleOf(type));
  }
  for (const { dimension } of grid.axes) {
    const { key, fallback } = dimension.source;
    if (fallback !== undefined && !facts.has(key)) facts.set(key, fallback);
  }
}

interface Attempt {
  readonly name: string;
  readonly value: number | readonly [number, number, number];
  readonly cells: ReadonlyMap<number, number>;
}

function mayBe({ grid }: WitnessSetting, { name, value, cells }: Attempt): boolean {
  const level = grid.places.get(name)?.level;
  const axis = level === undefined ? undefined : grid.axes[level];
  const number: Value = typeof value === "number" ? BigInt(value) : versionNumber(value);
  if (axis === undefined || level === undefined) return typeof value !== "number" || value <= 255;
  const wanted = cells.get(level);
  return axis.cellOf(number) !== undefined && (wanted === undefined || axis.cellOf(number) === wanted);
}

function resourceOf(
  { grid, vocabulary }: WitnessSetting,
  cells: ReadonlyMap<number, number>,
  facts: Facts,
): string {
  const level = grid.places.get(vocabulary.resourceField)?.level;
  const cell = level === undefined ? undefined : cells.get(level);
  return (
    (cell === undefined ? undefined : grid.resources[cell]) ??
    (cell === undefined ? "(any)" : String(facts.get(vocabulary.resourceField)))
  );
}
