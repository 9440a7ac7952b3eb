/** Was an older database put in the place of this one? No head that an anchor keeps apart from it is to be ahead of it. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { openCheckpoint, originOf } from "../ledger/checkpoint.ts";
import { advanceCheckpoint, rootAt } from "./checkpoints.ts";
import type { World } from "./world.ts";

/**
 * Refuses a log that lacks entries under a head that an anchor kept, or has others in their place.
 *
 * @throws {@link Fault} `ledger/rolled-back`; `ledger/inconsistent`, `ledger/malformed` for a head that this broker did not sign; where an
 * anchor cannot be asked, its own: then nobody knows.
 */
export async function refuseRolledBack(world: World): Promise<void> {
  for (const anchor of world.anchors) {
    const note = await anchor.read(); // one after the other: a few, once
    if (note === undefined) world.log("warn", "no-head-kept-yet", { anchor: anchor.name });
    else await refuseBehind(note, world);
  }
}

async function refuseBehind(note: string, world: World): Promise<void> {
  const origin = originOf(world.settings.audience);
  const head = await openCheckpoint(note, { origin, spki: world.ledgerSigner.spki }, world.primitives);
  const inDatabase = await world.store.checkpoint();
  if (inDatabase?.note === note) return; // which `advanceCheckpoint` looks at next
  const size = await world.store.ledgerSize();
  if (size < head.size) {
    throw new Fault("ledger/rolled-back", "the database is older than the head that was kept apart from it", {
      expected: head.size,
      received: size,
    });
  }
  if (equalBytes(await rootAt(head.size, world), head.root)) return;
  throw new Fault("ledger/rolled-back", "the log has other entries than those under the head that was kept", {
    size: head.size,
  });
}

/** Signs a head over everything that is committed, and hands it to the anchors; answers the note. One that fails keeps no other from it. */
export async function keepHead(world: World): Promise<string> {
  const note = await advanceCheckpoint(world);
  const kept = await Promise.allSettled(world.anchors.map((anchor) => anchor.keep(note)));
  for (const one of kept) if (one.status === "rejected") throw one.reason;
  return note;
}
