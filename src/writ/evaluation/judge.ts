/** Is a condition true, false or unknown for these facts? One walk that is the trace as well (WRIT sections 2 and 10). */
import type { ConditionTrace, Verdict } from "../decision.ts";
import type { Condition, Group } from "../program.ts";
import { atomJudge } from "./atoms.ts";
import type { Request } from "./request.ts";
import { both, either, negated } from "./verdicts.ts";

export type Judge = (request: Request) => ConditionTrace;

/** Makes the closure of a condition. Every member is judged: a trace has no short circuit. */
export function judgeOf(condition: Condition): Judge {
  return condition.kind === "atom" ? atomJudge(condition) : groupJudge(condition);
}

interface Kleene {
  readonly neutral: Verdict;
  readonly join: (a: Verdict, b: Verdict) => Verdict;
  readonly isNegated: boolean;
}

const CONJUNCTION: Kleene = { neutral: "ok", join: both, isNegated: false };
const DISJUNCTION: Kleene = { neutral: "x", join: either, isNegated: false };

const KLEENE: Readonly<Record<Group["kind"], Kleene>> = {
  and: CONJUNCTION,
  all: CONJUNCTION,
  or: DISJUNCTION,
  any: DISJUNCTION,
  none: { ...DISJUNCTION, isNegated: true },
  not: { ...CONJUNCTION, isNegated: true },
};

function groupJudge({ kind, members }: Group): Judge {
  const judges = members.map(judgeOf);
  const { neutral, join, isNegated } = KLEENE[kind];
  return (request) => {
    const of = judges.map((judge) => judge(request));
    let joined = neutral;
    for (const { verdict } of of) joined = join(joined, verdict);
    return { group: kind, verdict: isNegated ? negated(joined) : joined, of };
  };
}
