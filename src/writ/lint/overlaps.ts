/** Which policies release the same request on different terms? E0502 and W0704; and what no question decided: W0705. */
import { advice } from "../diagnostics/findings.ts";
import { termText } from "../diff/term-text.ts";
import { meets } from "../patterns.ts";
import type { Declaration } from "../program.ts";
import { type LintDesk, warn } from "./desk.ts";
import type { PolicyStudy, Study } from "./study.ts";

/** E0502: of two policies that release one request, each demands another wrap, so no exchange can meet both. */
export function lintWraps(desk: LintDesk, study: Study): void {
  eachPair(study, wrapOf, (left, right) => {
    if (!overlap(study, left, right, "E0502")) return;
    const [a, b] = [wrapOf(left.policy), wrapOf(right.policy)];
    tell(
      desk,
      { left, right },
      {
        code: "E0502",
        severity: "error",
        message: `\`${left.policy.name}\` and \`${right.policy.name}\` release the same request with different wraps`,
        label: `here ${b}, there ${a}`,
        helps: advice("agree on one wrap, or make the scopes of the two apart"),
      },
    );
  });
}

/** W0704. */
export function lintTerms(desk: LintDesk, study: Study): void {
  eachPair(study, termsOf, (left, right) => {
    if (!overlap(study, left, right, "W0704")) return;
    tell(
      desk,
      { left, right },
      {
        code: "W0704",
        message: `\`${left.policy.name}\` and \`${right.policy.name}\` release the same request on different terms`,
        label: "the strictest of both hold then",
        helps: advice("give both the same `on release`, or make their scopes apart"),
      },
    );
  });
}

/** W0705: nothing that was not decided goes unsaid. */
export function lintUndecided(desk: LintDesk, study: Study): void {
  for (const [declaration, codes] of study.undecided) {
    warn(
      desk,
      { file: declaration.origin.file, span: declaration.nameSpan },
      {
        code: "W0705",
        message: `\`${declaration.name}\` is too large to be looked at whole`,
        label: `not decided: ${[...codes].sort().join(", ")}`,
        helps: advice("split it by resource, or use fewer conditions that mix many fields"),
      },
    );
  }
}

interface Pair {
  readonly left: PolicyStudy;
  readonly right: PolicyStudy;
}

/** Two policies that differ in a key, where both have it, and that some resource is in the scope of. */
function eachPair(
  { policies }: Study,
  keyOf: (policy: Declaration) => string | undefined,
  look: (left: PolicyStudy, right: PolicyStudy) => void,
): void {
  const groups = Map.groupBy(policies, ({ policy }) => keyOf(policy));
  groups.delete(undefined);
  const seen: PolicyStudy[] = [];
  for (const group of groups.values()) {
    for (const right of group)
      for (const left of seen) if (isNear(left.policy, right.policy)) look(left, right);
    for (const one of group) seen.push(one);
  }
}

function isNear(left: Declaration, right: Declaration): boolean {
  return left.patterns.some((a) => right.patterns.some((b) => meets(a, b)));
}

function overlap(study: Study, left: PolicyStudy, right: PolicyStudy, code: string): boolean {
  const both = study.space.and(left.released, right.released);
  return study.isInhabited(both, { subject: right.policy, code });
}

function tell(desk: LintDesk, { left, right }: Pair, told: Parameters<typeof warn>[2]): void {
  const place = { file: right.policy.origin.file, span: right.policy.nameSpan };
  warn(desk, place, { ...told, notes: [`the other one stands at ${left.policy.at}`] });
}

function wrapOf({ obligations }: Declaration): string | undefined {
  const found = obligations.find(({ kind }) => kind === "wrap");
  return found?.kind === "wrap" ? found.wrap : undefined;
}

function termsOf({ obligations }: Declaration): string {
  return obligations
    .map((one) => termText(one))
    .sort()
    .join("\n");
}
