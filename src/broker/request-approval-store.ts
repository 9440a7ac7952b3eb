/** What does the broker ask a database to keep about requests that wait for people? None of it is believed when it is read. */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import type { RequestSubject } from "../policy/request-approvals.ts";

/** A request that lacks nothing but approvals. */
export interface WaitingRequest extends Omit<RequestSubject, "audience"> {
  /** SHA-256 of its subject, lower-case hex. */
  readonly request: string;
  /** When it was asked first, and last. */
  readonly since: Instant;
  readonly at: Instant;
  /** It is forgotten then, unless it is asked again. */
  readonly until: Instant;
  /** Address of the peer that asked first. */
  readonly source: string;
  /** The decision that refused it first. */
  readonly decision: string;
  /** How long an approval of it is good for, by the policies that would allow it. */
  readonly seconds: number;
}

/** How many may wait at a time. */
export interface WaitingRoom {
  readonly all: number;
  readonly perResource: number;
  readonly perSource: number;
}

/** One person's yes to a request. */
export interface StoredRequestApproval {
  /** SHA-256 of who signed and what, lower-case hex. */
  readonly id: string;
  readonly request: string;
  readonly person: string;
  readonly kid: string;
  /** The DSSE envelope (JSON text). */
  readonly envelope: string;
  readonly at: Instant;
  readonly until: Instant;
}

/** An approval that this counter has counted is used up: it is taken with the decision, by the same statement as every other. */
export const APPROVAL_USE = "approval|";

export interface RequestApprovalStore {
  /** Takes a request in, or remembers that it was asked again; `full` where there is no room for another. */
  readonly putWaiting: (waiting: WaitingRequest, room: WaitingRoom) => Promise<"new" | "known" | "full">;
  /** Those that wait at `now`, oldest first. */
  readonly waitingRequests: (now: Instant) => Promise<readonly WaitingRequest[]>;
  readonly waitingRequest: (request: string, now: Instant) => Promise<WaitingRequest | undefined>;
  /**
   * False where the request does not wait, the person's last approval of it is neither used nor over, this approval was there before, or
   * the roster has another number of changes; nothing changes then.
   */
  readonly putRequestApproval: (
    approval: StoredRequestApproval,
    expected: { readonly roster: number; readonly now: Instant },
    entry: EntryDraft,
  ) => Promise<boolean>;
  /** Those that are neither used nor over at `now`, oldest first, at most 64. */
  readonly requestApprovals: (request: string, now: Instant) => Promise<readonly StoredRequestApproval[]>;
}
