/** How do the tokens of a decision cease to count? By an admin's word, recorded; the broker takes them no more. */
import { Fault } from "../base/fault.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { Revocation } from "./token-store.ts";
import type { World } from "./world.ts";

/**
 * Revokes the tokens of a decision. A decision that is revoked already stays as it is.
 *
 * @throws {@link Fault} `request/not-found` for an id of no decision; `store/unavailable`.
 */
export async function revokeDecision(decision: string, actor: Actor, world: World): Promise<Revocation> {
  if ((await world.store.decision(decision)) === undefined) {
    throw new Fault("request/not-found", `expected the id of a decision, received \`${decision}\``);
  }
  const revocation = { decision, at: world.now(), by: actor.kid };
  const entry = adminEntry({ act: "token-revoke", subject: decision, digest: "" }, actor, world);
  if (await world.store.revokeDecision(revocation, entry)) return revocation;
  return (await world.store.revocation(decision)) ?? revocation;
}
