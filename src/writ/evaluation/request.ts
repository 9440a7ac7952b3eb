/** What does a condition see of one request? Its facts, and the few that choose a window or a row. */
import { type Facts, type FactValue, isVector } from "../facts.ts";
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

/** The fact behind a field: a component is read from its vector, and nobody's approval is 0 approvals. */
export function readField(facts: Facts, { key, component, fallback }: FieldRef): FactValue | undefined {
  const value = facts.get(key) ?? fallback;
  if (component === undefined || value === undefined) return value;
  return isVector(value) ? value[component] : undefined;
}

/** Half open; a missing window means always. */
export function isWithin(window: Window | undefined, now: number): boolean {
  return window === undefined || (now >= window.from && (window.to === undefined || now < window.to));
}
