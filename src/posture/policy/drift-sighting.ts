/** How is it told that what is live is not what was declared, and since when is it so? */
import { type Instant, instant } from "../../base/time.ts";
import type { Drift, PolicyFiles } from "../../policy/drift.ts";
import type { Sighting } from "../../wire/finding-messages.ts";

export const DRIFT_CLASS = "policy-drift";
export const DRIFT_SUBJECT = "policy";

/** Sources that somebody declared to be what is live, as they are now. */
export interface Declared {
  /** How an operator knows them. */
  readonly name: string;
  readonly files: PolicyFiles;
  /** When one of them was written last. */
  readonly changedAt: Instant;
}

/** Whichever of the two changed last made them differ. */
export function driftSighting(
  { name, changedAt }: Pick<Declared, "name" | "changedAt">,
  { kind, added, changed, removed }: Drift,
  { owner, liveAt = instant(0) }: { readonly owner: string; readonly liveAt?: Instant | undefined },
): Sighting {
  const isMeaning = kind === "meaning";
  return {
    class: DRIFT_CLASS,
    subject: DRIFT_SUBJECT,
    severity: isMeaning ? "high" : "low",
    owner,
    sentence: `what is live is not what ${name} declares: ${
      isMeaning
        ? "what they release differs, or nobody could decide whether it does"
        : "other bytes, which mean the same"
    }`,
    advice: `see with \`ostiary policy plan ${name}\`; apply it, or find out who activated something else`,
    introducedAt: liveAt > changedAt ? liveAt : changedAt,
    evidence: { kind, added: [...added], changed: [...changed], removed: [...removed] },
  };
}
