/** Which clauses of a policy change nothing? Asked of the solver: W0602, W0702, W0703 (WRIT section 12). */

import { atomsOf } from "../conditions.ts";
import { advice } from "../diagnostics/findings.ts";
import type { Atom, Clause, Condition } from "../program.ts";
import type { Region } from "../solver/space.ts";
import { type LintDesk, warn } from "./desk.ts";
import { firesOf, isFromPlatform, type PolicyStudy, type Study, yesOf } from "./study.ts";

/** W0602, W0702 and W0703 of a policy that can release something by itself. What a platform adds may be restated. */
export function lintClauses(desk: LintDesk, study: Study, one: PolicyStudy): void {
  const { policy } = one;
  const context: Context = { desk, study, one };
  const own = policy.requires.filter((clause) => !isFromPlatform(clause));
  const regions = own.map((clause) => yesOf(study, clause));
  for (const [at, clause] of own.entries()) lintRequire(context, { own, regions, at, clause });
  const required = study.space.and(one.scope, ...policy.requires.map((clause) => yesOf(study, clause)));
  for (const clause of policy.allows) lintAllow(context, clause, required);
  for (const clause of policy.denies) lintDeny(context, clause);
}

interface Context {
  readonly desk: LintDesk;
  readonly study: Study;
  readonly one: PolicyStudy;
}

interface Required {
  readonly own: readonly Clause[];
  readonly regions: readonly Region[];
  readonly at: number;
  readonly clause: Clause;
}

function lintRequire(context: Context, { own, regions, at, clause }: Required): void {
  const { desk, study, one } = context;
  const region = regions[at];
  if (region === undefined) return;
  const brought = one.policy.requires.filter(isFromPlatform);
  const restated = brought.find((other) => yesOf(study, other) === region);
  if (restated !== undefined) {
    tellRestated(desk, clause, `\`${restated.text.from}\` says it too`);
    return;
  }
  const twin = regions.indexOf(region);
  if (twin < at) {
    warn(desk, clause.origin, {
      code: "W0702",
      message: "this require says the same as another",
      label: `as line ${own[twin]?.text.at.replace(/^.*:/, "")} does`,
      helps: advice("leave one of them out"),
    });
    return;
  }
  const isBeside = besidesOf(study, clause);
  const others = regions.filter((other, index) => {
    const line = own[index];
    return index !== at && other !== region && line !== undefined && isBeside(line);
  });
  const rest = study.space.and(one.scope, ...others, ...brought.map((other) => yesOf(study, other)));
  lintAgainst(context, { clause, region, rest, isAlone: own.length === 1 });
}

/** What a line is held against. One that chooses products is not idle because a floor happens to have rows for no others. */
function besidesOf(
  { vocabulary: { productField, siliconField } }: Study,
  clause: Clause,
): (other: Clause) => boolean {
  const atoms = atomsIn(clause);
  const isChoice = atoms.every(({ field }) => field.name === productField || field.name === siliconField);
  return (other) => !isChoice || atomsIn(other).every(({ test }) => test.kind !== "floor");
}

function atomsIn({ when }: Clause): readonly Atom[] {
  return when === undefined ? [] : atomsOf(when);
}

interface Against {
  readonly clause: Clause;
  readonly region: Region;
  /** What everything else of the policy lets through. */
  readonly rest: Region;
  readonly isAlone: boolean;
}

function lintAgainst(context: Context, { clause, region, rest, isAlone }: Against): void {
  const { desk, study, one } = context;
  const { space } = study;
  const question = { subject: one.policy, code: "W0602" };
  if (study.isEmpty(space.without(rest, region), question)) {
    warn(desk, clause.origin, {
      code: "W0602",
      message: "this require is always true here",
      label: isAlone
        ? "for every request there can be"
        : "for every request that the other requires let through",
      helps: advice("leave it out, or say what it was meant to exclude"),
    });
    return;
  }
  const open = space.and(rest, one.open);
  if (study.isInhabited(open, question) && study.isEmpty(space.without(open, region), question))
    tellRestated(desk, clause, "what stands over this policy says it too");
  lintMembers(context, clause.when, rest);
}

/** Not a warning (WRIT section 7.1): the sentence may be the point. Whoever asks what a line does is told. */
function tellRestated(desk: LintDesk, clause: Clause, label: string): void {
  warn(desk, clause.origin, {
    code: "N0702",
    severity: "note",
    message: "this require is said twice",
    label: `${label}: without it, nobody else gets in`,
  });
}

function lintAllow(context: Context, clause: Clause, required: Region): void {
  const { desk, study, one } = context;
  const path = study.space.and(required, yesOf(study, clause));
  const question = { subject: one.policy, code: "W0602" };
  if (study.isEmpty(path, question)) {
    warn(desk, clause.origin, {
      code: "W0602",
      message: "this allow never holds",
      label: "its condition is always false where the requires hold",
      helps: advice("leave it out, or mend its condition"),
    });
    return;
  }
  lintMembers(context, clause.when, required);
}

function lintDeny({ desk, study, one }: Context, clause: Clause): void {
  if (clause.when === undefined) return;
  const fires = study.space.and(one.scope, firesOf(study, clause));
  if (!study.isEmpty(fires, { subject: one.policy, code: "W0602" })) return;
  warn(desk, clause.origin, {
    code: "W0602",
    message: "this deny never fires",
    label: "its condition is always false in this scope",
    helps: advice("leave it out, or mend its condition"),
  });
}

/** W0703: a way of an `any` that no request takes. */
function lintMembers(context: Context, condition: Condition | undefined, where: Region): void {
  if (condition === undefined || condition.kind === "atom") return;
  const { desk, study, one } = context;
  if (condition.kind === "not" || condition.kind === "none") return;
  for (const member of condition.members) {
    const isWay = condition.kind === "any" || condition.kind === "or";
    const region = study.space.and(where, study.space.truthOf(member, study.program).yes);
    if (isWay && study.isEmpty(region, { subject: one.policy, code: "W0703" })) {
      warn(desk, member.origin, {
        code: "W0703",
        message: `this way of an \`${condition.kind}\` is never taken`,
        label: "never true where the rest holds",
        helps: advice("leave it out, or mend it"),
      });
    } else lintMembers(context, member, where);
  }
}
