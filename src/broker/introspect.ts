/** Does a token count now? Told to an admin of every token, and to a holder of the tokens of its own key (RFC 7662). */
import { isFault } from "../base/fault.ts";
import type { Introspection } from "../wire/messages.ts";
import type { Holder } from "./dpop.ts";
import { verifyToken } from "./verify-token.ts";
import type { World } from "./world.ts";

/** Without a holder an admin asks. A token of another key is inactive to a holder: no more is said of it. */
export async function introspect(
  token: string,
  holder: Holder | undefined,
  world: World,
): Promise<Introspection> {
  const claims = await verifyToken(token, world).catch((thrown: unknown) => {
    if (isFault(thrown, "token/invalid") || isFault(thrown, "request/too-large")) return undefined;
    throw thrown;
  });
  if (claims === undefined) return { active: false };
  if (holder !== undefined && claims.cnf?.jkt !== holder.jkt) return { active: false };
  return { active: true, ...claims, token_type: claims.cnf === undefined ? "Bearer" : "DPoP" };
}
