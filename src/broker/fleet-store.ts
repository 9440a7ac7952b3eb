/** What does the broker ask a database to keep about guests? One row for each launch of a machine, as its newest decision left it. */
import type { Instant } from "../base/time.ts";

/** A guest as it is kept. The database looks at nothing of `about`. */
export interface StoredGuest {
  /** `report.id`, lower-case hex: one launch of one machine. */
  readonly id: string;
  /** What guests that replace one another have in common. */
  readonly place: string;
  /** Position in the log of the newest decision that is told in `about`. */
  readonly seq: number;
  readonly lastAt: Instant;
  /** Canonical JSON. */
  readonly about: string;
}

/** Guests in order of place, then id: what replaces one another lies side by side. */
export interface GuestPosition {
  readonly place: string;
  readonly id: string;
}

/** How long a guest is kept that comes no more. */
export const GUESTS_KEPT_SECONDS = 100 * 86_400;

export interface FleetStore {
  /** Keeps each guest, unless what is there tells of a decision that is as new. */
  readonly putGuests: (guests: readonly StoredGuest[]) => Promise<void>;
  readonly guest: (id: string) => Promise<StoredGuest | undefined>;
  /** The one of a place that came last. */
  readonly newestGuest: (place: string) => Promise<StoredGuest | undefined>;
  /** Those behind `after`, in order of place and id. */
  readonly guests: (after: GuestPosition | undefined, limit: number) => Promise<readonly StoredGuest[]>;
}
