/** Is a condition true, false or unknown for these facts? One walk that is the trace as well (WRIT sections 2 and 10). */
import { fixedJson } from "../../base/canonical-json.ts";
import { formatInstant, instant } from "../../base/time.ts";
import { isWithin as isInBlock, parseAddress } from "../addresses.ts";
import type { AtomTrace, ConditionTrace, TraceValue, Verdict } from "../decision.ts";
import type { Facts, FactValue, TcbFact, VersionFact } from "../facts.ts";
import type {
  Atom,
  Condition,
  Entry,
  FieldRef,
  FloorRow,
  Group,
  Relation,
  Test,
  Window,
} from "../program.ts";

/** One request while it is judged. */
export interface Request {
  readonly facts: Facts;
  /** Unix seconds. */
  readonly now: number;
  readonly product: string | undefined;
  readonly silicon: string | undefined;
  /** Set when a membership rests on a retiring entry alone. */
  isRetiring: boolean;
}

/** What a test says of a value that is there. */
interface Finding {
  readonly verdict: Verdict;
  readonly note?: string;
}

export type Judge = (request: Request) => ConditionTrace;

/** Makes the closure of a condition. Every member is judged: a trace has no short circuit. */
export function judgeOf(condition: Condition): Judge {
  return condition.kind === "atom" ? atomJudge(condition) : groupJudge(condition);
}

const KLEENE: Readonly<Record<Group["kind"], (verdicts: readonly Verdict[]) => Verdict>> = {
  and: conjunction,
  all: conjunction,
  or: disjunction,
  any: disjunction,
  none: (verdicts) => negated(disjunction(verdicts)),
  not: ([verdict = "?"]) => negated(verdict),
};

function groupJudge({ kind, members }: Group): Judge {
  const judges = members.map(judgeOf);
  const combine = KLEENE[kind];
  return (request) => {
    const of = judges.map((judge) => judge(request));
    return { group: kind, verdict: combine(of.map(({ verdict }) => verdict)), of };
  };
}

function conjunction(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("x")) return "x";
  return verdicts.includes("?") ? "?" : "ok";
}

function disjunction(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("ok")) return "ok";
  return verdicts.includes("?") ? "?" : "x";
}

function negated(verdict: Verdict): Verdict {
  if (verdict === "?") return "?";
  return verdict === "ok" ? "x" : "ok";
}

/** An atom over an absent field is unknown, whatever it asks; only `has` knows about absence. */
function atomJudge({ field, test, isNegated, text }: Atom): Judge {
  const asks = testOf(test);
  const atom = fixedJson(text);
  return (request): AtomTrace => {
    const value = readField(request.facts, field);
    if (test.kind === "has") return { atom, verdict: turned(value === undefined ? "x" : "ok", isNegated) };
    if (value === undefined) {
      return { atom, verdict: "?", ...(field.absentWhere === undefined ? {} : { note: field.absentWhere }) };
    }
    const { verdict, note } = asks(value, request);
    const shown = { atom, verdict: turned(verdict, isNegated), got: shownValue(field, value) };
    return note === undefined ? shown : { ...shown, note };
  };
}

function turned(verdict: Verdict, isNegated: boolean): Verdict {
  return isNegated ? negated(verdict) : verdict;
}

/** The fact behind a field: a component is read from its vector. */
export function readField(facts: Facts, { key, component }: FieldRef): FactValue | undefined {
  const value = facts.get(key);
  if (component === undefined || value === undefined) return value;
  return isVector(value) ? value[component] : undefined;
}

type Asks = (value: FactValue, request: Request) => Finding;

const found = (isTrue: boolean, note?: string): Finding => {
  const verdict = isTrue ? "ok" : "x";
  return note === undefined ? { verdict } : { verdict, note };
};

function testOf(test: Test): Asks {
  switch (test.kind) {
    case "has":
    case "flag":
      return (value) => found(value === true);
    case "one-of": {
      const values = new Set(test.values);
      return (value) => found(values.has(String(value)));
    }
    case "interval":
      return (value) =>
        found(
          test.intervals.some(
            ({ least = -Infinity, most = Infinity }) => isNumber(value) && value >= least && value <= most,
          ),
        );
    case "version":
      return (value) =>
        found(isVersion(value) && RELATIONS[test.relation](compareVersions(value, test.value)));
    case "version-range":
      return (value) =>
        found(
          isVersion(value) && compareVersions(value, test.from) >= 0 && compareVersions(value, test.to) <= 0,
        );
    case "vector-equals":
      return (value) => ({ verdict: isVector(value) ? equalVectors(value, test.value) : "x" });
    case "vector-least":
      return (value) => ({ verdict: isVector(value) ? atLeast(value, test.least) : "x" });
    case "floor":
      return floorTest(test.rows);
    case "member":
      return memberTest(test.entries);
    case "bits":
      return (value) => found(typeof value === "bigint" && (value & test.mask) === test.mask);
    case "contains":
      return (value) => found(Array.isArray(value) && value.some((one) => one === test.value));
    case "within":
      return (value) => {
        const address = typeof value === "string" ? parseAddress(value) : undefined;
        return found(address !== undefined && test.blocks.some((block) => isInBlock(block, address)));
      };
  }
}

const RELATIONS: Readonly<Record<Relation, (order: number) => boolean>> = {
  "==": (order) => order === 0,
  "!=": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

function compareVersions(a: VersionFact, b: VersionFact): number {
  for (const [i, part] of a.entries()) {
    const other = b[i] ?? 0;
    if (part !== other) return part - other;
  }
  return 0;
}

/** A component that is named and absent leaves the answer open, unless another one decides it. */
function atLeast(value: TcbFact, least: TcbFact): Verdict {
  return conjunction(
    Object.entries(least).map(([name, level]) => componentVerdict(value[name], (had) => had >= level)),
  );
}

function equalVectors(value: TcbFact, wanted: TcbFact): Verdict {
  return conjunction(
    Object.entries(wanted).map(([name, level]) => componentVerdict(value[name], (had) => had === level)),
  );
}

function componentVerdict(had: number | undefined, holds: (had: number) => boolean): Verdict {
  if (had === undefined) return "?";
  return holds(had) ? "ok" : "x";
}

/** The row of the silicon if there is one, else of the product; no row, or `refuse`: false (WRIT section 5.3). */
function floorTest(rows: readonly FloorRow[]): Asks {
  const byName = new Map(rows.map((row) => [row.name, row]));
  return (value, { silicon, product }) => {
    const row = (silicon === undefined ? undefined : byName.get(silicon)) ?? byName.get(product ?? "");
    if (row === undefined) return found(false, `no row for ${silicon ?? product ?? "this product"}`);
    if (row.least === undefined) return found(false, `row ${row.name} refuses`);
    const verdict = isVector(value) ? atLeast(value, row.least) : "x";
    return { verdict, note: `row ${row.name}: ${vectorText(row.least)}` };
  };
}

/** Live entries by value, those in their window now; a retiring one matches and marks the request. */
function memberTest(entries: readonly Entry[]): Asks {
  const byValue = indexOf(entries);
  return (value, request) => {
    const known = byValue.get(String(value)) ?? [];
    const open = known.filter(({ valid }) => isWithin(valid, request.now));
    const entry = open.find(({ state }) => state === "active") ?? open[0];
    if (entry === undefined) {
      const [outside] = known;
      return outside === undefined ? found(false) : found(false, `"${outside.label}" is outside its window`);
    }
    if (entry.state === "retiring") request.isRetiring = true;
    return found(true, `"${entry.label}" (${entry.state}${untilText(entry.valid)})`);
  };
}

/** Atoms on the same set share its list, and so its index. */
const indices = new WeakMap<readonly Entry[], ReadonlyMap<string, readonly Entry[]>>();

function indexOf(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const known = indices.get(entries);
  if (known !== undefined) return known;
  const live = entries.filter(({ state }) => state !== "revoked");
  const made = Map.groupBy(live, ({ value }) => value);
  indices.set(entries, made);
  return made;
}

/** Half open; a missing window means always. */
export function isWithin(window: Window | undefined, now: number): boolean {
  return window === undefined || (now >= window.from && (window.to === undefined || now < window.to));
}

function untilText(window: Window | undefined): string {
  return window?.to === undefined ? "" : `, until ${formatInstant(instant(window.to))}`;
}

function isNumber(value: FactValue): value is number {
  return typeof value === "number";
}

function isVersion(value: FactValue): value is VersionFact {
  return Array.isArray(value) && value.length === 3 && value.every((part) => typeof part === "number");
}

function isVector(value: FactValue): value is TcbFact {
  return typeof value === "object" && !Array.isArray(value);
}

/** A fact as a trace shows it: JSON, times and durations readable. */
function shownValue({ type }: FieldRef, value: FactValue): TraceValue {
  if (typeof value === "bigint") return `0x${value.toString(16).padStart(16, "0")}`;
  if (isVersion(value)) return value.join(".");
  if (typeof value === "number") {
    if (type.kind === "time") return formatInstant(instant(value));
    if (type.kind === "duration") return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
  }
  return isVector(value) || typeof value !== "object" ? value : value.map(String);
}

function vectorText(vector: TcbFact): string {
  return Object.entries(vector)
    .map(([name, level]) => `${name} ${level}`)
    .join(", ");
}
