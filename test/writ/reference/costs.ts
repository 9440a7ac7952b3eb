/** What must a release obey? Naively: the table of WRIT section 9, row by row. */
import type { KeyVersion, Obligations } from "../../../src/writ/decision.ts";
import type { Facts } from "../../../src/writ/facts.ts";
import type { Literal, ObligationItem } from "../../../src/writ/syntax/ast.ts";
import type { Ruling } from "./decide.ts";
import { read } from "./truth.ts";

interface Owed {
  readonly policy: string;
  readonly item: ObligationItem;
  readonly number: (literal: Literal) => number;
}

/** @param granting - The policies that grant this request. */
export function costsOf(granting: readonly Ruling[], facts: Facts): Obligations {
  const owed = granting.flatMap(({ module, name, obligations }) =>
    obligations.map(
      ({ item, names }): Owed => ({
        policy: `${module}/${name}`,
        item,
        number: (literal) => {
          const value = literal.kind === "name" ? names.values.get(literal.text) : literal;
          if (value?.kind === "int" || value?.kind === "duration") return value.value;
          throw new Error("an obligation without a number");
        },
      }),
    ),
  );
  const least = (kind: string): number | undefined => leastOf(owed, kind);
  const [tokenTtlMs, reattestMs, approvalsExpireMs] = ["token_ttl", "reattest", "approvals_expire"].map(
    least,
  );
  const wraps = owed.flatMap(({ item }) => (item.kind === "wrap" ? [item.wrap.text] : []));
  const audits = owed.flatMap(({ item }) => (item.kind === "audit" ? [item.level] : []));
  return {
    ...(tokenTtlMs === undefined ? {} : { tokenTtlMs }),
    maxReleases: owed.flatMap((one) => limitOf(one, facts)),
    rates: owed.flatMap(({ item, number, policy }) =>
      item.kind === "rate" ? [{ limit: number(item.limit), windowMs: number(item.per), policy }] : [],
    ),
    ...(wraps.length === 0 ? {} : { wrap: distinct(wraps).join(" and ") }),
    keyVersion: keyVersionOf(owed),
    ...(reattestMs === undefined ? {} : { reattestMs }),
    ...(approvalsExpireMs === undefined ? {} : { approvalsExpireMs }),
    notify: distinct(
      owed.flatMap(({ item }) => (item.kind === "notify" ? item.names.map(({ value }) => value) : [])),
    ),
    audit: audits.length > 0 && !audits.includes("full") ? "summary" : "full",
  };
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

function leastOf(owed: readonly Owed[], wanted: string): number | undefined {
  const values = owed.flatMap(({ item, number }) =>
    "duration" in item && item.kind === wanted ? [number(item.duration)] : [],
  );
  return values.sort((a, b) => a - b)[0];
}

function limitOf({ item, number, policy }: Owed, facts: Facts): Obligations["maxReleases"] {
  if (item.kind !== "max_releases") return [];
  const per = item.per.text;
  const window = item.within === undefined ? {} : { windowMs: number(item.within) };
  const perValue = per === "approvals" ? "" : String(read(facts, per));
  return [{ limit: number(item.limit), per, perValue, ...window, policy }];
}

/** `current`, then the highest `>= n`, then `any`; `current` where nothing is said. */
function keyVersionOf(owed: readonly Owed[]): KeyVersion {
  const asked = owed.flatMap(({ item, number }): readonly KeyVersion[] => {
    if (item.kind !== "key_version") return [];
    return [typeof item.version === "object" ? { atLeast: number(item.version.atLeast) } : item.version];
  });
  if (asked.length === 0 || asked.includes("current")) return "current";
  const levels = asked.flatMap((one) => (typeof one === "object" ? [one.atLeast] : []));
  return levels.length === 0 ? "any" : { atLeast: Math.max(...levels) };
}
