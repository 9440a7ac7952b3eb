/** What does the broker ask a database to keep about credentials? When each was used, and what drills plant. */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** When a credential was used, as far as decisions and entries of the log tell. */
export interface CredentialUse {
  /** That of the inventory. */
  readonly name: string;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** Canonical JSON of what is known of it by its use alone; empty where the inventory has the thing itself. */
  readonly about: string;
}

/** How long a use is kept. */
export const USES_KEPT_SECONDS = 400 * 86_400;

/** Something that is planted, to see how soon it is found. It is there until its end, whoever planted it and whatever became of them. */
export interface Drill {
  /** A ULID. */
  readonly id: string;
  readonly kind: string;
  readonly plantedAt: Instant;
  readonly endsAt: Instant;
  readonly plantedBy: string;
}

export interface CredentialStore {
  /** Widens what is known of each use; the newest `about` stays. */
  readonly noteUses: (uses: readonly CredentialUse[]) => Promise<void>;
  /** Those with a name after `after`, in order of name. */
  readonly credentialUses: (after: string, limit: number) => Promise<readonly CredentialUse[]>;
  readonly putDrill: (drill: Drill, entry: EntryDraft) => Promise<void>;
  /** Ends it at this moment if it ends later; false where no such drill runs. */
  readonly endDrill: (id: string, at: Instant, entry: EntryDraft) => Promise<boolean>;
  /** Those that are not over at this moment, the oldest first. */
  readonly drills: (now: Instant) => Promise<readonly Drill[]>;
}
