/** How does a guest get its secrets? Challenge, evidence, release, its own look at the answer; again where that helps. */
import type { Instant } from "../base/time.ts";
import type { WantedItem } from "../wire/messages.ts";
import { type AttestParts, attest, type PinnedBroker } from "./attest.ts";
import type { BrokerChannel, OpenChannel } from "./channel.ts";
import { type RetryParts, withRetries } from "./retry.ts";
import { type OpenedRelease, openReleases } from "./verify-release.ts";

export interface FetchPlan {
  readonly want: readonly WantedItem[];
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
  return withRetries((remainingMs) => attemptRelease(plan, parts, remainingMs), plan.deadlineMs, parts.retry);
}

async function attemptRelease(plan: FetchPlan, parts: FetchParts, remainingMs: number): Promise<Fetched> {
  const signal = parts.signalAfter(Math.min(remainingMs, REQUEST_MS));
  const channel = await parts.open(signal);
  try {
    return await releaseOver(channel, plan, { ...parts, signal });
  } finally {
    channel.close();
  }
}

async function releaseOver(
  { client, carrier }: BrokerChannel,
  { broker, want }: FetchPlan,
  parts: FetchParts & { readonly signal: AbortSignal },
): Promise<Fetched> {
  const { nonce } = await client.challenge(carrier.binding, parts.signal);
  const asked = { claims: { want }, nonce, carrier };
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
