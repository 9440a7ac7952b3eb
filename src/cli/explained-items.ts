/** How does a stored trace read? Item by item; a trace of a newer form is left as it is. */
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import type { Trace } from "../writ/decision.ts";
import { explainTrace } from "../writ/evaluation/explain.ts";

/** `undefined` where the trace is not of the form that this program writes. */
export function explainedItems(stored: JsonValue): string | undefined {
  const items = isObject(stored) ? stored["items"] : undefined;
  if (!isList(items)) return undefined;
  const texts = items.map(itemText);
  return texts.includes(undefined) ? undefined : texts.join("\n");
}

/** What the guest said of itself, for the head of a decision: its own word, which every item shares. */
export function saidRows(stored: JsonValue): readonly string[][] {
  const items = isObject(stored) ? stored["items"] : undefined;
  const first = isList(items) ? items[0] : undefined;
  const facts = first !== undefined && isObject(first) ? first["facts"] : undefined;
  if (!isObject(facts) || facts["posture.age"] === undefined) return [];
  const rows = (["failed", "warned"] as const).flatMap((name) => {
    const checks = facts[`posture.${name}`];
    return isList(checks) ? [[`  ${name}`, checks.map(String).join(", ")]] : [];
  });
  const [failures, warnings] = [facts["posture.failures"], facts["posture.warnings"]].map(String);
  return [["says of itself", `${failures} checks fail, ${warnings} warn`], ...rows];
}

function itemText(item: JsonValue): string | undefined {
  if (!isObject(item) || typeof item["resource"] !== "string" || !isTrace(item["trace"])) return undefined;
  const code = typeof item["code"] === "string" ? `REFUSED (${item["code"]})` : "ALLOWED";
  const own = ["binding", "lease", "missing"].map((name) => item[name]);
  const reasons = own.map((reason) => (typeof reason === "string" ? `${reason}\n` : "")).join("");
  return `${code}  ${item["resource"]}\n${reasons}${explainTrace(item["trace"])}`;
}

function isTrace(value: JsonValue | undefined): value is Trace & JsonObject {
  return isObject(value) && isList(value["declarations"]) && isList(value["revoked"]);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
