/** What does a change of policy let in, and what does it shut out? Over all requests, each claim shown by one (WRIT section 14). */
import { type Answer, openSpace, type Space } from "../solver/space.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { changedClauses } from "./changed-clauses.ts";
import { type Example, exampleIn, type Sides, type Wanted } from "./example.ts";
import { type LoosenedObligation, loosenedObligations } from "./loosened.ts";

export type Verdict = "equivalent" | "narrows" | "widens" | "both" | "not-decided";

/** What one program allows against another. */
export interface Diff {
  readonly verdict: Verdict;
  readonly newImpliesOld: Answer;
  readonly oldImpliesNew: Answer;
  /** Promises of the old program that the new one does not keep; each counts as widening. */
  readonly loosened: readonly LoosenedObligation[];
  /** At most ten; those that the new program lets in first. */
  readonly examples: readonly Example[];
  /** Whether this change needs what widening needs: "not decided" does too. */
  readonly isWidening: boolean;
  /** Examples on which solver and evaluator do not agree: a fault of this program, and counted as widening. */
  readonly disagreements: number;
}

export interface DiffOptions {
  /** Fixes the time, in Unix seconds. */
  readonly at?: number;
  /** Leaves out every moment before this one. */
  readonly notBefore?: number;
  readonly maxNodes?: number;
  readonly maxSteps?: number;
}

const MAX_EXAMPLES = 10;

/** Compares two programs of one vocabulary. Total: what is too large to decide says so. */
export function diffPrograms(sides: Sides, vocabulary: Vocabulary, options: DiffOptions = {}): Diff {
  const { older, newer } = sides;
  const { at, ...limits } = options;
  const space = openSpace([older, newer], vocabulary, {
    ...limits,
    ...(at === undefined ? {} : { now: at }),
  });
  const [before, after] = [space.allowed(older), space.allowed(newer)];
  const newImpliesOld = space.implies(after, before);
  const oldImpliesNew = space.implies(before, after);
  const loosened = loosenedObligations(space, sides, vocabulary);
  const examples = examplesOf(space, sides, vocabulary);
  const disagreements = examples.filter(({ isConfirmed }) => !isConfirmed).length;
  return {
    verdict: verdictOf(newImpliesOld, oldImpliesNew),
    newImpliesOld,
    oldImpliesNew,
    loosened,
    examples,
    isWidening: newImpliesOld !== "yes" || loosened.length > 0 || disagreements > 0,
    disagreements,
  };
}

function verdictOf(newImpliesOld: Answer, oldImpliesNew: Answer): Verdict {
  if (newImpliesOld === "not-decided") return "not-decided";
  if (oldImpliesNew === "not-decided") return newImpliesOld === "no" ? "widens" : "not-decided";
  if (newImpliesOld === "yes") return oldImpliesNew === "yes" ? "equivalent" : "narrows";
  return oldImpliesNew === "yes" ? "widens" : "both";
}

/** One of each direction, then one for each clause that was changed and shows something new. */
function examplesOf(space: Space, sides: Sides, vocabulary: Vocabulary): readonly Example[] {
  const [before, after] = [space.allowed(sides.older), space.allowed(sides.newer)];
  const directions = [
    { direction: "allowed", region: space.without(after, before) },
    { direction: "refused", region: space.without(before, after) },
  ] as const;
  const clauses = changedClauses(space, sides);
  const [allowed = [], refused = []] = directions.map(({ direction, region }) => {
    const wanted: readonly Wanted[] = [
      ...clauses
        .filter((one) => one.direction === direction)
        .map(({ region: decided, clause }) => ({ direction, region: space.and(region, decided), clause })),
      { direction, region },
    ];
    const found = wanted.flatMap((one) => exampleIn({ space, sides, vocabulary }, one) ?? []);
    return [...new Map(found.map((one) => [one.key, one])).values()];
  });
  return [...allowed.slice(0, MAX_EXAMPLES - Math.min(1, refused.length)), ...refused].slice(0, MAX_EXAMPLES);
}
