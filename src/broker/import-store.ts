/** What does the broker ask a database to keep about keys that secrets are sealed to on their way in? */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import type { SecretVersion } from "./secret-store.ts";

/** One key: it takes one secret, and is gone then. */
export interface StoredImportKey {
  /** 32 lower-case hex digits. */
  readonly id: string;
  /** 1 `hpke-x25519`, 2 `hpke-xwing`. */
  readonly suite: 1 | 2;
  readonly publicKey: Uint8Array;
  /** The private key under the key-encryption key; id, suite and end are authenticated with it. */
  readonly wrapped: Uint8Array;
  readonly expiresAt: Instant;
  readonly createdAt: Instant;
  readonly createdBy: string;
}

export interface ImportStore {
  readonly putImportKey: (key: StoredImportKey, entry: EntryDraft) => Promise<void>;
  readonly importKey: (id: string) => Promise<StoredImportKey | undefined>;
  readonly importKeys: () => Promise<readonly StoredImportKey[]>;
  /** Puts the same key under another key-encryption key, if `from` is what lies there. */
  readonly rewrapImportKey: (id: string, from: Uint8Array, to: Uint8Array) => Promise<boolean>;
  /**
   * Keeps a version and forgets the key that it was sealed to, together. False when `version` is not the next one, or the key is
   * not there, or no longer good; nothing changes then.
   */
  readonly importSecretVersion: (
    version: SecretVersion,
    by: { readonly key: string; readonly now: Instant },
    entry: EntryDraft,
  ) => Promise<boolean>;
}
