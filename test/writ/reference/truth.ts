/** Is a condition true, false or unknown? Naively, from the tree as it was written (WRIT sections 2 and 5). */
import { isWithin, parseAddress, parseBlock } from "../../../src/writ/addresses.ts";
import type { Facts, FactValue, TcbFact } from "../../../src/writ/facts.ts";
import type { Relation } from "../../../src/writ/program.ts";
import type {
  AtomExpression,
  EntryItem,
  Expression,
  FloorItem,
  Literal,
  RefsetItem,
  RowItem,
  TcbLiteral,
} from "../../../src/writ/syntax/ast.ts";

/** `undefined` is unknown. */
export type Truth = boolean | undefined;

/** What names stand for at a place: parameters of a template, sets, floors. */
export interface Names {
  readonly values: ReadonlyMap<string, Literal>;
  readonly sets: ReadonlyMap<string, RefsetItem>;
  readonly floors: ReadonlyMap<string, FloorItem>;
}

export interface Asked {
  readonly facts: Facts;
  readonly names: Names;
}

/** Section 2, rule 5: the table, row by row. */
export function truthOf(expression: Expression, asked: Asked): Truth {
  switch (expression.kind) {
    case "and":
    case "all":
      return expression.members.map((one) => truthOf(one, asked)).reduce(both, true);
    case "or":
    case "any":
      return expression.members.map((one) => truthOf(one, asked)).reduce(either, false);
    case "none":
      return not(expression.members.map((one) => truthOf(one, asked)).reduce(either, false));
    case "not":
      return not(truthOf(expression.of, asked));
    case "has":
      return read(asked.facts, expression.field.text) !== undefined;
    case "broken":
      throw new Error("a broken tree has no meaning");
    default:
      return atomTruth(expression, asked);
  }
}

function not(a: Truth): Truth {
  return a === undefined ? undefined : !a;
}

function both(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
}

function either(a: Truth, b: Truth): Truth {
  if (a === true || b === true) return true;
  return a === undefined || b === undefined ? undefined : false;
}

/** A field, or a component of a vector. */
export function read(facts: Facts, name: string): FactValue | undefined {
  const own = facts.get(name);
  if (own !== undefined) return own;
  const dot = name.lastIndexOf(".");
  const vector = facts.get(name.slice(0, Math.max(dot, 0)));
  return isVector(vector) ? vector[name.slice(dot + 1)] : undefined;
}

function isVector(value: FactValue | undefined): value is TcbFact {
  return typeof value === "object" && !Array.isArray(value);
}

function isList(value: FactValue | undefined): value is readonly string[] {
  return Array.isArray(value);
}

function atomTruth(atom: AtomExpression, asked: Asked): Truth {
  if (atom.kind === "approvals") {
    const given = asked.facts.get(`approvals:${atom.group.value}`) ?? 0;
    return holds(atom.mark.relation, Number(given) - numberOf(resolve(atom.count, asked)));
  }
  const value = read(asked.facts, atom.field.text);
  return value === undefined ? undefined : presentTruth(atom, value, asked);
}

function presentTruth(atom: AtomExpression, value: FactValue, asked: Asked): Truth {
  switch (atom.kind) {
    case "flag":
      return value === true;
    case "compare":
      return compared(atom.mark.relation, value, resolve(atom.value, asked));
    case "at-least":
      return isAtLeast(value, atom.value.kind === "name" ? resolve(atom.value, asked) : atom.value, asked);
    case "in-set":
      return setOf(asked.names, atom.set.text)
        .entries.filter(({ state }) => state !== "revoked")
        .filter(
          ({ version }) =>
            atom.where === undefined ||
            (version !== undefined &&
              holds(atom.where.mark.relation, orderOf(version, atom.where.version) ?? Number.NaN)),
        )
        .some((entry) => value === bytesOf(entry) && isDuring(entry.valid, asked.facts));
    case "in-list":
      return atom.list.some((one) => compared("==", value, resolve(one, asked)) === true);
    case "in-range":
      return isInRange(value, resolve(atom.from, asked), resolve(atom.to, asked));
    case "within":
      return isWithinAny(
        value,
        atom.list.map((one) => resolve(one, asked)),
      );
    case "contains":
      return isList(value) && value.includes(textOf(resolve(atom.value, asked)));
    case "contains-bits":
      return (
        typeof value === "bigint" &&
        atom.bits.every((bit) => ((value >> BigInt(numberOf(resolve(bit, asked)))) & 1n) === 1n)
      );
    case "approvals":
      throw new Error("approvals are no field");
  }
}

// ── constants ───────────────────────────────────────────────────────────────────────────────────────────────────────

function resolve(literal: Literal, { names }: Asked): Literal {
  return literal.kind === "name" ? (names.values.get(literal.text) ?? literal) : literal;
}

function numberOf(literal: Literal): number {
  if (literal.kind === "int" || literal.kind === "duration" || literal.kind === "date") return literal.value;
  throw new Error(`${literal.kind} is no number`);
}

function textOf(literal: Literal): string {
  if (literal.kind === "string" || literal.kind === "bytes") return literal.value;
  if (literal.kind === "name" || literal.kind === "int") return literal.text;
  throw new Error(`${literal.kind} is no text`);
}

export function bytesOf({ value }: EntryItem): string {
  if (value.kind !== "bytes") throw new Error("only bytes are given here");
  return value.value;
}

function setOf(names: Names, name: string): RefsetItem {
  const set = names.sets.get(name);
  if (set === undefined) throw new Error(`no set ${name}`);
  return set;
}

// ── comparisons ─────────────────────────────────────────────────────────────────────────────────────────────────────

const HOLDS: Readonly<Record<Relation, (difference: number) => boolean>> = {
  "==": (difference) => difference === 0,
  "!=": (difference) => difference !== 0,
  "<": (difference) => difference < 0,
  "<=": (difference) => difference <= 0,
  ">": (difference) => difference > 0,
  ">=": (difference) => difference >= 0,
};

function holds(relation: Relation, difference: number): boolean {
  return HOLDS[relation](difference);
}

function compared(relation: Relation, value: FactValue, literal: Literal): Truth {
  if (literal.kind === "tcb") {
    const isSame = isSameVector(value, literal);
    return relation === "==" ? isSame : not(isSame);
  }
  return holds(relation, difference(value, literal));
}

/** Below, equal or above; a text is equal or not. */
function difference(value: FactValue, literal: Literal): number {
  if (literal.kind === "version") return orderOf(value, literal.value) ?? Number.NaN;
  if (typeof value === "number") return value - numberOf(literal);
  return value === textOf(literal) ? 0 : 1;
}

function orderOf(value: FactValue, wanted: readonly number[]): number | undefined {
  if (!Array.isArray(value)) return undefined;
  const steps = wanted.map((part, at) => Number(value[at]) - part);
  return steps.find((step) => step !== 0) ?? 0;
}

/** Ranges of times are half open, all others hold both ends. */
function isInRange(value: FactValue, from: Literal, to: Literal): boolean {
  const isBelow = to.kind === "date" ? difference(value, to) < 0 : difference(value, to) <= 0;
  return difference(value, from) >= 0 && isBelow;
}

/** [from, to), by the request's own time. */
export function isDuring(
  window: { readonly from: number; readonly to?: number } | undefined,
  facts: Facts,
): boolean {
  const now = Number(facts.get("now"));
  return window === undefined || (now >= window.from && (window.to === undefined || now < window.to));
}

function isWithinAny(value: FactValue, blocks: readonly Literal[]): boolean {
  const address = parseAddress(String(value));
  return blocks.some((one) => {
    const reading = parseBlock(textOf(one));
    return address !== undefined && reading.kind === "block" && isWithin(reading.block, address);
  });
}

// ── vectors and floors ──────────────────────────────────────────────────────────────────────────────────────────────

/** A component that only one side has makes them differ; one that this host does not have is unknown. */
function isSameVector(value: FactValue, { items }: TcbLiteral): Truth {
  if (!isVector(value)) return undefined;
  const named = items.map(({ component }) => component.text);
  if (Object.keys(value).some((name) => !named.includes(name))) return false;
  return items
    .map(({ component, level }) => levelTruth(value[component.text], (got) => got === level))
    .reduce(both, true);
}

function levelTruth(level: number | undefined, test: (level: number) => boolean): Truth {
  return level === undefined ? undefined : test(level);
}

function isAtLeast(value: FactValue, wanted: Literal, asked: Asked): Truth {
  if (!isVector(value)) return undefined;
  if (wanted.kind === "tcb") return reaches(value, wanted);
  const row = wanted.kind === "name" ? rowOf(asked, wanted.text) : undefined;
  return row?.least === undefined ? false : reaches(value, row.least);
}

function reaches(value: TcbFact, { items }: TcbLiteral): Truth {
  return items
    .map(({ component, level }) => levelTruth(value[component.text], (got) => got >= level))
    .reduce(both, true);
}

/** The row of the silicon if there is one, else that of the product. */
function rowOf({ facts, names }: Asked, name: string): RowItem | undefined {
  const floor = names.floors.get(name);
  if (floor === undefined) throw new Error(`no floor ${name}`);
  const rowNamed = (field: string): RowItem | undefined =>
    floor.rows.find((row) => row.name.text === facts.get(field));
  return rowNamed("silicon") ?? rowNamed("product");
}
