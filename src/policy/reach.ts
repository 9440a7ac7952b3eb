/** Who can have a resource, and what can an image have? Every policy of a program, by the solver: over all requests, not over those that came. */
import type { Instant } from "../base/time.ts";
import type { Atom, Condition, Declaration, Pattern, Program } from "../writ/program.ts";
import { patternText } from "../writ/solver/resources.ts";
import { type Answer, openSpace, type Region, type Space } from "../writ/solver/space.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

const MEASUREMENT = "measurement";

/** A policy that grants something of what was asked about, with all that it asks of a guest. */
export type Granting = {
  readonly module: string;
  readonly policy: string;
  readonly at: string;
  /** Its patterns that are within reach. */
  readonly resources: readonly string[];
  readonly requires: readonly string[];
  /** One of these has to hold. */
  readonly allows: readonly string[];
  readonly denies: readonly string[];
};

export type Reach = {
  /** Whether anybody, or anything, is within reach; `not-decided` where the policy is too large to tell. */
  readonly isReachable: Answer;
  readonly granting: readonly Granting[];
  /** Guards that refuse besides, whatever a policy grants. */
  readonly guards: readonly string[];
};

export type ImageReach = {
  readonly value: string;
  readonly label: string;
  readonly set: string;
};

export type PathReach = Reach & {
  /** Reference values of measurements with which there is a request that is allowed. */
  readonly images: readonly ImageReach[];
  /** Whether an image that no reference set has can have it as well: then no policy asks for one. */
  readonly byOthers: Answer;
};

/** Who can have a resource at a moment. @param path - In normal form. */
export function whoCan(program: Program, path: string, now: Instant): PathReach {
  const entries = measurementsOf(program);
  const pattern = { segments: path.split("/"), isOpen: false };
  const conditions = entries.map(({ value }) => hasMeasurement(value));
  const space = openSpace([program], SNP_VOCABULARY, { now, conditions, patterns: [pattern] });
  const there = space.and(space.allowed(program), scopeOf(space, pattern));
  const regions = conditions.map((condition) => space.truthOf(condition).yes);
  const images = entries.filter((_, i) => mayBe(space, space.and(there, regions[i] ?? space.nothing)));
  return {
    ...reachOf(program, space, there),
    images,
    byOthers: opposite(space.isEmpty(space.without(there, space.or(...regions)))),
  };
}

/** What an image can have at a moment. @param measurement - 96 lower-case hex digits. */
export function whatCan(program: Program, measurement: string, now: Instant): Reach {
  const condition = hasMeasurement(measurement);
  const space = openSpace([program], SNP_VOCABULARY, { now, conditions: [condition] });
  return reachOf(program, space, space.and(space.allowed(program), space.truthOf(condition).yes));
}

function reachOf(program: Program, space: Space, there: Region): Reach {
  const granting = space.grants(program).flatMap(({ declaration, region }) => {
    const granted = space.and(region, there);
    const resources = declaration.patterns.filter((one) =>
      mayBe(space, space.and(granted, scopeOf(space, one))),
    );
    return resources.length === 0 ? [] : [grantingOf(declaration, resources)];
  });
  const guards = program.declarations.filter(
    (one) =>
      one.kind === "guard" && granting.length > 0 && mayBe(space, space.and(space.scopeOf(one), there)),
  );
  return {
    isReachable: opposite(space.isEmpty(there)),
    granting,
    guards: guards.map(({ module, name }) => (module === "" ? name : `${module}/${name}`)),
  };
}

function grantingOf(declaration: Declaration, resources: readonly Pattern[]): Granting {
  const { module, name, at, requires, allows, denies } = declaration;
  const texts = (clauses: typeof requires): readonly string[] => clauses.map(({ text }) => text.text);
  return {
    ...{ module, policy: name, at },
    resources: resources.map(patternText),
    requires: texts(requires),
    allows: texts(allows),
    denies: texts(denies),
  };
}

/** What cannot be decided is not left out. */
function mayBe(space: Space, region: Region): boolean {
  return space.isEmpty(region) !== "yes";
}

function opposite(answer: Answer): Answer {
  if (answer === "not-decided") return answer;
  return answer === "yes" ? "no" : "yes";
}

function scopeOf(space: Space, pattern: Pattern): Region {
  return space.scopeOf({ patterns: [pattern] });
}

/** Each image once, under its first name: those of reference sets, then those that stand in clauses themselves. */
function measurementsOf({ refsets, declarations }: Program): readonly ImageReach[] {
  const listed = refsets
    .filter(({ field }) => field === MEASUREMENT)
    .flatMap(({ module, name, entries }) =>
      entries.map(({ value, label }) => ({ value, label, set: `${module}/${name}` })),
    );
  const written = declarations.flatMap(({ module, name, requires, allows, denies }) =>
    [...requires, ...allows, ...denies]
      .flatMap(({ when }) => (when === undefined ? [] : valuesIn(when)))
      .map((value) => ({ value, label: "in a clause", set: `${module}/${name}` })),
  );
  const all = [...listed, ...written];
  return [...new Map(all.toReversed().map((one) => [one.value, one])).values()].toReversed();
}

function valuesIn(condition: Condition): readonly string[] {
  if (condition.kind !== "atom") return condition.members.flatMap(valuesIn);
  const { field, test } = condition;
  return field.name === MEASUREMENT && test.kind === "one-of" ? test.values : [];
}

function hasMeasurement(value: string): Atom {
  return {
    kind: "atom",
    field: { name: MEASUREMENT, key: MEASUREMENT, type: { kind: "bytes", size: 48 } },
    test: { kind: "one-of", values: [value] },
    isNegated: false,
    text: { at: "", field: MEASUREMENT, wanted: value },
    origin: { file: "", span: { start: 0, end: 0 } },
  };
}
