/** How does a guest get its secrets, whatever the network does? A session and a release; again, or elsewhere, where that helps. */
import { Fault, isFault } from "../base/fault.ts";
import type { PublicJwk, WantedItem } from "../wire/messages.ts";
import type { OpenChannel } from "./channel.ts";
import type { ReceiptPlan } from "./receipt.ts";
import { type Group, type RetryParts, withRetries } from "./retry.ts";
import {
  openSession,
  type Released,
  type Session,
  type SessionParts,
  type TrustedBroker,
} from "./session.ts";

/** One broker that may answer. */
export interface BrokerWay {
  /** Its address, for whoever reads the console. */
  readonly url: string;
  readonly broker: TrustedBroker;
  readonly open: OpenChannel;
}

export interface FetchPlan {
  readonly want: readonly WantedItem[];
  /** The key that wanted tokens are to be bound to. */
  readonly cnf?: PublicJwk;
  /** Where it is there, what is kept of the release is asked for too. */
  readonly receipt?: Pick<ReceiptPlan, "ledgerKey">;
  /** Any of them will do, with every secret and every refusal. */
  readonly brokers: Group<BrokerWay>;
  /** When to stop asking, from now; `Infinity` for never. */
  readonly deadlineMs: number;
}

export interface FetchParts extends Omit<SessionParts, "open"> {
  readonly retry: RetryParts<BrokerWay>;
  /** Ends a request that takes longer. */
  readonly signalAfter: (milliseconds: number) => AbortSignal;
}

/** What came, and what the broker proved before it was asked. */
export interface FetchedFrom extends Released {
  readonly broker: Session["broker"];
  /** Of this release, or why there is none: what was released is released. */
  readonly receipt?: string | Fault;
}

/** A request that hangs is given up, so that another one may find a broker that answers. */
const REQUEST_MS = 30_000;
/** A broker that is there answers its first request within this: connection, handshake, challenge and proof. */
const MEETING_MS = 8000;

/**
 * Gets every wanted secret or none.
 *
 * Each attempt has a session of its own, with its own nonce, report and one-use key, which is overwritten whatever comes of it.
 *
 * @throws {@link Fault} what the broker answered; `broker/…`, `provider/unavailable`; `channel/bad-release` for an answer that
 *   is not from the pinned or appraised broker, for this very request.
 */
export function fetchSecrets(plan: FetchPlan, parts: FetchParts): Promise<FetchedFrom> {
  return overSessions(plan, parts, async (session, { audience }) => {
    const fetched = await session.release(plan.want, plan.cnf);
    const { broker } = session;
    if (plan.receipt === undefined) return { ...fetched, broker };
    const receipt = await receiptOrFault(fetched, session, { ...plan.receipt, audience }, parts);
    return { ...fetched, broker, receipt };
  });
}

/** Loaded only where it is wanted. A release is never asked for again because its receipt failed. */
async function receiptOrFault(
  fetched: Released,
  session: Session,
  plan: ReceiptPlan,
  { primitives, retry }: FetchParts,
): Promise<string | Fault> {
  try {
    const { fetchReceipt } = await import("./receipt.ts");
    return await fetchReceipt(fetched, session, plan, { primitives, sleep: retry.sleep });
  } catch (thrown) {
    if (isFault(thrown)) return thrown;
    throw thrown;
  }
}

/**
 * Tries until the deadline, at one broker or another, where trying again can help; each attempt has a session of its own.
 *
 * @throws {@link Fault} what the last attempt ended with, and `broker`, whose answer that was.
 */
export function overSessions<T>(
  { brokers, deadlineMs }: Omit<FetchPlan, "want">,
  parts: FetchParts,
  attempt: (session: Session, broker: TrustedBroker) => Promise<T>,
): Promise<T> {
  const attemptAt = async (way: BrokerWay, remainingMs: number): Promise<T> => {
    const signal = parts.signalAfter(Math.min(remainingMs, REQUEST_MS));
    const meeting = AbortSignal.any([signal, parts.signalAfter(MEETING_MS)]);
    const session = await openSession(way.broker, { ...parts, open: way.open }, signal, meeting);
    try {
      return await attempt(session, way.broker);
    } finally {
      session.close();
    }
  };
  const told = (way: BrokerWay, remainingMs: number): Promise<T> =>
    attemptAt(way, remainingMs).catch((thrown: unknown) => {
      throw isFault(thrown) ? withBroker(thrown, way) : thrown;
    });
  return withRetries(brokers, told, deadlineMs, parts.retry);
}

/** Of several brokers, which one said so? */
function withBroker(fault: Fault, { url }: BrokerWay): Fault {
  return new Fault(fault.code, fault.message, { ...fault.detail, broker: url }, fault.cause);
}
