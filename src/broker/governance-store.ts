/** What does the broker ask a database to keep about admins, and about what they say to policy? None of it is believed when it is read. */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** One change of the roster, as the root signed it. */
export interface StoredRosterChange {
  readonly serial: number;
  /** The DSSE envelope (JSON text). */
  readonly envelope: string;
  /** SHA-256 of its payload, lower-case hex. */
  readonly digest: string;
  readonly at: Instant;
  readonly by: string;
}

/** What one admin says to one bundle. */
export interface StoredApproval {
  /** SHA-256 of the envelope, lower-case hex. */
  readonly id: string;
  /** Digest of the bundle. */
  readonly bundle: string;
  /** The DSSE envelope (JSON text). */
  readonly envelope: string;
  readonly at: Instant;
  readonly by: string;
}

/** What has to be so still when something is written, so that of two that race one loses. */
export interface AtSerials {
  /** How many changes the roster has; 0 for none. */
  readonly roster: number;
  /** Serial of the live activation; 0 for none. */
  readonly live: number;
}

export interface GovernanceStore {
  /** Serial and digest of the newest change. */
  readonly rosterHead: () => Promise<Pick<StoredRosterChange, "serial" | "digest"> | undefined>;
  /** From the first to the newest. */
  readonly rosterChanges: () => Promise<readonly StoredRosterChange[]>;
  /** False where it is not the next change, or another activation is live than the one it vouches for; nothing changes then. */
  readonly putRosterChange: (
    change: StoredRosterChange,
    live: AtSerials["live"],
    entry: EntryDraft,
  ) => Promise<boolean>;
  /** Oldest first. */
  readonly approvalsOf: (bundle: string) => Promise<readonly StoredApproval[]>;
  /** False where it is there already, or something is not as `expected`; nothing changes then. */
  readonly putApproval: (
    approval: StoredApproval,
    expected: AtSerials,
    entry: EntryDraft,
  ) => Promise<boolean>;
}
