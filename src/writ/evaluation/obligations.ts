/** What do several allows cost together? Obligations of every policy that grants, strictest wins (WRIT section 9). */
import type { KeyVersion, Obligations, RateLimit, ReleaseLimit } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Declaration, Obligation } from "../program.ts";
import { readField } from "./request.ts";

/** No yes, no cost; and what a yes costs where nothing is said. */
export const NO_OBLIGATIONS: Obligations = {
  maxReleases: [],
  rates: [],
  keyVersion: "current",
  notify: [],
  audit: "full",
};

type OfKind<K extends Obligation["kind"]> = Extract<Obligation, { readonly kind: K }>;

/** @param granting - The policies that grant, in the order of the program. */
export function mergeObligations(granting: readonly Declaration[], facts: Facts): Obligations {
  const [only] = granting;
  if (only === undefined || granting.length > 1) return merged(granting, facts);
  const fixed = alone.get(only) ?? merged(granting, facts);
  alone.set(only, fixed);
  return fixed.maxReleases.length === 0 ? fixed : { ...fixed, maxReleases: releaseLimitsOf(only, facts) };
}

/** What a policy asks when it grants alone: only the values that its releases are counted by are the request's. */
const alone = new WeakMap<Declaration, Obligations>();

function merged(granting: readonly Declaration[], facts: Facts): Obligations {
  const all = granting.flatMap(({ obligations }) => obligations);
  const of = <K extends Obligation["kind"]>(kind: K): readonly OfKind<K>[] =>
    all.filter((one): one is OfKind<K> => one.kind === kind);
  const tokenTtlMs = least(of("token_ttl").map(({ ms }) => ms));
  const reattestMs = least(of("reattest").map(({ ms }) => ms));
  const approvalsExpireMs = least(of("approvals_expire").map(({ ms }) => ms));
  const wraps = [...new Set(of("wrap").map(({ wrap }) => wrap))].sort();
  return {
    ...(tokenTtlMs === undefined ? {} : { tokenTtlMs }),
    maxReleases: granting.flatMap((policy) => releaseLimitsOf(policy, facts)),
    rates: granting.flatMap(ratesOf),
    ...(wraps.length === 0 ? {} : { wrap: wraps.join(" and ") }),
    keyVersion: strictest(of("key_version").map(({ version }) => version)),
    ...(reattestMs === undefined ? {} : { reattestMs }),
    ...(approvalsExpireMs === undefined ? {} : { approvalsExpireMs }),
    notify: [...new Set(of("notify").flatMap(({ names }) => names))].sort(),
    audit:
      of("audit").every(({ level }) => level === "summary") && of("audit").length > 0 ? "summary" : "full",
  };
}

function releaseLimitsOf(declaration: Declaration, facts: Facts): readonly ReleaseLimit[] {
  const policy = `${declaration.module}/${declaration.name}`;
  return declaration.obligations.flatMap((one): readonly ReleaseLimit[] => {
    if (one.kind !== "max_releases") return [];
    const { limit, per, windowMs } = one;
    const counted =
      per === "approvals"
        ? { per, perValue: "" }
        : { per: per.name, perValue: String(readField(facts, per)) };
    return [{ limit, ...counted, ...(windowMs === undefined ? {} : { windowMs }), policy }];
  });
}

function ratesOf(declaration: Declaration): readonly RateLimit[] {
  const policy = `${declaration.module}/${declaration.name}`;
  return declaration.obligations.flatMap((one) =>
    one.kind === "rate" ? [{ limit: one.limit, windowMs: one.windowMs, policy }] : [],
  );
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}

/** `current`, then the highest `>= n`, then `any`; nothing said is `current`. */
function strictest(versions: readonly KeyVersion[]): KeyVersion {
  if (versions.length === 0 || versions.includes("current")) return "current";
  const least = Math.max(
    0,
    ...versions.map((version) => (typeof version === "object" ? version.atLeast : 0)),
  );
  return least === 0 ? "any" : { atLeast: least };
}
