/** What do those who are told of the log read? A page of it, once for all of them: its entries, the event of each, what traces say of people. */
import type { Instant } from "../base/time.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import { type AuditEvent, auditEventOf } from "../wire/audit-event.ts";
import { ledgerEntries } from "./leaves.ts";
import type { World } from "./world.ts";

export interface LogPage {
  readonly entries: readonly LedgerEntry[];
  /** Of an entry of this page; the same one whoever asks. */
  readonly eventOf: (entry: LedgerEntry) => AuditEvent;
  /** By their positions, the traces of this page that name people or count them: most are long, and do neither. */
  readonly traces: () => Promise<ReadonlyMap<number, string>>;
}

export type PageWorld = Pick<World, "store" | "settings" | "primitives" | "now">;

/** Reads at most {@link MAX_EVENTS} entries, in order. */
export type ReadPage = (from: number, world: PageWorld) => Promise<LogPage>;

export const MAX_EVENTS = 200;

/** What a trace has where somebody is to be told (`commit.ts`). */
const MARKS = ['"notify":', '"approvals":'] as const;

/** Keeps the last page, since sinks that keep up are all at the same place; for a second, unless it is full: more may have come. */
export function createPageReader(): ReadPage {
  let kept: { readonly from: number; readonly at: Instant; readonly page: Promise<LogPage> } | undefined;
  return async (from, world) => {
    const at = world.now();
    if (kept?.from === from && (kept.at === at || isFull(await kept.page))) return kept.page;
    const own = { from, at, page: readPage(from, world) };
    kept = own;
    own.page.catch(() => {
      if (kept === own) kept = undefined;
    });
    return own.page;
  };
}

function isFull({ entries }: LogPage): boolean {
  return entries.length === MAX_EVENTS;
}

async function readPage(from: number, world: PageWorld): Promise<LogPage> {
  const entries = await ledgerEntries({ from, limit: MAX_EVENTS }, world);
  const by = { audience: world.settings.audience, digest: world.primitives.digest };
  const events = new Map<LedgerEntry, AuditEvent>();
  let traces: Promise<ReadonlyMap<number, string>> | undefined;
  return {
    entries,
    eventOf: (entry) => {
      const event = events.get(entry) ?? auditEventOf(entry, by);
      events.set(entry, event);
      return event;
    },
    traces: () => {
      traces ??= tracesOf({ start: from, end: from + entries.length }, world);
      return traces;
    },
  };
}

async function tracesOf(
  range: { readonly start: number; readonly end: number },
  { store }: PageWorld,
): Promise<ReadonlyMap<number, string>> {
  const rows = await store.decisionRows(range);
  const marked = rows.filter(({ trace }) => MARKS.some((mark) => trace.includes(mark)));
  return new Map(marked.map(({ seq, trace }) => [seq, trace]));
}
