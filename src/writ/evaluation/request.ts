/** What does a condition see of one request? Its facts, and the few that choose a window or a row. */
import type { Facts, FactValue, TcbFact } from "../facts.ts";
import type { FieldRef, Window } from "../program.ts";

/** One request while one declaration judges it. */
export interface Request {
  readonly facts: Facts;
  /** Unix seconds. */
  readonly now: number;
  readonly product: string | undefined;
  readonly silicon: string | undefined;
  /** Set when a membership rests on a retiring entry alone. */
  isRetiring: boolean;
}

/** The fact behind a field: a component is read from its vector. */
export function readField(facts: Facts, { key, component }: FieldRef): FactValue | undefined {
  const value = facts.get(key);
  if (component === undefined || value === undefined) return value;
  return isVector(value) ? value[component] : undefined;
}

/** Half open; a missing window means always. */
export function isWithin(window: Window | undefined, now: number): boolean {
  return window === undefined || (now >= window.from && (window.to === undefined || now < window.to));
}

export function isVersion(value: FactValue): value is readonly [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every((part) => typeof part === "number");
}

export function isVector(value: FactValue): value is TcbFact {
  return typeof value === "object" && !Array.isArray(value);
}
