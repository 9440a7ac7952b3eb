/** What does the broker ask a database to keep about secrets? Versions in envelopes, and what holds for a path as a whole. */
import type { Instant } from "../base/time.ts";
import type { Binding } from "../channel/bindings.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** A `derived` one is a root: guests get keys of their own from it, and never itself. */
export type SecretKind = "static" | "generated" | "derived";

/** `condemned` is no longer released and will be destroyed at `destroyAt`; `enabled` and `disabled` take it back. */
export type VersionState = "enabled" | "disabled" | "condemned" | "destroyed";

/** A version without its bytes. */
export interface SecretHead {
  readonly path: string;
  readonly kind: SecretKind;
  /** What a generated or derived version is, as `keys/recipe.ts` or `keys/derivation.ts` writes it; empty for one that was given, or made before recipes were kept. */
  readonly make: string;
  readonly version: number;
  readonly state: VersionState;
  /** DER SubjectPublicKeyInfo of a key pair; empty for everything else. */
  readonly publicKey: Uint8Array;
  /** Of a condemned version only. */
  readonly destroyAt: Instant | undefined;
  readonly createdAt: Instant;
  readonly createdBy: string;
}

export interface SecretVersion extends SecretHead {
  readonly envelope: Uint8Array;
}

/** Where a version stands, and its envelope. */
export interface StoredEnvelope extends Pick<SecretHead, "path" | "version" | "kind" | "make"> {
  readonly envelope: Uint8Array;
}

/** An envelope to be put in the place of `from`, and only of that. */
export interface Rewrap extends Pick<StoredEnvelope, "path" | "version" | "envelope"> {
  readonly from: Uint8Array;
}

/** What holds for every version of a path. */
export interface SecretSettings {
  /** The bindings that it may be released over; `undefined` where nobody chose any. */
  readonly bindings: readonly Binding[] | undefined;
  /** The version that is given where none is named; `undefined`: the newest enabled one. */
  readonly current: number | undefined;
  /** Versions below are not given any longer; at least 1. */
  readonly minimum: number;
  /** A generated secret gets a fresh version once its newest is so old. */
  readonly rotateSeconds: number | undefined;
  /** Whether the broker disables a version once everybody who read it has confirmed a later one. */
  readonly isRetiring: boolean;
  /** Where it is there, one guest at a time holds the secret, for so long unless it renews; `undefined`: any number may. */
  readonly leaseSeconds: number | undefined;
  /** Who answers for it; empty where nobody was named. */
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Settings as they are kept. */
export interface StoredSettings extends SecretSettings {
  /** The position of the entry of the last change: whoever changes them says what was read. */
  readonly entrySeq: number;
}

/** One change of the settings of a path, good only where the kept ones are still those of `expected`. */
export interface SettingsChange {
  readonly path: string;
  readonly settings: SecretSettings;
  /** `entrySeq` of what was read; `undefined` where there was nothing. */
  readonly expected: number | undefined;
}

/** A guest that was given a version. */
export interface SecretReader {
  readonly path: string;
  readonly version: number;
  /** `report.id`, lower-case hex: another one after each start of the guest. `before`: whoever read it before readers were kept. */
  readonly reader: string;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** The newest decision by which it was read; empty for `before`. */
  readonly decision: string;
  /** When it said that a later version is in use. Reading the version again takes that back. */
  readonly confirmedAt: Instant | undefined;
}

export interface DestroyOrder {
  readonly path: string;
  readonly version: number;
  /** As many readers as this may be cut off: the override, by number. */
  readonly despite: number;
}

export interface CondemnOrder extends DestroyOrder {
  readonly destroyAt: Instant;
}

export interface Confirmation {
  readonly path: string;
  /** The one that is in use. */
  readonly version: number;
  /** The guest that says so, then others that it speaks for: itself before its restarts. */
  readonly readers: readonly string[];
  readonly at: Instant;
}

export interface SecretStore {
  /** False when `version` is not the next one (1 for a new path): someone else was first; nothing changes then. */
  readonly putSecretVersion: (version: SecretVersion, entry: EntryDraft) => Promise<boolean>;
  /** One version in any state; without a number the one that is given: enabled, of the minimum at least, the current one if one is set. */
  readonly secretVersion: (path: string, version?: number) => Promise<SecretVersion | undefined>;
  /** False when there is no such version, or it is destroyed already. */
  readonly setVersionState: (
    path: string,
    version: number,
    state: "enabled" | "disabled",
    entry: EntryDraft,
  ) => Promise<boolean>;
  /**
   * Destroys a version and overwrites its envelope with nothing. False when there is no such version, it is destroyed already,
   * or more readers than the order says have confirmed no later one.
   */
  readonly destroyVersion: (order: DestroyOrder, entry: EntryDraft) => Promise<boolean>;
  /** Condemns a version; false as with {@link destroyVersion}. One that is condemned already gets the new time and number. */
  readonly condemnVersion: (order: CondemnOrder, entry: EntryDraft) => Promise<boolean>;
  /** Condemned versions whose time has come, at most `limit`, those of the earliest time first. */
  readonly condemnedUntil: (now: Instant, limit: number) => Promise<readonly SecretHead[]>;
  /** Destroys a version that is still condemned and due, under the number of readers it was condemned with; else false. */
  readonly destroyCondemned: (
    path: string,
    version: number,
    now: Instant,
    entry: EntryDraft,
  ) => Promise<boolean>;
  /** Who read the versions of a path: of one version, or of all; at most `limit`, those who confirmed nothing first. */
  readonly readersOf: (
    path: string,
    version: number | undefined,
    limit: number,
  ) => Promise<readonly SecretReader[]>;
  /** How many readers of a version have confirmed no later one. */
  readonly countReaders: (path: string, version: number) => Promise<number>;
  /**
   * Marks what these readers read below `version` as replaced, if the first of them has read that version. Answers the versions
   * of which one was marked now, ascending.
   */
  readonly confirmReaders: (confirmation: Confirmation) => Promise<readonly number[]>;
  /**
   * Enabled versions of retiring secrets that were read, whose readers have all confirmed a later one, with a later enabled one
   * in their place; at most `limit`.
   */
  readonly retirable: (limit: number) => Promise<readonly SecretHead[]>;
  /** `undefined` where nobody set anything. */
  readonly secretSettings: (path: string) => Promise<StoredSettings | undefined>;
  /** False when there is no such secret, or its settings are others than the expected ones; nothing changes then. */
  readonly putSecretSettings: (change: SettingsChange, entry: EntryDraft) => Promise<boolean>;
  /** Generated secrets whose newest version was made so long ago that the next is due, at most `limit`. */
  readonly dueRotations: (now: Instant, limit: number) => Promise<readonly SecretHead[]>;
  /** Every version of one path, without envelopes. */
  readonly secretVersions: (path: string) => Promise<readonly SecretHead[]>;
  /** Versions that are not destroyed, after this place in an order of the database's own; `undefined` begins. */
  readonly envelopes: (
    after: Pick<StoredEnvelope, "path" | "version"> | undefined,
    limit: number,
  ) => Promise<readonly StoredEnvelope[]>;
  /** How many versions that are not destroyed have an envelope that begins otherwise. */
  readonly countEnvelopesWithout: (head: Uint8Array) => Promise<number>;
  /** Replaces envelopes, together with one entry. Answers how many: one that is no longer `from` stays as it is. */
  readonly rewrapEnvelopes: (rewraps: readonly Rewrap[], entry: EntryDraft) => Promise<number>;
  /** The highest version of every path, without envelopes, in order of path. */
  readonly secrets: () => Promise<readonly SecretHead[]>;
}
