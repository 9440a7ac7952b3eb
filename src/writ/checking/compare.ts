/** What does `field relation constant` ask? By the field's type; order exists only where it means something. */

import { advice, fix } from "../diagnostics/findings.ts";
import type { TcbFact } from "../facts.ts";
import type { FieldRef, Interval, Relation, Test } from "../program.ts";
import type { AtomExpression, Literal } from "../syntax/ast.ts";
import { bytesOf, levelsOf, orderedOf, stringOf, tellWrongKind, versionOf, wordOf } from "./constants.ts";
import { argumentOf, type Desk, tell } from "./desk.ts";
import { typeWords } from "./fields.ts";

type Comparison = Extract<AtomExpression, { readonly kind: "compare" }>;

/** The test of a comparison. `!=` gives the test of `==`; the caller negates. */
export function compareTest(desk: Desk, atom: Comparison, field: FieldRef): Test | undefined {
  const { relation } = atom.mark;
  switch (field.type.kind) {
    case "flag":
      return tellFlag(desk, atom, field);
    case "tcb":
      return vectorTest(desk, atom, field);
    case "version":
      return versionTest(desk, atom, field);
    case "uint":
    case "duration":
    case "time": {
      const value = orderedOf(desk, field, atom.value);
      return value === undefined ? undefined : { kind: "interval", intervals: [intervalOf(relation, value)] };
    }
    case "bytes":
    case "enum":
    case "str":
      if (relation !== "==" && relation !== "!=") return tellRelation(desk, atom, field);
      return equalTest(desk, atom.value, field);
    default:
      return tellRelation(desk, atom, field);
  }
}

function equalTest(desk: Desk, literal: Literal, field: FieldRef): Test | undefined {
  const read = field.type.kind === "bytes" ? bytesOf : field.type.kind === "enum" ? wordOf : stringOf;
  const value = read(desk, field, literal);
  return value === undefined ? undefined : { kind: "one-of", values: [value] };
}

/** Values are integers, so strict bounds are the next integer. */
function intervalOf(relation: Relation, value: number): Interval {
  switch (relation) {
    case "==":
    case "!=":
      return { least: value, most: value };
    case "<":
      return { most: value - 1 };
    case "<=":
      return { most: value };
    case ">":
      return { least: value + 1 };
    case ">=":
      return { least: value };
  }
}

function versionTest(desk: Desk, atom: Comparison, field: FieldRef): Test | undefined {
  const value = versionOf(desk, field, atom.value);
  const relation = atom.mark.relation === "!=" ? "==" : atom.mark.relation;
  return value === undefined ? undefined : { kind: "version", relation, value };
}

function tellFlag(desk: Desk, atom: Comparison, field: FieldRef): undefined {
  const { literal } = argumentOf(desk, atom.value);
  const isTruth = literal.kind === "name" && (literal.text === "true" || literal.text === "false");
  const isEquality = atom.mark.relation === "==" || atom.mark.relation === "!=";
  if (!isTruth || !isEquality) {
    return isEquality ? tellWrongKind(desk, field, atom.value) : tellRelation(desk, atom, field);
  }
  const isPlain = (literal.text === "true") === (atom.mark.relation === "==");
  const written = isPlain ? field.name : `not ${field.name}`;
  tell(desk, {
    code: "E0314",
    span: atom.span,
    message: `\`${field.name}\` is a flag and needs no comparison`,
    label: "flags are written bare",
    helps: fix(`write \`${written}\``, atom.span, written),
  });
  return undefined;
}

/** E0312 for a relation. */
function tellRelation(desk: Desk, { span, mark }: Comparison, field: FieldRef): undefined {
  const { vocabulary } = desk.table;
  tell(desk, {
    code: "E0312",
    span,
    message: `\`${mark.relation}\` is not defined on \`${field.name}\``,
    label: `\`${field.name}\` is ${typeWords(field.type, vocabulary)}`,
    helps: advice(RELATION_ADVICE[field.type.kind] ?? "compare with `==` or `!=`"),
  });
  return undefined;
}

const RELATION_ADVICE: Readonly<Record<string, string>> = {
  flag: "flags are written bare",
  bits: "ask for named bits: `contains bit 3`",
  set: 'ask for one member: `contains "…"`',
  cidr: 'ask for a network: `within ["10.0.0.0/8"]`',
};

function vectorTest(desk: Desk, atom: Comparison, field: FieldRef): Test | undefined {
  const { relation } = atom.mark;
  if (relation === "!=") return tellRelation(desk, atom, field);
  if (relation !== "==") return tellPartialOrder(desk, atom, field);
  const { literal } = argumentOf(desk, atom.value);
  if (literal.kind !== "tcb") return tellWrongKind(desk, field, atom.value);
  const value = levelsOf(desk, literal);
  if (value === undefined) return undefined;
  if (isWhole(desk, value)) return { kind: "vector-equals", value };
  const { vector, products } = desk.table.vocabulary;
  tell(desk, {
    code: "E0313",
    span: atom.value.span,
    message: `\`==\` compares whole ${vector} vectors, and this one is not whole`,
    label: "not the components of any product",
    helps: advice(
      `name all of ${[...new Set(products.map((one) => one.components.join(", ")))].join(", or all of ")}, or use \`at least\``,
    ),
  });
  return undefined;
}

/** Whether these are exactly the components of some product. */
function isWhole(desk: Desk, value: TcbFact): boolean {
  const named = Object.keys(value);
  return desk.table.vocabulary.products.some(
    ({ components }) =>
      components.length === named.length && named.every((name) => components.includes(name)),
  );
}

function tellPartialOrder(desk: Desk, { span, mark, value }: Comparison, field: FieldRef): undefined {
  const { vector, components } = desk.table.vocabulary;
  const { literal } = argumentOf(desk, value);
  const written = literal.kind === "tcb" ? literal.items[0]?.component.text : undefined;
  const component = written ?? components.at(-1)?.name ?? "component";
  tell(desk, {
    code: "E0306",
    span,
    message: `${vector} vectors are only partially ordered, so \`${mark.relation}\` is not defined on \`${field.name}\``,
    label: "compared as if it were one number",
    notes: [
      "two hosts can each be ahead of the other in one component; `not (a at least b)` is not `a below b`",
    ],
    helps: advice(
      `use \`at least { … }\`, or compare one component: \`${field.name}.${component} ${mark.relation} …\``,
    ),
  });
  return undefined;
}
