/** By which OpenID providers do admins sign in? Those of the configuration; each is asked for its keys when somebody comes. */
import { Fault } from "../base/fault.ts";
import type { IdentityProviders, ProviderKey } from "../broker/identity.ts";
import type { AskParts } from "./ask-json.ts";
import { verifyIdToken } from "./id-token.ts";
import type { ProviderPlan } from "./plan.ts";
import { createProviderKeys, describedKeys, type ProviderKeys } from "./provider-keys.ts";

/** Makes the port. Nothing is sent before somebody signs in, and no release waits for anything here. */
export function createIdentityProviders(plans: readonly ProviderPlan[], parts: AskParts): IdentityProviders {
  const providers = plans.map((plan) => ({ plan, keys: createProviderKeys(plan, parts) }));
  return {
    offered: plans.map(({ issuer, clientId, maxAgeSeconds, acr, sessionSeconds }) => ({
      issuer,
      clientId,
      acr,
      sessionSeconds,
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    })),
    verify: async (idToken, { issuer, nonce }) => {
      const known = providers.find(({ plan }) => plan.issuer === issuer);
      if (known === undefined) throw new Fault("login/refused", "expected a provider of the configuration");
      const { plan, keys } = known;
      return verifyIdToken(idToken, { rules: plan, keys, nonce, now: parts.now() });
    },
    keys: async () => (await Promise.all(providers.map(keysOf))).flat(),
  };
}

/** A provider that cannot be reached is no reason to say nothing of everything else. */
async function keysOf({
  plan,
  keys,
}: {
  readonly plan: ProviderPlan;
  readonly keys: ProviderKeys;
}): Promise<readonly ProviderKey[]> {
  const known = await keys.newest();
  return known === undefined ? [] : describedKeys(known, plan);
}
