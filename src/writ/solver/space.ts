/** Which requests are there, and which of them does a program allow? All of them, cut into cells at the constants of a question. */
import type { Facts } from "../facts.ts";
import type { Condition, Declaration, Pattern, Program } from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { type Correlations, correlationsOf } from "./correlations.ts";
import { ALWAYS, childOf, createDiagrams, isEnd, levelOf, NEVER } from "./diagram.ts";
import { valueIn } from "./dimension.ts";
import { type Grid, gridOf } from "./grid.ts";
import { createDesk, type Desk } from "./literals.ts";
import { correlated, forgetLevels, refOf } from "./lowering.ts";
import { type DeclarationPlan, labelsOf, literalsOf, planOf, resourcesOf, shapesOf } from "./plan.ts";
import { formulaOf, isBuilt, joinAll, type Ref, type Regions, without } from "./regions.ts";
import { findModel } from "./search.ts";
import { literal, type Range, type Shape } from "./shape.ts";
import { truthOf } from "./truths.ts";
import { type WeightOf, type Witness, witnessOf } from "./witness.ts";

declare const brand: unique symbol;

/** A set of requests. Two sets that are equal and were small enough to be built are `===`. */
export type Region = Ref & { readonly [brand]: "region" };

export type Answer = "yes" | "no" | "not-decided";

/** Where a policy has every require true and some allow. */
export interface Grant {
  readonly declaration: Declaration;
  readonly region: Region;
}

export interface SpaceOptions {
  /** Fixes the time field, in Unix seconds. */
  readonly now?: number;
  /** Leaves out every moment before this one. */
  readonly notBefore?: number;
  /** Conditions beside the programs that will be asked about: fields are cut at their constants too. */
  readonly conditions?: readonly Condition[];
  /** Patterns beside the programs' own that will be asked about. */
  readonly patterns?: readonly Pattern[];
  /** How large diagrams may grow before sets are searched instead; 2,000,000 nodes. */
  readonly maxNodes?: number;
  /** How long a search may be before the answer is "not decided"; 10,000,000 steps. */
  readonly maxSteps?: number;
}

/** All requests, cut at the constants of some programs. What it was not cut for is "not decided", never wrong. */
export interface Space {
  readonly everything: Region;
  readonly nothing: Region;
  /** What a program releases (WRIT section 11). A program that is not of the question may ask only for its constants. */
  readonly allowed: (program: Program) => Region;
  /** What each policy of a program grants by itself, before denies, guards and revocations. */
  readonly grants: (program: Program) => readonly Grant[];
  /** Where a declaration applies: its patterns and `valid`. */
  readonly scopeOf: (declaration: Pick<Declaration, "patterns" | "valid">) => Region;
  /** Where a condition of `program` (the first, if not given) is surely true, and where surely false. */
  readonly truthOf: (
    condition: Condition,
    program?: Program,
  ) => { readonly yes: Region; readonly no: Region };
  readonly and: (...regions: readonly Region[]) => Region;
  readonly or: (...regions: readonly Region[]) => Region;
  readonly not: (region: Region) => Region;
  /** In the first and not in the second. */
  readonly without: (region: Region, other: Region) => Region;
  /** Whether no request that the axioms permit is in it. */
  readonly isEmpty: (region: Region) => Answer;
  /** Whether every request of the first is in the second, under the axioms. */
  readonly implies: (region: Region, other: Region) => Answer;
  /** Whether both hold the same requests, under the axioms. */
  readonly isSame: (region: Region, other: Region) => Answer;
  /** A request of the region that differs as little as possible from `near`, or from an ordinary one; never an earlier one. */
  readonly witness: (region: Region, near?: Facts, weightOf?: WeightOf) => Witness | undefined;
  /** Whether a request is in the region; `undefined` when the space was not cut for that. Its facts obey the axioms. */
  readonly contains: (region: Region, facts: Facts) => boolean | undefined;
  /** How large the diagrams are: what budgets count. */
  readonly size: () => number;
}

const MAX_NODES = 2_000_000;
const MAX_STEPS = 10_000_000;
/** Combinations that may be tried for each node that there may be. */
const COMBINATIONS = 25;

/** Opens the space of a question about these programs; all are of one vocabulary. Total: what is too large is "not decided". */
export function openSpace(
  programs: readonly Program[],
  vocabulary: Vocabulary,
  options: SpaceOptions = {},
): Space {
  const setting = settingOf(programs, vocabulary, options);
  const { regions, axioms } = setting;
  const isEmpty = (region: Region): Answer => emptiness(setting, joinAll(regions, "and", [axioms, region]));
  const difference = (region: Region, other: Region): Region => asRegion(without(regions, region, other));
  return {
    everything: asRegion(ALWAYS),
    nothing: asRegion(NEVER),
    allowed: (program) => asRegion(allowedBy(setting, program)),
    grants: (program) =>
      planFor(setting, program).flatMap((plan, at) => {
        const declaration = program.declarations[at];
        return declaration === undefined || !plan.isPolicy
          ? []
          : [{ declaration, region: asRegion(grantOf(setting, plan)) }];
      }),
    scopeOf: (declaration) => asRegion(scopeRef(setting, declaration)),
    truthOf: (condition, program) => {
      const [first] = programs;
      const of = program ?? first;
      const labels = of === undefined ? new Map() : labelsOf(setting.desk, of);
      const { yes, no } = truthOf(setting.desk, condition, labels);
      return { yes: asRegion(refOf(setting, yes)), no: asRegion(refOf(setting, no)) };
    },
    and: (...list) => asRegion(joinAll(regions, "and", list)),
    or: (...list) => asRegion(joinAll(regions, "or", list)),
    not: (region) => difference(asRegion(ALWAYS), region),
    without: difference,
    isEmpty,
    implies: (region, other) => isEmpty(difference(region, other)),
    isSame: (region, other) => {
      const [left, right] = [isEmpty(difference(region, other)), isEmpty(difference(other, region))];
      if (left === "no" || right === "no") return "no";
      return left === "yes" && right === "yes" ? "yes" : "not-decided";
    },
    witness: (region, near, weightOf) => witnessOf(setting, region, near, weightOf),
    contains: (region, facts) => holds(setting, region, cellsIn(setting, facts)),
    size: () => regions.diagrams.size,
  };
}

/** The one place where a set gets its mark. */
function asRegion(ref: Ref): Region {
  return ref as Region;
}

// ── opening ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What every answer is made from. */
export interface Setting {
  readonly vocabulary: Vocabulary;
  readonly desk: Desk;
  readonly grid: Grid;
  readonly regions: Regions;
  readonly plans: Map<Program, readonly DeclarationPlan[]>;
  readonly shapes: WeakMap<Shape, Ref>;
  readonly correlations: Correlations;
  /** What is possible at all, over every dimension. */
  readonly whole: Ref;
  /** The same, over the dimensions that the question names. */
  readonly axioms: Ref;
  readonly maxSteps: number;
}

function settingOf(programs: readonly Program[], vocabulary: Vocabulary, options: SpaceOptions): Setting {
  const { conditions = [], patterns = [], maxNodes = MAX_NODES, maxSteps = MAX_STEPS } = options;
  const desk = createDesk(vocabulary);
  const plans = new Map(programs.map((program) => [program, planOf(desk, program)]));
  const labels = programs[0] === undefined ? new Map() : labelsOf(desk, programs[0]);
  const asked = conditions.flatMap((condition) => Object.values(truthOf(desk, condition, labels)));
  const shapes: readonly Shape[] = [...shapesOf([...plans.values()].flat()), ...asked];
  const named = new Set(desk.dimensions.keys());
  const correlations = correlationsOf(desk);
  const grid = gridOf(desk, {
    shapes,
    correlations,
    literals: literalsOf([...shapes, ...correlations.shapes]),
    patterns: [
      ...patterns,
      ...programs.flatMap(({ declarations }) => declarations.flatMap((one) => one.patterns)),
    ],
    time: timeOf(options),
  });
  const limits = { maxNodes, maxSteps: COMBINATIONS * maxNodes };
  const regions: Regions = { diagrams: createDiagrams(limits), formulas: [] };
  const base = { vocabulary, desk, grid, regions, plans, shapes: new WeakMap(), correlations, maxSteps };
  const whole = correlated(base);
  return { ...base, whole, axioms: forgetLevels(base, whole, named) };
}

function timeOf({ now, notBefore }: SpaceOptions): Range | undefined {
  if (now !== undefined) return [BigInt(now), BigInt(now)];
  return notBefore === undefined ? undefined : [BigInt(notBefore), BigInt(LAST_MOMENT)];
}

// ── the formula ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is granted, and neither denied, nor stopped by a guard, nor revoked. */
function allowedBy(setting: Setting, program: Program): Ref {
  const { regions } = setting;
  const plan = planFor(setting, program);
  const granted = plan.flatMap((one) => (one.isPolicy ? [grantOf(setting, one)] : []));
  const stopped = plan.map((one) => stopOf(setting, one));
  return without(regions, joinAll(regions, "or", granted), joinAll(regions, "or", stopped));
}

function planFor({ plans, desk }: Setting, program: Program): readonly DeclarationPlan[] {
  const plan = plans.get(program) ?? planOf(desk, program);
  plans.set(program, plan);
  return plan;
}

function grantOf(setting: Setting, { resources, valid, requires, allows }: DeclarationPlan): Ref {
  const body = joinShapes(setting, "and", [valid, requires, allows]);
  return joinAll(setting.regions, "and", [refOf(setting, resources), body]);
}

/** A deny that does not surely stay quiet, a guard whose requires do not surely hold, a revoked entry. */
function stopOf(setting: Setting, plan: DeclarationPlan): Ref {
  const { regions } = setting;
  const { resources, valid, requires, quiet, revoked, isPolicy } = plan;
  const calm = joinShapes(setting, "and", isPolicy ? quiet : [...quiet, requires]);
  const stopped = joinAll(regions, "or", [without(regions, ALWAYS, calm), refOf(setting, revoked)]);
  return joinAll(regions, "and", [
    refOf(setting, resources),
    joinAll(regions, "and", [refOf(setting, valid), stopped]),
  ]);
}

function joinShapes(setting: Setting, kind: "and" | "or", shapes: readonly Shape[]): Ref {
  return joinAll(
    setting.regions,
    kind,
    shapes.map((shape) => refOf(setting, shape)),
  );
}

function scopeRef(setting: Setting, declaration: Pick<Declaration, "patterns" | "valid">): Ref {
  const { desk, vocabulary, regions } = setting;
  const window = declaration.valid;
  const time = { kind: "ranges", ranges: window === undefined ? [] : [windowRange(window)] } as const;
  const during = window === undefined ? ALWAYS : refOf(setting, literal(vocabulary.timeField, time).yes);
  return joinAll(regions, "and", [refOf(setting, resourcesOf(desk, declaration)), during]);
}

const LAST_MOMENT = 253_402_300_799;

function windowRange({ from, to = LAST_MOMENT + 1 }: { readonly from: number; readonly to?: number }) {
  return [BigInt(from), BigInt(to - 1)] as const;
}

// ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function emptiness({ regions, maxSteps }: Setting, ref: Ref): Answer {
  if (isBuilt(ref)) return ref === NEVER ? "yes" : "no";
  const { kind } = findModel(regions, ref, maxSteps);
  if (kind === "none") return "yes";
  return kind === "found" ? "no" : "not-decided";
}

type Cells = readonly (number | undefined)[];

function cellsIn({ grid }: Setting, facts: Facts): Cells {
  return grid.axes.map(({ dimension, cellOf }) => cellOf(valueIn(facts, dimension.source)));
}

function holds(setting: Setting, ref: Ref, cells: Cells): boolean | undefined {
  const { regions } = setting;
  if (!isBuilt(ref)) return formulaHolds(setting, ref, cells);
  let node = ref;
  while (!isEnd(node)) {
    const cell = cells[levelOf(regions.diagrams, node)];
    if (cell === undefined) return undefined;
    node = childOf(regions.diagrams, node, cell);
  }
  return node === ALWAYS;
}

function formulaHolds(setting: Setting, ref: Ref, cells: Cells): boolean | undefined {
  const formula = formulaOf(setting.regions, ref);
  if (formula.kind === "unknown") return undefined;
  const of = formula.of.map((one) => holds(setting, one, cells));
  if (of.includes(undefined)) return undefined;
  if (formula.kind === "minus") return of[0] === true && of[1] === false;
  return formula.kind === "and" ? !of.includes(false) : of.includes(true);
}
