/** Which classes of findings are there, how soon should one end, and which guard would have stopped it? One row each. */

import { FLEET_CLASSES } from "./fleet/classes.ts";

const HOUR = 3600;
const DAY = 86_400;

interface ClassRow {
  /** How soon one of them should have ended: above it, a class is slow and proposes a guard. */
  readonly targetSeconds: number;
  /** The condition of a guard that refuses what the class is about, and what a guest is told then. */
  readonly guard?: { readonly require: string; readonly reason: string };
  /** Where no policy can see such a thing: what keeps it from coming back. */
  readonly instead?: string;
}

export const FINDING_CLASSES = {
  ...FLEET_CLASSES,
  "policy-drift": {
    targetSeconds: DAY,
    instead: "let nothing but `ostiary policy apply` from the checkout change what is live",
  },
  "credential-expired": {
    targetSeconds: 4 * HOUR,
    guard: {
      require: "endorsement.not_after_in >= 1h",
      reason: "the chip's certificate ends within the hour",
    },
  },
  "credential-expiring": {
    targetSeconds: 7 * DAY,
    guard: { require: "endorsement.not_after_in >= 7d", reason: "the chip's certificate ends within a week" },
  },
  "credential-weak": {
    targetSeconds: 7 * DAY,
    instead: "make keys by `ostiary init` and `ostiary kek rotate`, which make no weak ones",
  },
  "credential-over-scoped": {
    targetSeconds: 14 * DAY,
    instead: "register audiences without `--bearer`, and give each key one use",
  },
  "credential-orphaned": {
    targetSeconds: 30 * DAY,
    instead: "take a key out of the configuration in the change that ends its use",
  },
  "credential-unused": {
    targetSeconds: 30 * DAY,
    instead: "look at `ostiary credentials list` whenever a person or a service leaves",
  },
  "crl-stale": {
    targetSeconds: 4 * HOUR,
    guard: { require: "endorsement.crl_age <= 24h", reason: "revocation data is older than a day" },
  },
} as const satisfies Record<string, ClassRow>;

export type FindingClass = keyof typeof FINDING_CLASSES;

/** A class of a later version, or of another scan, has no row: then nothing is known of it but its name. */
export function rowOf(name: string): ClassRow | undefined {
  const rows: Readonly<Record<string, ClassRow>> = FINDING_CLASSES;
  return Object.hasOwn(rows, name) ? rows[name] : undefined;
}
