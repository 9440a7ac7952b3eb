/** Has this JSON value exactly this shape? Tables of rules for what we hash or sign; a member that has no rule is a no. */
import type { JsonObject, JsonValue } from "./canonical-json.ts";

/** Says whether a member may have this value; `undefined` is an absent one. */
export type Rule = (value: JsonValue | undefined) => boolean;

/** One rule for each member of a type, optional ones too. */
export type Shape<T> = { readonly [Name in keyof T]-?: Rule };

/** Whether a value is an object with these members and no others, each as its rule says. */
export function hasShape(value: JsonValue | undefined, rules: Readonly<Record<string, Rule>>): boolean {
  if (!isJsonObject(value)) return false;
  const isKnown = Object.keys(value).every((name) => Object.hasOwn(rules, name));
  const membersHold = Object.entries(rules).every(([name, rule]) =>
    rule(Object.hasOwn(value, name) ? value[name] : undefined),
  );
  return isKnown && membersHold;
}

/** Whether a value is a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text that the pattern, which anchors itself, matches. */
export function text(pattern: RegExp): Rule {
  return (value) => typeof value === "string" && pattern.test(value);
}

/** A whole number from `least` to `most`, both included. */
export function integer(least: number, most: number): Rule {
  return (value) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most;
}

/** One of these scalars. */
export function oneOf(...values: readonly (string | number | boolean | null)[]): Rule {
  return (value) => values.some((known) => known === value);
}

/** Absent, or as the rule says. */
export function optional(rule: Rule): Rule {
  return (value) => value === undefined || rule(value);
}

/** A list of `least` to `most` elements, each as the rule says. */
export function list(rule: Rule, least: number, most: number): Rule {
  return (value) =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every((one) => rule(one));
}

/** An object with exactly the members of the shape. */
export function object(rules: Readonly<Record<string, Rule>>): Rule {
  return (value) => hasShape(value, rules);
}

/** Lower-case hex of so many bytes. */
export function hex(size: number): Rule {
  return text(new RegExp(`^[0-9a-f]{${2 * size}}$`));
}
