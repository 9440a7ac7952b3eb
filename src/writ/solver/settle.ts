/** Which values follow from others, once some are chosen? The axioms, used to fill in and not to judge. */
import type { Axiom } from "../axiom.ts";
import { entryLabels, type LabelSet } from "../entry-labels.ts";
import { type Facts, type FactValue, isVector, isVersion, type VersionFact } from "../facts.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { hourOf, weekdayOf } from "./calendar-of.ts";

/** Facts with the labels that these reference values give. */
export function labelledFacts(facts: Facts, vocabulary: Vocabulary, refsets: readonly LabelSet[]): Facts {
  const labelled = new Map(facts);
  for (const axiom of vocabulary.axioms) {
    if (axiom.kind !== "labelled") continue;
    const value = facts.get(axiom.of);
    const label = typeof value === "string" ? entryLabels(refsets, axiom.of).get(value) : undefined;
    if (label === undefined) labelled.delete(axiom.field);
    else labelled.set(axiom.field, label);
  }
  return labelled;
}

/** What is being settled. `isAsked` says whether a condition looks at a field; `mayBe` whether a field, or `field.component`, may have a value without leaving its cell. */
export interface Settling {
  readonly facts: Map<string, FactValue>;
  readonly vocabulary: Vocabulary;
  readonly isAsked: (field: string) => boolean;
  readonly mayBe: (name: string, value: number | VersionFact) => boolean;
}

/** Vectors first, then their order, then what only reads them. */
const ORDER: readonly Axiom["kind"][] = ["components", "at-most", "differs", "alias", "calendar"];

/** Changes values within their cells, and values that nobody asked about, until the axioms between them hold. */
export function settle(settling: Settling): void {
  for (const kind of ORDER) {
    for (const axiom of settling.vocabulary.axioms) if (axiom.kind === kind) settleOne(settling, axiom);
  }
}

function settleOne(settling: Settling, axiom: Axiom): void {
  const { facts } = settling;
  switch (axiom.kind) {
    case "components":
      for (const field of axiom.fields) fitComponents(settling, field);
      return;
    case "at-most":
      lowerTo(settling, axiom.lower, axiom.upper);
      return;
    case "differs":
      tellApart(settling, axiom);
      return;
    case "alias":
      copy(facts, axiom.of, axiom.field);
      return;
    case "calendar":
      tellTime(settling, axiom);
      return;
    case "implies":
    case "labelled":
  }
}

/** A vector has the components of its product; what is missing is ordinary. */
function fitComponents({ facts, vocabulary }: Settling, field: string): void {
  const value = facts.get(field);
  const name = facts.get(vocabulary.productField ?? "");
  const product = vocabulary.products.find((one) => one.name === name);
  if (product === undefined || !isVector(value)) return;
  const ordinary = vocabulary.ordinary[product.name]?.get(field);
  const usual = isVector(ordinary) ? ordinary : {};
  facts.set(
    field,
    Object.fromEntries(product.components.map((part) => [part, value[part] ?? usual[part] ?? 0])),
  );
}

/** The cells are in order, so a level above the limit shares its cell: it may come down. */
function lowerTo({ facts }: Settling, lower: string, upper: string): void {
  const [low, high] = [facts.get(lower), facts.get(upper)];
  if (!isVector(low) || !isVector(high)) return;
  facts.set(
    lower,
    Object.fromEntries(
      Object.entries(low).map(([part, level]) => [part, Math.min(level, high[part] ?? level)]),
    ),
  );
}

function copy(facts: Map<string, FactValue>, from: string, to: string): void {
  const value = facts.get(from);
  if (value !== undefined) facts.set(to, value);
}

/** A flag that nobody asks about follows the pairs; else the pairs follow the flag. */
function tellApart(settling: Settling, { flag, pairs }: Extract<Axiom, { readonly kind: "differs" }>): void {
  const { facts, isAsked } = settling;
  const isAlike = pairs.every(([left, right]) => isSame(facts.get(left), facts.get(right)));
  if (!isAsked(flag)) facts.set(flag, !isAlike);
  else if (facts.get(flag) === false) for (const [left, right] of pairs) copy(facts, right, left);
  else if (isAlike) keepApart(settling, pairs);
}

/** Where every pair is equal, one of them moves to another value of its cell. */
function keepApart(settling: Settling, pairs: readonly (readonly [string, string])[]): void {
  for (const [left, right] of [...pairs].reverse()) {
    if (moveUp(settling, right) || moveDown(settling, left)) return;
  }
}

function isSame(a: FactValue | undefined, b: FactValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

const STEPS = { up: 1, down: -1 } as const;

function moveUp(settling: Settling, field: string): boolean {
  return move(settling, field, STEPS.up);
}

function moveDown(settling: Settling, field: string): boolean {
  return move(settling, field, STEPS.down);
}

function move({ facts, mayBe }: Settling, field: string, step: number): boolean {
  const value = facts.get(field);
  if (isVersion(value)) {
    const moved: VersionFact = [value[0], value[1], value[2] + step];
    if (moved[2] < 0 || !mayBe(field, moved)) return false;
    facts.set(field, moved);
    return true;
  }
  if (!isVector(value)) return false;
  for (const [part, level] of Object.entries(value)) {
    if (level + step < 0 || !mayBe(`${field}.${part}`, level + step)) continue;
    facts.set(field, { ...value, [part]: level + step });
    return true;
  }
  return false;
}

function tellTime(
  { facts, vocabulary }: Settling,
  axiom: Extract<Axiom, { readonly kind: "calendar" }>,
): void {
  const now = facts.get(vocabulary.timeField);
  if (typeof now !== "number") return;
  const weekday = weekdayOf(now, axiom.days);
  if (weekday !== undefined) facts.set(axiom.weekday, weekday);
  facts.set(axiom.hour, hourOf(now));
}
