/** How does a guest get a nonce? Stateless: a MAC'd header, stored nowhere until it is spent. */
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { issueNonce } from "../channel/nonce.ts";
import type { Challenge, Exchange } from "./request.ts";
import type { World } from "./world.ts";

/** Suites this broker can seal to now. */
export const OFFERED_SUITES: readonly number[] = [1];

/**
 * Issues a nonce for one binding.
 *
 * @throws {@link Fault} `channel/wrong-listener` where this listener does not serve the binding.
 */
export async function issueChallenge(
  request: { readonly binding: 1 | 2 | 3 },
  exchange: Exchange,
  world: World,
): Promise<Challenge> {
  refuseUnoffered(request.binding, exchange);
  const now: Instant = world.now();
  const keys = await world.nonceKeys();
  const { nonce, expiresAt } = issueNonce(
    { binding: request.binding, now, rand: world.random(16) },
    keys,
    world.primitives,
  );
  return {
    nonce,
    expiresAt,
    audience: world.settings.audience,
    signingKey: world.signer.spki,
    kid: world.signer.kid,
    suites: OFFERED_SUITES,
  };
}

/** A listener serves the bindings it was made for, and no other. */
export function refuseUnoffered(binding: 1 | 2 | 3, exchange: Exchange): void {
  if (exchange.offered.includes(binding)) return;
  throw new Fault(
    "channel/wrong-listener",
    `expected a binding that this listener offers, received ${binding}`,
    {
      offered: exchange.offered.join(", "),
      received: binding,
    },
  );
}
