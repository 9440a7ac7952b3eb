/** What does the log promise now? A signed head over every entry, made after the commits and never behind one made before. */
import { Fault } from "../base/fault.ts";
import { originOf, signCheckpoint } from "../ledger/checkpoint.ts";
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot } from "../ledger/merkle.ts";
import { grownTiles } from "../ledger/tiles.ts";
import { type HeadWorld, keptHead } from "./heads.ts";
import { leafHashes } from "./leaves.ts";
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
  let frontier = kept?.frontier ?? emptyFrontier();
  let note = kept?.note;
  while (note === undefined || frontier.size < size) {
    const to = Math.min(frontier.size + ENTRIES_PER_BATCH, size);
    [frontier, note] = await advanceTo(to, frontier, world); // in order: each head stands on the one before
  }
  return note;
}

/** A head over some more entries, kept with the tiles that grew, in one batch. */
async function advanceTo(
  size: number,
  before: Frontier,
  world: HeadWorld,
): Promise<readonly [Frontier, string]> {
  const { digest } = world.primitives;
  const edge = await edgeOf(before, world);
  let frontier = before;
  const leaves: Uint8Array[] = [];
  for await (const page of leafHashes({ start: before.size, end: size }, world)) {
    leaves.push(...page);
    for (const hash of page) frontier = appendLeaf(frontier, hash, digest);
  }
  const note = await signedHead(frontier, world);
  // Where the tiles before are not there yet, whoever fills them makes these too.
  const tiles = edge === undefined ? [] : grownTiles(edge, before.size, leaves, digest);
  await world.store.putCheckpoint({ size, note, frontier: frontier.roots }, tiles);
  return [frontier, note];
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
