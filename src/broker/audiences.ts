/** Whom may a token be for? Audiences that an admin registered under a name; policy releases them as `token/NAME`. */
import { hexOf } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { AudienceSummary } from "../wire/messages.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { World } from "./world.ts";

/** What an admin says of an audience. */
export interface AudiencePlan {
  readonly name: string;
  readonly aud: string;
  readonly isBearer: boolean;
}

/**
 * Registers an audience. A bearer audience is an act of its own in the log: its tokens need no proof of a key.
 *
 * @throws {@link Fault} `audience/exists` where name or `aud` is taken; `request/malformed` for the broker's own identity,
 *   whose tokens `/v1/attest` alone gives.
 */
export async function addAudience(plan: AudiencePlan, actor: Actor, world: World): Promise<AudienceSummary> {
  const { name, aud, isBearer } = plan;
  const { audience, issuer } = world.settings;
  if (aud === audience || aud === issuer) {
    throw new Fault("request/malformed", "expected another audience than the broker's own: ask /v1/attest");
  }
  const summary = { name, aud, isBearer, createdAt: world.now(), createdBy: actor.kid };
  const digest = hexOf(
    world.primitives.digest("sha256", canonicalJsonBytes({ name, aud, bearer: isBearer })),
  );
  const act = isBearer ? "audience-add-bearer" : "audience-add";
  if (!(await world.store.putAudience(summary, adminEntry({ act, subject: name, digest }, actor, world)))) {
    throw new Fault("audience/exists", `expected a name and an \`aud\` that are free, received \`${name}\``);
  }
  return summary;
}

/** From then on no token is for it; those that are out live to their end. @throws {@link Fault} `audience/unknown`. */
export async function removeAudience(name: string, actor: Actor, world: World): Promise<void> {
  const entry = adminEntry({ act: "audience-remove", subject: name, digest: "" }, actor, world);
  if (!(await world.store.removeAudience(name, entry))) {
    throw new Fault("audience/unknown", `expected a registered audience, received \`${name}\``);
  }
}

/** In order of name. */
export async function listAudiences(world: World): Promise<readonly AudienceSummary[]> {
  return world.store.audiences();
}
