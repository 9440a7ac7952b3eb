/** What is a rule about guests? Whom it looks at, what it looks at, and what it says where that is not good. */
import type { Instant } from "../../base/time.ts";
import type { Severity } from "../../wire/finding-messages.ts";
import type { Guest, Image } from "../../wire/fleet-messages.ts";
import type { FleetClass } from "./classes.ts";

/** A guest among those of its place, at a moment. */
export interface Judged {
  readonly guest: Guest;
  readonly image: Image;
  /** The one that came last at its place. */
  readonly newest: Guest;
  /** Whether another one began at its place after this one came last. */
  readonly isReplaced: boolean;
  readonly at: Instant;
  /** The live bundle and when it was activated. */
  readonly live: { readonly digest: string; readonly at: Instant } | undefined;
  /** Who has it say something of itself: the live policy, over what it came for; or others of its image, which do. */
  readonly sayBy: "policy" | "peers" | undefined;
}

export interface Fault {
  readonly severity: Severity;
  readonly sentence: string;
  readonly advice: string;
  readonly introducedAt: Instant | undefined;
  readonly evidence: Readonly<Record<string, string | number | undefined>>;
}

export interface Rule {
  readonly class: FleetClass;
  /** Whom the rule looks at. */
  readonly concerns: (judged: Judged) => boolean;
  readonly judge: (judged: Judged) => Fault | undefined;
}

const DAY = 86_400;
/** Who did not come for so long holds nothing that is worth a word. */
const CURRENT_SECONDS = 30 * DAY;

export function isCurrent({ guest, isReplaced, at }: Judged): boolean {
  return !isReplaced && guest.lastAt > at - CURRENT_SECONDS;
}
