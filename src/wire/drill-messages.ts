/** What is a drill? Something that is not good, planted on purpose and with a label, to see how soon it is found. */
import type { Instant } from "../base/time.ts";

export const DRILL_KINDS = [
  "certificate",
  "weak-key",
  "stale-crl",
  "policy-drift",
  "tcb-drift",
  "measurement-drift",
] as const;
export type DrillKind = (typeof DRILL_KINDS)[number];

export interface DrillOrder {
  readonly kind: DrillKind;
  /** After so long it ends, whatever becomes of who planted it. */
  readonly seconds: number;
}

export interface DrillSummary {
  readonly id: string;
  readonly kind: DrillKind;
  readonly plantedAt: Instant;
  readonly endsAt: Instant;
  readonly plantedBy: string;
}
