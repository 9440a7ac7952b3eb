/** How does a guest get its secrets? Challenge, evidence, release, its own look at the answer; again where that helps. */
import type { Instant } from "../base/time.ts";
import type { GuestClient } from "../client/guest.ts";
import { type RetryParts, withRetries } from "../client/retry.ts";
import { type OpenedRelease, openReleases } from "../client/verify-release.ts";
import type { WantedItem } from "../wire/messages.ts";
import { type AttestParts, attest, type PinnedBroker } from "./attest.ts";

export interface FetchPlan {
  readonly want: readonly WantedItem[];
  readonly broker: PinnedBroker;
  /** When to stop asking, from now. */
  readonly deadlineMs: number;
}

export interface FetchParts extends AttestParts {
  readonly client: GuestClient;
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
  const { client, primitives } = parts;
  const { broker, want } = plan;
  const signal = parts.signalAfter(Math.min(remainingMs, REQUEST_MS));
  const { nonce } = await client.challenge(3, signal);
  const { request, transcript, wrapPrivate } = await attest({ claims: { want }, nonce }, broker, parts);
  try {
    const answer = await client.release(request, signal);
    const { signingKey } = broker;
    const now = parts.now();
    const context = { transcript, wrapPrivate, wanted: want, isPartial: false, signingKey, now, primitives };
    return { decision: answer.decision, secrets: await openReleases(answer, context) };
  } finally {
    wrapPrivate.fill(0);
  }
}
