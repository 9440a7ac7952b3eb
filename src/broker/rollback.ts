/** Was an older database put in the place of this one? The newest head, kept apart from it, is not to be ahead of it. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { advanceCheckpoint } from "./checkpoints.ts";
import { openOwnHead } from "./heads.ts";
import { rootAt } from "./proofs.ts";
import type { World } from "./world.ts";

/**
 * Refuses a log that lacks entries under the kept head, or has others in their place.
 *
 * @throws {@link Fault} `ledger/rolled-back`; `ledger/inconsistent`, `ledger/malformed` for a head that this broker did not sign.
 */
export async function refuseRolledBack(world: World): Promise<void> {
  const note = await world.heads?.read();
  if (note === undefined) {
    if (world.heads !== undefined) world.log("warn", "no-head-kept-yet");
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

/** Signs a head over everything that is committed, and keeps it apart where there is a place for it; answers the note. */
export async function keepHead(world: World): Promise<string> {
  const note = await advanceCheckpoint(world);
  await world.heads?.keep(note);
  return note;
}
