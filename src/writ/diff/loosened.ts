/** Which promises does a release keep no longer? Obligations are compared request by request, over all requests (WRIT section 8.1). */
import type { Declaration, Obligation, Program, Term } from "../program.ts";
import type { Region, Space } from "../solver/space.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { exampleIn, type Sides, type TwoDecisions } from "./example.ts";
import { termText } from "./term-text.ts";

export interface LoosenedObligation {
  /** What the old program promised, as its source says it. */
  readonly was: string;
  /** The resource of a request that shows it; `undefined` where that was not decided. */
  readonly resource: string | undefined;
  readonly decisions: TwoDecisions | undefined;
}

/** A promise, and whether the obligations of one policy keep it; where no granting policy names the kind, `isDefault` says. */
interface Promised {
  readonly term: Term;
  readonly isKeptBy: (term: Term) => boolean;
  readonly isDefault: boolean;
}

const DEFAULT_TTL_MS = 60_000;
const DEFAULT_EXPIRY_MS = 900_000;

/** The old program's promises that some request, allowed by both, gets no longer. */
export function loosenedObligations(
  space: Space,
  sides: Sides,
  vocabulary: Vocabulary,
): readonly LoosenedObligation[] {
  const both = space.and(space.allowed(sides.older), space.allowed(sides.newer));
  return promisesOf(sides).flatMap((promise) => {
    const kept = keptIn(space, sides.older, promise);
    const broken = space.and(both, space.without(kept, keptIn(space, sides.newer, promise)));
    const answer = space.isEmpty(broken);
    if (answer === "yes") return [];
    const example = exampleIn({ space, sides, vocabulary }, { direction: "kept", region: broken });
    return [{ was: termText(promise.term), resource: example?.resource, decisions: example?.decisions }];
  });
}

/** Where some policy that grants keeps the promise, or none says anything of its kind and the default does. */
function keptIn(space: Space, program: Program, { term, isKeptBy, isDefault }: Promised): Region {
  const grants = space.grants(program);
  const where = (holds: (declaration: Declaration) => boolean): Region =>
    space.or(...grants.filter(({ declaration }) => holds(declaration)).map(({ region }) => region));
  const kept = where(({ obligations }) => obligations.some((one) => one.kind === term.kind && isKeptBy(one)));
  if (!isDefault) return kept;
  const named = where(({ obligations }) => obligations.some(({ kind }) => kind === term.kind));
  return space.or(kept, space.not(named));
}

// ── promises ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the old program promises and the new one does not say in the same words of the same policies; and the defaults. */
function promisesOf({ older, newer }: Sides): readonly Promised[] {
  const said = older.declarations.flatMap(({ obligations }) => obligations.flatMap(singleTerms));
  const now = newer.declarations.flatMap(({ obligations }) => obligations.flatMap(singleTerms));
  const kinds = new Set(now.map(({ kind }) => kind));
  const defaults = DEFAULTS.filter(({ kind }) => kinds.has(kind));
  const byText = new Map([...said, ...defaults].map((term) => [termText(term), term]));
  if (isSaidAlike(older, newer)) return [];
  return [...byText.values()].map(promiseOf);
}

/** What is promised where nothing is said. */
const DEFAULTS: readonly Term[] = [
  { kind: "token_ttl", ms: DEFAULT_TTL_MS },
  { kind: "approvals_expire", ms: DEFAULT_EXPIRY_MS },
  { kind: "key_version", version: "current" },
  { kind: "audit", level: "full" },
];

/** Nothing to compare where every declaration is the same word for word. */
function isSaidAlike(older: Program, newer: Program): boolean {
  return wordsOf(older) === wordsOf(newer);
}

function wordsOf({ declarations, refsets, floors }: Program): string {
  const sets = refsets.map(({ name, module, entries }) => [
    name,
    module,
    entries.map(({ value, valid, state, version, vcpus }) => [value, valid, state, version, vcpus]),
  ]);
  const rows = floors.map(({ name, module, rows: of }) => [
    name,
    module,
    of.map(({ name: row, least }) => [row, least]),
  ]);
  return JSON.stringify([
    sets,
    rows,
    ...declarations.map(({ name, module, patterns, valid, requires, allows, obligations }) => [
      name,
      module,
      patterns,
      valid,
      [...requires, ...allows].map(({ text }) => text.text),
      obligations.map(termText),
    ]),
  ]);
}

/** A `notify` of several names promises each. */
function singleTerms(obligation: Obligation): readonly Term[] {
  return obligation.kind === "notify"
    ? obligation.names.map((name): Term => ({ kind: "notify", names: [name] }))
    : [obligation];
}

function promiseOf(term: Term): Promised {
  return { term, isKeptBy: (other) => isAtLeastAsStrict(other, term), isDefault: isDefaultAsStrict(term) };
}

function isAtLeastAsStrict(term: Term, than: Term): boolean {
  switch (term.kind) {
    case "token_ttl":
    case "reattest":
    case "approvals_expire":
      return term.kind === than.kind && term.ms <= than.ms;
    case "max_releases":
      return term.kind === than.kind && isTighterCounter(term, than);
    case "rate":
      return term.kind === than.kind && term.limit <= than.limit && term.windowMs >= than.windowMs;
    case "wrap":
      return term.kind === than.kind && term.wrap === than.wrap;
    case "key_version":
      return term.kind === than.kind && strictnessOf(term.version) >= strictnessOf(than.version);
    case "notify":
      return term.kind === than.kind && than.names.every((name) => term.names.includes(name));
    case "audit":
      return term.kind === than.kind && (term.level === "full" || than.level === "summary");
  }
}

type OfKind<K extends Term["kind"]> = Extract<Term, { readonly kind: K }>;

/** A missing window is for ever. */
function isTighterCounter(counter: OfKind<"max_releases">, than: OfKind<"max_releases">): boolean {
  const nameOf = ({ per }: OfKind<"max_releases">): string => (per === "approvals" ? per : per.name);
  const { windowMs = Infinity } = counter;
  return (
    nameOf(counter) === nameOf(than) && counter.limit <= than.limit && windowMs >= (than.windowMs ?? Infinity)
  );
}

/** `current` above every least version, above `any`. */
function strictnessOf(version: OfKind<"key_version">["version"]): number {
  if (version === "current") return Infinity;
  return version === "any" ? 0 : version.atLeast;
}

function isDefaultAsStrict(term: Term): boolean {
  return DEFAULTS.some((one) => isAtLeastAsStrict(one, term));
}
