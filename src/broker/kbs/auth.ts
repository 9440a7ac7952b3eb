/** How does a guest of the KBS exchange get its nonce? As every guest does: made, and stored nowhere. */
import type { KbsVersion } from "../../channel/kbs-binding.ts";
import { type KbsSession, openKbsSession } from "../../channel/kbs-session.ts";
import type { World } from "../world.ts";

/** @throws {@link Fault} `store/unavailable`, `kek/unavailable`. */
export async function beginKbsSession(version: KbsVersion, world: World): Promise<KbsSession> {
  const { now, random, primitives } = world;
  const keys = await world.nonceKeys();
  return openKbsSession(version, { now: now(), random }, keys, primitives);
}
