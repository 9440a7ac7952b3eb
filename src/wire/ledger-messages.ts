/** What is said of the log, and of what it lets go? As plain data, as in `messages.ts`. */

/** Traces of decisions older than so many days are to be forgotten. */
export interface TraceForgetting {
  readonly olderThanDays: number;
}

/** The position in the log before which nobody has a trace soon. */
export interface ForgottenTraces {
  readonly before: number;
}

/** Consecutive leaves, as the exact bytes that were hashed; `size` is how many leaves there are now. */
export interface LedgerPage {
  readonly from: number;
  readonly size: number;
  readonly entries: readonly Uint8Array[];
}

/** An entry with what shows that it is in the tree of this size and root. */
export interface InclusionProof {
  readonly seq: number;
  readonly size: number;
  readonly root: Uint8Array;
  /** The leaf itself, as it was hashed. */
  readonly leaf: Uint8Array;
  /** The leaf's sibling first. */
  readonly proof: readonly Uint8Array[];
  /** The newest signed head: the tree's own, or one over a tree that begins with it. */
  readonly checkpoint: string;
}

/** What shows that the tree of this size begins with the tree of the first `from` entries. */
export interface ConsistencyProof {
  readonly from: number;
  readonly size: number;
  readonly fromRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
  /** The newest signed head, as in {@link InclusionProof}. */
  readonly checkpoint: string;
}
