/** Which tests are missing? For each gap a request by the solver, written as a test that was run before it is told (WRIT section 13). */
import type { Decision } from "../decision.ts";
import { evaluate } from "../evaluation/evaluator.ts";
import type { Facts } from "../facts.ts";
import { formatSource } from "../formatting/format.ts";
import type { Declaration, FieldRef, Program, Refset } from "../program.ts";
import { openSpace, type Region, type Space } from "../solver/space.ts";
import type { FieldSetting, TestCase } from "../test-case.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { type Coverage, type CoverageRow, clauseOf, coverageOf, type Way } from "./coverage.ts";
import { clauseRegions, type GapParts, referenceCondition, referenceRegions } from "./gaps.ts";
import { literalText } from "./literal-text.ts";
import { requestOf } from "./request.ts";
import { partOf, platformsOf } from "./run.ts";

export interface Suggestion {
  /** A formatted `test` block. */
  readonly text: string;
  readonly row: CoverageRow;
  readonly way: Way;
}

export interface Suggestions {
  readonly suggested: readonly Suggestion[];
  /** Gaps that no request closes, or none that was found: something for a lint to look at. */
  readonly open: readonly { readonly row: CoverageRow; readonly way: Way }[];
}

export interface SuggestOptions {
  readonly vocabulary: Vocabulary;
  readonly sources: ReadonlyMap<string, string>;
  /** Reference sets that the test file may name. */
  readonly sets: readonly Refset[];
}

/** Suggests a test for each gap of a coverage. Total. */
export function suggestTests(program: Program, coverage: Coverage, options: SuggestOptions): Suggestions {
  const asked = new Map<Declaration, GapParts>();
  const suggested: Suggestion[] = [];
  const open: { readonly row: CoverageRow; readonly way: Way }[] = [];
  for (const row of coverage.rows) {
    for (const way of row.missing) {
      const text = suggestionFor(row, way, { program, coverage, asked, ...options });
      if (text === undefined) open.push({ row, way });
      else suggested.push({ text, row, way });
    }
  }
  return { suggested, open };
}

interface Asking extends SuggestOptions {
  readonly program: Program;
  readonly coverage: Coverage;
  readonly asked: Map<Declaration, GapParts>;
}

function suggestionFor(row: CoverageRow, way: Way, asking: Asking): string | undefined {
  for (const declaration of askers(row, asking)) {
    const parts = partsFor(declaration, asking);
    for (const region of regionsOf(row, way, { parts, asking })) {
      const text = testIn(region, { row, way, parts, asking });
      if (text !== undefined) return text;
    }
  }
  return undefined;
}

/** The declaration of a clause; for a reference value any that the tests are about. */
function askers(row: CoverageRow, { program, coverage }: Asking): readonly Declaration[] {
  const isAbout = ({ module, name }: Declaration): boolean => {
    const of = `${module}/${name}`;
    return row.of === of || (isReference(row) && coverage.rows.some((one) => one.of === of));
  };
  return program.declarations.filter(isAbout);
}

function isReference({ kind }: CoverageRow): boolean {
  return kind === "entry" || kind === "row";
}

function partsFor(declaration: Declaration, { program, coverage, vocabulary, asked }: Asking): GapParts {
  const known = asked.get(declaration);
  if (known !== undefined) return known;
  const part = partOf(program, [declaration]);
  const conditions = coverage.rows.flatMap((row) => referenceCondition(row, program, vocabulary) ?? []);
  const space: Space = openSpace([part], vocabulary, { conditions });
  const parts = { space, part, declaration, vocabulary };
  asked.set(declaration, parts);
  return parts;
}

function regionsOf(
  row: CoverageRow,
  way: Way,
  { parts, asking }: { readonly parts: GapParts; readonly asking: Asking },
): readonly Region[] {
  if (isReference(row)) {
    const condition = referenceCondition(row, asking.program, asking.vocabulary);
    return condition === undefined ? [] : referenceRegions(condition, parts);
  }
  const clause = clauseOf(parts.declaration, row);
  return clause === undefined ? [] : clauseRegions(clause, way, parts);
}

interface Place {
  readonly row: CoverageRow;
  readonly way: Way;
  readonly parts: GapParts;
  readonly asking: Asking;
}

/** A test on a request of the region, if there is one and it closes the gap. */
function testIn(region: Region, place: Place): string | undefined {
  const { parts, asking, row, way } = place;
  if (parts.space.isEmpty(region) !== "no") return undefined;
  const witness = parts.space.witness(region);
  const product = String(witness?.facts.get(asking.vocabulary.productField ?? ""));
  if (witness === undefined || asking.vocabulary.ordinary[product] === undefined) return undefined;
  const test = leastTest(witness.facts, product, place);
  const facts = factsOf(test, place);
  if (facts === undefined) return undefined;
  const decision = evaluate(parts.part, facts);
  const run = { test, program: parts.part, outcome: { kind: "passed", facts, decision } } as const;
  const after = coverageOf(asking.program, [run], asking.sources);
  const isClosed = after.rows.some(
    (one) => one.at === row.at && one.text === row.text && one.of === row.of && !one.missing.includes(way),
  );
  return isClosed ? sourceOf(test, decision, place) : undefined;
}

/** The ordinary request of the product, with as few settings as give the same facts. */
function leastTest(wanted: Facts, product: string, place: Place): TestCase {
  const { vocabulary } = place.asking;
  const ordinary = vocabulary.ordinary[product] ?? new Map();
  const names = [...new Set([...wanted.keys(), ...ordinary.keys()])];
  const fixed = [vocabulary.resourceField, vocabulary.timeField];
  let settings = names.flatMap((name) => settingFor(name, wanted, vocabulary) ?? []);
  const testWith = (list: readonly FieldSetting[]): TestCase => ({
    title: titleOf(place),
    at: "",
    origin: { file: "", span: { start: 0, end: 0 } },
    of: [place.parts.declaration],
    start: { kind: "ordinary", product },
    settings: list,
    expect: { outcome: "deny", origin: { file: "", span: { start: 0, end: 0 } } },
  });
  const goal = factsOf(testWith(settings), place);
  for (const setting of [...settings]) {
    if (fixed.includes(setting.field.key)) continue;
    const fewer = settings.filter((one) => one !== setting);
    if (isSame(factsOf(testWith(fewer), place), goal)) settings = fewer;
  }
  return testWith(settings);
}

function settingFor(name: string, facts: Facts, vocabulary: Vocabulary): FieldSetting | undefined {
  const field = fieldNamed(name, vocabulary);
  const origin = { file: "", span: { start: 0, end: 0 } };
  const value = facts.get(name);
  if (field === undefined) return undefined;
  return value === undefined ? { field, origin } : { field, value, origin };
}

function fieldNamed(name: string, { fields }: Vocabulary): FieldRef | undefined {
  if (name.startsWith("approvals:")) return { name, key: name, type: { kind: "uint", bits: 8 } };
  const type = fields.find((one) => one.name === name.replace(/\[\d+\]$/, ""))?.type;
  return type === undefined ? undefined : { name, key: name, type };
}

function factsOf(test: TestCase, { parts, asking }: Place): Facts | undefined {
  const request = requestOf(test, {
    vocabulary: asking.vocabulary,
    program: parts.part,
    platforms: platformsOf(parts.part),
    tests: new Map(),
    report: () => undefined,
  });
  return "message" in request ? undefined : request;
}

function isSame(a: Facts | undefined, b: Facts | undefined): boolean {
  if (a === undefined || b === undefined || a.size !== b.size) return false;
  const textOf = (value: unknown): string =>
    typeof value === "bigint" ? `0b${value}` : JSON.stringify(value, (_, part) => sorted(part));
  return [...a].every(([name, value]) => b.has(name) && textOf(value) === textOf(b.get(name)));
}

function sorted(part: unknown): unknown {
  if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const WAY_WORDS: Readonly<Record<Way, string>> = {
  true: "holds",
  false: "does not hold",
  fires: "fires",
  "does not fire": "does not fire",
  used: "is used",
  seen: "is looked at",
};

/** Names the declaration, since two of them may have the same clause. */
function titleOf({ row, way, parts }: Place): string {
  const about = isReference(row) ? `${row.of.replace(/^.*\//, "")} ${row.text}` : row.text;
  return `${parts.declaration.name}: ${about.replaceAll('"', "'").slice(0, 160)} ${WAY_WORDS[way]}`;
}

function sourceOf(test: TestCase, decision: Decision, place: Place): string | undefined {
  const { asking, parts } = place;
  const product = test.start?.kind === "ordinary" ? test.start.product : "";
  const settings = test.settings.map(({ field, value }) => {
    const target = field.key.startsWith("approvals:")
      ? `approvals from ${JSON.stringify(field.key.slice("approvals:".length))}`
      : field.name;
    const text = value === undefined ? "absent" : literalText(field, value, asking.sets);
    return text === undefined ? undefined : `${target} = ${text}`;
  });
  if (settings.includes(undefined)) return undefined;
  const body = `given ordinary ${product} { ${settings.join(", ")} } ${expectationOf(decision, place)}`;
  const text = `writ 1\ntest ${JSON.stringify(test.title)} of ${parts.declaration.name} { ${body} }`;
  return formatSource("suggested.writ", text).text?.replace(/^writ 1\n/, "");
}

function expectationOf(decision: Decision, { row, asking }: Place): string {
  if (decision.isAllowed) {
    const label = decision.allowedBy[0]?.label;
    return label === undefined ? "expect allow" : `expect allow by ${JSON.stringify(label)}`;
  }
  const [revoked] = decision.trace.revoked;
  const isNamed = asking.sets.some(({ name }) => name === revoked?.set);
  if (decision.code === "revoked" && revoked !== undefined && isNamed) {
    return `expect deny because revoked ${revoked.set}[${JSON.stringify(revoked.label)}]`;
  }
  const failing = decision.trace.declarations.flatMap(({ clauses }) =>
    clauses.filter(({ clause, verdict }) =>
      clause.kind === "deny" ? verdict !== "x" : clause.kind === "require" && verdict !== "ok",
    ),
  );
  const own = failing.find(({ clause }) => clause.at === row.at) ?? failing[0];
  const reason = own?.clause.reason;
  return reason === undefined
    ? `expect deny because ${decision.code}`
    : `expect deny because ${JSON.stringify(reason)}`;
}
