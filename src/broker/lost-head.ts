/** Is the kept head the newest that was signed, as far as the database itself can tell? Tiles are written with the heads that they lie under. */
import { Fault } from "../base/fault.ts";
import { type HeadWorld, keptHead } from "./heads.ts";

/**
 * Refuses a database whose head was taken away, or in which an older one was put back. Whoever takes the tiles back too is found by
 * what remembers heads elsewhere.
 *
 * @throws {@link Fault} `ledger/inconsistent`; as `keptHead`.
 */
export async function refuseLostHead(world: HeadWorld): Promise<void> {
  const tiled = await world.store.tiledSize(); // before the head: another broker may sign meanwhile, and is ahead of these then
  const size = (await keptHead(world))?.checkpoint.size ?? 0;
  if (tiled <= size) return;
  const sentence = `expected the signed head of ${tiled} entries or more, as the tiles were made under one, received ${size === 0 ? "none" : `one of ${size}`}`;
  throw new Fault("ledger/inconsistent", sentence, { place: "checkpoint", expected: tiled, received: size });
}
