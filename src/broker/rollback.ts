/** Was an older database put in the place of this one? Whatever remembers the log apart from it is not to be ahead of it. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { advanceCheckpoint } from "./checkpoints.ts";
import { openOwnHead } from "./heads.ts";
import { rootAt } from "./proofs.ts";
import type { Anchor, HeadKeeper, World } from "./world.ts";

/** Refuses a log that any anchor knows to have been longer, or another. @throws {@link Fault} as {@link Anchor}. */
export async function refuseRolledBack(world: World): Promise<void> {
  for (const anchor of world.anchors ?? []) await anchor.check(world); // in order: those at hand before those far away
}

/** Signs a head over everything that is committed, and lets every anchor remember it; answers the note. */
export async function keepHead(world: World): Promise<string> {
  const note = await advanceCheckpoint(world);
  const kept = await Promise.allSettled((world.anchors ?? []).map((anchor) => anchor.keep(note, world)));
  for (const result of kept) if (result.status === "rejected") throw result.reason;
  return note;
}

/**
 * The newest head itself, in a place apart from the database, or one that what counts apart from it vouches for. `check` throws `ledger/inconsistent` or `ledger/malformed` for a
 * head that this broker did not sign.
 */
export function createHeadAnchor(heads: HeadKeeper, name = "head_file"): Anchor {
  return { name, check: (world) => refuseBehind(heads, name, world), keep: heads.keep };
}

async function refuseBehind(heads: HeadKeeper, name: string, world: World): Promise<void> {
  const note = await heads.read();
  if (note === undefined) {
    world.log("warn", "no-head-kept-yet", { anchor: name });
    return;
  }
  const head = await openOwnHead(note, world);
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
