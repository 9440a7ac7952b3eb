/** How does a guest get a nonce? Stateless: a MAC'd header, stored nowhere until it is spent. */
import { endorsementKeyIn } from "../attestation/tpm/endorsement-key.ts";
import { makeCredential } from "../attestation/tpm/make-credential.ts";
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { Suite } from "../channel/bindings.ts";
import { credentialSecret } from "../channel/credential.ts";
import { issueNonce, type NonceKey } from "../channel/nonce.ts";
import { isOfferedSuite, type OfferedSuite } from "../channel/suites.ts";
import type { Challenge, ChallengeRequest, Exchange } from "./request.ts";
import type { BrokerSettings, World } from "./world.ts";

/**
 * Issues a nonce for one binding, beside the broker's own proof where the guest asks for one and there is one.
 *
 * @throws {@link Fault} `channel/wrong-listener` where this listener does not serve the binding; `request/malformed` for a
 *   fresh proof without a nonce to prove it over, and for an endorsement key of another kind; and every code of {@link World.prove}.
 */
export async function issueChallenge(
  request: ChallengeRequest,
  exchange: Exchange,
  world: World,
): Promise<Challenge> {
  refuseUnoffered(request.binding, exchange);
  const broker = await proofFor(request, exchange, world);
  const now: Instant = world.now();
  const keys = await world.nonceKeys();
  const { nonce, expiresAt } = issueNonce(
    { binding: request.binding, now, rand: world.random(16) },
    keys,
    world.primitives,
  );
  const credential = await credentialFor(request.vtpm, { nonce, key: keys.current }, world);
  return {
    nonce,
    expiresAt,
    audience: world.settings.audience,
    signingKey: world.signer.spki,
    kid: world.signer.kid,
    suites: world.settings.suites,
    ...(broker === undefined ? {} : { broker }),
    ...(credential === undefined ? {} : { credential }),
  };
}

/** For keys of whose TPM nothing is known yet: what comes of it counts where an SVSM names the endorsement key. */
async function credentialFor(
  keys: ChallengeRequest["vtpm"],
  { nonce, key }: { readonly nonce: Uint8Array; readonly key: NonceKey },
  { primitives, random }: World,
): Promise<Challenge["credential"]> {
  if (keys === undefined) return undefined;
  const { ek, akName } = keys;
  const endorsementKey = endorsementKeyIn(ek, "request/malformed");
  const secret = credentialSecret({ nonce, ek, akName }, key, primitives);
  const made = await makeCredential(secret, { ek: endorsementKey, name: akName }, { primitives, random });
  secret.fill(0);
  if (made !== undefined) return made;
  throw new Fault("request/malformed", "expected an endorsement key that something can be encrypted to");
}

/** Of the connection, only what this side saw of it itself. */
async function proofFor(
  { binding, guestNonce, fresh }: ChallengeRequest,
  { cb, ownSpki, peerSpki }: Exchange,
  { prove, settings }: World,
): Promise<Challenge["broker"]> {
  if (fresh === true && guestNonce === undefined) {
    throw new Fault("request/malformed", "expected `guestNonce` with `fresh`");
  }
  if (guestNonce === undefined || prove === undefined) return undefined;
  const channel = { binding, cb, brokerSpki: ownSpki, guestSpki: peerSpki };
  return prove({ audience: settings.audience, guestNonce, channel }, fresh === true);
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

/** What cannot be sealed is refused before anything is decided, so that no use is spent on it. */
export function offeredSuiteOf(suite: Suite, { suites }: BrokerSettings): OfferedSuite {
  if (isOfferedSuite(suite) && suites.includes(suite)) return suite;
  throw new Fault("request/malformed", "expected a suite that this broker offers", {
    offered: suites.join(", "),
    received: suite,
  });
}
