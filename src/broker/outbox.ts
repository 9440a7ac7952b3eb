/** What has a sink not had yet? The log itself is the queue: a cursor in the database says how far each sink is. */
import { Fault, isFault } from "../base/fault.ts";
import { addSeconds, type Instant, isBefore } from "../base/time.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import type { AuditEvent } from "../wire/audit-event.ts";
import { type LogPage, MAX_EVENTS, type ReadPage } from "./log-page.ts";
import {
  beginCursor,
  type Cursor,
  cursorOf,
  isEndingSoon,
  leftCursor,
  moved,
  takenTurn,
} from "./sink-cursor.ts";
import type { World } from "./world.ts";

/** Somebody outside who hears of what happened. Nothing that it does, or fails to do, is waited for by a decision. */
export interface Sink {
  /** How operators know it; its cursor lies under this name. */
  readonly name: string;
  /** Which entries are for it, and as what; all of them unless it says. What it says `later` of comes again, and what follows with it. */
  readonly eventOf?: (
    entry: LedgerEntry,
    page: LogPage,
    world: OutboxWorld,
  ) => Promise<AuditEvent | "later" | undefined>;
  /** At most so many events go into one delivery, and after each it is written down that they went; {@link MAX_EVENTS} unless it says. */
  readonly atOnce?: number;
  /**
   * Takes events in order; resolves once it has them all, within the seconds of a turn. Throws whatever kept it: the same
   * events come again.
   */
  readonly deliver: (events: readonly AuditEvent[]) => Promise<void>;
}

export interface OutboxPlan {
  readonly sink: Sink;
  /** What a sink is told first that was never told anything. */
  readonly from: "now" | "beginning";
  /** Names this process among those that share the database. */
  readonly owner: string;
  /** The same for all sinks of a process: what one has read, the next need not. */
  readonly read: ReadPage;
  readonly isEnding: () => boolean;
}

export interface Outbox {
  readonly name: string;
  /** Marks where a new sink begins, before anything is decided. */
  readonly begin: (world: OutboxWorld) => Promise<void>;
  /** Delivers what is due; one turn at a time, and never throws. */
  readonly turn: (world: OutboxWorld) => Promise<void>;
  /** Lets whoever comes next begin at once. */
  readonly leave: (world: OutboxWorld) => Promise<void>;
}

export type OutboxWorld = Pick<World, "store" | "now" | "meter" | "log" | "settings" | "primitives">;

/** Then others have their turn at this process. */
const BATCHES_PER_TURN = 25;
const MAX_PAUSE_SECONDS = 300;
const MAX_REASON = 200;

/** Makes an outbox. After a failure it waits, longer each time; what waits is in the log, and nowhere else. */
export function createOutbox(plan: OutboxPlan): Outbox {
  const { name } = plan.sink;
  let pause: { readonly seconds: number; readonly until: Instant } | undefined;
  let isBusy = false;
  const failed = async (world: OutboxWorld, thrown: unknown): Promise<void> => {
    const seconds = Math.min(2 * (pause?.seconds ?? 1), MAX_PAUSE_SECONDS);
    pause = { seconds, until: addSeconds(world.now(), seconds) };
    const reason = reasonOf(thrown);
    world.meter.count("sink_deliveries", { sink: name, outcome: "failed" });
    world.log("error", "sink-failed", { sink: name, reason, again_in_seconds: seconds });
    await noteFailure(reason, plan, world);
  };
  return {
    name,
    begin: async (world) => {
      if ((await cursorOf(name, world)) !== undefined) return;
      await beginCursor(name, plan.from === "now" ? await world.store.ledgerSize() : 0, world, plan.owner);
    },
    turn: async (world) => {
      if (isBusy || plan.isEnding()) return;
      if (pause !== undefined && isBefore(world.now(), pause.until)) return;
      isBusy = true;
      try {
        await deliverDue(plan, world);
        pause = undefined;
      } catch (thrown) {
        if (!plan.isEnding()) await failed(world, thrown).catch(() => undefined); // the store is away: it says so itself
      } finally {
        isBusy = false;
      }
    },
    leave: async (world) => {
      const cursor = await cursorOf(name, world);
      if (cursor?.owner === plan.owner) await leftCursor(name, cursor, world);
    },
  };
}

/** How far a turn came: what was told, and what of it is written down. */
interface Progress {
  readonly written: Cursor;
  readonly next: number;
}

async function deliverDue(plan: OutboxPlan, world: OutboxWorld): Promise<void> {
  const written = await takenTurn(plan.sink.name, plan.owner, world);
  let at: Progress | undefined = written && { written, next: written.next };
  try {
    for (let batch = 0; at !== undefined && batch < BATCHES_PER_TURN; batch += 1) {
      const page = await plan.read(at.next, world); // in order: each batch follows the one before
      refuseGap(page.entries, at.next);
      const due = await dueOf(page, plan.sink, { from: at.next, world });
      at = await told(due, at, plan, world);
      if (due.isAll) return;
    }
  } finally {
    if (at !== undefined) await writtenDown(at, plan, world);
  }
}

/** Delivers part after part. `undefined` where another took the turn. */
async function told(
  due: Due,
  from: Progress,
  plan: OutboxPlan,
  world: OutboxWorld,
): Promise<Progress | undefined> {
  let at: Progress | undefined = from;
  for (const { events, next } of partsOf(due, plan.sink)) {
    if (events.length > 0) await delivered(events, plan, world); // in order, as the log is
    at = await stepped({ ...at, next }, plan, world);
    if (at === undefined) return undefined;
  }
  return at;
}

/** It is written down where whoever would hear twice is told few at once, where the turn ends soon, and at its end. */
async function stepped(at: Progress, plan: OutboxPlan, world: OutboxWorld): Promise<Progress | undefined> {
  const isUrgent = plan.sink.atOnce !== undefined || plan.isEnding() || isEndingSoon(at.written, world);
  return isUrgent ? writtenDown(at, plan, world) : at;
}

/** `undefined` where another took the turn. */
async function writtenDown(
  { written, next }: Progress,
  { sink, owner }: OutboxPlan,
  world: OutboxWorld,
): Promise<Progress | undefined> {
  if (next === written.next) return { written, next };
  const cursor = await moved(sink.name, written, { next, owner }, world);
  return cursor && { written: cursor, next };
}

/** What a page has for a sink. */
interface Due {
  readonly events: readonly AuditEvent[];
  /** The first entry after those that were looked at. */
  readonly end: number;
  /** Whether nothing more can be told in this turn. */
  readonly isAll: boolean;
}

/** Up to the first entry of which it is not known yet. */
async function dueOf(
  page: LogPage,
  { eventOf }: Sink,
  { from, world }: { readonly from: number; readonly world: OutboxWorld },
): Promise<Due> {
  const events: AuditEvent[] = [];
  for (const entry of page.entries) {
    const event = eventOf === undefined ? page.eventOf(entry) : await eventOf(entry, page, world); // in order, as the log is
    if (event === "later") return { events, end: entry.seq, isAll: true };
    if (event !== undefined) events.push(event);
  }
  return { events, end: from + page.entries.length, isAll: page.entries.length < MAX_EVENTS };
}

interface Part {
  readonly events: readonly AuditEvent[];
  /** Where the sink is once it has them. */
  readonly next: number;
}

/** Entries that are not for a sink are passed with those that are: the last part reaches the end, whether it holds anything or not. */
function partsOf({ events, end }: Due, { atOnce = MAX_EVENTS }: Sink): readonly Part[] {
  const parts: Part[] = [];
  for (let i = 0; i === 0 || i < events.length; i += atOnce) {
    const part = events.slice(i, i + atOnce);
    const last = part.at(-1);
    const isLast = last === undefined || i + atOnce >= events.length;
    parts.push({ events: part, next: isLast ? end : last.index + 1 });
  }
  return parts;
}

async function delivered(events: readonly AuditEvent[], { sink }: OutboxPlan, world: OutboxWorld) {
  await sink.deliver(events);
  world.meter.count("sink_deliveries", { sink: sink.name, outcome: "delivered" });
  world.meter.count("sink_events", { sink: sink.name }, events.length);
}

/** What was to come next and is not there was cut out: a watcher would never hear of it. */
function refuseGap(entries: readonly LedgerEntry[], next: number): void {
  const at = entries.findIndex(({ seq }, i) => seq !== next + i);
  if (at !== -1) throw new Fault("ledger/inconsistent", "an entry is missing", { seq: next + at });
}

/** Where every process and every operator can see it; once, and not at each further try. */
async function noteFailure(reason: string, { sink, owner }: OutboxPlan, world: OutboxWorld): Promise<void> {
  const cursor = await cursorOf(sink.name, world);
  if (cursor === undefined || cursor.owner !== owner || cursor.failing?.reason === reason) return;
  const failing = { since: cursor.failing?.since ?? world.now(), reason };
  await moved(sink.name, cursor, { next: cursor.next, owner, failing }, world);
}

/** A sentence of ours, or that something else went wrong: what a sink itself answered is not ours to repeat. */
function reasonOf(thrown: unknown): string {
  const reason = isFault(thrown) ? thrown.message : "something unexpected happened";
  return reason.replaceAll(/\p{Cc}/gu, " ").slice(0, MAX_REASON);
}
