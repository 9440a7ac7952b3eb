/** Which revoked reference values does a request show? For every module with something in scope (WRIT section 2, rule 6). */
import type { RevocationTrace } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Module } from "../program.ts";

/** Revoked entries of one set, by value. */
export interface RevokedSet {
  readonly field: string;
  readonly byValue: ReadonlyMap<string, RevocationTrace>;
}

export function revokedSetsOf({ revocable }: Module): readonly RevokedSet[] {
  return revocable.flatMap(({ name, field, entries }) => {
    const byValue = new Map(
      entries
        .filter(({ state }) => state === "revoked")
        .map(({ value, label, at }) => [value, { set: name, label, field, at }] as const),
    );
    return byValue.size === 0 ? [] : [{ field, byValue }];
  });
}

const NONE: readonly RevocationTrace[] = [];

/** Each revoked entry that the facts equal, once, by place. A set that several modules know is asked for each. */
export function revocationsIn(
  modules: readonly { readonly revoked: readonly RevokedSet[] }[],
  facts: Facts,
): readonly RevocationTrace[] {
  let found: RevocationTrace[] | undefined;
  for (const { revoked } of modules) {
    for (const { field, byValue } of revoked) {
      const value = facts.get(field);
      const entry = typeof value === "string" ? byValue.get(value) : undefined;
      if (entry !== undefined) found = [...(found ?? []), entry];
    }
  }
  return found === undefined ? NONE : inOrder(found);
}

function inOrder(found: readonly RevocationTrace[]): readonly RevocationTrace[] {
  const unique = new Map(found.map((entry) => [`${entry.at} ${entry.set} ${entry.label}`, entry]));
  return [...unique.keys()].sort().flatMap((key) => unique.get(key) ?? []);
}
