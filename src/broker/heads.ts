/** Which head was signed last? The database's newest one, believed because our own key signed it over exactly this tree. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { type Checkpoint, openCheckpoint, originOf } from "../ledger/checkpoint.ts";
import { type Frontier, frontierRoot } from "../ledger/merkle.ts";
import type { World } from "./world.ts";

/** A head of this log, opened. */
export interface SignedHead {
  readonly note: string;
  readonly checkpoint: Checkpoint;
  readonly frontier: Frontier;
  /** What stands beside it (`last-acts.ts`), unopened. */
  readonly acts?: string;
}

/** What of a World it takes to sign heads and to prove under them. */
export interface HeadWorld extends Pick<World, "store" | "primitives" | "ledgerSigner"> {
  readonly settings: Pick<World["settings"], "audience">;
}

/**
 * The head that the database keeps; none before the first.
 *
 * @throws {@link Fault} `ledger/inconsistent` where it is not ours or not that of the kept frontier, `ledger/malformed`.
 */
export async function keptHead(world: HeadWorld): Promise<SignedHead | undefined> {
  const kept = await world.store.checkpoint();
  if (kept === undefined) return undefined;
  const checkpoint = await openOwnHead(kept.note, world);
  const frontier: Frontier = { size: kept.size, roots: kept.frontier };
  const root = frontierRoot(frontier, world.primitives.digest);
  if (checkpoint.size === kept.size && equalBytes(checkpoint.root, root)) {
    const { note, acts } = kept;
    return { note, checkpoint, frontier, ...(acts === undefined ? {} : { acts }) };
  }
  throw new Fault("ledger/inconsistent", "the kept tree is not the one that was signed", { size: kept.size });
}

/** Opens a note that our own key must have signed. @throws {@link Fault} `ledger/inconsistent`, `ledger/malformed`. */
export async function openOwnHead(note: string, world: Omit<HeadWorld, "store">): Promise<Checkpoint> {
  const { settings, ledgerSigner, primitives } = world;
  const own = { origin: originOf(settings.audience), spki: ledgerSigner.spki };
  const isKnown = last?.note === note && last.origin === own.origin && equalBytes(last.spki, own.spki);
  if (last !== undefined && isKnown) return last.checkpoint;
  const checkpoint = await openCheckpoint(note, own, primitives);
  last = { note, ...own, checkpoint };
  return checkpoint;
}

/** A head that was opened stays what it was, and each proof looks at the newest one: its signature is checked once. */
let last:
  | {
      readonly note: string;
      readonly origin: string;
      readonly spki: Uint8Array;
      readonly checkpoint: Checkpoint;
    }
  | undefined;
