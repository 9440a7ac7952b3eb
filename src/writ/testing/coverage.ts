/** What of the policies did the tests exercise? Each clause both ways, each entry, each row of a floor (WRIT section 13). */

import { atomsOf } from "../conditions.ts";
import type { ClauseTrace, Decision } from "../decision.ts";
import { linesOf, placeOf } from "../diagnostics/diagnostic.ts";
import type { Facts } from "../facts.ts";
import type { Clause, Condition, Declaration, Entry, Floor, Program, Refset } from "../program.ts";
import type { TestRun } from "./run.ts";

/** One way in which something can be seen. */
export type Way = "true" | "false" | "fires" | "does not fire" | "used" | "seen";

/** One thing to be seen. `missing` says which way was not; empty where all of it was. */
export interface CoverageRow {
  readonly kind: "require" | "allow" | "deny" | "entry" | "row";
  /** `file:line`. */
  readonly at: string;
  /** `module/policy`, or the set or floor. */
  readonly of: string;
  readonly text: string;
  /** How many ways it can be seen: two for a clause with a condition. */
  readonly ways: 1 | 2;
  readonly missing: readonly Way[];
}

export interface Coverage {
  readonly rows: readonly CoverageRow[];
  /** How many ways there are, and how many were seen. */
  readonly ways: number;
  readonly seen: number;
}

/** Of the declarations that some test names, and the reference values and floors that these ask about. */
export function coverageOf(
  program: Program,
  runs: readonly TestRun[],
  sources: ReadonlyMap<string, string>,
): Coverage {
  const named = new Set(runs.flatMap(({ test }) => test.of.map(({ module, name }) => `${module}/${name}`)));
  const declarations = program.declarations.filter((one) => named.has(idOf(one)));
  const watch = watchOf(runs);
  const rows = [
    ...declarations.flatMap((declaration) => clauseRows(declaration, watch)),
    ...setsOf(program, declarations).flatMap((set) => entryRows(set, watch)),
    ...floorsOf(program, declarations).flatMap((floor) => floorRows(floor, { program, sources }, watch)),
  ];
  const ways = rows.reduce((sum, row) => sum + row.ways, 0);
  const missing = rows.reduce((sum, row) => sum + row.missing.length, 0);
  return { rows, ways, seen: ways - missing };
}

function idOf({ module, name }: { readonly module: string; readonly name: string }): string {
  return `${module}/${name}`;
}

interface Watch {
  /** Clause, by declaration and place among its clauses' texts, to the verdicts it had. */
  readonly verdicts: ReadonlyMap<string, ReadonlySet<boolean>>;
  readonly requests: readonly Facts[];
}

function watchOf(runs: readonly TestRun[]): Watch {
  const verdicts = new Map<string, Set<boolean>>();
  const requests: Facts[] = [];
  for (const { outcome } of runs) {
    if (outcome.kind === "broken") continue;
    requests.push(outcome.facts);
    for (const [key, value] of judgedIn(outcome.decision)) {
      const known = verdicts.get(key) ?? new Set();
      verdicts.set(key, known.add(value));
    }
  }
  return { verdicts, requests };
}

function judgedIn({ trace }: Decision): readonly (readonly [key: string, isOn: boolean])[] {
  return trace.declarations.flatMap((declaration) =>
    declaration.clauses.map((clause) => [keyOf(idOf(declaration), clause.clause), isOn(clause)] as const),
  );
}

/** Requires and allows are on when true; a deny is on when it fires, on unknown too. */
function isOn({ clause, verdict }: ClauseTrace): boolean {
  return clause.kind === "deny" ? verdict !== "x" : verdict === "ok";
}

function keyOf(of: string, { kind, at, text, from }: Clause["text"]): string {
  return JSON.stringify([of, kind, at, text, from ?? ""]);
}

/** The clause of a row. */
export function clauseOf(declaration: Declaration, row: CoverageRow): Clause | undefined {
  const { requires, allows, denies } = declaration;
  return [...requires, ...allows, ...denies].find(
    ({ text }) => text.kind === row.kind && text.at === row.at && text.text === row.text,
  );
}

/** What a platform adds is the vocabulary's, and tested there. */
function clauseRows(declaration: Declaration, { verdicts }: Watch): readonly CoverageRow[] {
  const { requires, allows, denies } = declaration;
  const of = idOf(declaration);
  return [...requires, ...allows, ...denies]
    .filter(({ text }) => text.from?.startsWith("platform ") !== true)
    .map(({ text, when }) => {
      const seen = verdicts.get(keyOf(of, text)) ?? new Set();
      const [on, off] =
        text.kind === "require" ? (["true", "false"] as const) : (["fires", "does not fire"] as const);
      const canFail = when !== undefined;
      const missing = [...(seen.has(true) ? [] : [on]), ...(seen.has(false) || !canFail ? [] : [off])];
      return { kind: text.kind, at: text.at, of, text: text.text, ways: canFail ? 2 : 1, missing };
    });
}

function conditionsOf({ requires, allows, denies }: Declaration): readonly Condition[] {
  return [...requires, ...allows, ...denies].flatMap(({ when }) => (when === undefined ? [] : [when]));
}

function setsOf({ refsets }: Program, declarations: readonly Declaration[]): readonly Refset[] {
  const asked = new Set<Entry>();
  for (const { test } of declarations.flatMap(conditionsOf).flatMap(atomsOf)) {
    if (test.kind === "member") for (const entry of test.entries) asked.add(entry);
  }
  return refsets.filter(({ entries }) => entries.some((entry) => asked.has(entry)));
}

function entryRows({ name, module, field, entries }: Refset, { requests }: Watch): readonly CoverageRow[] {
  return entries.map(({ label, value, at }) => {
    const isUsed = requests.some((facts) => valuesOf(facts, field).includes(value));
    return {
      kind: "entry",
      at,
      of: idOf({ module, name }),
      text: `"${label}"`,
      ways: 1,
      missing: isUsed ? [] : ["used"],
    };
  });
}

/** A set of one member of a family is used by any of them. */
function valuesOf(facts: Facts, field: string): readonly unknown[] {
  const [base] = field.split("[");
  return [...facts].flatMap(([name, value]) =>
    name === field || name.startsWith(`${base}[`) ? [value] : [],
  );
}

function floorsOf({ floors }: Program, declarations: readonly Declaration[]): readonly Floor[] {
  const rows = new Set(
    declarations
      .flatMap(conditionsOf)
      .flatMap(atomsOf)
      .flatMap(({ test }) => (test.kind === "floor" ? test.rows : [])),
  );
  return floors.filter((floor) => floor.rows.some((row) => rows.has(row)));
}

/** A request sees the row of its silicon, else that of its product, as the evaluator chooses. */
function floorRows(
  floor: Floor,
  { program, sources }: { readonly program: Program; readonly sources: ReadonlyMap<string, string> },
  { requests }: Watch,
): readonly CoverageRow[] {
  const names = new Set(floor.rows.map(({ name }) => name));
  const chosen = new Set(
    requests.map((facts) => {
      const [silicon, product] = [program.siliconField, program.productField].map((field) =>
        field === undefined ? "" : String(facts.get(field) ?? ""),
      );
      return silicon !== undefined && names.has(silicon) ? silicon : product;
    }),
  );
  const lines = linesOf(sources.get(floor.origin.file) ?? "");
  return floor.rows.map(({ name, origin }) => ({
    kind: "row",
    at: `${origin.file}:${placeOf(lines, origin.span.start).line}`,
    of: idOf(floor),
    text: name,
    ways: 1,
    missing: chosen.has(name) ? [] : ["seen"],
  }));
}
