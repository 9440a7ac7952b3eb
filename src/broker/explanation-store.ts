/** What does the broker ask a database to keep about gains that were explained? */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** Why a bundle may let in whom the live one refuses, as an admin signed it. */
export interface StoredExplanation {
  /** SHA-256 of the envelope, lower-case hex. */
  readonly id: string;
  /** Of the bundle. */
  readonly digest: string;
  /** The DSSE envelope (JSON text). */
  readonly signature: string;
  readonly at: Instant;
  readonly by: string;
}

export interface ExplanationStore {
  /** False when it is there already, or its bundle is not; no entry is written then. */
  readonly putExplanation: (explanation: StoredExplanation, entry: EntryDraft) => Promise<boolean>;
  /** Those of a bundle, oldest first. */
  readonly explanations: (digest: string) => Promise<readonly StoredExplanation[]>;
}
