/** Is a condition true, false or unknown for these facts? One walk that is the trace as well (WRIT sections 2 and 10). */
import type { ConditionTrace, GroupTrace, Verdict } from "../decision.ts";
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

/** The last node is given again where all its members are the same. */
function groupJudge({ kind, members }: Group): Judge {
  const judges = members.map(judgeOf);
  const { neutral, join, isNegated } = KLEENE[kind];
  let last: GroupTrace | undefined;
  return (request) => {
    const of = judgeAll(judges, request, last?.of);
    if (last !== undefined && of === last.of) return last;
    let joined = neutral;
    for (const { verdict } of of) joined = join(joined, verdict);
    last = { group: kind, verdict: isNegated ? negated(joined) : joined, of };
    return last;
  };
}

/** Judges by every closure. Gives `last` again where nothing in it would differ. */
export function judgeAll<Node>(
  judges: readonly ((request: Request) => Node)[],
  request: Request,
  last: readonly Node[] | undefined,
): readonly Node[] {
  if (last === undefined) return judges.map((judge) => judge(request));
  let changed: Node[] | undefined;
  let i = 0;
  for (const judge of judges) {
    const node = judge(request);
    if (changed === undefined && node !== last[i]) changed = last.slice(0, i);
    if (changed !== undefined) changed.push(node);
    i += 1;
  }
  return changed ?? last;
}
