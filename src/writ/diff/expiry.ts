/** What changes by itself, when windows close? Each end is compared with the same policy if it did not end (WRIT section 14). */
import type { Atom, Condition, Declaration, Entry, Program, Window } from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { type Diff, type DiffOptions, diffPrograms } from "./diff.ts";

/** One moment at which windows close, and what that does. */
export interface Expiry {
  /** Unix seconds: the first moment without them. */
  readonly at: number;
  /** What ends, as a reader knows it: an entry of a set, a policy, a guard. */
  readonly ends: readonly string[];
  /** The old side is the policy that would not end, from that moment on. */
  readonly diff: Diff;
}

export interface Expiries {
  readonly shown: readonly Expiry[];
  /** Later moments that are not shown. */
  readonly more: number;
}

const MAX_MOMENTS = 20;

/** @param options - `at` leaves out what has closed by then. */
export function expiriesOf(program: Program, vocabulary: Vocabulary, options: DiffOptions = {}): Expiries {
  const { at: from = 0, ...limits } = options;
  const ends = endsOf(program);
  const moments = [...ends.keys()].filter((at) => at > from).sort((a, b) => a - b);
  const shown = moments.slice(0, MAX_MOMENTS).map((at): Expiry => {
    const sides = { older: withoutEnd(program, at), newer: program };
    const diff = diffPrograms(sides, vocabulary, { ...limits, notBefore: at });
    return { at, ends: ends.get(at) ?? [], diff };
  });
  return { shown, more: moments.length - shown.length };
}

/** Moment → what ends then. Revoked entries deny for ever. */
function endsOf({ declarations, refsets }: Program): ReadonlyMap<number, readonly string[]> {
  const rows = [
    ...refsets.flatMap(({ name, entries }) =>
      entries
        .filter(({ state }) => state !== "revoked")
        .map(({ label, valid }) => [valid?.to, `${JSON.stringify(label)} of ${name}`] as const),
    ),
    ...declarations.map(({ kind, name, valid }) => [valid?.to, `${kind} ${name}`] as const),
  ];
  const ends = new Map<number, string[]>();
  for (const [at, what] of rows) {
    if (at !== undefined) ends.set(at, [...(ends.get(at) ?? []), what]);
  }
  return ends;
}

// ── the same program, if it did not end ─────────────────────────────────────────────────────────────────────────────

function withoutEnd(program: Program, at: number): Program {
  return { ...program, declarations: program.declarations.map((one) => lastingDeclaration(one, at)) };
}

function lastingDeclaration(declaration: Declaration, at: number): Declaration {
  const clausesOf = (clauses: Declaration["requires"]): Declaration["requires"] =>
    clauses.map((clause) =>
      clause.when === undefined ? clause : { ...clause, when: lastingCondition(clause.when, at) },
    );
  const { requires, allows, denies, valid } = declaration;
  return {
    ...declaration,
    ...(valid === undefined ? {} : { valid: lastingWindow(valid, at) }),
    requires: clausesOf(requires),
    allows: clausesOf(allows),
    denies: clausesOf(denies),
  };
}

function lastingCondition(condition: Condition, at: number): Condition {
  if (condition.kind === "atom") return lastingAtom(condition, at);
  return { ...condition, members: condition.members.map((one) => lastingCondition(one, at)) };
}

function lastingAtom(atom: Atom, at: number): Atom {
  const { test } = atom;
  return test.kind === "member"
    ? { ...atom, test: { ...test, entries: test.entries.map((entry) => lastingEntry(entry, at)) } }
    : atom;
}

function lastingEntry(entry: Entry, at: number): Entry {
  return entry.valid === undefined ? entry : { ...entry, valid: lastingWindow(entry.valid, at) };
}

function lastingWindow(window: Window, at: number): Window {
  return window.to === at ? { from: window.from } : window;
}
