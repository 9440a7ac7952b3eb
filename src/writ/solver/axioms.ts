/** Which axioms of its vocabulary does a set of facts break? None, if a verifier can have said it (WRIT sections 11 and 13). */
import type { Axiom, Claim } from "../axiom.ts";
import { entryLabels, type LabelSet } from "../entry-labels.ts";
import type { Facts, FactValue } from "../facts.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { hourOf, weekdayOf } from "./calendar-of.ts";

interface Request {
  readonly facts: Facts;
  readonly vocabulary: Vocabulary;
  readonly refsets: readonly LabelSet[];
}

/**
 * The axioms that these facts break, in the vocabulary's order. Total: facts of any type are looked at.
 *
 * @param refsets - The reference values of the program that the facts are judged by: some fields are labels from there.
 */
export function brokenAxioms(
  facts: Facts,
  vocabulary: Vocabulary,
  refsets: readonly LabelSet[],
): readonly Axiom[] {
  const request = { facts, vocabulary, refsets };
  return vocabulary.axioms.filter((axiom) => !holds(axiom, request));
}

function holds(axiom: Axiom, request: Request): boolean {
  const { facts } = request;
  switch (axiom.kind) {
    case "implies":
      return (
        !axiom.when.every((claim) => isTrue(claim, facts)) ||
        axiom.follows.every((claim) => isTrue(claim, facts))
      );
    case "alias":
      return isSame(facts.get(axiom.field), facts.get(axiom.of));
    case "at-most":
      return isAtMost(facts.get(axiom.lower), facts.get(axiom.upper));
    case "differs": {
      const isAllSame = axiom.pairs.every(([a, b]) => isSame(facts.get(a), facts.get(b)));
      return facts.get(axiom.flag) === undefined || (facts.get(axiom.flag) === true) === !isAllSame;
    }
    case "components":
      return axiom.fields.every((field) => hasComponents(facts.get(field), request));
    case "labelled":
      return facts.get(axiom.field) === labelOf(facts.get(axiom.of), axiom.of, request);
    case "calendar":
      return isOfTime(axiom, request);
  }
}

function isTrue(claim: Claim, facts: Facts): boolean {
  const keys = [...facts.keys()].filter((key) => key === claim.field || key.startsWith(`${claim.field}[`));
  if (claim.kind === "absent") return keys.length === 0;
  return keys.length > 0 && keys.every((key) => says(claim, facts.get(key)));
}

/** A field that is there. */
function says(claim: Exclude<Claim, { readonly kind: "absent" }>, value: FactValue | undefined): boolean {
  switch (claim.kind) {
    case "present":
      return true;
    case "one-of":
      return typeof value === "string" && claim.values.includes(value);
    case "flag":
      return value === claim.is;
    case "within":
      return (
        typeof value === "number" && claim.ranges.some(([least, most]) => value >= least && value <= most)
      );
  }
}

/** Vectors by component, versions part by part. */
function isSame(a: FactValue | undefined, b: FactValue | undefined): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  const left = Object.entries(a);
  const right = new Map(Object.entries(b));
  return left.length === right.size && left.every(([name, part]) => right.get(name) === part);
}

function isAtMost(lower: FactValue | undefined, upper: FactValue | undefined): boolean {
  if (typeof lower !== "object" || typeof upper !== "object") return true;
  const above = new Map(Object.entries(upper));
  return Object.entries(lower).every(([name, level]) => {
    const limit = above.get(name);
    return limit === undefined || level <= limit;
  });
}

function hasComponents(value: FactValue | undefined, { facts, vocabulary }: Request): boolean {
  const name = vocabulary.productField === undefined ? undefined : facts.get(vocabulary.productField);
  const product = vocabulary.products.find((one) => one.name === name);
  if (product === undefined || typeof value !== "object") return true;
  const had = Object.keys(value);
  return had.length === product.components.length && had.every((part) => product.components.includes(part));
}

function labelOf(value: FactValue | undefined, field: string, { refsets }: Request): number | undefined {
  return typeof value === "string" ? entryLabels(refsets, field).get(value) : undefined;
}

function isOfTime(axiom: Extract<Axiom, { kind: "calendar" }>, { facts, vocabulary }: Request): boolean {
  const now = facts.get(vocabulary.timeField);
  if (typeof now !== "number") return true;
  const weekday = facts.get(axiom.weekday);
  const hour = facts.get(axiom.hour);
  return (
    (weekday === undefined || weekday === weekdayOf(now, axiom.days)) &&
    (hour === undefined || hour === hourOf(now))
  );
}
