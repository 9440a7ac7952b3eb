/** How does a guest say that a version is in use, so that the ones before may go? By a token of its own report. */
import type { Signer } from "../base/primitives.ts";
import type { PublicJwk } from "../wire/messages.ts";
import { decodeConfirmAnswer, encodeUseConfirmation } from "../wire/readers.ts";
import type { ConfirmAnswer, UseConfirmation } from "../wire/secret-messages.ts";
import { type FetchParts, type FetchPlan, overSessions } from "./fetch.ts";
import { useToken } from "./token-use.ts";

export interface ConfirmPlan extends Omit<FetchPlan, "want" | "cnf"> {
  readonly confirmation: UseConfirmation;
  /** A key of this guest, ES256: made for this, as a rule, and forgotten. */
  readonly key: { readonly jwk: PublicJwk; readonly signer: Signer };
}

/**
 * Confirms one version.
 *
 * @throws {@link Fault} as `fetchSecrets`; `secret/not-read`.
 */
export function confirmVersion(plan: ConfirmPlan, parts: FetchParts): Promise<ConfirmAnswer> {
  const { broker, confirmation, key } = plan;
  return overSessions(plan, parts, async (session) => {
    const { token } = await session.attest(key.jwk);
    const use = { audience: broker.audience, path: "/v1/confirm", body: encodeUseConfirmation(confirmation) };
    const { now, random, primitives } = parts;
    const way = { session, parts: { now, random, digest: primitives.digest } };
    return decodeConfirmAnswer(await useToken(use, { token, ...key }, way));
  });
}
