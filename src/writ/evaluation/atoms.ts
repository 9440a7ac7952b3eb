/** What does one atom say of a request, and what does a trace show of it? Nodes that cannot vary are made once. */
import { fixedJson } from "../../base/canonical-json.ts";
import { formatInstant, instant } from "../../base/time.ts";
import type { AtomTrace, TraceValue, Verdict } from "../decision.ts";
import { type Facts, type FactValue, isVector, isVersion } from "../facts.ts";
import type { Atom, FieldRef } from "../program.ts";
import type { FieldType } from "../vocabulary.ts";
import { type Request, readField } from "./request.ts";
import { type Finding, testOf } from "./tests.ts";
import { negated } from "./verdicts.ts";

export type AtomJudge = (request: Request) => AtomTrace;

/** An atom over an absent field is unknown, whatever it asks; only `has` knows about absence. */
export function atomJudge(atom: Atom): AtomJudge {
  const text = fixedJson(atom.text);
  const read = readerOf(atom.field);
  if (atom.test.kind === "has") return presenceJudge({ ...atom, text }, read);
  const { absentWhere } = atom.field;
  const absent: AtomTrace =
    absentWhere === undefined
      ? { atom: text, verdict: "?" }
      : { atom: text, verdict: "?", note: absentWhere };
  const judge = valueJudge({ ...atom, text });
  return (request) => {
    const value = read(request.facts);
    return value === undefined ? absent : judge(value, request);
  };
}

type Reads = (facts: Facts) => FactValue | undefined;

function readerOf(field: FieldRef): Reads {
  const { key, component, fallback } = field;
  return component === undefined && fallback === undefined
    ? (facts) => facts.get(key)
    : (facts) => readField(facts, field);
}

function presenceJudge({ text, isNegated }: Atom, read: Reads): AtomJudge {
  const there: AtomTrace = { atom: text, verdict: turned("ok", isNegated) };
  const absent: AtomTrace = { atom: text, verdict: turned("x", isNegated) };
  return ({ facts }) => (read(facts) === undefined ? absent : there);
}

type ValueJudge = (value: FactValue, request: Request) => AtomTrace;

/** Of a field with few values the nodes of all of them are made beforehand: their tests ask nothing else of a request. */
function valueJudge(atom: Atom): ValueJudge {
  const judge = freshJudge(atom);
  if (atom.test.kind !== "flag" && atom.test.kind !== "one-of") return judge;
  const known = new Map(closedValues(atom.field.type).map((value) => [value, judge(value, NOBODY)]));
  if (known.size === 0) return judge;
  return (value, request) => known.get(value) ?? judge(value, request);
}

const NOBODY: Request = {
  facts: new Map(),
  now: 0,
  product: undefined,
  silicon: undefined,
  isRetiring: false,
};

function closedValues(type: FieldType): readonly FactValue[] {
  if (type.kind === "flag") return [true, false];
  return type.kind === "enum" ? type.values : [];
}

/**
 * The last node is kept, and given again where value and finding are the same: guests of one kind share what a trace shows of
 * them. Equal nodes are then one object, by which clauses and declarations know that nothing changed.
 */
function freshJudge({ text: atom, test, field, isNegated }: Atom): ValueJudge {
  const asks = testOf(test);
  const { type } = field;
  let last: { readonly value: FactValue; readonly finding: Finding; readonly node: AtomTrace } | undefined;
  return (value, request) => {
    const finding = asks(value, request);
    if (last !== undefined && last.finding === finding && isSame(last.value, value)) return last.node;
    const verdict = turned(finding.verdict, isNegated);
    const got = typeof value === "string" ? value : shownValue(type, value);
    const { note } = finding;
    const node = note === undefined ? { atom, verdict, got } : { atom, verdict, got, note };
    last = { value, finding, node };
    return node;
  };
}

/** Vectors by their components, in their order: it is the order that they are shown in. */
function isSame(a: FactValue, b: FactValue): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !isVector(a) || !isVector(b)) return false;
  const others = Object.keys(b);
  let i = 0;
  for (const name in a) {
    if (name !== others[i] || a[name] !== b[name]) return false;
    i += 1;
  }
  return i === others.length;
}

function turned(verdict: Verdict, isNegated: boolean): Verdict {
  return isNegated ? negated(verdict) : verdict;
}

/** A fact as a trace shows it: JSON, times and durations readable. */
function shownValue(type: FieldType, value: FactValue): TraceValue {
  if (typeof value === "bigint") return `0x${value.toString(16).padStart(16, "0")}`;
  if (isVersion(value)) return value.join(".");
  if (typeof value === "number") {
    if (type.kind === "time") return formatInstant(instant(value));
    if (type.kind === "duration") return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
  }
  return isVector(value) || typeof value !== "object" ? value : value.map(String);
}
