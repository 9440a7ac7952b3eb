/** What does a yes cost, and can this exchange pay it? Counters for the broker, and terms that the exchange must meet. */
import type { ClauseTrace, Obligations } from "../writ/decision.ts";
import { WRAP_OF_SUITE } from "./wraps.ts";

/** One use of a counter, consumed with the decision: there is room while fewer than `limit` lie within the window. */
export interface CounterUse {
  /** Stable over changes of the limit, so that a new number does not forget what was used. */
  readonly key: string;
  readonly limit: number;
  /** `undefined`: for ever. */
  readonly windowSeconds: number | undefined;
}

/** What the exchange offers, against which obligations are held. */
export interface Terms {
  /** The suite the guest asked for (PROTOCOL section 1); 0 is the KBS exchange, which has none of them. */
  readonly suite: 0 | 1 | 2 | 3;
  /** The version that would be released, and the current one, if one is; `undefined` where no stored key is asked for. */
  readonly keyVersion: { readonly wanted: number; readonly current: number | undefined } | undefined;
  /** How long ago the guest was attested, where it uses a token of that. */
  readonly heldMs?: number;
}

const DEFAULT_TOKEN_TTL_MS = 60_000;
const MAX_TOKEN_TTL_SECONDS = 300;
const DEFAULT_APPROVAL_MS = 900_000;
/** No approval of a request lives longer, whatever a policy says (WRIT section 8.4). */
export const MAX_APPROVAL_SECONDS = 3600;

/**
 * The counters that a release uses, each key once. Windows are whole seconds, rounded up: a longer window is the stricter one.
 * Nothing in a key but the counted value is free text, and that stands between fields without `|`, so keys do not collide.
 *
 * @param approvals - What `per approvals` counts by: which approvals this release rests on.
 */
export function counterUses(obligations: Obligations, approvals = ""): readonly CounterUse[] {
  const uses = new Map<string, CounterUse>();
  for (const { limit, per, perValue, windowMs, policy } of obligations.maxReleases) {
    const windowSeconds = windowMs === undefined ? undefined : secondsOf(windowMs);
    putUse(uses, {
      key: `max_releases|${policy}|${per}|${per === "approvals" ? approvals : perValue}|${windowSeconds ?? "ever"}`,
      limit,
      windowSeconds,
    });
  }
  for (const { limit, windowMs, policy } of obligations.rates) {
    const windowSeconds = secondsOf(windowMs);
    putUse(uses, { key: `rate|${policy}|${windowSeconds}`, limit, windowSeconds });
  }
  return [...uses.values()];
}

/** Two limits of one policy over the same count are one counter: the lower limit rules, and a release is counted once. */
function putUse(uses: Map<string, CounterUse>, use: CounterUse): void {
  const known = uses.get(use.key);
  if (known === undefined || use.limit < known.limit) uses.set(use.key, use);
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

/**
 * After how many seconds a guest has to show new evidence, where a policy says so. Rounded down: sooner is the stricter one.
 *
 * @param heldMs - How old its evidence is by now: time counts from there, whatever was given since.
 */
export function reattestSeconds({ reattestMs }: Obligations, heldMs = 0): number | undefined {
  return reattestMs === undefined ? undefined : Math.max(1, Math.floor((reattestMs - heldMs) / 1000));
}

/** How long people's approval of a request is good for: 15 minutes unless a policy says otherwise. Rounded down, at most an hour. */
export function approvalSeconds({ approvalsExpireMs = DEFAULT_APPROVAL_MS }: Obligations): number {
  return Math.min(MAX_APPROVAL_SECONDS, Math.max(1, Math.floor(approvalsExpireMs / 1000)));
}

/** How long a guest holds a leased secret: as long as the secret says, and not beyond the time to attest again. */
export function leaseTermSeconds(obligations: Obligations, leaseSeconds: number, heldMs = 0): number {
  return Math.min(leaseSeconds, reattestSeconds(obligations, heldMs) ?? leaseSeconds);
}

/**
 * How long a token may live: 60 s unless a policy says otherwise, never more than the broker's configured maximum, than the time
 * to attest again, nor than 300 s (PROTOCOL section 7).
 */
export function tokenTtlSeconds(
  obligations: Obligations,
  maxSeconds: number = MAX_TOKEN_TTL_SECONDS,
  heldMs = 0,
): number {
  const wanted = Math.floor((obligations.tokenTtlMs ?? DEFAULT_TOKEN_TTL_MS) / 1000);
  return Math.min(MAX_TOKEN_TTL_SECONDS, maxSeconds, wanted, reattestSeconds(obligations, heldMs) ?? wanted);
}

/**
 * The terms that this exchange does not meet, as clauses of a trace, so that a refusal by them is explained like any other:
 * `wrap` names another suite than the guest's, `key_version` another version than the one asked for, and `reattest` a time that is
 * over.
 */
export function unmetTerms(obligations: Obligations, terms: Terms): readonly ClauseTrace[] {
  const unmet: ClauseTrace[] = [];
  const { wrap, keyVersion } = obligations;
  const offered = WRAP_OF_SUITE[terms.suite];
  if (wrap !== undefined && wrap !== offered) {
    unmet.push(
      unmetClause({
        obligation: `wrap ${wrap}`,
        field: "wrap",
        wanted: `== ${wrap}`,
        got: offered ?? "none",
      }),
    );
  }
  if (terms.keyVersion !== undefined) {
    const { wanted } = terms.keyVersion;
    const expected = expectedVersion(keyVersion, terms.keyVersion);
    if (expected !== undefined) {
      const word = typeof keyVersion === "string" ? keyVersion : `>= ${keyVersion.atLeast}`;
      const obligation = `key_version ${word}`;
      unmet.push(unmetClause({ obligation, field: "key_version", wanted: expected, got: wanted }));
    }
  }
  const { reattestMs } = obligations;
  if (isOutdated(obligations, terms)) {
    const obligation = `reattest every ${reattestMs}ms`;
    unmet.push(
      unmetClause({ obligation, field: "reattest", wanted: `<= ${reattestMs}ms`, got: `${terms.heldMs}ms` }),
    );
  }
  return unmet;
}

/** Whether the policy would have it, were the evidence not older than it may be. */
export function isOutdated({ reattestMs }: Obligations, { heldMs }: Pick<Terms, "heldMs">): boolean {
  return reattestMs !== undefined && heldMs !== undefined && heldMs > reattestMs;
}

/** What was expected of the version, where the one that is wanted is another. Where no version is current, none meets `current`. */
function expectedVersion(
  rule: Obligations["keyVersion"],
  { wanted, current }: NonNullable<Terms["keyVersion"]>,
): string | undefined {
  if (rule === "any") return undefined;
  if (rule === "current") return wanted === current ? undefined : `== ${current ?? "none"}`;
  return wanted >= rule.atLeast ? undefined : `>= ${rule.atLeast}`;
}

interface UnmetTerm {
  readonly obligation: string;
  readonly field: string;
  readonly wanted: string;
  readonly got: string | number;
}

function unmetClause({ obligation, field, wanted, got }: UnmetTerm): ClauseTrace {
  return {
    clause: { kind: "require", at: "", text: obligation, from: "on release" },
    verdict: "x",
    when: { atom: { at: "", field, wanted }, verdict: "x", got },
  };
}
