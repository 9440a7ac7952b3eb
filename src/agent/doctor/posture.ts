/** What of a doctor's findings may a broker be told? Which of them are bad, by their names; small, and the same for the same guest. */
import type { JsonObject } from "../../base/canonical-json.ts";
import type { Finding, Severity } from "./finding.ts";

/** The `posture` object of claims (PROTOCOL section 4): what a guest says of itself, and no more than that. */
export function postureOf(findings: readonly Finding[]): JsonObject {
  const named = (wanted: Severity): readonly string[] => {
    const ids = findings.filter(({ severity }) => severity === wanted).map(({ id }) => id);
    return [...new Set(ids)].sort();
  };
  return { v: 1, errors: named("error"), warnings: named("warning"), notes: named("note") };
}
