/** Which request does a test mean? The ordinary one, what the test sets over it, and what follows from that (WRIT section 13). */
import type { Axiom, Claim } from "../axiom.ts";
import { type Facts, type FactValue, isVector } from "../facts.ts";
import type { Origin, Program } from "../program.ts";
import { brokenAxioms } from "../solver/axioms.ts";
import { hourOf, weekdayOf } from "../solver/calendar-of.ts";
import { labelledFacts } from "../solver/settle.ts";
import type { FieldSetting, TestCase } from "../test-case.ts";
import type { Vocabulary } from "../vocabulary.ts";

/** What keeps a test from being run. */
export interface Mistake {
  readonly code: "E0901" | "E0902";
  readonly message: string;
  readonly origin: Origin;
}

export interface RequestParts {
  readonly vocabulary: Vocabulary;
  /** What the test loads: its reference values label requests. */
  readonly program: Program;
  /** Platforms that the policies under test name, each once. */
  readonly platforms: readonly string[];
  /** Tests of the same file, by title. */
  readonly tests: ReadonlyMap<string, TestCase>;
  /** The facts of a report file; `undefined` where there is none that can be read. */
  readonly report: (path: string) => Facts | undefined;
}

const MAX_LIKE = 100;

/** The facts of a test, or why there are none. */
export function requestOf(test: TestCase, parts: RequestParts): Facts | Mistake {
  const chain = chainOf(test, parts);
  if ("message" in chain) return chain;
  const root = chain[0] ?? test;
  const base = baseOf(root, parts);
  if ("message" in base) return base;
  const settings = chain.flatMap((one) => one.settings);
  const facts = new Map(base);
  for (const setting of settings) apply(facts, setting);
  derive(facts, new Set(settings.map(({ field }) => field.key)), parts);
  return faultIn(facts, test, parts) ?? facts;
}

/** From the test that is like no other to this one. */
function chainOf(test: TestCase, { tests }: RequestParts): readonly TestCase[] | Mistake {
  const chain = [test];
  for (let { start } = test; start?.kind === "like"; ) {
    const { title, origin } = start;
    const next = tests.get(title);
    if (next === undefined) {
      return { code: "E0902", message: `this file has no test called "${title}"`, origin };
    }
    if (chain.includes(next)) return { code: "E0902", message: `"${title}" is like itself`, origin };
    if (chain.length >= MAX_LIKE) {
      return { code: "E0902", message: `more than ${MAX_LIKE} tests are like one another`, origin };
    }
    chain.unshift(next);
    start = next.start;
  }
  return chain;
}

function baseOf({ start }: TestCase, { vocabulary, platforms, report }: RequestParts): Facts | Mistake {
  if (start?.kind === "report") {
    const facts = report(start.path);
    const message = `there is no report \`${start.path}\` that can be read`;
    return facts ?? { code: "E0902", message, origin: start.origin };
  }
  if (start?.kind !== "ordinary") return new Map();
  const facts = new Map(vocabulary.ordinary[start.product]);
  const [only, ...others] = platforms;
  const platform = others.length === 0 ? vocabulary.platforms.find(({ name }) => name === only) : undefined;
  for (const [name, value] of platform?.ordinary ?? []) facts.set(name, value);
  return facts;
}

function apply(facts: Map<string, FactValue>, { field, value }: FieldSetting): void {
  const { key, component } = field;
  if (value === undefined) facts.delete(key);
  else if (component === undefined) facts.set(key, value);
  else {
    const vector = facts.get(key);
    facts.set(key, { ...(isVector(vector) ? vector : {}), [component]: Number(value) });
  }
}

// ── what follows ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Fills in what nobody set: copies first, then what the axioms say. */
function derive(facts: Map<string, FactValue>, isSet: ReadonlySet<string>, parts: RequestParts): void {
  const { vocabulary, program } = parts;
  for (const { field, of } of vocabulary.follows) copy(facts, isSet, { field, of });
  for (const axiom of vocabulary.axioms) follow(facts, isSet, { axiom, parts });
  const labelled = labelledFacts(facts, vocabulary, program.refsets);
  for (const axiom of vocabulary.axioms) {
    if (axiom.kind === "labelled" && !isSet.has(axiom.field))
      put(facts, axiom.field, labelled.get(axiom.field));
  }
}

function copy(
  facts: Map<string, FactValue>,
  isSet: ReadonlySet<string>,
  { field, of }: { readonly field: string; readonly of: string },
): void {
  if (!isSet.has(field)) put(facts, field, facts.get(of));
}

function put(facts: Map<string, FactValue>, field: string, value: FactValue | undefined): void {
  if (value === undefined) facts.delete(field);
  else facts.set(field, value);
}

interface Following {
  readonly axiom: Axiom;
  readonly parts: RequestParts;
}

function follow(
  facts: Map<string, FactValue>,
  isSet: ReadonlySet<string>,
  { axiom, parts }: Following,
): void {
  switch (axiom.kind) {
    case "alias":
      copy(facts, isSet, axiom);
      return;
    case "differs":
      if (!isSet.has(axiom.flag))
        facts.set(
          axiom.flag,
          axiom.pairs.some(([a, b]) => isOther(facts, a, b)),
        );
      return;
    case "calendar":
      tellTime(facts, isSet, { axiom, parts });
      return;
    case "implies":
      if (axiom.when.every((claim) => isTrue(claim, facts))) {
        for (const claim of axiom.follows) claimed(facts, isSet, { claim, parts });
      }
      return;
    case "at-most":
    case "components":
    case "labelled":
  }
}

function isOther(facts: Facts, a: string, b: string): boolean {
  return (
    JSON.stringify(facts.get(a)) !== JSON.stringify(facts.get(b)) && !isSameVector(facts.get(a), facts.get(b))
  );
}

function isSameVector(a: FactValue | undefined, b: FactValue | undefined): boolean {
  if (!isVector(a) || !isVector(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}

function tellTime(
  facts: Map<string, FactValue>,
  isSet: ReadonlySet<string>,
  { axiom, parts }: { readonly axiom: Extract<Axiom, { kind: "calendar" }>; readonly parts: RequestParts },
): void {
  const now = facts.get(parts.vocabulary.timeField);
  if (typeof now !== "number") return;
  if (!isSet.has(axiom.weekday)) put(facts, axiom.weekday, weekdayOf(now, axiom.days));
  if (!isSet.has(axiom.hour)) facts.set(axiom.hour, hourOf(now));
}

/** Claims that derivation looks at: of presence, of words and of flags. */
function isTrue(claim: Claim, facts: Facts): boolean {
  const value = facts.get(claim.field);
  switch (claim.kind) {
    case "present":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "one-of":
      return typeof value === "string" && claim.values.includes(value);
    case "flag":
      return value === claim.is;
    case "within":
      return false;
  }
}

/** What must be absent goes; what must be there has its ordinary value, or the one of nothing being on. */
function claimed(
  facts: Map<string, FactValue>,
  isSet: ReadonlySet<string>,
  { claim, parts }: { readonly claim: Claim; readonly parts: RequestParts },
): void {
  const { vocabulary } = parts;
  for (const name of membersOf(claim.field, facts)) {
    if (claim.kind === "absent" && !isSet.has(name)) facts.delete(name);
  }
  if (claim.kind !== "present" || isSet.has(claim.field) || facts.has(claim.field)) return;
  const product = vocabulary.productField === undefined ? "" : String(facts.get(vocabulary.productField));
  const type = vocabulary.fields.find(({ name }) => name === claim.field)?.type.kind;
  const off = type === "flag" ? false : type === "bits" ? 0n : undefined;
  put(facts, claim.field, vocabulary.ordinary[product]?.get(claim.field) ?? off);
}

function membersOf(field: string, facts: Facts): readonly string[] {
  return [...facts.keys()].filter((name) => name === field || name.startsWith(`${field}[`));
}

// ── what cannot be ──────────────────────────────────────────────────────────────────────────────────────────────────

function faultIn(facts: Facts, test: TestCase, { vocabulary, program }: RequestParts): Mistake | undefined {
  for (const field of [vocabulary.resourceField, vocabulary.timeField]) {
    if (!facts.has(field)) {
      return { code: "E0901", message: `the \`given\` of a test sets \`${field}\``, origin: test.origin };
    }
  }
  const [broken] = brokenAxioms(facts, vocabulary, program.refsets);
  return broken === undefined
    ? undefined
    : { code: "E0901", message: `no request is like this: ${broken.text}`, origin: test.origin };
}
