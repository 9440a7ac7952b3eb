/** How does a sealed broker come to serve? Share by share, and with the last one it looks whether this database is its own. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { SealProgress } from "../wire/messages.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import { beginEpoch, refuseForeignStore } from "./startup.ts";
import type { Seal, World } from "./world.ts";

/** Whether anything but shares is answered. */
export function isSealed({ seal }: Pick<World, "seal">): boolean {
  return seal?.progress().isSealed === true;
}

/** @throws {@link Fault} `request/conflict` for a broker whose root key comes in no shares. */
export function sealOf({ seal }: Pick<World, "seal">): Seal {
  if (seal === undefined)
    throw new Fault("request/conflict", "expected a broker whose root key comes in shares");
  return seal;
}

/**
 * Takes one person's share. With the last one the broker does what others do at their start, and serves only if that succeeds.
 *
 * @throws {@link Fault} `kek/bad-share`; `kek/wrong-key`, `store/…`, `ledger/inconsistent`, `clock/behind` with the last share:
 * then all of them are forgotten.
 */
export function giveShare(share: string, actor: Actor, world: World): Promise<SealProgress> {
  const seal = sealOf(world);
  return seal.inTurn(() => taken({ share, actor, seal }, world));
}

interface Given {
  readonly share: string;
  readonly actor: Actor;
  readonly seal: Seal;
}

async function taken({ share, actor, seal }: Given, world: World): Promise<SealProgress> {
  const before = seal.progress();
  if (!before.isSealed) return before;
  const isComplete = await seal.give(share);
  world.log("info", "share-given", { actor: actor.kid, given: seal.progress().given });
  if (!isComplete) return seal.progress();
  try {
    await refuseForeignStore(world.store, world.kek, world.settings.audience);
    await beginEpoch(world, seal.wasClockAhead);
    const digest = hexOf(world.primitives.digest("sha256", utf8(world.kek.id)));
    const act = { act: "kek-unseal", subject: world.kek.id, digest };
    await world.store.appendEntry(adminEntry(act, actor, world));
  } catch (thrown) {
    seal.forget();
    throw thrown;
  }
  seal.open();
  world.log("info", "unsealed", { actor: actor.kid });
  return seal.progress();
}

export function sealedFault(): Fault {
  const sentence = "the broker is sealed until its operators have given enough shares of its root key";
  return new Fault("kek/sealed", sentence, { sentence });
}
