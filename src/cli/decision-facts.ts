/** What did a decision see? The facts of each item, from the JSON of `decision show --json`. */
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { BROKERS_OWN } from "../policy/told-decision.ts";
import { SNP_VOCABULARY } from "../policy/vocabulary.ts";
import type { Facts } from "../writ/facts.ts";
import { factsOfJson } from "./request-facts.ts";

/** One resource that was decided about. */
export interface DecidedItem {
  readonly id: string;
  readonly resource: string;
  /** Why the policy refused it; nothing where it allowed it, though the secret may have been missing. */
  readonly code: string | undefined;
  readonly facts: Facts;
}

/** Whether an object is a decision, and not facts. */
export function isDecision(value: JsonObject): boolean {
  return value["kind"] === "decision" || value["kind"] === "refusal";
}

/**
 * The items of a decision whose facts were kept. A line of the decision log has none: it failed before any policy was asked.
 *
 * @throws {@link Fault} `request/malformed` for another form.
 */
export function decidedItems(decision: JsonObject): readonly DecidedItem[] {
  const { id, trace } = decision;
  if (decision["kind"] === "refusal") return [];
  const items = isObject(trace) ? trace["items"] : undefined;
  if (typeof id !== "string" || !isList(items)) throw malformed();
  return items.flatMap((item) => {
    if (!isObject(item) || typeof item["resource"] !== "string") throw malformed();
    const { resource, code, facts } = item;
    if (facts === undefined) return [];
    if (!isObject(facts)) throw malformed();
    const why = typeof code === "string" && !BROKERS_OWN.has(code) ? code : undefined;
    return [{ id, resource, code: why, facts: factsOfJson(facts, SNP_VOCABULARY) }];
  });
}

function malformed(): Fault {
  return new Fault("request/malformed", "expected decisions as `ostiary decision show ID --json` tells them");
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
