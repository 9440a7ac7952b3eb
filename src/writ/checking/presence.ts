/** Is it said what happens when an optional field is absent? Which `has` covers which place (WRIT section 5.1). */

import type { Span } from "../diagnostics/diagnostic.ts";
import { fix } from "../diagnostics/findings.ts";
import type { Expression } from "../syntax/ast.ts";
import type { Desk } from "./desk.ts";
import { tell } from "./desk.ts";
import type { KnownField } from "./fields.ts";

/** Fields known to be there at a place: a chain, innermost first. */
export interface Present {
  readonly names: Pick<ReadonlySet<string>, "has">;
  readonly outer?: Present;
}

export const NOTHING_PRESENT: Present = { names: new Set() };

/** For text whose surroundings are not known yet. */
export const ALL_PRESENT: Present = { names: { has: () => true } };

export function isPresent(present: Present, field: string): boolean {
  for (let one: Present | undefined = present; one !== undefined; one = one.outer) {
    if (one.names.has(field)) return true;
  }
  return false;
}

type GroupExpression = Extract<Expression, { readonly members: readonly Expression[] }>;

/** What the members of a group may take for granted: `has f` beside an `and`, `not has f` beside an `or`. */
export function presentInside(outer: Present, group: GroupExpression): Present {
  const names = new Set<string>();
  const isConjunction = group.kind === "and" || group.kind === "all";
  if (isConjunction) addPresent(names, group);
  else addAbsent(names, group);
  return names.size === 0 ? outer : { names, outer };
}

/** The fields that a condition, when true, says are there: `has f` as a conjunct at the top. */
export function presentIf(condition: Expression): ReadonlySet<string> {
  const names = new Set<string>();
  addPresent(names, condition);
  return names;
}

function addPresent(names: Set<string>, condition: Expression): void {
  if (condition.kind === "has") names.add(condition.field.text);
  else if (condition.kind === "and" || condition.kind === "all") {
    for (const member of condition.members) addPresent(names, member);
  }
}

function addAbsent(names: Set<string>, condition: Expression): void {
  if (condition.kind === "not" && condition.of.kind === "has") names.add(condition.of.field.text);
  else if (condition.kind === "or" || condition.kind === "any" || condition.kind === "none") {
    for (const member of condition.members) addAbsent(names, member);
  }
}

/** Where an atom over an optional field stands: what rule it is in, and what a guard has to be put around. */
export interface AtomPlace {
  readonly span: Span;
  readonly rule: "require" | "allow" | "deny";
  /** The atom, or the `not` right before it, and whether its own `and` needs parentheses there. */
  readonly guarded: Span;
  readonly needsParentheses: boolean;
}

const NOTES = {
  require: (whom: string) =>
    `absent fields never release a key: without the guard this rule would deny ${whom}`,
  allow: (whom: string) =>
    `absent fields never release a key: without the guard this rule would never allow ${whom}`,
  deny: (whom: string) => `a deny fires on what is unknown: without the guard this rule would deny ${whom}`,
} as const;

/** E0320. */
export function tellUnguarded(desk: Desk, { ref, absence }: KnownField, place: AtomPlace): void {
  const { start, end } = place.guarded;
  const guarded = `has ${ref.name} and ${desk.file.text.slice(start, end)}`;
  const written = place.needsParentheses ? `(${guarded})` : guarded;
  tell(desk, {
    code: "E0320",
    span: place.span,
    message: `\`${ref.name}\` may be absent, and nothing here says what happens then`,
    label: absence?.where ?? "may be absent",
    notes: [NOTES[place.rule](absence?.whom ?? "every request without it")],
    helps: fix(`write \`${written}\``, place.guarded, written),
  });
}
