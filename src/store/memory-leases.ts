/** How does a store without a database remember who holds which secret? For tests only, like `memory.ts`. */
import { addSeconds } from "../base/time.ts";
import type { LeaseEnd, LeaseStore, StoredLease } from "../broker/lease-store.ts";
import type { StoredSettings } from "../broker/secret-store.ts";
import type { CommitItem, DecisionCommit } from "../broker/store.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import { FENCES_SKIPPED } from "./lease-statements.ts";

/** What a commit does here beside its counters. */
export interface MemoryLeases {
  readonly isHeldByOther: (item: CommitItem, commit: DecisionCommit) => boolean;
  readonly takeLeases: (commit: DecisionCommit, exhausted: readonly number[]) => void;
}

export function createMemoryLeases(
  settings: ReadonlyMap<string, StoredSettings>,
  append: (entry: EntryDraft) => number,
): MemoryLeases & LeaseStore {
  const kept = new Map<string, StoredLease>();
  const runs = ({ path, fence, at }: LeaseEnd): StoredLease | undefined => {
    const lease = kept.get(path);
    return lease?.fence === fence && lease.until > at ? lease : undefined;
  };
  return {
    isHeldByOther: ({ resource, leaseSeconds }, { at, reportId }) => {
      const lease = kept.get(resource);
      return (
        leaseSeconds !== undefined && lease !== undefined && lease.until > at && lease.holder !== reportId
      );
    },
    takeLeases: (commit, exhausted) => {
      const isNone = commit.isAllOrNothing && exhausted.length > 0;
      for (const [index, { resource, leaseSeconds }] of commit.items.entries()) {
        if (leaseSeconds === undefined || isNone || exhausted.includes(index)) continue;
        kept.set(resource, takenBy(commit, { path: resource, leaseSeconds, before: kept.get(resource) }));
      }
    },
    lease: async (path) => kept.get(path),
    returnLease: async (end) => {
      const lease = runs(end);
      if (lease?.holder !== end.holder) return false;
      kept.set(end.path, { ...lease, until: end.at });
      return true;
    },
    breakLease: async (end, entry) => {
      const lease = runs(end);
      if (lease === undefined) return false;
      kept.set(end.path, { ...lease, until: end.at });
      append(entry);
      return true;
    },
    suspendLeases: async (at) => {
      const leased = [...settings].filter(([, { leaseSeconds }]) => leaseSeconds !== undefined);
      for (const path of new Set([...kept.keys(), ...leased.map(([path]) => path)])) {
        const until = addSeconds(at, settings.get(path)?.leaseSeconds ?? 0);
        const fence = (kept.get(path)?.fence ?? 1) + FENCES_SKIPPED;
        kept.set(path, { path, holder: "", fence, since: at, until, decision: "" });
      }
    },
  };
}

interface Taken {
  readonly path: string;
  readonly leaseSeconds: number;
  readonly before: StoredLease | undefined;
}

function takenBy({ id, at, reportId }: DecisionCommit, { path, leaseSeconds, before }: Taken): StoredLease {
  const goesOn = before?.holder === reportId && before.until > at ? before : undefined;
  return {
    path,
    holder: reportId,
    fence: goesOn?.fence ?? (before?.fence ?? 0) + 1,
    since: goesOn?.since ?? at,
    until: addSeconds(at, Math.max(leaseSeconds, (goesOn?.until ?? at) - at)),
    decision: id,
  };
}
