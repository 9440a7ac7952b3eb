/** What does the broker ask of a database? The Store port: each method is one statement or one batch. */

import type { Instant } from "../base/time.ts";
import type { EntryDraft, LedgerEntry } from "../ledger/entry.ts";
import type { Range } from "../ledger/ranges.ts";
import type { Tile, TilePlace } from "../ledger/tiles.ts";
import type { AdvisoryStore } from "./advisory-store.ts";
import type { CredentialStore } from "./credential-store.ts";
import type { ExplanationStore } from "./explanation-store.ts";
import type { FindingStore } from "./finding-store.ts";
import type { FleetStore } from "./fleet-store.ts";
import type { GovernanceStore } from "./governance-store.ts";
import type { ImportStore } from "./import-store.ts";
import type { KbsStore } from "./kbs/store.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { RequestApprovalStore } from "./request-approval-store.ts";
import type { SecretStore } from "./secret-store.ts";
import type { ShadowStore } from "./shadow-store.ts";
import type { TokenStore } from "./token-store.ts";

/**
 * One contract, several databases. No method reads, decides in TypeScript and writes: preconditions live in SQL, so that a
 * race has a loser and not a bug. Every method throws only {@link Fault} `store/unavailable` (or `store/incompatible` at
 * opening), without the driver's message, query or parameters.
 */
export interface Store
  extends DecisionStore,
    LedgerStore,
    BundleStore,
    GovernanceStore,
    AdvisoryStore,
    RequestApprovalStore,
    SecretStore,
    LeaseStore,
    BrokerStateStore,
    TokenStore,
    ImportStore,
    FindingStore,
    CredentialStore,
    ExplanationStore,
    ShadowStore,
    FleetStore,
    KbsStore {
  readonly close: () => Promise<void>;
}

// ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** A decision about to become durable: nonce spend, counters, ledger entry and trace, together or not at all. */
export interface DecisionCommit {
  readonly id: string;
  readonly at: Instant;
  /** The nonce this decision spends; `undefined` where no nonce is involved (use of a token). */
  readonly spend:
    | { readonly kid: number; readonly rand: Uint8Array; readonly keepUntil: Instant }
    | undefined;
  /** `report.id`, lower-case hex: counts attempts, reads versions and holds leases. */
  readonly reportId: string;
  readonly items: readonly CommitItem[];
  /** Whether one exhausted item refuses all (false: `partial`). */
  readonly isAllOrNothing: boolean;
  /** The ledger leaf if no counter is exhausted. {@link settle} in `broker/commit.ts` makes the final leaf of it. */
  readonly draft: EntryDraft;
  /** Canonical JSON of the trace of every item. */
  readonly trace: string;
}

/** One wanted item: its uses are consumed and its lease is taken together, or nothing is where one of them has no room. */
export interface CommitItem {
  readonly resource: string;
  /** The version that the guest is given if the item is allowed, and will have read; absent for what is no stored secret. */
  readonly reads?: number;
  /** For how long this guest takes or renews the lease of the resource; another's that runs counts as a counter without room. */
  readonly leaseSeconds?: number;
  readonly uses: readonly CounterUse[];
  /** Digest of the request that people let through: it waits no longer if the item is allowed. */
  readonly approved?: string;
}

/** One use of a counter: room exists while fewer than `limit` uses lie within the last `windowSeconds` (or ever). */
export interface CounterUse {
  readonly key: string;
  readonly limit: number;
  readonly windowSeconds: number | undefined;
}

export type CommitOutcome =
  /** `exhausted` holds the indexes of items whose counters had no room, ascending. */
  | { readonly kind: "committed"; readonly seq: number; readonly exhausted: readonly number[] }
  /** Or a decision of this id is there already. */
  | { readonly kind: "nonce-spent" };

export interface StoredDecision extends StoredEntry {
  readonly id: string;
  readonly at: Instant;
  readonly trace: string;
}

/** A decision's own row. */
export interface DecisionRow extends Pick<StoredDecision, "seq" | "id" | "at"> {
  /** {@link FORGOTTEN} where an admin had it forgotten. */
  readonly trace: string;
}

/** What stands in the place of a trace that nobody has any more. */
export const FORGOTTEN = "";

/** A refusal that is no ledger entry: what failed before the evidence was known to be genuine and bound. */
export interface Refusal {
  readonly id: string;
  readonly at: Instant;
  readonly source: string;
  readonly code: string;
  readonly format: string;
}

/** How long a decision counts as an attempt: the hour of `request.attempt` (WRIT section 6). */
export const ATTEMPT_WINDOW_SECONDS = 3600;

export interface DecisionStore {
  /** One durable transaction for the whole group; each commit gets its own outcome. At most 64 commits. */
  readonly commitDecisions: (group: readonly DecisionCommit[]) => Promise<readonly CommitOutcome[]>;
  /** A read-only look for an earlier spend. */
  readonly isSpent: (kid: number, rand: Uint8Array) => Promise<boolean>;
  /** Decisions on this `report.id` and resource at or after `since`, which lies within {@link ATTEMPT_WINDOW_SECONDS}. */
  readonly countAttempts: (reportId: string, resource: string, since: Instant) => Promise<number>;
  readonly decision: (id: string) => Promise<StoredDecision | undefined>;
  /** What is kept beside the entries of these positions, in their order. */
  readonly decisionRows: (range: Range) => Promise<readonly DecisionRow[]>;
  /** Leaves nothing of the traces of decisions at these positions; entries and their hashes stay. */
  readonly forgetTraces: (range: Range) => Promise<void>;
  /** Decisions from this position of the ledger on, in order, at most `limit`. */
  readonly decisionsFrom: (seq: number, limit: number) => Promise<readonly StoredDecision[]>;
  /** At most `limit` decisions below position `before` of the log (`undefined`: all), newest first. */
  readonly decisionsBefore: (before: number | undefined, limit: number) => Promise<readonly StoredDecision[]>;
  readonly logRefusal: (refusal: Refusal) => Promise<void>;
  readonly refusal: (id: string) => Promise<Refusal | undefined>;
  /** Forgets spends past `keepUntil`, counter uses and attempts outside every window, admin ids, proofs, KBS sessions, waiting requests and approvals of them past `until`, old refusals. */
  readonly prune: (now: Instant, refusalsBefore: Instant) => Promise<void>;
}

// ── ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A leaf as stored: the draft and which items were exhausted; `settle` makes the leaf of the two. */
export interface StoredEntry {
  readonly seq: number;
  readonly draft: EntryDraft;
  readonly exhausted: readonly number[];
  readonly isAllOrNothing: boolean;
}

/** The newest signed head and the compact range (perfect-subtree roots, left to right) it was made from. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly note: string;
  readonly frontier: readonly Uint8Array[];
  /** Which acts of policy and roster were the last under it, signed (`last-acts.ts`); a database from before has none. */
  readonly acts?: string;
}

export interface LedgerStore {
  /** Appends an entry that is no decision and answers its position. */
  readonly appendEntry: (draft: EntryDraft) => Promise<number>;
  /** At most `limit` entries from position `from` on, in order. */
  readonly entries: (from: number, limit: number) => Promise<readonly StoredEntry[]>;
  readonly ledgerSize: () => Promise<number>;
  readonly checkpoint: () => Promise<StoredCheckpoint | undefined>;
  /** Keeps a newer head and the tiles that grew under it; a head that is not larger, and a tile that is not wider, changes nothing. */
  readonly putCheckpoint: (checkpoint: StoredCheckpoint, tiles: readonly Tile[]) => Promise<void>;
  /** Keeps tiles without a head. */
  readonly putTiles: (tiles: readonly Tile[]) => Promise<void>;
  readonly tile: (place: TilePlace) => Promise<Tile | undefined>;
  /** How many leaves the tiles of level 0 reach up to. */
  readonly tiledSize: () => Promise<number>;
}

// ── policy bundles ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface StoredBundle {
  /** SHA-256 of the canonical tar, lower-case hex. */
  readonly digest: string;
  readonly tar: Uint8Array;
  /** The DSSE envelope (JSON text) over the tar. */
  readonly signature: string;
  readonly proposedAt: Instant;
  readonly proposedBy: string;
}

/** One activation; the newest one is live. */
export interface Activation {
  /** 1 for the first activation, then without gaps. */
  readonly serial: number;
  readonly digest: string;
  /** The DSSE envelope (JSON text) by which an admin activated it. */
  readonly signature: string;
  readonly at: Instant;
  readonly by: string;
}

/** What has to be so still when an activation is written. */
export interface ActivationTerms {
  /** How many changes the roster has; 0 for none. */
  readonly roster: number;
  /** How many approvals and rejections the bundle has. */
  readonly approvals: number;
}

export interface BundleStore {
  /** False when the digest is already there (then nothing changes and no entry is written). */
  readonly putBundle: (bundle: StoredBundle, entry: EntryDraft) => Promise<boolean>;
  /** False when `serial` is already taken, or something is not as `expected`: someone else was first; nothing changes then. */
  readonly activateBundle: (
    activation: Activation,
    expected: ActivationTerms,
    entry: EntryDraft,
  ) => Promise<boolean>;
  readonly liveActivation: () => Promise<Activation | undefined>;
  readonly activations: () => Promise<readonly Activation[]>;
  readonly bundle: (digest: string) => Promise<StoredBundle | undefined>;
  /** Without their tar. Newest first. */
  readonly bundles: () => Promise<readonly Omit<StoredBundle, "tar">[]>;
}

// ── the broker's own state ──────────────────────────────────────────────────────────────────────────────────────────

/** One epoch of the nonce MAC: the cluster secret is wrapped under the key-encryption key. */
export interface NonceEpoch {
  readonly kid: number;
  readonly wrapped: Uint8Array;
  readonly createdAt: Instant;
}

/** A certificate or CRL that was fetched and verified. */
export interface CachedEndorsement {
  readonly der: Uint8Array;
  readonly obtainedAt: Instant;
}

/** The name of a named value: whoever writes a database piece by piece takes it away at the very end. */
export const UNFINISHED = "unfinished";

export interface BrokerStateStore {
  /** Small named values: the check value of the key-encryption key, the audience of this database, CRL numbers. */
  readonly meta: (name: string) => Promise<string | undefined>;
  /** Sets a value if it is `expected` (`undefined`: if absent); false when it is not. */
  readonly putMeta: (name: string, expected: string | undefined, value: string) => Promise<boolean>;
  /** False when this admin request id was used before. */
  readonly spendAdminRequest: (kid: string, jti: string, until: Instant) => Promise<boolean>;
  readonly nonceEpochs: () => Promise<readonly NonceEpoch[]>;
  /** False when the `kid` is taken. */
  readonly putNonceEpoch: (epoch: NonceEpoch) => Promise<boolean>;
  /** Puts the same secret under another key, if `from` is what lies there. */
  readonly rewrapNonceEpoch: (kid: number, from: Uint8Array, to: Uint8Array) => Promise<boolean>;
  readonly retireNonceEpoch: (kid: number) => Promise<void>;
  readonly cachedEndorsement: (key: string) => Promise<CachedEndorsement | undefined>;
  /** Every certificate and CRL that was fetched, those with a key after `after`, in order of key. */
  readonly cachedEndorsements: (
    after: string,
    limit: number,
  ) => Promise<readonly (CachedEndorsement & { readonly key: string })[]>;
  readonly cacheEndorsement: (key: string, endorsement: CachedEndorsement) => Promise<void>;
}

/** The final leaf, once its position and the outcome of its counters are known. */
export type SettledEntry = LedgerEntry;
