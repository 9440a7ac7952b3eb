/** What are the leaves of the log? Stored entries in order, settled, without a gap. */
import { Fault } from "../base/fault.ts";
import { encodeEntry, type LedgerEntry } from "../ledger/entry.ts";
import { leafHash } from "../ledger/merkle.ts";
import type { Range } from "../ledger/ranges.ts";
import { settle } from "./settle.ts";
import type { World } from "./world.ts";

const ENTRIES_PER_READ = 1000;

/** Entries as they stand in the log. */
export async function ledgerEntries(
  range: { readonly from: number; readonly limit: number },
  { store }: Pick<World, "store">,
): Promise<readonly LedgerEntry[]> {
  const stored = await store.entries(range.from, range.limit);
  return stored.map(settle);
}

/** Some entries in order, and the hash of each. */
export interface LeafPage {
  readonly entries: readonly LedgerEntry[];
  readonly hashes: readonly Uint8Array[];
}

/** The hashes of leaves, page by page. @throws {@link Fault} `ledger/inconsistent` where one is missing. */
export async function* leafHashes(
  range: Range,
  world: Pick<World, "store" | "primitives">,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  for await (const { hashes } of leafPages(range, world)) yield hashes;
}

/** Leaves with their hashes, page by page. @throws {@link Fault} `ledger/inconsistent` where one is missing. */
export async function* leafPages(
  { start, end }: Range,
  world: Pick<World, "store" | "primitives">,
): AsyncGenerator<LeafPage, void, undefined> {
  const { digest } = world.primitives;
  for (let from = start; from < end; ) {
    const entries = await ledgerEntries({ from, limit: Math.min(ENTRIES_PER_READ, end - from) }, world); // in order: a page tells where the next begins
    if (entries.length === 0) throw missing(from);
    const hashes = entries.map((entry, i) => {
      if (entry.seq !== from + i) throw missing(from + i);
      return leafHash(encodeEntry(entry), digest);
    });
    yield { entries, hashes };
    from += entries.length;
  }
}

function missing(seq: number): Fault {
  return new Fault("ledger/inconsistent", "an entry is missing", { seq });
}
