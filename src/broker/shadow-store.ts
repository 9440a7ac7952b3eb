/** What does the broker ask a database to keep about a bundle in shadow: who ordered it, and where it would have decided otherwise? */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** An order that puts a bundle in shadow, or ends that; the newest one counts. */
export interface StoredShadowOrder {
  /** 1 for the first order, then without gaps. */
  readonly serial: number;
  /** Of the bundle; empty where the order ends the shadow. */
  readonly digest: string;
  /** The DSSE envelope (JSON text) by which an admin gave it. */
  readonly signature: string;
  readonly at: Instant;
  readonly by: string;
}

/** Where live bundle and shadow do not say the same of one item. Codes are empty for a yes. */
export interface ShadowDifference {
  /** 1 for the first of all, then without gaps. */
  readonly seq: number;
  /** Serial of the order that was in force. */
  readonly order: number;
  /** Id of the decision, and which of its items. */
  readonly decision: string;
  readonly item: number;
  readonly at: Instant;
  readonly resource: string;
  readonly direction: string;
  readonly liveCode: string;
  readonly shadowCode: string;
  /** What decides in the shadow, and what it is in place of. */
  readonly clause: string;
  readonly reason: string;
  /** SHA-256 of each side's trace, lower-case hex. */
  readonly liveTrace: string;
  readonly shadowTrace: string;
  /** SHA-256 over all of that and the hash of the row before: a chain. */
  readonly hash: string;
}

export interface ShadowStore {
  /** False when `serial` is taken, or the bundle is not there; nothing changes then. */
  readonly orderShadow: (order: StoredShadowOrder, entry: EntryDraft) => Promise<boolean>;
  readonly shadowOrder: () => Promise<StoredShadowOrder | undefined>;
  readonly shadowTail: () => Promise<Pick<ShadowDifference, "seq" | "hash"> | undefined>;
  /** Keeps rows that follow the tail, and one entry for all. False when another was first; nothing changes then. At most 32. */
  readonly keepShadowDifferences: (rows: readonly ShadowDifference[], entry: EntryDraft) => Promise<boolean>;
  /** At most `limit` from `from` on, in order. */
  readonly shadowDifferences: (from: number, limit: number) => Promise<readonly ShadowDifference[]>;
  /** How many rows an order has. */
  readonly countShadowDifferences: (order: number) => Promise<number>;
}
