/** How does a guest ask for something as itself, once? By a token of its own report, whose key is forgotten afterwards. */
import type { Signer } from "../base/primitives.ts";
import type { PublicJwk } from "../wire/messages.ts";
import { type FetchParts, type FetchPlan, overSessions } from "./fetch.ts";
import { useToken } from "./token-use.ts";

export interface OwnTokenPlan extends Omit<FetchPlan, "want" | "cnf"> {
  /** A key of this guest, ES256: made for this, as a rule, and forgotten. */
  readonly key: { readonly jwk: PublicJwk; readonly signer: Signer };
}

/** Sends one request. @throws {@link Fault} as `fetchSecrets`; the broker's no to the request itself. */
export function askAsItself(
  plan: OwnTokenPlan,
  request: { readonly path: string; readonly body: string },
  parts: FetchParts,
): Promise<Uint8Array> {
  const { key } = plan;
  return overSessions(plan, parts, async (session, { audience }) => {
    const { token } = await session.attest(key.jwk);
    const { now, random, primitives } = parts;
    const way = { session, parts: { now, random, digest: primitives.digest } };
    return useToken({ audience, ...request }, { token, ...key }, way);
  });
}
