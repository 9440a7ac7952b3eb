/** How does a policy or guard judge a request? Every clause is judged, and what decides is noted on the way. */
import { fixedJson } from "../../base/canonical-json.ts";
import type { ClauseText, ClauseTrace, DeclarationTrace, Grant } from "../decision.ts";
import type { Clause, Declaration } from "../program.ts";
import { judgeAll, judgeOf } from "./judge.ts";
import type { Request } from "./request.ts";

/** A declaration as it was judged, and what of it decides. */
export interface Judged {
  readonly declaration: Declaration;
  readonly trace: DeclarationTrace;
  /** Requires that do not hold and denies that fire. */
  readonly failures: number;
  readonly hasFailedRequire: boolean;
  readonly hasFired: boolean;
  /** The author's text of the first failure that has one. */
  readonly reason: string | undefined;
  readonly holdsAllow: boolean;
  readonly isRetiring: boolean;
}

export type DeclarationJudge = (request: Request) => Judged;

type ClauseJudge = (request: Request) => ClauseTrace;

/**
 * Makes the closure of a declaration. It clears the request's mark of retirement before it judges. The last answer is given again
 * where every clause says the same: that mark too follows from what the clauses show.
 */
export function declarationJudge(declaration: Declaration): DeclarationJudge {
  const { requires, allows, denies } = declaration;
  const judges = [...requires, ...allows, ...denies].sort(byLine).map(clauseJudge);
  let last: Judged | undefined;
  return (request) => {
    request.isRetiring = false;
    const clauses = judgeAll(judges, request, last?.trace.clauses);
    if (last === undefined || clauses !== last.trace.clauses)
      last = judgedOf(declaration, clauses, request.isRetiring);
    return last;
  };
}

/** As they stand in the source: all clauses of a declaration are placed in one file. */
function byLine(a: Clause, b: Clause): number {
  return lineOf(a) - lineOf(b);
}

function lineOf({ text }: Clause): number {
  return Number(text.at.slice(text.at.lastIndexOf(":") + 1));
}

function clauseJudge({ text, when }: Clause): ClauseJudge {
  const clause: ClauseText = fixedJson(text);
  if (when === undefined) {
    const always: ClauseTrace = { clause, verdict: "ok" };
    return () => always;
  }
  const judge = judgeOf(when);
  let last: ClauseTrace | undefined;
  return (request) => {
    const node = judge(request);
    if (last === undefined || last.when !== node) last = { clause, verdict: node.verdict, when: node };
    return last;
  };
}

/** Unknown never satisfies a require or an allow, and does fire a deny (WRIT section 2, rule 5). */
function judgedOf(declaration: Declaration, clauses: readonly ClauseTrace[], isRetiring: boolean): Judged {
  const { kind, name, module } = declaration;
  let failures = 0;
  let hasFailedRequire = false;
  let hasFired = false;
  let reason: string | undefined;
  let holdsAllow = false;
  for (const { clause, verdict } of clauses) {
    if (clause.kind === "allow") {
      holdsAllow ||= verdict === "ok";
    } else if (verdict !== (clause.kind === "deny" ? "x" : "ok")) {
      failures += 1;
      hasFired ||= clause.kind === "deny";
      hasFailedRequire ||= clause.kind === "require";
      reason ??= clause.reason;
    }
  }
  const trace = { kind, name, module, passes: failures === 0, clauses };
  return { declaration, trace, failures, hasFailedRequire, hasFired, reason, holdsAllow, isRetiring };
}

/** Every allow that held. */
export function grantsOf({ declaration: { module, name }, trace }: Judged): readonly Grant[] {
  return trace.clauses
    .filter(({ clause, verdict }) => clause.kind === "allow" && verdict === "ok")
    .map(({ clause }) => ({ module, policy: name, label: clause.label }));
}
