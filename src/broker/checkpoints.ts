/** What does the log promise now? A signed head over every entry, made after the commits and never behind one made before. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { type Checkpoint, openCheckpoint, originOf, signCheckpoint } from "../ledger/checkpoint.ts";
import { encodeEntry, type LedgerEntry } from "../ledger/entry.ts";
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot, leafHash } from "../ledger/merkle.ts";
import { settle } from "./settle.ts";
import type { StoredCheckpoint } from "./store.ts";
import type { World } from "./world.ts";

const ENTRIES_PER_READ = 1000;

/**
 * Signs a head over everything that is committed; answers the note. Nothing new, nothing signed.
 *
 * @throws {@link Fault} `ledger/inconsistent` where entries that an earlier head covers are gone or its root does not hold.
 */
export async function advanceCheckpoint(world: World): Promise<string> {
  const kept = await world.store.checkpoint();
  const known = kept === undefined ? emptyFrontier() : await frontierOf(kept, world);
  const size = await world.store.ledgerSize();
  if (kept !== undefined && size < kept.size) {
    throw new Fault("ledger/inconsistent", "entries that a signed head covers are gone", {
      expected: kept.size,
      received: size,
    });
  }
  if (kept !== undefined && size === kept.size) return kept.note;
  const frontier = await grownTo(size, known, world);
  const origin = originOf(world.settings.audience);
  const root = frontierRoot(frontier, world.primitives.digest);
  const note = await signCheckpoint(
    { origin, size: frontier.size, root },
    world.ledgerSigner,
    world.primitives,
  );
  await world.store.putCheckpoint({ size: frontier.size, note, frontier: frontier.roots });
  return note;
}

/** The tree's root when the log had `size` entries, computed from them. @throws {@link Fault} `ledger/inconsistent`. */
export async function rootAt(size: number, world: World): Promise<Uint8Array> {
  return frontierRoot(await grownTo(size, emptyFrontier(), world), world.primitives.digest);
}

async function grownTo(size: number, start: Frontier, world: World): Promise<Frontier> {
  let frontier = start;
  while (frontier.size < size) {
    const limit = Math.min(ENTRIES_PER_READ, size - frontier.size);
    frontier = await appendFrom(frontier, { from: frontier.size, limit }, world); // in order: each leaf needs the ones before
  }
  return frontier;
}

/** Entries as they stand in the log. */
export async function ledgerEntries(
  range: { readonly from: number; readonly limit: number },
  world: World,
): Promise<readonly LedgerEntry[]> {
  const stored = await world.store.entries(range.from, range.limit);
  return stored.map(settle);
}

async function appendFrom(
  frontier: Frontier,
  { from, limit }: { readonly from: number; readonly limit: number },
  world: World,
): Promise<Frontier> {
  const { digest } = world.primitives;
  const stored = await world.store.entries(from, limit);
  if (stored.length === 0) throw new Fault("ledger/inconsistent", "an entry is missing", { seq: from });
  return stored.reduce((grown, entry) => {
    if (entry.seq !== grown.size)
      throw new Fault("ledger/inconsistent", "an entry is missing", { seq: grown.size });
    return appendLeaf(grown, leafHash(encodeEntry(settle(entry)), digest), digest);
  }, frontier);
}

/** The kept frontier is believed only if our own signed head has its root. */
async function frontierOf(kept: StoredCheckpoint, world: World): Promise<Frontier> {
  const origin = originOf(world.settings.audience);
  const { spki } = world.ledgerSigner;
  const head: Checkpoint = await openCheckpoint(kept.note, { origin, spki }, world.primitives);
  const frontier: Frontier = { size: kept.size, roots: kept.frontier };
  if (head.size !== kept.size || !equalBytes(head.root, frontierRoot(frontier, world.primitives.digest))) {
    throw new Fault("ledger/inconsistent", "the kept tree is not the one that was signed", {
      size: kept.size,
    });
  }
  return frontier;
}
