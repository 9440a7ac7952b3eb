/** Which request shows a difference, and what do both sides say of it? The evaluator has the last word. */
import type { ClauseText, Decision } from "../decision.ts";
import { evaluate } from "../evaluation/evaluator.ts";
import type { Facts } from "../facts.ts";
import type { Program } from "../program.ts";
import { labelledFacts } from "../solver/settle.ts";
import type { Region, Space } from "../solver/space.ts";
import type { Witness } from "../solver/witness.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { type Refusal, refusalOf, withoutInvented } from "./refusal.ts";
import { valueText } from "./value-text.ts";

export interface Sides {
  readonly older: Program;
  readonly newer: Program;
}

export interface TwoDecisions {
  readonly older: Decision;
  readonly newer: Decision;
}

/** One field as it is shown: `(any)`, `(any other value)`, or its value. */
export interface ShownField {
  readonly field: string;
  readonly value: string;
}

/** A request that is newly allowed, newly refused, or allowed by both. */
export interface Example {
  readonly direction: "allowed" | "refused" | "kept";
  readonly resource: string;
  /** What every example shows, in the vocabulary's order; the time only where it matters. */
  readonly usual: readonly ShownField[];
  /** Further fields that matter and are not ordinary. */
  readonly unusual: readonly ShownField[];
  /** Why the side that refuses does: the clause, its place, and the fields it looks at. */
  readonly refusal: Refusal | undefined;
  /** What both sides say; values that nobody wrote are `(any other value)` in their traces. */
  readonly decisions: TwoDecisions;
  /** Whether the evaluator says of both sides what the solver does. */
  readonly isConfirmed: boolean;
  readonly key: string;
}

export interface Showing {
  readonly space: Space;
  readonly sides: Sides;
  readonly vocabulary: Vocabulary;
}

export interface Wanted {
  readonly direction: Example["direction"];
  readonly region: Region;
  /** The clause that the example is for. */
  readonly clause?: ClauseText;
}

/** The request of a region that is nearest to an ordinary one; `undefined` when there is none, or none was found. */
export function exampleIn(showing: Showing, { direction, region, clause }: Wanted): Example | undefined {
  const witness = showing.space.witness(region);
  if (witness === undefined) return undefined;
  const { vocabulary, sides } = showing;
  const decide = (program: Program): Decision =>
    withoutInvented(
      evaluate(program, labelledFacts(witness.facts, vocabulary, program.refsets)),
      witness.invented,
    );
  const decisions = { older: decide(sides.older), newer: decide(sides.newer) };
  const refusal = refusalOf(direction === "allowed" ? decisions.older : decisions.newer, clause);
  const { usual, unusual } = shownFields(showing, witness, refusal);
  return {
    direction,
    resource: witness.resource,
    usual,
    unusual,
    refusal,
    decisions,
    isConfirmed:
      decisions.older.isAllowed === (direction !== "allowed") &&
      decisions.newer.isAllowed === (direction !== "refused"),
    key: `${direction} ${witness.resource} ${[...usual, ...unusual].map(({ field, value }) => `${field}=${value}`).join(" ")} ${refusal?.at}`,
  };
}

// ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function shownFields(
  { vocabulary, sides }: Showing,
  { facts, telling, invented }: Witness,
  refusal: Refusal | undefined,
): Pick<Example, "usual" | "unusual"> {
  const { hints, timeField, resourceField, productField = "", fields, ordinary } = vocabulary;
  const refsets = [...sides.newer.refsets, ...sides.older.refsets];
  const usualNames = [...hints.shown];
  const shown = (name: string): ShownField => ({
    field: name,
    value: !telling.has(name) ? "(any)" : textOf(name),
  });
  const textOf = (name: string): string => {
    const value = facts.get(name);
    if (value === undefined) return "absent";
    if (invented.has(name)) return "(any other value)";
    const type = fields.find((one) => one.name === name.replace(/\[\d+\]$/, ""))?.type ?? {
      kind: "uint",
      bits: 8,
    };
    return valueText({ name, type }, value, refsets);
  };
  const base = ordinary[String(facts.get(productField))] ?? new Map();
  const isUnusual = (name: string): boolean =>
    !usualNames.includes(name) &&
    name !== resourceField &&
    (name === timeField || JSON.stringify(textValue(facts, name)) !== JSON.stringify(textValue(base, name)));
  const odd = [...telling].filter(isUnusual);
  const asked = refusal?.fields.filter((name) => telling.has(name) && !usualNames.includes(name)) ?? [];
  const blamed = asked.some((name) => odd.includes(name)) ? [] : asked;
  const names = [...new Set([...odd, ...blamed])].toSorted(
    (a, b) => placeOf(vocabulary, a) - placeOf(vocabulary, b),
  );
  const usual = usualNames.map(shown);
  const time = names.filter((name) => name === timeField).map(shown);
  return {
    usual: [...usual.slice(0, 1), ...time, ...usual.slice(1)],
    unusual: names.filter((name) => name !== timeField).map(shown),
  };
}

function textValue(facts: Facts, name: string): unknown {
  const value = facts.get(name);
  return typeof value === "bigint" ? String(value) : value;
}

function placeOf({ fields }: Vocabulary, name: string): number {
  const place = fields.findIndex((one) => one.name === name.replace(/\[\d+\]$/, ""));
  return place < 0 ? fields.length : place;
}
