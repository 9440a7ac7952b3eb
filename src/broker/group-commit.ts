/** How do decisions that arrive together share one flush to the disk? They queue while another flush is under way. */
import { Fault } from "../base/fault.ts";
import type { CommitOutcome, DecisionCommit, Store } from "./store.ts";

/** The most commits that `commitDecisions` takes at once: a larger group gains nothing more on a disk. */
export const MAX_GROUP = 64;

interface Waiting {
  readonly commit: DecisionCommit;
  readonly resolve: (outcome: CommitOutcome) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Makes the function that commits one decision in the company of others.
 *
 * One flush runs at a time; commits that arrive meanwhile wait for the next, which takes the oldest 64. A flush that
 * fails rejects every commit in it with the store's own fault and is never tried again: whether the disk kept it is
 * unknown, and a second try could spend twice.
 *
 * @param commit - The store's `commitDecisions`.
 * @param turn - Resolves once this turn of the event loop is over, so that what arrives in it shares a flush.
 */
export function createGroupCommit(
  commit: Store["commitDecisions"],
  turn: () => Promise<void>,
): (commit: DecisionCommit) => Promise<CommitOutcome> {
  const queue: Waiting[] = [];
  let isFlushing = false;
  const flushAll = async (): Promise<void> => {
    isFlushing = true;
    while (queue.length > 0) {
      try {
        await turn(); // one flush after the other: the next group is what arrived during this one
      } catch (thrown) {
        for (const { reject } of queue.splice(0)) reject(thrown);
        break;
      }
      await flush(queue.splice(0, MAX_GROUP), commit);
    }
    isFlushing = false;
  };
  return (decision) =>
    new Promise((resolve, reject) => {
      queue.push({ commit: decision, resolve, reject });
      if (!isFlushing) void flushAll();
    });
}

/** Settles every waiting commit; never throws. */
async function flush(group: readonly Waiting[], commit: Store["commitDecisions"]): Promise<void> {
  try {
    const outcomes = await commit(group.map((waiting) => waiting.commit));
    for (const [i, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[i];
      if (outcome === undefined) reject(new Fault("internal/invariant", "a commit got no outcome"));
      else resolve(outcome);
    }
  } catch (thrown) {
    for (const { reject } of group) reject(thrown);
  }
}
