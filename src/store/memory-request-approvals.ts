/** How does a store without a database keep requests that wait for people? For tests only, like `memory.ts`. */

import type { Instant } from "../base/time.ts";
import {
  APPROVAL_USE,
  type RequestApprovalStore,
  type StoredRequestApproval,
  type WaitingRequest,
} from "../broker/request-approval-store.ts";
import type { DecisionCommit } from "../broker/store.ts";
import type { EntryDraft } from "../ledger/entry.ts";

interface Parts {
  readonly append: (entry: EntryDraft) => void;
  /** Whether a counter has counted anything. */
  readonly isCounted: (key: string) => boolean;
  readonly rosterSerial: () => Promise<number>;
}

export function createMemoryRequestApprovals({ append, isCounted, rosterSerial }: Parts) {
  const waiting = new Map<string, WaitingRequest>();
  const approvals = new Map<string, StoredRequestApproval>();
  const waitingAt = (now: Instant): readonly WaitingRequest[] =>
    [...waiting.values()]
      .filter(({ until }) => until > now)
      .sort((a, b) => a.since - b.since || (a.request < b.request ? -1 : 1));
  const goodAt = (request: string, now: Instant): readonly StoredRequestApproval[] =>
    [...approvals.values()].filter(
      (one) => one.request === request && one.until > now && !isCounted(`${APPROVAL_USE}${one.id}`),
    );
  const store: RequestApprovalStore = {
    putWaiting: async (row, room) => {
      const others = waitingAt(row.at);
      const known = others.find(({ request }) => request === row.request);
      const isFull =
        others.length >= room.all ||
        others.filter(({ resource }) => resource === row.resource).length >= room.perResource ||
        others.filter(({ source }) => source === row.source).length >= room.perSource;
      if (known === undefined && isFull) return "full";
      waiting.set(
        row.request,
        known === undefined ? { ...row } : { ...known, at: row.at, until: row.until, seconds: row.seconds },
      );
      return known === undefined || known.decision === row.decision ? "new" : "known";
    },
    waitingRequests: async (now) => waitingAt(now),
    waitingRequest: async (request, now) => waitingAt(now).find((row) => row.request === request),
    putRequestApproval: async (approval, { roster, now }, entry) => {
      const serial = await rosterSerial();
      const isWaiting = waitingAt(now).some(({ request }) => request === approval.request);
      const isTwice = goodAt(approval.request, now).some(({ person }) => person === approval.person);
      if (serial !== roster || !isWaiting || isTwice || approvals.has(approval.id)) return false;
      approvals.set(approval.id, { ...approval });
      append(entry);
      return true;
    },
    requestApprovals: async (request, now) => goodAt(request, now).slice(0, 64),
  };
  const endWaiting = ({ items, isAllOrNothing }: DecisionCommit, exhausted: readonly number[]): void => {
    if (isAllOrNothing && exhausted.length > 0) return;
    for (const [index, { approved }] of items.entries()) {
      if (approved !== undefined && !exhausted.includes(index)) waiting.delete(approved);
    }
  };
  const forgetRequests = (now: Instant): void => {
    for (const rows of [waiting, approvals]) {
      for (const [key, { until }] of rows) if (until < now) rows.delete(key);
    }
  };
  return { store, endWaiting, forgetRequests };
}
