/** What has a sink not had yet? The log itself is the queue: a cursor in the database says how far each sink is. */

import { utf8 } from "../base/bytes.ts";
import type { JsonValue } from "../base/canonical-json.ts";
import { Fault, isFault } from "../base/fault.ts";
import { hasShape, integer, isJsonObject, object, optional, type Shape, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { addSeconds, type Instant, isBefore } from "../base/time.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import { type AuditEvent, auditEventOf } from "../wire/audit-event.ts";
import { ledgerEntries } from "./leaves.ts";
import type { World } from "./world.ts";

/** Somebody outside who hears of what happened. Nothing that it does, or fails to do, is waited for by a decision. */
export interface Sink {
  /** How operators know it; its cursor lies under this name. */
  readonly name: string;
  /** Which entries are for it, and as what; all of them unless it says. */
  readonly eventOf?: (entry: LedgerEntry, event: AuditEvent) => Promise<AuditEvent | undefined>;
  /** At most so many events go into one delivery; {@link MAX_EVENTS} unless it says. */
  readonly atOnce?: number;
  /**
   * Takes events in order; resolves once it has them all, within {@link TURN_SECONDS}. Throws whatever kept it: the same
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

/** How far a sink is, and whose turn it is. */
export interface Cursor {
  /** The first entry that it was not told. */
  readonly next: number;
  readonly owner: string;
  /** Unix seconds: until then nobody else takes its turn. */
  readonly until: number;
  readonly failing?: { readonly since: number; readonly reason: string };
}

export const MAX_EVENTS = 200;
/** Longer than any delivery may take. */
export const TURN_SECONDS = 40;
const RENEW_SECONDS = 20;
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
      if ((await world.store.meta(metaName(name))) !== undefined) return;
      const next = plan.from === "now" ? await world.store.ledgerSize() : 0;
      const cursor = encodeCursor({ next, owner: plan.owner, until: 0 });
      await world.store.putMeta(metaName(name), undefined, cursor); // where another broker was first, its word holds
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
      if (cursor?.owner !== plan.owner) return;
      const left = encodeCursor({ ...cursor, until: 0 });
      await world.store.putMeta(metaName(name), encodeCursor(cursor), left); // where another was faster, its word holds
    },
  };
}

/** How far a sink is. `undefined` for one that was never begun; @throws {@link Fault} `store/incompatible` for what is no cursor. */
export async function cursorOf(name: string, { store }: Pick<World, "store">): Promise<Cursor | undefined> {
  const kept = await store.meta(metaName(name));
  return kept === undefined ? undefined : parseCursor(kept);
}

async function deliverDue(plan: OutboxPlan, world: OutboxWorld): Promise<void> {
  let cursor = await takenTurn(plan, world);
  for (let batch = 0; cursor !== undefined && batch < BATCHES_PER_TURN; batch += 1) {
    const entries = await ledgerEntries({ from: cursor.next, limit: MAX_EVENTS }, world); // in order: each batch follows the one before
    if (entries.length === 0) return;
    refuseGap(entries, cursor.next);
    const end = cursor.next + entries.length;
    for (const { events, next } of partsOf(await eventsOf(entries, plan.sink, world), end, plan.sink)) {
      if (events.length > 0) await delivered(events, plan, world); // in order, as the log is
      cursor = await moved(cursor, { next }, plan, world);
      if (cursor === undefined) return;
    }
  }
}

interface Part {
  readonly events: readonly AuditEvent[];
  /** Where the sink is once it has them. */
  readonly next: number;
}

/** Entries that are not for a sink are passed with those that are: the last part reaches the end, whether it holds anything or not. */
function partsOf(events: readonly AuditEvent[], end: number, { atOnce = MAX_EVENTS }: Sink): readonly Part[] {
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

async function eventsOf(
  entries: readonly LedgerEntry[],
  { eventOf }: Sink,
  { settings, primitives }: OutboxWorld,
): Promise<readonly AuditEvent[]> {
  const by = { audience: settings.audience, digest: primitives.digest };
  const events: AuditEvent[] = [];
  for (const entry of entries) {
    const event = auditEventOf(entry, by);
    const meant = eventOf === undefined ? event : await eventOf(entry, event); // in order, as the log is
    if (meant !== undefined) events.push(meant);
  }
  return events;
}

/** What was to come next and is not there was cut out: a watcher would never hear of it. */
function refuseGap(entries: readonly LedgerEntry[], next: number): void {
  const at = entries.findIndex(({ seq }, i) => seq !== next + i);
  if (at !== -1) throw new Fault("ledger/inconsistent", "an entry is missing", { seq: next + at });
}

// ── the cursor ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** `undefined` while another process has the turn. Of brokers that share a database one tells each sink, so that it hears once. */
async function takenTurn(plan: OutboxPlan, world: OutboxWorld): Promise<Cursor | undefined> {
  const cursor = await cursorOf(plan.sink.name, world);
  if (cursor === undefined) return undefined;
  const left = cursor.until - world.now();
  if (cursor.owner !== plan.owner && left > 0) return undefined;
  if ((await world.store.ledgerSize()) <= cursor.next) return undefined;
  if (cursor.owner === plan.owner && left > RENEW_SECONDS) return cursor;
  return moved(cursor, {}, plan, world);
}

/** With each step the turn lasts longer. `undefined` where another took it: then what was told just now is told again. */
async function moved(
  from: Cursor,
  to: { readonly next?: number; readonly failing?: NonNullable<Cursor["failing"]> },
  { sink, owner }: OutboxPlan,
  world: OutboxWorld,
): Promise<Cursor | undefined> {
  const { failing = to.next === undefined ? from.failing : undefined } = to;
  const cursor: Cursor = {
    next: to.next ?? from.next,
    owner,
    until: world.now() + TURN_SECONDS,
    ...(failing === undefined ? {} : { failing }),
  };
  const isMine = await world.store.putMeta(metaName(sink.name), encodeCursor(from), encodeCursor(cursor));
  return isMine ? cursor : undefined;
}

/** Where every process and every operator can see it; once, and not at each further try. */
async function noteFailure(reason: string, plan: OutboxPlan, world: OutboxWorld): Promise<void> {
  const cursor = await cursorOf(plan.sink.name, world);
  if (cursor === undefined || cursor.owner !== plan.owner || cursor.failing?.reason === reason) return;
  await moved(cursor, { failing: { since: cursor.failing?.since ?? world.now(), reason } }, plan, world);
}

function metaName(name: string): string {
  return `sink/${name}`;
}

const FAILING = {
  since: integer(0, Number.MAX_SAFE_INTEGER),
  reason: text(/^\P{Cc}{1,200}$/u),
} satisfies Shape<NonNullable<Cursor["failing"]>>;

const CURSOR = {
  next: integer(0, Number.MAX_SAFE_INTEGER),
  owner: text(/^[0-9a-f]{32}$/),
  until: integer(0, Number.MAX_SAFE_INTEGER),
  failing: optional(object(FAILING)),
} satisfies Shape<Cursor>;

function encodeCursor({ next, owner, until, failing }: Cursor): string {
  return JSON.stringify({ next, owner, until, ...(failing === undefined ? {} : { failing }) });
}

function parseCursor(kept: string): Cursor {
  const limits = { maxBytes: 1024, maxDepth: 3, code: "store/incompatible" } as const;
  const value = parseStrictJson(utf8(kept), limits);
  if (isCursor(value)) return value;
  throw new Fault("store/incompatible", "expected the cursor of a sink");
}

function isCursor(value: JsonValue): value is JsonValue & Cursor {
  return isJsonObject(value) && hasShape(value, CURSOR);
}

/** A sentence of ours, or that something else went wrong: what a sink itself answered is not ours to repeat. */
function reasonOf(thrown: unknown): string {
  const reason = isFault(thrown) ? thrown.message : "something unexpected happened";
  return reason.replaceAll(/\p{Cc}/gu, " ").slice(0, MAX_REASON);
}
