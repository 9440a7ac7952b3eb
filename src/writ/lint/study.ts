/** What can be asked about all requests at once? Each policy with what stands over it, as regions of one space. */
import { fieldTableOf } from "../checking/fields.ts";
import { atomsOf } from "../conditions.ts";
import { meets } from "../patterns.ts";
import type { Atom, Clause, Condition, Declaration, FieldRef, Pattern, Program, Test } from "../program.ts";
import { openSpace, type Region, type Space } from "../solver/space.ts";
import type { Vocabulary } from "../vocabulary.ts";

/** A policy, and the sets of requests that lints ask about. */
export interface PolicyStudy {
  readonly policy: Declaration;
  readonly scope: Region;
  /** Where its requires and one of its allows hold. */
  readonly granted: Region;
  /** Where no deny, guard or revoked entry stops a request of its scope. */
  readonly open: Region;
  /** What it releases, together with everything over it. */
  readonly released: Region;
}

export interface Study {
  readonly program: Program;
  readonly vocabulary: Vocabulary;
  readonly space: Space;
  readonly policies: readonly PolicyStudy[];
  /** The guards, and the denies of any declaration, whose scope meets these patterns. */
  readonly stoppersOver: (patterns: readonly Pattern[]) => readonly Declaration[];
  readonly fieldOf: (name: string) => FieldRef | undefined;
  /** Surely inhabited: a lint that says "this lets through" may say so. Undecided is noted for `subject`. */
  readonly isInhabited: (region: Region, question: Question) => boolean;
  readonly isEmpty: (region: Region, question: Question) => boolean;
  /** Where some line's equality over one of these fields holds: where it is one that somebody wrote down. */
  readonly pinned: (fields: readonly string[]) => Region;
  /** What was not decided: declaration → codes. */
  readonly undecided: ReadonlyMap<Declaration, ReadonlySet<string>>;
}

/** On whose behalf something is asked, and for which code. */
export interface Question {
  readonly subject: Declaration;
  readonly code: string;
}

export interface Budget {
  readonly maxNodes?: number;
  readonly maxSteps?: number;
  /** How many questions may be asked in all. */
  readonly maxQuestions?: number;
}

const MAX_QUESTIONS = 100_000;

export function studyOf(program: Program, vocabulary: Vocabulary, budget: Budget = {}): Study {
  const fields = fieldTableOf(vocabulary);
  const fieldOf = (name: string): FieldRef | undefined => fields.single.get(name)?.ref;
  const { maxQuestions, ...limits } = budget;
  const conditions = probesOf(vocabulary, fieldOf);
  const space = openSpace([program], vocabulary, { ...limits, conditions });
  const undecided = new Map<Declaration, Set<string>>();
  let left = maxQuestions ?? MAX_QUESTIONS;
  const ask = (region: Region, { subject, code }: Question): "yes" | "no" | undefined => {
    left -= 1;
    const answer = left < 0 ? "not-decided" : space.isEmpty(region);
    if (answer !== "not-decided") return answer;
    undecided.set(subject, (undecided.get(subject) ?? new Set()).add(code));
    return undefined;
  };
  const stoppersOver = stoppersOf(program);
  return {
    program,
    vocabulary,
    space,
    fieldOf,
    stoppersOver,
    pinned: pinnedBy(program, space),
    policies: policiesOf(program, space, stoppersOver),
    isInhabited: (region, question) => ask(region, question) === "no",
    isEmpty: (region, question) => ask(region, question) === "yes",
    undecided,
  };
}

// ── policies ────────────────────────────────────────────────────────────────────────────────────────────────────────

function policiesOf(
  program: Program,
  space: Space,
  stoppersOver: Study["stoppersOver"],
): readonly PolicyStudy[] {
  const opens = new Map<string, Region>();
  const numbers = new Map(program.declarations.map((one, at) => [one, at]));
  return program.declarations.flatMap((policy) => {
    if (policy.kind !== "policy") return [];
    const stoppers = stoppersOver(policy.patterns);
    const key = stoppers.map((one) => numbers.get(one)).join(" ");
    const open = opens.get(key) ?? openRegion(program, space, stoppers);
    opens.set(key, open);
    const granted = space.allowed({ ...program, modules: [], declarations: [{ ...policy, denies: [] }] });
    const released = space.and(granted, open);
    return [{ policy, scope: space.scopeOf(policy), granted, open, released }];
  });
}

/** Everywhere, less what these stop: what a policy without conditions would release under them. */
function openRegion(program: Program, space: Space, stoppers: readonly Declaration[]): Region {
  const [first] = program.declarations;
  if (first === undefined) return space.everything;
  const anybody: Declaration = {
    ...first,
    kind: "policy",
    name: "",
    module: "",
    patterns: [{ segments: [], isOpen: true }],
    requires: [],
    denies: [],
    allows: [
      { text: { kind: "allow", at: "", text: "allow" }, origin: first.origin, whole: first.origin.span },
    ],
    obligations: [],
  };
  const { valid: _, ...always } = anybody;
  const only = stoppers.map((one) => (one.kind === "guard" ? one : { ...one, allows: [] }));
  return space.allowed({ ...program, declarations: [always, ...only] });
}

/** Guards, whatever denies, and whatever brings revoked entries. */
function stoppersOf(program: Program): Study["stoppersOver"] {
  const revoking = new Set(
    program.modules.flatMap(({ name, revocable }) =>
      revocable.some(({ entries }) => entries.some(({ state }) => state === "revoked")) ? [name] : [],
    ),
  );
  const all = program.declarations.filter(
    ({ kind, denies, module }) => kind === "guard" || denies.length > 0 || revoking.has(module),
  );
  return (patterns) =>
    all.filter((one) => one.patterns.some((left) => patterns.some((right) => meets(left, right))));
}

// ── conditions that no source says ──────────────────────────────────────────────────────────────────────────────────

/** A threshold that no sensible bound on an age reaches. */
export const NO_BOUND = 2 ** 50;

/** An atom made here: it is asked about, and never shown. */
export function atomOn(field: FieldRef, test: Test): Atom {
  const origin = { file: "", span: { start: 0, end: 0 } };
  return {
    kind: "atom",
    field,
    test,
    isNegated: false,
    text: { at: "", field: field.name, wanted: "" },
    origin,
  };
}

/** Some component of a vector is above zero. */
export function someLevel(study: Pick<Study, "fieldOf" | "vocabulary">, vector: string): Condition {
  const members = study.vocabulary.components.flatMap(({ name }) => {
    const field = study.fieldOf(`${vector}.${name}`);
    return field === undefined ? [] : [atomOn(field, { kind: "interval", intervals: [{ least: 1 }] })];
  });
  return { kind: "any", members, origin: { file: "", span: { start: 0, end: 0 } } };
}

/** What the lints of the vocabulary ask, so that fields are cut for it. */
function probesOf(vocabulary: Vocabulary, fieldOf: Study["fieldOf"]): readonly Condition[] {
  const { lints, productField } = vocabulary;
  if (lints === undefined) return [];
  const flags = [
    ...lints.dangers.map(({ field }) => field),
    lints.provisional.field,
    ...lints.platforms.flatMap(({ wanted }) => wanted.map(({ flag }) => flag)),
  ];
  const enums = [lints.binding.field, ...(productField === undefined ? [] : [productField])];
  const vectors = [lints.levels.trusted, ...lints.levels.others];
  const atoms = [
    ...flags.map((name): [string, Test] => [name, { kind: "flag" }]),
    ...enums.flatMap((name) =>
      valuesOf(fieldOf(name)).map((value): [string, Test] => [name, { kind: "one-of", values: [value] }]),
    ),
    [lints.age.field, { kind: "interval", intervals: [{ least: NO_BOUND }] }] satisfies [string, Test],
  ].flatMap(([name, test]) => {
    const field = fieldOf(name);
    return field === undefined ? [] : [atomOn(field, test)];
  });
  return [...atoms, ...vectors.map(({ field }) => someLevel({ fieldOf, vocabulary }, field))];
}

export function valuesOf(field: FieldRef | undefined): readonly string[] {
  return field?.type.kind === "enum" ? field.type.values : [];
}

/** Whether a written field is this one, or of this family. */
function isOf(name: string, field: string): boolean {
  return name === field || name.startsWith(`${field}[`);
}

function pinnedBy(program: Program, space: Space): Study["pinned"] {
  const known = new Map<string, Region>();
  return (fields) => {
    const key = fields.join(" ");
    const region = known.get(key) ?? pinnedRegion(program, space, fields);
    known.set(key, region);
    return region;
  };
}

function pinnedRegion({ declarations }: Program, space: Space, fields: readonly string[]): Region {
  const atoms = declarations
    .flatMap(({ requires, allows }) => [...requires, ...allows])
    .flatMap(({ when }) => (when === undefined ? [] : atomsOf(when)))
    .filter(({ field, test }) => fields.some((name) => isOf(field.name, name)) && PINS.has(test.kind));
  return space.or(...atoms.map((atom) => space.truthOf({ ...atom, isNegated: false }).yes));
}

const PINS: ReadonlySet<Test["kind"]> = new Set(["one-of", "member", "contains"]);

/** Where the condition of a clause surely holds. */
export function yesOf({ space, program }: Study, { when }: Clause): Region {
  return when === undefined ? space.everything : space.truthOf(when, program).yes;
}

/** Where a condition that refuses is not surely false, so that it does refuse. */
export function firesOf({ space, program }: Study, { when }: Clause): Region {
  return when === undefined ? space.everything : space.not(space.truthOf(when, program).no);
}

/** Whether a platform brought this clause. */
export function isFromPlatform({ text }: Clause): boolean {
  return text.from?.startsWith("platform ") === true;
}
