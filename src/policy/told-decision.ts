/** What did a decision see, of each thing that was wanted? The trace that was kept of it, read again. */
import type { JsonValue } from "../base/canonical-json.ts";
import { isJsonObject } from "../base/shape.ts";
import type { Seen } from "./appraise.ts";
import { allFactsOfTold } from "./told-facts.ts";
import { termsOfTold } from "./told-terms.ts";

/** One resource that was decided about. */
export interface ToldItem {
  readonly resource: string;
  /** Why the policy refused it; nothing where it allowed it, though the broker may have had reasons of its own. */
  readonly code: string | undefined;
  /** What the policy saw; `undefined` where it was never asked, or an earlier version kept less. */
  readonly seen: Seen | undefined;
}

/** Refusals of the broker's own, where the policy allowed. */
export const BROKERS_OWN: ReadonlySet<string> = new Set([
  "no-secret",
  "wrong-binding",
  "lease-held",
  "other-version",
]);

/** @returns `undefined` for what no broker writes as the items of a trace. */
export function toldItems(items: JsonValue | undefined): readonly ToldItem[] | undefined {
  if (!Array.isArray(items)) return undefined;
  const told: ToldItem[] = [];
  for (const item of items) {
    const one = itemOf(item);
    if (one === undefined) return undefined;
    told.push(one);
  }
  return told;
}

function itemOf(item: JsonValue): ToldItem | undefined {
  if (!isJsonObject(item)) return undefined;
  const { resource, code, facts, terms } = item;
  const isCode = code === null || typeof code === "string";
  if (typeof resource !== "string" || !isCode) return undefined;
  const why = code === null || BROKERS_OWN.has(code) ? undefined : code;
  const seen = facts === undefined || terms === undefined ? undefined : seenOf(facts, terms);
  return { resource, code: why, seen: seen?.facts.get("request.resource") === resource ? seen : undefined };
}

function seenOf(told: JsonValue, offered: JsonValue): Seen | undefined {
  const facts = isJsonObject(told) ? allFactsOfTold(told) : undefined;
  const terms = termsOfTold(offered);
  return facts === undefined || terms === undefined ? undefined : { facts, terms };
}
