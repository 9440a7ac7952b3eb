/** Why does one side refuse? The clause that an operator would look at first. */
import type { ClauseText, ClauseTrace, ConditionTrace, Decision, DeclarationTrace } from "../decision.ts";

/** `fields` are those that the clause looks at; `at` is missing where no clause speaks. */
export interface Refusal {
  readonly text: string;
  readonly at: string | undefined;
  readonly fields: readonly string[];
}

/**
 * `undefined` where the decision is a yes.
 *
 * @param about - A clause that is told of before others, where it fails too.
 */
export function refusalOf(
  { isAllowed, code, trace }: Pick<Decision, "isAllowed" | "code" | "trace">,
  about?: ClauseText,
): Refusal | undefined {
  if (isAllowed) return undefined;
  const [revoked] = trace.revoked;
  if (code === "revoked" && revoked !== undefined) {
    return {
      text: `"${revoked.label}" of ${revoked.set} is revoked`,
      at: revoked.at,
      fields: [revoked.field],
    };
  }
  const failing = failingClause(trace.declarations, about);
  if (failing === undefined) {
    const text = code === "no-policy" ? "no policy speaks of it" : "no allow holds";
    return { text, at: undefined, fields: [] };
  }
  const fields = failing.when === undefined ? [] : fieldsOf(failing.when);
  return { text: failing.clause.text, at: failing.clause.at, fields };
}

/** Guards first, then the policy with the fewest failures. */
function failingClause(
  declarations: readonly DeclarationTrace[],
  about: ClauseText | undefined,
): ClauseTrace | undefined {
  const failing = declarations
    .map(({ kind, clauses }) => ({ kind, failures: clauses.filter(isFailing) }))
    .filter(({ failures }) => failures.length > 0);
  const ranked = failing.toSorted(
    (a, b) =>
      Number(a.kind === "policy") - Number(b.kind === "policy") || a.failures.length - b.failures.length,
  );
  const meant = ranked
    .flatMap(({ failures }) => failures)
    .find(({ clause }) => clause.at === about?.at && clause.text === about.text);
  return meant ?? ranked[0]?.failures[0];
}

function isFailing({ clause, verdict }: ClauseTrace): boolean {
  if (clause.kind === "allow") return false;
  return clause.kind === "require" ? verdict !== "ok" : verdict !== "x";
}

function fieldsOf(condition: ConditionTrace): readonly string[] {
  return "of" in condition ? condition.of.flatMap(fieldsOf) : [condition.atom.field];
}

/** The same decision; what these fields had is not shown, because nobody wrote it. */
export function withoutInvented(decision: Decision, invented: ReadonlySet<string>): Decision {
  if (invented.size === 0) return decision;
  const declarations = decision.trace.declarations.map((declaration) => ({
    ...declaration,
    clauses: declaration.clauses.map((clause) =>
      clause.when === undefined ? clause : { ...clause, when: hidden(clause.when, invented) },
    ),
  }));
  return { ...decision, trace: { ...decision.trace, declarations } };
}

function hidden(condition: ConditionTrace, invented: ReadonlySet<string>): ConditionTrace {
  if ("of" in condition) return { ...condition, of: condition.of.map((one) => hidden(one, invented)) };
  return invented.has(condition.atom.field) && condition.got !== undefined
    ? { ...condition, got: "(any other value)" }
    : condition;
}
