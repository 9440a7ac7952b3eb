/** What does the broker ask a database to keep about leases? One row for each secret that one guest at a time may hold. */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** The last holder of a secret. The lease runs while `until` lies ahead; the row stays afterwards, for its fence. */
export interface StoredLease {
  readonly path: string;
  /** `report.id` of the guest, lower-case hex; empty after a restore, when nobody knows who holds it. */
  readonly holder: string;
  /** The fencing token: higher with every holder, and with every time that one takes it anew. */
  readonly fence: number;
  readonly since: Instant;
  readonly until: Instant;
  /** By which it was taken or renewed last. */
  readonly decision: string;
}

/** Ends the lease of this fence, if it still runs. */
export interface LeaseEnd {
  readonly path: string;
  readonly fence: number;
  readonly at: Instant;
}

/** Leases are taken and renewed by `commitDecisions` alone. */
export interface LeaseStore {
  readonly lease: (path: string) => Promise<StoredLease | undefined>;
  /** False where the lease is over, has another fence or is another guest's. */
  readonly returnLease: (end: LeaseEnd & { readonly holder: string }) => Promise<boolean>;
  /** The same, whoever holds it; false appends nothing. */
  readonly breakLease: (end: LeaseEnd, entry: EntryDraft) => Promise<boolean>;
  /**
   * After a restore: whoever holds a secret may have taken it since the backup. Nobody gets it before the longest time that a
   * holder can still have, and every fence goes on far beyond those that were given out.
   */
  readonly suspendLeases: (at: Instant) => Promise<void>;
}
