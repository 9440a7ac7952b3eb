/** How does a guest get a token? For a registered audience sealed like a secret; for the broker itself as its attestation result. */
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { PublicJwk } from "../wire/messages.ts";
import type { AtBroker } from "./at-broker.ts";
import { type FetchParts, type FetchPlan, overSessions } from "./fetch.ts";
import { mayWantEvidence, renew } from "./renew.ts";
import type { Fetched } from "./session.ts";
import type { GuestKey } from "./transit.ts";

export interface TokenPlan extends Omit<FetchPlan, "want"> {
  /** Whom the token is for. */
  readonly aud: string;
  /** The guest's key that it is to be bound to. */
  readonly cnf: PublicJwk;
  /** A token of the broker for itself that is bound to that key: where it does, no report is made. */
  readonly held?: { readonly token: string; readonly key: GuestKey };
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
  const { aud, cnf } = plan;
  return overSessions(plan, parts, async (session, broker) => {
    const renewed = await renewedToken(plan, { session, broker }, parts);
    if (renewed !== undefined) return renewed;
    if (aud === broker.audience) {
      const { decision, token } = await session.attest(cnf);
      return { decision, token: utf8(token) };
    }
    const { decision, secrets } = await session.release([{ token: { aud } }], cnf);
    return { decision, token: tokenIn(secrets) };
  });
}

/** `undefined` where the broker wants new evidence, or may. */
async function renewedToken(
  { aud, held }: TokenPlan,
  at: AtBroker,
  parts: FetchParts,
): Promise<FetchedToken | undefined> {
  if (held === undefined) return undefined;
  const { token, key } = held;
  try {
    const { decision, secrets } = await renew({ want: [{ token: { aud } }], token }, { ...at, key }, parts);
    return { decision, token: tokenIn(secrets) };
  } catch (thrown) {
    if (mayWantEvidence(thrown)) return undefined;
    throw thrown;
  }
}

function tokenIn([first]: Fetched["secrets"]): Uint8Array {
  if (first === undefined) throw new Fault("channel/bad-release", "expected a token, received nothing");
  return first.secret;
}
