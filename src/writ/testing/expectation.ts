/** Is this decision what the test expects? If not: what was expected, and what came. */
import type { ClauseTrace, Decision, Obligations } from "../decision.ts";
import { termText } from "../diff/term-text.ts";
import type { Term } from "../program.ts";
import type { Because, Expected } from "../test-case.ts";

/** `undefined` where it is. */
export function complaintOf(expected: Expected, decision: Decision): string | undefined {
  if (expected.outcome === "deny") return complaintOfDeny(expected.because, decision);
  if (!decision.isAllowed) return `expected a release, and it is refused: ${decision.code}`;
  const { by, terms } = expected;
  const labels = decision.allowedBy.map(({ label }) => label);
  if (by !== undefined && !labels.includes(by)) {
    const held = labels.map((label) => (label === undefined ? "an allow without a label" : `"${label}"`));
    return `expected a release by "${by}", and it is by ${held.join(", ")}`;
  }
  const unmet = terms.find((term) => !isMet(term, decision.obligations));
  return unmet === undefined ? undefined : `expected ${termText(unmet)}, which the release does not demand`;
}

function complaintOfDeny(because: Because | undefined, decision: Decision): string | undefined {
  if (decision.isAllowed) {
    const by = decision.allowedBy.map(({ policy, label }) =>
      label === undefined ? policy : `"${label}" of ${policy}`,
    );
    return `expected a refusal, and it is released by ${by.join(", ")}`;
  }
  if (because === undefined) return undefined;
  if ("text" in because) {
    const reasons = decision.trace.declarations.flatMap(({ clauses }) =>
      clauses.filter(isFailing).flatMap(({ clause }) => clause.reason ?? []),
    );
    if (reasons.includes(because.text)) return undefined;
    const said =
      reasons.length === 0 ? "no clause that fails says why" : `it is refused because ${quoted(reasons)}`;
    return `expected a refusal because "${because.text}", and ${said} (${decision.code})`;
  }
  if (because.code !== decision.code) {
    return `expected a refusal with \`${because.code}\`, and it is \`${decision.code}\``;
  }
  const { set, label } = because;
  const revoked = decision.trace.revoked.some((one) => one.set === set && one.label === label);
  if (set === undefined || revoked) return undefined;
  return `expected entry "${label}" of ${set} to be the reason, and it is not`;
}

function quoted(texts: readonly string[]): string {
  return [...new Set(texts)].map((text) => `"${text}"`).join(", ");
}

function isFailing({ clause, verdict }: ClauseTrace): boolean {
  return clause.kind === "deny" ? verdict !== "x" : clause.kind === "require" && verdict !== "ok";
}

/** What a release with this one obligation would demand is among what it demands. */
function isMet(term: Term, obligations: Obligations): boolean {
  switch (term.kind) {
    case "token_ttl":
      return obligations.tokenTtlMs === term.ms;
    case "reattest":
      return obligations.reattestMs === term.ms;
    case "approvals_expire":
      return obligations.approvalsExpireMs === term.ms;
    case "wrap":
      return obligations.wrap === term.wrap;
    case "audit":
      return obligations.audit === term.level;
    case "notify":
      return term.names.every((name) => obligations.notify.includes(name));
    case "key_version":
      return JSON.stringify(obligations.keyVersion) === JSON.stringify(term.version);
    case "rate":
      return obligations.rates.some((one) => one.limit === term.limit && one.windowMs === term.windowMs);
    case "max_releases": {
      const per = term.per === "approvals" ? "approvals" : term.per.name;
      return obligations.maxReleases.some(
        (one) => one.limit === term.limit && one.per === per && one.windowMs === term.windowMs,
      );
    }
  }
}
