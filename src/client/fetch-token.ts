/** How does a guest get a token? For a registered audience sealed like a secret; for the broker itself as its attestation result. */
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { PublicJwk } from "../wire/messages.ts";
import { attest } from "./attest.ts";
import type { BrokerChannel } from "./channel.ts";
import { type FetchParts, type FetchPlan, fetchSecrets, overChannels } from "./fetch.ts";
import { audienceOf } from "./token-audience.ts";

export interface TokenPlan extends Omit<FetchPlan, "want"> {
  /** Whom the token is for. */
  readonly aud: string;
  /** The guest's key that it is to be bound to. */
  readonly cnf: PublicJwk;
}

export interface FetchedToken {
  readonly decision: string;
  /** A compact JWS in ASCII; the caller overwrites it when done. */
  readonly token: Uint8Array;
}

/**
 * Gets one token.
 *
 * @throws {@link Fault} as `fetchSecrets`.
 */
export async function fetchToken(plan: TokenPlan, parts: FetchParts): Promise<FetchedToken> {
  const { aud, ...rest } = plan;
  if (aud === plan.broker.audience) {
    return overChannels(plan.deadlineMs, parts, (channel, signal) =>
      attestOver(channel, plan, { ...parts, signal }),
    );
  }
  const { decision, secrets } = await fetchSecrets({ ...rest, want: [{ token: { aud } }] }, parts);
  const [first] = secrets;
  if (first === undefined) throw new Fault("channel/bad-release", "expected a token, received nothing");
  return { decision, token: first.secret };
}

/** The result is signed by the key of tokens, not by the pinned one: whoever is shown it verifies it. */
async function attestOver(
  { client, carrier }: BrokerChannel,
  { broker, cnf, aud }: TokenPlan,
  parts: FetchParts & { readonly signal: AbortSignal },
): Promise<FetchedToken> {
  const { nonce } = await client.challenge(carrier.binding, parts.signal);
  const { request, wrapPrivate } = await attest({ claims: { want: [], cnf }, nonce, carrier }, broker, parts);
  wrapPrivate.fill(0); // nothing is sealed for it on this path
  const { decision, token } = await client.attest(request, parts.signal);
  if (audienceOf(utf8(token)) !== aud) {
    throw new Fault("channel/bad-release", "expected a token for the broker itself");
  }
  return { decision, token: utf8(token) };
}
