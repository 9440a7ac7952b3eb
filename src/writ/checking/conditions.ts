/** What does a condition ask, once its fields and types are known? Expressions become trees of normalised atoms. */

import type { Atom, Condition, Group } from "../program.ts";
import type { AtomExpression, Expression, Literal } from "../syntax/ast.ts";
import { type TypedAtom, typedAtomOf } from "./atoms.ts";
import { argumentOf, columnOf, type Desk, fieldOf, originOf, sourceText } from "./desk.ts";
import type { KnownField } from "./fields.ts";
import { isPresent, type Present, presentInside, tellUnguarded } from "./presence.ts";
import { warnOfHas } from "./warnings.ts";

/** Where a condition stands. */
export interface ConditionPlace {
  readonly desk: Desk;
  readonly rule: "require" | "allow" | "deny";
  readonly present: Present;
  /** The expression around it. */
  readonly around?: Expression;
}

/** The condition; `undefined` when something in it was reported. */
export function conditionOf(expression: Expression, place: ConditionPlace): Condition | undefined {
  switch (expression.kind) {
    case "broken":
      return undefined;
    case "not":
      return groupOf("not", [expression.of], { ...place, around: expression });
    case "and":
    case "or":
    case "all":
    case "any":
    case "none": {
      const present = presentInside(place.present, expression);
      return groupOf(expression.kind, expression.members, { ...place, present, around: expression });
    }
    case "has":
      return presenceOf(expression, place);
    default:
      return atomOf(expression, place);
  }
}

function groupOf(
  kind: Group["kind"],
  expressions: readonly Expression[],
  place: ConditionPlace & { readonly around: Expression },
): Condition | undefined {
  const members: Condition[] = [];
  for (const expression of expressions) {
    const member = conditionOf(expression, place);
    if (member !== undefined) members.push(member);
  }
  if (members.length !== expressions.length) return undefined;
  return { kind, members, origin: originOf(place.desk, place.around.span) };
}

function presenceOf(
  { field, span }: Extract<Expression, { readonly kind: "has" }>,
  { desk, around }: ConditionPlace,
): Atom | undefined {
  const known = fieldOf(desk, field);
  if (known === undefined) return undefined;
  warnOfHas(desk, { field, span }, { known, around });
  const text = { at: columnOf(desk, span.start), field: known.ref.name, wanted: "present" };
  const origin = originOf(desk, span);
  return { kind: "atom", field: known.ref, test: { kind: "has" }, isNegated: false, text, origin };
}

function atomOf(expression: AtomExpression, place: ConditionPlace): Atom | undefined {
  const { desk } = place;
  const typed = typedAtomOf(desk, expression);
  if (typed === undefined) return undefined;
  const unguarded = optionalFields(desk, typed).find(({ ref }) => !isPresent(place.present, ref.name));
  if (unguarded !== undefined) {
    tellUnguarded(desk, unguarded, {
      span: expression.span,
      rule: place.rule,
      ...guardPlace(expression, place),
    });
    return undefined;
  }
  const { ref } = typed.field;
  const text = {
    at: columnOf(desk, expression.span.start),
    field: ref.name,
    wanted: wantedText(desk, expression),
  };
  const origin = originOf(desk, expression.span);
  return { kind: "atom", field: ref, test: typed.test, isNegated: typed.isNegated, text, origin };
}

/** The fields that must be there for the atom to be known: its own, and the components that a literal names. */
function optionalFields(desk: Desk, { field, test }: TypedAtom): readonly KnownField[] {
  const own = field.absence === undefined ? [] : [field];
  if (test.kind !== "vector-least" && test.kind !== "vector-equals") return own;
  const levels = test.kind === "vector-least" ? test.least : test.value;
  const components = Object.keys(levels).flatMap((name) => {
    const known = desk.table.single.get(`${field.ref.name}.${name}`);
    return known?.absence === undefined ? [] : [known];
  });
  return [...own, ...components];
}

/** A guard goes before `not f`, not inside it; beside an `or`, or under a longer `not`, it needs parentheses. */
function guardPlace({ span }: AtomExpression, { around }: ConditionPlace) {
  if (around?.kind === "not") return { guarded: around.span, needsParentheses: true };
  return { guarded: span, needsParentheses: around?.kind === "or" };
}

/** What the atom asks of its field, as written. */
function wantedText(desk: Desk, atom: AtomExpression): string {
  switch (atom.kind) {
    case "flag":
      return "true";
    case "compare":
      return `${atom.mark.relation} ${literalText(desk, atom.value)}`;
    case "approvals":
      return `${atom.mark.relation} ${literalText(desk, atom.count)}`;
    case "at-least":
      return `at least ${literalText(desk, atom.value)}`;
    case "in-set": {
      const set = literalText(desk, { kind: "name", ...atom.set });
      const { where } = atom;
      return where === undefined
        ? `in ${set}`
        : `in ${set} where version ${where.mark.relation} ${where.text}`;
    }
    case "in-list":
      return `in [${atom.list.map((literal) => literalText(desk, literal)).join(", ")}]`;
    case "within":
      return `within [${atom.list.map((literal) => literalText(desk, literal)).join(", ")}]`;
    case "in-range":
      return `in ${literalText(desk, atom.from)} .. ${literalText(desk, atom.to)}`;
    case "contains":
      return `contains ${literalText(desk, atom.value)}`;
    case "contains-bits":
      return `contains bits [${atom.bits.map((literal) => literalText(desk, literal)).join(", ")}]`;
  }
}

function literalText(desk: Desk, written: Literal): string {
  const { literal, desk: place } = argumentOf(desk, written);
  return sourceText(place, literal.span);
}
