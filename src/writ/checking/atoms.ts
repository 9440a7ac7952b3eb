/** What does one atom ask, and may it? Operators by type (WRIT section 5). */
import { formatAddress, parseBlock } from "../addresses.ts";
import { advice, type Draft, fix } from "../diagnostics/findings.ts";
import type { Block, FieldRef, Interval, Test } from "../program.ts";
import type { AtomExpression, Literal } from "../syntax/ast.ts";
import { compareTest } from "./compare.ts";
import {
  bytesOf,
  integerOf,
  orderedOf,
  stringOf,
  tellEmptyRange,
  tellWrongKind,
  versionOf,
  wordOf,
} from "./constants.ts";
import { argumentOf, type Desk, fieldOf, tell } from "./desk.ts";
import { type KnownField, typeWords } from "./fields.ts";
import { floorTest, leastTest, memberTest } from "./reference-tests.ts";

/** An atom's field and test; `undefined` when something about it was reported. */
export interface TypedAtom {
  readonly field: KnownField;
  readonly test: Test;
  readonly isNegated: boolean;
}

export function typedAtomOf(desk: Desk, atom: AtomExpression): TypedAtom | undefined {
  if (atom.kind === "approvals") return approvalsAtom(desk, atom);
  const field = fieldOf(desk, atom.field);
  if (field === undefined) return undefined;
  if (field.ref.type.kind === "path") return tellPath(desk, atom);
  const test = testOf(desk, atom, field.ref);
  const isNegated = atom.kind === "compare" && atom.mark.relation === "!=";
  return test === undefined ? undefined : { field, test, isNegated };
}

function tellPath(desk: Desk, { span, field }: AtomExpression): undefined {
  const message = `\`${field.text}\` cannot be compared`;
  tell(desk, { code: "E0312", span, message, label: "scopes say which resources: `for resource`" });
  return undefined;
}

type AtomOf<Kind extends AtomExpression["kind"]> = Extract<AtomExpression, { readonly kind: Kind }>;

type PlainAtom = Exclude<AtomExpression, AtomOf<"approvals">>;

function testOf(desk: Desk, atom: PlainAtom, field: FieldRef): Test | undefined {
  const needs = NEEDED_TYPE[atom.kind];
  if (needs !== undefined && field.type.kind !== needs.type) {
    return tellOperator(desk, atom, { field, operator: needs.operator });
  }
  switch (atom.kind) {
    case "flag":
      return field.type.kind === "flag" ? { kind: "flag" } : tellNotACondition(desk, atom, field);
    case "compare":
      return compareTest(desk, atom, field);
    case "at-least":
      return atom.value.kind === "tcb" ? leastTest(desk, atom.value) : floorTest(desk, atom.value);
    case "in-set":
      return field.type.kind === "bytes" ? memberTest(desk, atom, field) : tellNoSet(desk, atom, field);
    case "in-range":
      return rangeTest(desk, atom, field);
    case "contains":
      return containsTest(desk, atom, field);
    case "contains-bits":
      return bitsTest(desk, atom.bits, field);
    case "within":
    case "in-list":
      return atom.kind === "within" ? withinTest(desk, atom.list, field) : listTest(desk, atom, field);
  }
}

/** Operators that exist on one type only. */
const NEEDED_TYPE: Readonly<
  Partial<Record<PlainAtom["kind"], { readonly type: string; readonly operator: string }>>
> = {
  "at-least": { type: "tcb", operator: "at least" },
  within: { type: "cidr", operator: "within" },
  contains: { type: "set", operator: "contains" },
  "contains-bits": { type: "bits", operator: "contains bit" },
};

const EXAMPLES: Readonly<Record<string, (name: string) => string>> = {
  bytes: (name) => `${name} in approved_set`,
  uint: (name) => `${name} == 0`,
  tcb: (name) => `${name} at least { … }`,
  version: (name) => `${name} >= 1.55`,
  bits: (name) => `${name} contains bit 0`,
  enum: (name) => `${name} == …`,
  duration: (name) => `${name} <= 60s`,
  time: (name) => `${name} < 2027-01-01`,
  str: (name) => `${name} == "…"`,
  set: (name) => `${name} contains "…"`,
  cidr: (name) => `${name} within ["10.0.0.0/8"]`,
};

function tellNotACondition(desk: Desk, { span }: AtomExpression, field: FieldRef): undefined {
  const example = EXAMPLES[field.type.kind]?.(field.name) ?? field.name;
  tell(desk, {
    code: "E0308",
    span,
    message: `\`${field.name}\` is ${typeWords(field.type, desk.table.vocabulary)}, not a condition`,
    label: "needs a comparison",
    helps: advice(`for example \`${example}\``),
  });
  return undefined;
}

/** E0312. */
function tellOperator(
  desk: Desk,
  { span }: AtomExpression,
  { field, operator }: { readonly field: FieldRef; readonly operator: string },
): undefined {
  const what = typeWords(field.type, desk.table.vocabulary);
  const example = EXAMPLES[field.type.kind]?.(field.name);
  tell(desk, {
    code: "E0312",
    span,
    message: `\`${operator}\` is not defined on \`${field.name}\``,
    label: `\`${field.name}\` is ${what}`,
    helps: example === undefined ? advice("flags are written bare") : advice(`for example \`${example}\``),
  });
  return undefined;
}

function tellNoSet(desk: Desk, atom: AtomOf<"in-set">, field: FieldRef): undefined {
  const values = field.type.kind === "enum" ? field.type.values : [];
  const { text, span } = atom.set;
  if (!values.includes(text)) return tellOperator(desk, atom, { field, operator: "in" });
  const helps = fix(`write \`in [${text}]\``, span, `[${text}]`);
  const draft: Draft = { code: "E0312", span, message: `\`${text}\` is a value, not a set of values`, helps };
  tell(desk, { ...draft, label: "a list stands in brackets" });
  return undefined;
}

function approvalsAtom(desk: Desk, atom: AtomOf<"approvals">): TypedAtom | undefined {
  const { text } = atom.field;
  const ref: FieldRef = { name: text, key: text, type: { kind: "uint", bits: 8 }, fallback: 0 };
  if (!desk.table.vocabulary.hasApprovals) {
    const message = `${desk.table.vocabulary.subject} has no approvals`;
    tell(desk, { code: "E0301", span: atom.field.span, message, label: "unknown here" });
    return undefined;
  }
  const test = compareTest(desk, { ...atom, kind: "compare", value: atom.count }, ref);
  return test === undefined ? undefined : { field: { ref }, test, isNegated: atom.mark.relation === "!=" };
}

/** Every element as `read` sees it; `undefined` if any was reported. */
function each<T>(
  list: readonly Literal[],
  read: (literal: Literal) => T | undefined,
): readonly T[] | undefined {
  const values = list.map(read).filter((value) => value !== undefined);
  return values.length === list.length && list.length > 0 ? values : undefined;
}

type ListAtom = Extract<AtomExpression, { readonly list: readonly Literal[] }>;

function listTest(desk: Desk, atom: ListAtom, field: FieldRef): Test | undefined {
  const { list } = atom;
  switch (field.type.kind) {
    case "bytes":
      return oneOf(each(list, (literal) => bytesOf(desk, field, literal)));
    case "enum":
      return oneOf(each(list, (literal) => wordOf(desk, field, literal)));
    case "str":
      return oneOf(each(list, (literal) => stringOf(desk, field, literal)));
    case "uint": {
      const points = each(list, (literal) => orderedOf(desk, field, literal));
      return (
        points && { kind: "interval", intervals: points.map((at): Interval => ({ least: at, most: at })) }
      );
    }
    default:
      return tellOperator(desk, atom, { field, operator: "in [ ]" });
  }
}

function oneOf(values: readonly string[] | undefined): Test | undefined {
  return values && { kind: "one-of", values };
}

function rangeTest(desk: Desk, atom: AtomOf<"in-range">, field: FieldRef): Test | undefined {
  switch (field.type.kind) {
    case "version":
      return versionRange(desk, atom, field);
    case "uint":
    case "duration":
    case "time":
      return numberRange(desk, atom, field);
    default:
      return tellOperator(desk, atom, { field, operator: ".." });
  }
}

function numberRange(desk: Desk, { from, to }: AtomOf<"in-range">, field: FieldRef): Test | undefined {
  const least = orderedOf(desk, field, from);
  const end = orderedOf(desk, field, to);
  if (least === undefined || end === undefined) return undefined;
  const most = field.type.kind === "time" ? end - 1 : end;
  if (least > most) return tellEmptyRange(desk, { start: from.span.start, end: to.span.end });
  return { kind: "interval", intervals: [{ least, most }] };
}

function versionRange(
  desk: Desk,
  { from: first, to: last }: AtomOf<"in-range">,
  field: FieldRef,
): Test | undefined {
  const from = versionOf(desk, field, first);
  const to = versionOf(desk, field, last);
  if (from === undefined || to === undefined) return undefined;
  const difference = from[0] - to[0] || from[1] - to[1] || from[2] - to[2];
  if (difference > 0) return tellEmptyRange(desk, { start: first.span.start, end: last.span.end });
  return { kind: "version-range", from, to };
}

function containsTest(desk: Desk, atom: AtomOf<"contains">, field: FieldRef): Test | undefined {
  const value = stringOf(desk, field, atom.value);
  return value === undefined ? undefined : { kind: "contains", value };
}

function bitsTest(desk: Desk, list: readonly Literal[], field: FieldRef): Test | undefined {
  const most = (field.type.kind === "bits" ? field.type.bits : 0) - 1;
  const range = { what: `a bit of \`${field.name}\``, least: 0, most };
  const numbers = each(list, (literal) => integerOf(desk, literal, range));
  return numbers && { kind: "bits", mask: numbers.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n) };
}

function withinTest(desk: Desk, list: readonly Literal[], field: FieldRef): Test | undefined {
  const blocks = each(list, (literal) => blockOf(desk, field, literal));
  return blocks && { kind: "within", blocks };
}

function blockOf(desk: Desk, field: FieldRef, written: Literal): Block | undefined {
  const { literal } = argumentOf(desk, written);
  if (literal.kind !== "string") return tellWrongKind(desk, field, written);
  const reading = parseBlock(literal.value);
  if (reading.kind === "block") return reading.block;
  const { span } = written;
  if (reading.kind === "malformed") {
    const message = `\`${literal.value}\` is not an address block`;
    tell(desk, { code: "E0206", span, message, label: "expected `address/prefix`" });
    return undefined;
  }
  const network = `${formatAddress(reading.network)}/${reading.prefix}`;
  const message = `\`${literal.value}\` has bits set after its first ${reading.prefix}`;
  const helps = fix(`write \`"${network}"\``, span, `"${network}"`);
  tell(desk, { code: "E0206", span, message, label: "not the first address of a block", helps });
  return undefined;
}
