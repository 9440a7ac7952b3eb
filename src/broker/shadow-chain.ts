/** Is the record of a shadow whole? Each row is hashed over the one before, and the ledger holds the hash of the last of every batch. */
import { hexOf } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import { ledgerEntries } from "./leaves.ts";
import type { ShadowDifference } from "./shadow-store.ts";
import type { World } from "./world.ts";

/** A row that has no place in the chain yet. */
export type NewDifference = Omit<ShadowDifference, "seq" | "hash">;

type Tail = Pick<ShadowDifference, "seq" | "hash">;

const NO_ROW: Tail = { seq: 0, hash: "0".repeat(64) };

/** The act of the entry that holds a batch's last hash; its subject says which rows. */
export const DIFFERENCES_ACT = "shadow-differences";
const ENTRIES_PER_READ = 1000;

/** Gives rows their places behind the tail. */
export function chained(
  rows: readonly NewDifference[],
  tail: Tail | undefined,
  digest: Primitives["digest"],
): readonly ShadowDifference[] {
  let before = tail ?? NO_ROW;
  return rows.map((row) => {
    const seq = before.seq + 1;
    const next = { ...row, seq, hash: hashOf({ ...row, seq }, before.hash, digest) };
    before = next;
    return next;
  });
}

function hashOf(row: Omit<ShadowDifference, "hash">, before: string, digest: Primitives["digest"]): string {
  const { seq, order, decision, item, at, resource, direction } = row;
  const { liveCode, shadowCode, clause, reason, liveTrace, shadowTrace } = row;
  const where = { v: 1, before, seq, order, decision, item, at, resource, direction };
  const what = { liveCode, shadowCode, clause, reason, liveTrace, shadowTrace };
  return hexOf(digest("sha256", canonicalJsonBytes({ ...where, ...what })));
}

/** How an entry says which rows it is about. */
export function rowsText(first: number, last: number): string {
  return `rows ${first} to ${last}`;
}

/**
 * Walks the log and holds every row against it. Memory stays flat.
 *
 * @returns How many rows there are.
 * @throws {@link Fault} `policy/shadow-altered`, with `row`: the first that was edited, deleted, moved or added; where whoever did it
 *   hashed again, the first of its batch, and `last`, the last of it.
 */
export async function checkShadow(world: Pick<World, "store" | "primitives">): Promise<number> {
  let tail = NO_ROW;
  for (let from = 0; ; from += ENTRIES_PER_READ) {
    const entries = await ledgerEntries({ from, limit: ENTRIES_PER_READ }, world); // in order: each stands on the one before
    for (const batch of entries.flatMap(batchOf)) tail = await refuseAltered(batch, tail, world);
    if (entries.length < ENTRIES_PER_READ) break;
  }
  const [more] = await world.store.shadowDifferences(tail.seq + 1, 1);
  if (more !== undefined) throw altered(more.seq, "is in no entry of the ledger");
  const [before] = await world.store.shadowDifferences(Number.MIN_SAFE_INTEGER, 1);
  if (before !== undefined && before.seq < 1) throw altered(before.seq, "is in no entry of the ledger");
  return tail.seq;
}

interface Batch {
  readonly first: number;
  readonly last: number;
  readonly hash: string;
}

function batchOf(entry: LedgerEntry): readonly Batch[] {
  if (entry.kind !== "admin" || entry.act !== DIFFERENCES_ACT) return [];
  const [, first, last] = /^rows (\d{1,15}) to (\d{1,15})$/.exec(entry.subject) ?? [];
  return first === undefined ? [] : [{ first: Number(first), last: Number(last), hash: entry.digest }];
}

async function refuseAltered(
  { first, last, hash }: Batch,
  tail: Tail,
  { store, primitives }: Pick<World, "store" | "primitives">,
): Promise<Tail> {
  const rows = await store.shadowDifferences(first, last - first + 1);
  let before = tail;
  for (let seq = first; seq <= last; seq += 1) {
    const row = rows[seq - first];
    if (row?.seq !== seq) throw altered(seq, "is gone");
    if (row.hash !== hashOf(row, before.hash, primitives.digest)) throw altered(seq, "is not what was kept");
    before = row;
  }
  if (before.hash === hash) return before;
  throw altered(first, `or a later one, up to ${last}, is not what was kept`, last);
}

function altered(row: number, what: string, last?: number): Fault {
  const detail = last === undefined ? { row } : { row, last };
  return new Fault("policy/shadow-altered", `row ${row} of the record of shadows ${what}`, detail);
}
