/** May this guest have this, says the policy? Bound evidence, bundle and context to an appraisal. It answers; it never throws. */
import type { Brand } from "../base/brand.ts";
import type { BoundEvidence } from "../channel/bind.ts";
import type { ClauseTrace, Decision, DeclarationTrace, Trace } from "../writ/decision.ts";
import { evaluate } from "../writ/evaluation/evaluator.ts";
import { NO_OBLIGATIONS } from "../writ/evaluation/obligations.ts";
import type { Facts } from "../writ/facts.ts";
import type { Bundle } from "./bundle.ts";
import { type FactContext, factsAgain, factsOf, relabelled, type UseContext } from "./facts.ts";
import { isOutdated, type Terms, unmetTerms } from "./obligations.ts";
import { FIELDS } from "./vocabulary-fields.ts";

/** What the broker itself knows of the exchange and of what is asked for. */
export interface AppraisalContext extends FactContext, Terms {}

/** An appraisal as it stands in the trace, the ledger and the answer. */
export interface AppraisalOutcome {
  /** AR4SI: `warning` where a retiring reference value carried the allow. */
  readonly tier: "affirming" | "warning" | "contraindicated";
  readonly isAllowed: boolean;
  /** Why not; for operators only. */
  readonly code: Decision["code"];
  readonly allowedBy: Decision["allowedBy"];
  readonly obligations: Decision["obligations"];
  /** The one text of the policy's author that the guest may read. */
  readonly sentence: string | undefined;
  /** Every clause in scope, expected and received. */
  readonly trace: Trace;
  /** Whether new evidence would change a no: the policy allows this, and `reattest` says that the evidence is too old. */
  readonly isOutdated: boolean;
  /** What the policy saw, so that another one can be asked later; `undefined` where it never came to that. */
  readonly facts: Facts | undefined;
  /** What the exchange offered beside that; there where the facts are. */
  readonly terms: Terms | undefined;
}

/** The policy's answer over bound evidence, now or at the decision of a token. Only this file makes it. */
export type Appraisal = Brand<AppraisalOutcome, "appraised">;

/** Fields that every report and exchange has: a missing one is a fault of the verifier, and releases nothing. */
const ALWAYS_PRESENT = FIELDS.filter(({ absence }) => absence === undefined).map(({ name }) => name);

/** Refusals that no source line explains are explained by these built-in guards. */
const EVIDENCE_GUARD = "ostiary.evidence";
const OBLIGATIONS_GUARD = "ostiary.obligations";

/**
 * Appraises bound evidence against a bundle for one resource.
 *
 * Total: whatever happens inside, the answer is an appraisal, and what is not understood is a no (`internal`). Without a
 * bundle everything is refused (`no-policy`). An allow whose terms this exchange does not meet (`wrap`, `key_version`) is
 * refused as `denied`, with the term as a clause of the trace.
 */
export function appraise(
  bound: BoundEvidence,
  bundle: Bundle | undefined,
  context: AppraisalContext,
): Appraisal {
  try {
    return mark(judged(factsOf(bound, context, bundle?.vcpus), bundle, context));
  } catch {
    return mark(refusalOf("internal", traceWith(context, [])));
  }
}

/** Facts of a decision of this broker, for whoever holds a token of it. The broker alone makes them (`broker/held-decision.ts`). */
export type HeldFacts = Brand<Facts, "held">;

/**
 * Appraises anew over the facts of an earlier decision, for a use of its token (PROTOCOL section 7). Total, as {@link appraise}.
 */
export function appraiseAgain(
  held: HeldFacts,
  bundle: Bundle | undefined,
  context: UseContext & Terms,
): Appraisal {
  try {
    return mark(judged(factsAgain(held, context, bundle?.vcpus), bundle, context));
  } catch {
    return mark(refusalOf("internal", traceWith(context, [])));
  }
}

/** Of a bundle, what it takes to judge. */
type Judge = Pick<Bundle, "program" | "vcpus">;

/** All that an answer depended on: whoever has both can ask another bundle. */
export interface Seen {
  readonly facts: Facts;
  readonly terms: Terms;
}

/**
 * What a bundle says of what was judged before, at the time that it was judged at. Total, as {@link appraise}. It has no mark: nothing
 * can be committed by it.
 */
export function outcomeOver({ facts, terms }: Seen, bundle: Judge | undefined): AppraisalOutcome {
  const resource = String(facts.get("request.resource"));
  try {
    return judged(relabelled(facts, bundle?.vcpus), bundle, { ...terms, resource });
  } catch {
    return refusalOf("internal", traceWith({ resource }, []));
  }
}

/** The only place that makes the mark. */
function mark(outcome: AppraisalOutcome): Appraisal {
  return outcome as Appraisal;
}

type Judging = Terms & Pick<AppraisalContext, "resource">;

function judged(facts: Facts, bundle: Judge | undefined, context: Judging): AppraisalOutcome {
  const seen = { facts, terms: termsOf(context) };
  if (bundle === undefined) return { ...refusalOf("no-policy", traceWith(context, [])), ...seen };
  const missing = ALWAYS_PRESENT.filter((field) => !facts.has(field));
  if (missing.length > 0) {
    const guard = builtInGuard(EVIDENCE_GUARD, missing.map(missingClause));
    return refusalOf("evidence", traceWith(context, [guard]));
  }
  const decision = evaluate(bundle.program, facts);
  if (!decision.isAllowed) {
    const refusal = refusalOf(decision.code ?? "internal", decision.trace, decision.sentence);
    return { ...refusal, ...seen };
  }
  const unmet = unmetTerms(decision.obligations, context);
  if (unmet.length > 0) {
    const refusal = refusalOf("denied", withGuard(decision.trace, unmet));
    return { ...refusal, ...seen, isOutdated: isOutdated(decision.obligations, context) };
  }
  const { allowedBy, obligations, sentence, trace, isRetiring } = decision;
  const tier = isRetiring ? "warning" : "affirming";
  return {
    ...{ tier, isAllowed: true, code: undefined, allowedBy, obligations, sentence, trace, isOutdated: false },
    ...seen,
  };
}

function termsOf({ suite, keyVersion, heldMs }: Judging): Terms {
  return { suite, keyVersion, ...(heldMs === undefined ? {} : { heldMs }) };
}

function refusalOf(
  code: NonNullable<Decision["code"]>,
  trace: Trace,
  sentence?: string | undefined,
): AppraisalOutcome {
  return {
    tier: "contraindicated",
    isAllowed: false,
    code,
    allowedBy: [],
    obligations: NO_OBLIGATIONS,
    sentence,
    trace,
    facts: undefined,
    isOutdated: false,
    terms: undefined,
  };
}

function traceWith(
  context: Pick<AppraisalContext, "resource">,
  declarations: readonly DeclarationTrace[],
): Trace {
  return { resource: context.resource, declarations, revoked: [] };
}

/** Guards come before policies in a trace. */
function withGuard(trace: Trace, unmet: readonly ClauseTrace[]): Trace {
  const { declarations } = trace;
  const guards = declarations.filter(({ kind }) => kind === "guard");
  const policies = declarations.filter(({ kind }) => kind === "policy");
  return { ...trace, declarations: [...guards, builtInGuard(OBLIGATIONS_GUARD, unmet), ...policies] };
}

function builtInGuard(name: string, clauses: readonly ClauseTrace[]): DeclarationTrace {
  return { kind: "guard", name, module: "ostiary", passes: false, clauses };
}

function missingClause(field: string): ClauseTrace {
  return {
    clause: { kind: "require", at: "", text: `require has ${field}` },
    verdict: "x",
    when: {
      atom: { at: "", field, wanted: "present" },
      verdict: "x",
      note: "always present in verified evidence",
    },
  };
}
