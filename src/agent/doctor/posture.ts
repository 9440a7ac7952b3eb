/** What of a doctor's findings is a broker told? Which checks pass, warn and fail, by their names; small, and the same for the same guest. */
import type { GuestPosture } from "../../policy/guest-posture.ts";
import type { Finding, Severity } from "./finding.ts";
import type { HardeningFacts } from "./hardening-facts.ts";

/**
 * The `posture` object of claims (PROTOCOL section 4): what a guest says of itself, and no more than that. A check that is a note stands
 * in no list: it is not passed. Of several findings of one name the worst counts.
 */
export function postureOf(
  findings: readonly Finding[],
  facts: HardeningFacts & Pick<GuestPosture, "agent"> = {},
): GuestPosture {
  const worst = new Map<string, Severity>();
  for (const { id, severity } of findings) {
    const known = worst.get(id);
    if (known === undefined || RANK.indexOf(severity) > RANK.indexOf(known)) worst.set(id, severity);
  }
  const named = (wanted: Severity): readonly string[] =>
    Array.from(worst, ([id, severity]) => (severity === wanted ? [id] : []))
      .flat()
      .sort();
  return { v: 1, passed: named("ok"), warned: named("warning"), failed: named("error"), ...facts };
}

const RANK: readonly Severity[] = ["ok", "note", "warning", "error"];
