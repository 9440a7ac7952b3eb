/** Which atoms does a condition hold? All of them, in order. */
import type { Atom, Condition } from "./program.ts";

export function atomsOf(condition: Condition): readonly Atom[] {
  return condition.kind === "atom" ? [condition] : condition.members.flatMap(atomsOf);
}
