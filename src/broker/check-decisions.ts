/** Is what the database keeps beside the log what the log hashed? Each decision's own row, and its trace. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { DecisionEntry, LedgerEntry } from "../ledger/entry.ts";
import { forgottenBefore } from "./forgotten.ts";
import { ledgerEntries } from "./leaves.ts";
import { type DecisionRow, FORGOTTEN } from "./store.ts";
import type { World } from "./world.ts";

/** Traces are a few kilobytes each. */
const ROWS_PER_READ = 256;

type DatabaseWorld = Pick<World, "store" | "primitives">;

/**
 * Holds every row against its entry. Memory stays flat.
 *
 * @throws {@link Fault} `ledger/inconsistent` with `entry`, the first whose row is gone, is another, has another trace, or none that an
 *   admin had forgotten.
 */
export async function checkDecisions(world: DatabaseWorld): Promise<void> {
  const size = await world.store.ledgerSize();
  let lastEmpty = -1;
  let before = 0;
  for (let start = 0; start < size; start += ROWS_PER_READ) {
    const range = { start, end: Math.min(start + ROWS_PER_READ, size) };
    const [entries, rows] = [
      await ledgerEntries({ from: start, limit: range.end - start }, world), // in order: page by page
      await world.store.decisionRows(range),
    ];
    lastEmpty = Math.max(lastEmpty, lastEmptyOf(pairs(entries, rows), world));
    for (const entry of entries) before = Math.max(before, forgottenBefore(entry) ?? 0);
  }
  if (lastEmpty >= before) throw other(lastEmpty, "its trace is gone, and nobody had it forgotten");
}

/** Each decision with its row. @throws {@link Fault} `ledger/inconsistent` for one without the other. */
function pairs(
  entries: readonly LedgerEntry[],
  rows: readonly DecisionRow[],
): readonly (readonly [DecisionEntry, DecisionRow])[] {
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  const found = entries.flatMap((entry) => {
    const row = bySeq.get(entry.seq);
    if (entry.kind !== "decision") {
      if (row !== undefined) throw other(entry.seq, "it is no decision, and there is a row of one");
      return [];
    }
    if (row === undefined) throw other(entry.seq, "the row of its decision is gone");
    return [[entry, row] as const];
  });
  return found;
}

function lastEmptyOf(
  found: readonly (readonly [DecisionEntry, DecisionRow])[],
  { primitives }: DatabaseWorld,
): number {
  let last = -1;
  for (const [entry, row] of found) {
    if (row.id !== entry.id || row.at !== entry.time)
      throw other(entry.seq, "the row of its decision is another");
    if (row.trace === FORGOTTEN) last = entry.seq;
    else if (hexOf(primitives.digest("sha256", utf8(row.trace))) !== entry.trace_hash) {
      throw other(entry.seq, "its trace is not the one that was hashed");
    }
  }
  return last;
}

function other(entry: number, reason: string): Fault {
  return new Fault("ledger/inconsistent", `entry ${entry}: ${reason}`, { entry, place: `entry ${entry}` });
}
