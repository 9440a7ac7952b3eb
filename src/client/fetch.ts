/** How does a guest get its secrets? Challenge, evidence, release, its own look at the answer; again where that helps. */
import type { Instant } from "../base/time.ts";
import type { PublicJwk, WantedItem } from "../wire/messages.ts";
import { type AttestParts, attest, type PinnedBroker } from "./attest.ts";
import type { BrokerChannel, OpenChannel } from "./channel.ts";
import { type RetryParts, withRetries } from "./retry.ts";
import { type OpenedRelease, openReleases } from "./verify-release.ts";

export interface FetchPlan {
  readonly want: readonly WantedItem[];
  /** The key that wanted tokens are to be bound to. */
  readonly cnf?: PublicJwk;
  readonly broker: PinnedBroker;
  /** When to stop asking, from now. */
  readonly deadlineMs: number;
}

export interface FetchParts extends AttestParts {
  readonly open: OpenChannel;
  readonly now: () => Instant;
  readonly retry: RetryParts;
  /** Ends a request that takes longer. */
  readonly signalAfter: (milliseconds: number) => AbortSignal;
}

export interface Fetched {
  /** The id under which the broker's operator finds this release. */
  readonly decision: string;
  /** In the order of what was wanted. Plaintext: the caller overwrites it when done. */
  readonly secrets: readonly OpenedRelease[];
}

/** A request that hangs is given up, so that another one may find a broker that answers. */
const REQUEST_MS = 30_000;

/**
 * Gets every wanted secret or none.
 *
 * Each attempt has its own nonce, its own report and its own one-use key, which is overwritten whatever comes of it.
 *
 * @throws {@link Fault} what the broker answered; `broker/unreachable`, `provider/unavailable`; `channel/bad-release` for an
 *   answer that is not from the pinned broker, for this very request.
 */
export function fetchSecrets(plan: FetchPlan, parts: FetchParts): Promise<Fetched> {
  return overChannels(plan.deadlineMs, parts, (channel, signal) =>
    releaseOver(channel, plan, { ...parts, signal }),
  );
}

/**
 * Tries until the deadline, where trying again can help; each attempt has a way to the broker of its own.
 *
 * @throws {@link Fault} what the last attempt ended with.
 */
export function overChannels<T>(
  deadlineMs: number,
  parts: FetchParts,
  attempt: (channel: BrokerChannel, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const attemptOnce = async (remainingMs: number): Promise<T> => {
    const signal = parts.signalAfter(Math.min(remainingMs, REQUEST_MS));
    const channel = await parts.open(signal);
    try {
      return await attempt(channel, signal);
    } finally {
      channel.close();
    }
  };
  return withRetries(attemptOnce, deadlineMs, parts.retry);
}

async function releaseOver(
  { client, carrier }: BrokerChannel,
  { broker, want, cnf }: FetchPlan,
  parts: FetchParts & { readonly signal: AbortSignal },
): Promise<Fetched> {
  const { nonce } = await client.challenge(carrier.binding, parts.signal);
  const claims = cnf === undefined ? { want } : { want, cnf };
  const asked = { claims, nonce, carrier };
  const { request, transcript, wrapPrivate } = await attest(asked, broker, parts);
  try {
    const answer = await client.release(request, parts.signal);
    const { signingKey } = broker;
    const now = parts.now();
    const { primitives } = parts;
    const context = { transcript, wrapPrivate, wanted: want, isPartial: false, signingKey, now, primitives };
    return { decision: answer.decision, secrets: await openReleases(answer, context) };
  } finally {
    wrapPrivate.fill(0);
  }
}
