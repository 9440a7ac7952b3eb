/** What do true, false and unknown make together? Kleene's tables (WRIT section 2, rule 5). */
import type { Verdict } from "../decision.ts";

export function negated(verdict: Verdict): Verdict {
  if (verdict === "?") return "?";
  return verdict === "ok" ? "x" : "ok";
}

/** `a and b`. The neutral element is `ok`. */
export function both(a: Verdict, b: Verdict): Verdict {
  if (a === "x" || b === "x") return "x";
  return a === "ok" ? b : "?";
}

/** `a or b`. The neutral element is `x`. */
export function either(a: Verdict, b: Verdict): Verdict {
  if (a === "ok" || b === "ok") return "ok";
  return a === "x" ? b : "?";
}
