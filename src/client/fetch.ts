/** How does a guest get its secrets, whatever the network does? A session and a release; again where that helps. */
import type { PublicJwk, WantedItem } from "../wire/messages.ts";
import { type RetryParts, withRetries } from "./retry.ts";
import { type Fetched, openSession, type Session, type SessionParts, type TrustedBroker } from "./session.ts";

export interface FetchPlan {
  readonly want: readonly WantedItem[];
  /** The key that wanted tokens are to be bound to. */
  readonly cnf?: PublicJwk;
  readonly broker: TrustedBroker;
  /** When to stop asking, from now. */
  readonly deadlineMs: number;
}

export interface FetchParts extends SessionParts {
  readonly retry: RetryParts;
  /** Ends a request that takes longer. */
  readonly signalAfter: (milliseconds: number) => AbortSignal;
}

/** What came, and what the broker proved before it was asked. */
export interface FetchedFrom extends Fetched {
  readonly broker: Session["broker"];
}

/** A request that hangs is given up, so that another one may find a broker that answers. */
const REQUEST_MS = 30_000;

/**
 * Gets every wanted secret or none.
 *
 * Each attempt has a session of its own, with its own nonce, report and one-use key, which is overwritten whatever comes of it.
 *
 * @throws {@link Fault} what the broker answered; `broker/…`, `provider/unavailable`; `channel/bad-release` for an answer that
 *   is not from the pinned or appraised broker, for this very request.
 */
export function fetchSecrets(plan: FetchPlan, parts: FetchParts): Promise<FetchedFrom> {
  return overSessions(plan, parts, async (session) => ({
    ...(await session.release(plan.want, plan.cnf)),
    broker: session.broker,
  }));
}

/**
 * Tries until the deadline, where trying again can help; each attempt has a session of its own.
 *
 * @throws {@link Fault} what the last attempt ended with.
 */
export function overSessions<T>(
  { broker, deadlineMs }: Omit<FetchPlan, "want">,
  parts: FetchParts,
  attempt: (session: Session) => Promise<T>,
): Promise<T> {
  const attemptOnce = async (remainingMs: number): Promise<T> => {
    const signal = parts.signalAfter(Math.min(remainingMs, REQUEST_MS));
    const session = await openSession(broker, parts, signal);
    try {
      return await attempt(session);
    } finally {
      session.close();
    }
  };
  return withRetries(attemptOnce, deadlineMs, parts.retry);
}
