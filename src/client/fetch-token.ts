/** How does a guest get a token? For a registered audience sealed like a secret; for the broker itself as its attestation result. */
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { PublicJwk } from "../wire/messages.ts";
import { type FetchParts, type FetchPlan, overSessions } from "./fetch.ts";

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
  const { aud, cnf } = plan;
  return overSessions(plan, parts, async (session, { audience }) => {
    if (aud === audience) {
      const { decision, token } = await session.attest(cnf);
      return { decision, token: utf8(token) };
    }
    const { decision, secrets } = await session.release([{ token: { aud } }], cnf);
    const [first] = secrets;
    if (first === undefined) throw new Fault("channel/bad-release", "expected a token, received nothing");
    return { decision, token: first.secret };
  });
}
