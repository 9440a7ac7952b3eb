/** How do the tokens of a decision cease to count? By an admin's word, recorded; the broker takes them no more. */
import { Fault } from "../base/fault.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { Revocation } from "./token-store.ts";
import type { World } from "./world.ts";

/**
 * Revokes the tokens of a decision. A decision that is revoked already stays as it is. Where it renewed a guest's own token, whatever
 * was renewed from the same evidence counts no more either: which token came of which nobody keeps.
 *
 * @throws {@link Fault} `request/not-found` for an id of no decision; `store/unavailable`.
 */
export async function revokeDecision(decision: string, actor: Actor, world: World): Promise<Revocation> {
  const stored = await world.store.decision(decision);
  if (stored === undefined) {
    throw new Fault("request/not-found", `expected the id of a decision, received \`${decision}\``);
  }
  const first = evidenceOf(stored.draft);
  if (first !== undefined) await revokeOne(first, actor, world);
  return revokeOne(decision, actor, world);
}

/** The decision that judged the evidence which a renewed token of a guest's rests on. */
function evidenceOf(draft: EntryDraft): string | undefined {
  const isRenewal = draft.kind === "decision" && draft.items.some(({ resource }) => resource === "attest");
  return isRenewal ? draft.held?.decision : undefined;
}

async function revokeOne(decision: string, actor: Actor, world: World): Promise<Revocation> {
  const revocation = { decision, at: world.now(), by: actor.kid };
  const entry = adminEntry({ act: "token-revoke", subject: decision, digest: "" }, actor, world);
  if (await world.store.revokeDecision(revocation, entry)) return revocation;
  return (await world.store.revocation(decision)) ?? revocation;
}
