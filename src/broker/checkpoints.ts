/** What does the log promise now? A signed head over every entry, made after the commits and never behind one made before. */
import { Fault } from "../base/fault.ts";
import { originOf, signCheckpoint } from "../ledger/checkpoint.ts";
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot } from "../ledger/merkle.ts";
import { grownTiles } from "../ledger/tiles.ts";
import { type HeadWorld, keptHead } from "./heads.ts";
import { actsUnder, type LastActs, notedActs, signActs } from "./last-acts.ts";
import { leafPages } from "./leaves.ts";
import { ENTRIES_PER_BATCH, edgeOf } from "./tiles.ts";

/**
 * Signs a head over everything that is committed; answers the note. Nothing new, nothing signed.
 *
 * @throws {@link Fault} `ledger/inconsistent` where entries that an earlier head covers are gone, its root does not hold, or the
 *   tiles under it are others.
 */
export async function advanceCheckpoint(world: HeadWorld): Promise<string> {
  const kept = await keptHead(world);
  const size = await world.store.ledgerSize();
  if (kept !== undefined && size < kept.frontier.size) {
    throw new Fault("ledger/inconsistent", "entries that a signed head covers are gone", {
      expected: kept.frontier.size,
      received: size,
    });
  }
  if (kept !== undefined && kept.frontier.size === size) return kept.note;
  let at: Advance = { frontier: kept?.frontier ?? emptyFrontier(), acts: await actsUnder(kept, world) };
  let note: string | undefined;
  while (note === undefined || at.frontier.size < size) {
    const to = Math.min(at.frontier.size + ENTRIES_PER_BATCH, size);
    [at, note] = await advanceTo(to, at, world); // in order: each head stands on the one before
  }
  return note;
}

/** The tree so far, and the last acts in it. */
interface Advance {
  readonly frontier: Frontier;
  readonly acts: LastActs;
}

/** A head over some more entries, kept with the tiles that grew, in one batch. */
async function advanceTo(
  size: number,
  { frontier: before, acts: actsBefore }: Advance,
  world: HeadWorld,
): Promise<readonly [Advance, string]> {
  const { digest } = world.primitives;
  const edge = await edgeOf(before, world);
  let [frontier, acts] = [before, actsBefore];
  const leaves: Uint8Array[] = [];
  for await (const { entries, hashes } of leafPages({ start: before.size, end: size }, world)) {
    leaves.push(...hashes);
    for (const hash of hashes) frontier = appendLeaf(frontier, hash, digest);
    acts = notedActs(acts, entries);
  }
  const note = await signedHead(frontier, world);
  // Where the tiles before are not there yet, whoever fills them makes these too.
  const tiles = edge === undefined ? [] : grownTiles({ size: before.size, edge }, leaves, digest);
  const beside = await signActs(acts, frontier, world);
  await world.store.putCheckpoint({ size, note, frontier: frontier.roots, acts: beside }, tiles);
  return [{ frontier, acts }, note];
}

/** The signed head of a tree. */
export function signedHead(
  frontier: Frontier,
  { primitives, ledgerSigner, settings }: HeadWorld,
): Promise<string> {
  const origin = originOf(settings.audience);
  const root = frontierRoot(frontier, primitives.digest);
  return signCheckpoint({ origin, size: frontier.size, root }, ledgerSigner, primitives);
}
