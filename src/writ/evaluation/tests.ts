/** What does a test say of a value that is there? One closure per test, its answers and their notes made beforehand. */
import { formatInstant, instant } from "../../base/time.ts";
import { isWithin as isInBlock, parseAddress } from "../addresses.ts";
import type { Verdict } from "../decision.ts";
import { type FactValue, isVector, isVersion, type TcbFact, type VersionFact } from "../facts.ts";
import type { Entry, FloorRow, Interval, Relation, Test, Window } from "../program.ts";
import { isWithin, type Request } from "./request.ts";
import { both } from "./verdicts.ts";

/** An answer, and what a trace adds to it. */
export interface Finding {
  readonly verdict: Verdict;
  readonly note: string | undefined;
}

export type Asks = (value: FactValue, request: Request) => Finding;

type Answers = Readonly<Record<Verdict, Finding>>;

const PLAIN = answersWith(undefined);

function answersWith(note: string | undefined): Answers {
  return { ok: { verdict: "ok", note }, x: { verdict: "x", note }, "?": { verdict: "?", note } };
}

function found(isTrue: boolean): Finding {
  return isTrue ? PLAIN.ok : PLAIN.x;
}

/** Makes the closure of a test. `has` is asked of presence, never of a value: of one that is there it is true. */
export function testOf(test: Test): Asks {
  switch (test.kind) {
    case "has":
      return () => PLAIN.ok;
    case "flag":
      return (value) => found(value === true);
    case "one-of":
      return oneOfTest(test.values);
    case "interval":
      return intervalTest(test.intervals);
    case "version": {
      const holds = RELATIONS[test.relation];
      return (value) => found(isVersion(value) && holds(compareVersions(value, test.value)));
    }
    case "version-range":
      return (value) =>
        found(
          isVersion(value) && compareVersions(value, test.from) >= 0 && compareVersions(value, test.to) <= 0,
        );
    case "vector-equals":
      return wholeVectorTest(test.value);
    case "vector-least":
      return vectorTest(test.least, isAtLeast);
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

function oneOfTest(values: readonly string[]): Asks {
  const [only] = values;
  if (values.length === 1) return (value) => found(String(value) === only);
  const wanted = new Set(values);
  return (value) => found(wanted.has(String(value)));
}

function intervalTest(intervals: readonly Interval[]): Asks {
  const tests = intervals.map(
    ({ least = -Infinity, most = Infinity }) =>
      (value: number): boolean =>
        value >= least && value <= most,
  );
  const [only] = tests;
  if (only !== undefined && tests.length === 1)
    return (value) => found(typeof value === "number" && only(value));
  return (value) => found(typeof value === "number" && tests.some((holds) => holds(value)));
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
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

// ── vectors and floors ──────────────────────────────────────────────────────────────────────────────────────────────

type Compares = (had: number, level: number) => boolean;

const isAtLeast: Compares = (had, level) => had >= level;

/** Equality is of whole vectors: a component that the constant does not name makes the difference. */
function wholeVectorTest(wanted: TcbFact): Asks {
  const judge = vectorVerdict(wanted, (had, level) => had === level);
  const isNamed = (name: string): boolean => wanted[name] !== undefined;
  return (value) => PLAIN[isVector(value) && Object.keys(value).every(isNamed) ? judge(value) : "x"];
}

function vectorTest(wanted: TcbFact, compares: Compares): Asks {
  const judge = vectorVerdict(wanted, compares);
  return (value) => PLAIN[isVector(value) ? judge(value) : "x"];
}

/** A component that is named and absent leaves the answer open, unless another one decides it. */
function vectorVerdict(wanted: TcbFact, compares: Compares): (value: TcbFact) => Verdict {
  const components = Object.entries(wanted);
  return (value) => {
    let verdict: Verdict = "ok";
    for (const [name, level] of components) {
      const had = value[name];
      if (had === undefined) verdict = both(verdict, "?");
      else if (!compares(had, level)) return "x";
    }
    return verdict;
  };
}

/** The row of the silicon if there is one, else of the product; no row, or `refuse`: false (WRIT section 5.3). */
function floorTest(rows: readonly FloorRow[]): Asks {
  const byName = new Map(rows.map((row) => [row.name, rowTest(row)]));
  return (value, { silicon, product }) => {
    const row = (silicon === undefined ? undefined : byName.get(silicon)) ?? byName.get(product ?? "");
    if (row !== undefined) return row(value);
    return { verdict: "x", note: `no row for ${silicon ?? product ?? "this product"}` };
  };
}

function rowTest({ name, least }: FloorRow): (value: FactValue) => Finding {
  if (least === undefined) {
    const refuses = { verdict: "x", note: `row ${name} refuses` } as const;
    return () => refuses;
  }
  const answers = answersWith(`row ${name}: ${vectorText(least)}`);
  const judge = vectorVerdict(least, isAtLeast);
  return (value) => answers[isVector(value) ? judge(value) : "x"];
}

function vectorText(vector: TcbFact): string {
  return Object.entries(vector)
    .map(([name, level]) => `${name} ${level}`)
    .join(", ");
}

// ── reference values ────────────────────────────────────────────────────────────────────────────────────────────────

interface KnownEntry {
  readonly value: string;
  readonly valid: Window | undefined;
  readonly isActive: boolean;
  readonly inside: Finding;
  readonly outside: Finding;
}

/** Live entries by value, those in their window now; a retiring one matches and marks the request. */
function memberTest(entries: readonly Entry[]): Asks {
  const byValue = indexOf(entries);
  return (value, request) => {
    const known = byValue.get(String(value));
    if (known === undefined) return PLAIN.x;
    const match = known.find(({ valid }) => isWithin(valid, request.now));
    if (match === undefined) return known[0]?.outside ?? PLAIN.x;
    if (!match.isActive) request.isRetiring = true;
    return match.inside;
  };
}

/** Atoms on the same set share its list, and so its index. Active entries stand before retiring ones. */
const indices = new WeakMap<readonly Entry[], ReadonlyMap<string, readonly KnownEntry[]>>();

function indexOf(entries: readonly Entry[]): ReadonlyMap<string, readonly KnownEntry[]> {
  const known = indices.get(entries);
  if (known !== undefined) return known;
  const live = entries.filter(({ state }) => state !== "revoked").map(knownEntry);
  const made = Map.groupBy(
    live.sort((a, b) => Number(b.isActive) - Number(a.isActive)),
    ({ value }) => value,
  );
  indices.set(entries, made);
  return made;
}

function knownEntry({ label, value, state, valid }: Entry): KnownEntry {
  return {
    value,
    valid,
    isActive: state === "active",
    inside: { verdict: "ok", note: `"${label}" (${state}${untilText(valid)})` },
    outside: { verdict: "x", note: `"${label}" is outside its window` },
  };
}

function untilText(window: Window | undefined): string {
  return window?.to === undefined ? "" : `, until ${formatInstant(instant(window.to))}`;
}
