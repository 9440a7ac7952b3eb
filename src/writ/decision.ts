/** What is the answer to a request? Yes or no, why, at what cost: plain data. */

export type DecisionCode =
  | "no-policy"
  | "require-failed"
  | "denied"
  | "guard-failed"
  | "revoked"
  | "no-allow"
  | "counter"
  | "evidence"
  | "internal";

/** An allow that held. `module` is the path of the source file where the file names no module. */
export interface Grant {
  readonly module: string;
  readonly policy: string;
  readonly label: string | undefined;
}

/** At most `limit` releases per value of a field, within a sliding window or for ever. */
export interface ReleaseLimit {
  readonly limit: number;
  /** A field, or `approvals`: then the counter belongs to the set of approvals that was used, and `perValue` is empty. */
  readonly per: string;
  readonly perValue: string;
  readonly windowMs?: number;
  /** `module/policy`, so that equal names in two modules count apart. */
  readonly policy: string;
}

export interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
  readonly policy: string;
}

/** `atLeast`: that version or a later one. */
export type KeyVersion = "current" | "any" | { readonly atLeast: number };

/** What a release must obey: the obligations of every policy that grants, strictest first (WRIT section 9). */
export interface Obligations {
  readonly tokenTtlMs?: number;
  readonly maxReleases: readonly ReleaseLimit[];
  readonly rates: readonly RateLimit[];
  /** The suite that granting policies name. Where they disagree, all of them joined by "and": no exchange can meet that. */
  readonly wrap?: string;
  readonly keyVersion: KeyVersion;
  readonly reattestMs?: number;
  readonly approvalsExpireMs?: number;
  readonly notify: readonly string[];
  readonly audit: "full" | "summary";
}

/** `ok` true, `x` false, `?` unknown: of an atom, a condition, or a clause as it stands. */
export type Verdict = "ok" | "x" | "?";

/** What an atom asks, known before any request. `at` is line and column in the file of its declaration. */
export type AtomText = {
  readonly at: string;
  readonly field: string;
  readonly wanted: string;
};

export type TraceValue = string | number | boolean | readonly string[] | Readonly<Record<string, number>>;

/** An atom as it was judged. `got` is missing where the field was absent. */
export type AtomTrace = {
  readonly atom: AtomText;
  readonly verdict: Verdict;
  readonly got?: TraceValue;
  readonly note?: string;
};

/** A combination of conditions as it was judged. */
export type GroupTrace = {
  readonly group: "and" | "or" | "not" | "all" | "any" | "none";
  readonly verdict: Verdict;
  readonly of: readonly ConditionTrace[];
};

export type ConditionTrace = AtomTrace | GroupTrace;

/** What a clause says, known before any request. */
export type ClauseText = {
  readonly kind: "require" | "allow" | "deny";
  /** `file:line` of the clause; of the use, where a template or a platform made it. */
  readonly at: string;
  readonly text: string;
  readonly label?: string;
  /** The author's `else` or `because`. */
  readonly reason?: string;
  /** `platform aws`, `template base`: where the clause comes from, if it is not written in the declaration. */
  readonly from?: string;
};

/** A clause as it was judged. A clause without a condition (`allow "x"`) has no `when`. */
export type ClauseTrace = {
  readonly clause: ClauseText;
  /** Of the condition: `x` on a deny means that it did not fire; `?` on a deny means that it fired on unknown. */
  readonly verdict: Verdict;
  readonly when?: ConditionTrace;
};

/** A policy or guard that was in scope. `passes`: every require holds and no deny fires. */
export type DeclarationTrace = {
  readonly kind: "guard" | "policy";
  readonly name: string;
  readonly module: string;
  readonly passes: boolean;
  readonly clauses: readonly ClauseTrace[];
};

/** A revoked entry that matched. */
export type RevocationTrace = {
  readonly set: string;
  readonly label: string;
  readonly field: string;
  readonly at: string;
};

/**
 * Every clause in scope as it was judged: guards by name, then policies by name. JSON as it stands, and therefore type
 * aliases: an interface is not assignable to `JsonValue`.
 */
export type Trace = {
  readonly resource: string;
  readonly declarations: readonly DeclarationTrace[];
  readonly revoked: readonly RevocationTrace[];
};

/** The answer. `sentence` is the one text that the guest may see; the code and the trace are for operators. */
export interface Decision {
  readonly isAllowed: boolean;
  readonly code: DecisionCode | undefined;
  readonly allowedBy: readonly Grant[];
  readonly trace: Trace;
  readonly obligations: Obligations;
  readonly sentence: string | undefined;
  /** Whether the release rests on a reference value that is being retired. */
  readonly isRetiring: boolean;
}
