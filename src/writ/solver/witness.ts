/** Which request shows that a set is not empty? One that differs as little as possible from an ordinary one. */
import type { Facts, FactValue } from "../facts.ts";
import type { Program } from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { Axis } from "./axis.ts";
import { cheapestPath, type Path, type Price } from "./cheapest.ts";
import { type Value, valueIn, versionNumber } from "./dimension.ts";
import type { Grid } from "./grid.ts";
import { isBuilt, joinAll, type Ref, type Regions } from "./regions.ts";
import { findModel } from "./search.ts";
import { labelledFacts, settle } from "./settle.ts";
import { exampleOf, writeValue } from "./write-value.ts";

/** A request that the evaluator can judge. What stands in `invented` is never to be shown: nobody wrote it. */
export interface Witness {
  /** Every field that is never absent, and what belongs to it. Labels are those of the first program. */
  readonly facts: Facts;
  /** Fields that the answer depends on; any other could have another value: "(any)". */
  readonly telling: ReadonlySet<string>;
  /** Fields whose value is an example of "(any other value)". */
  readonly invented: ReadonlySet<string>;
  /** The resource, with `(any)` for segments that any name could take. */
  readonly resource: string;
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
 * @param weightOf - What it costs to change a field, by its name; 1 if not given.
 */
export function witnessOf(
  setting: WitnessSetting,
  region: Ref,
  near?: Facts,
  weightOf: (field: string) => number = () => 1,
): Witness | undefined {
  const target = joinAll(setting.regions, "and", [setting.axioms, region]);
  const ordinary = Object.values(setting.vocabulary.ordinary);
  const bases = near === undefined ? [...ordinary, ...(ordinary.length === 0 ? [new Map()] : [])] : [near];
  const found = bases.flatMap((base) => {
    const path = pathTo(setting, target, priceFrom(setting.grid, base, weightOf));
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

/** Nothing for a cell that the request is in already; another costs its field's weight, and one that somebody wrote is taken first. */
function priceFrom(grid: Grid, base: Facts, weightOf: (field: string) => number): Price {
  const own = grid.axes.map(({ dimension, cellOf }) => cellOf(valueIn(base, dimension.source)));
  return (level, first, last) => {
    const cell = own[level];
    if (cell !== undefined && cell >= first && cell <= last) return { cell, cost: 0 };
    const axis = grid.axes[level];
    const cost = weightOf(axis?.dimension.source.key ?? "");
    return cost === Infinity ? undefined : { cell: writtenCell(axis, first, last), cost };
  };
}

function writtenCell(axis: Axis | undefined, first: number, last: number): number {
  for (let cell = first; cell <= last; cell += 1) if (axis?.cells[cell]?.isOther === false) return cell;
  return first;
}

function toldWitness(setting: WitnessSetting, base: Facts, path: Path): Witness {
  const { grid, vocabulary } = setting;
  const cells = completed(setting, base, path);
  const facts = new Map(base);
  const invented = new Set<string>();
  for (const [level, axis] of grid.axes.entries()) {
    const { source } = axis.dimension;
    const own = axis.cellOf(valueIn(base, source));
    const cell = cells.get(level) ?? own ?? 0;
    const chosen = axis.cells[cell];
    if (chosen?.isOther === true) invented.add(source.key);
    if (cell !== own && chosen !== undefined) writeValue(facts, source, chosen.sample);
  }
  fillIn(facts, vocabulary);
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
  return { facts: labelled, telling, invented, resource: resourceOf(setting, cells, facts) };
}

/** The same request with the fields that only axioms name. */
function completed({ regions, whole, grid }: WitnessSetting, base: Facts, { cells }: Path) {
  if (!isBuilt(whole)) return cells;
  const usual = priceFrom(grid, base, () => 1);
  const rest = cheapestPath(regions.diagrams, whole, (level, first, last) => {
    const cell = cells.get(level);
    if (cell === undefined) return usual(level, first, last);
    return cell >= first && cell <= last ? { cell, cost: 0 } : undefined;
  });
  return new Map([...(rest?.cells ?? []), ...cells]);
}

/** Fields that are never absent have some value. */
function fillIn(facts: Map<string, FactValue>, { fields }: Vocabulary): void {
  for (const { name, type, absence } of fields) {
    if (absence === undefined && !facts.has(name)) facts.set(name, exampleOf(type));
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
