/** What does the broker ask a database to keep about AMD's bulletins? Each edition as it was signed. None of it is believed when it is read. */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** One edition of the advisory data. */
export interface StoredAdvisory {
  readonly serial: number;
  /** SHA-256 of what was signed, lower-case hex. */
  readonly digest: string;
  /** The DSSE envelope (JSON text). */
  readonly envelope: string;
  readonly at: Instant;
  readonly by: string;
}

export interface AdvisoryStore {
  /** The edition with the highest serial. */
  readonly newestAdvisory: () => Promise<StoredAdvisory | undefined>;
  readonly advisory: (digest: string) => Promise<StoredAdvisory | undefined>;
  /**
   * Keeps a newer edition, or the newest one again with other signatures. False where it is neither, or the roster has another number
   * of changes, or another edition is the newest than the one of this serial (0 for none); nothing changes then.
   */
  readonly putAdvisory: (
    advisory: StoredAdvisory,
    expected: { readonly roster: number; readonly newest: number },
    entry: EntryDraft,
  ) => Promise<boolean>;
}
