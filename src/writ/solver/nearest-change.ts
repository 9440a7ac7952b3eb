/** What is the least that would have to be otherwise, for a refused request to be released? (WRIT section 10) */
import { evaluate } from "../evaluation/evaluator.ts";
import type { Facts } from "../facts.ts";
import type { Program } from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { Dimension, Value } from "./dimension.ts";
import { openSpace, type Region, type Space } from "./space.ts";
import type { Witness } from "./witness.ts";

export interface ProposedChange {
  readonly dimension: Dimension;
  readonly from: Value | undefined;
  /** `undefined` takes the value away. */
  readonly to: Value | undefined;
  /** Whether any value would do that no policy names: `to` is an example and is not to be shown. */
  readonly isOther: boolean;
  readonly how: string | undefined;
}

/** Each way was evaluated: it releases. A way that is `undefined` does not exist, or was not found within the budget. */
export interface NearestChange {
  /** Fewest fields; never a time or approvals. */
  readonly changes: readonly ProposedChange[] | undefined;
  /** From when on the same request would be released, in Unix seconds. */
  readonly later: number | undefined;
  /** Approvals that would release it. */
  readonly approvals: readonly ProposedChange[] | undefined;
}

/** One change more always weighs more than any efforts together. */
const PER_CHANGE = 1_000_000;
const PER_EFFORT = 1000;
const APPROVALS = "approvals:";

/** Looks for the nearest request that is released. Total: at worst nothing is proposed. */
export function nearestChange(
  program: Program,
  facts: Facts,
  vocabulary: Vocabulary,
  limits: { readonly maxNodes?: number; readonly maxSteps?: number } = {},
): NearestChange {
  const now = facts.get(vocabulary.timeField);
  const from = typeof now === "number" ? { notBefore: now } : {};
  const space = openSpace([program], vocabulary, { ...limits, ...from });
  const question = { space, allowed: space.allowed(program), program, facts, vocabulary };
  const { resourceField, timeField } = vocabulary;
  const isApproval = (name: string): boolean => name.startsWith(APPROVALS);
  const isApart = (name: string): boolean => name === resourceField || name === timeField || isApproval(name);
  const later = ask(question, (name) => name === timeField)?.facts.get(timeField);
  return {
    changes: proposed(
      question,
      ask(question, (name) => !isApart(name)),
    ),
    later: typeof later === "number" ? later : undefined,
    approvals: proposed(question, ask(question, isApproval)),
  };
}

interface Question {
  readonly space: Space;
  readonly allowed: Region;
  readonly program: Program;
  readonly facts: Facts;
  readonly vocabulary: Vocabulary;
}

/** The nearest released request, when only these dimensions may change; evaluated before it is believed. */
function ask(
  { space, allowed, program, facts, vocabulary }: Question,
  mayChange: (name: string) => boolean,
): Witness | undefined {
  const { fields } = vocabulary;
  const weightOf = (name: string): number => {
    if (!mayChange(name)) return Infinity;
    const place = fields.findIndex((field) => name.startsWith(field.name));
    return PER_CHANGE + PER_EFFORT * effortOf(vocabulary, name).effort + Math.max(0, place);
  };
  const witness = space.witness(allowed, facts, weightOf);
  return witness !== undefined && evaluate(program, witness.facts).isAllowed ? witness : undefined;
}

function effortOf({ hints }: Vocabulary, name: string): { readonly effort: number; readonly how?: string } {
  return hints.efforts.find(({ prefix }) => name.startsWith(prefix)) ?? { effort: 0 };
}

function proposed(
  { vocabulary }: Question,
  witness: Witness | undefined,
): readonly ProposedChange[] | undefined {
  return witness?.changes.map(({ dimension, from, to }) => ({
    dimension,
    from,
    to,
    isOther: witness.invented.has(dimension.source.key),
    how: effortOf(vocabulary, dimension.name).how,
  }));
}
