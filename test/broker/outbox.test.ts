/** Does every sink hear of every entry, in order, however often it fails, and however many brokers share the database? */
import { beforeEach, describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { isNotified } from "../../src/broker/notified.ts";
import {
  createOutbox,
  cursorOf,
  MAX_EVENTS,
  type Outbox,
  type Sink,
  TURN_SECONDS,
} from "../../src/broker/outbox.ts";
import type { World } from "../../src/broker/world.ts";
import { encodeEntry, parseEntry } from "../../src/ledger/entry.ts";
import { leafHash } from "../../src/ledger/merkle.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { type AuditEvent, auditLine } from "../../src/wire/audit-event.ts";
import { adminDraft, commitOf, decisionDraft, freshId } from "../contract/store/examples.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand } from "../http/broker-at-hand.ts";

let broker: BrokerAtHand;
let world: World;
let isEnding: boolean;

beforeEach(() => {
  broker = brokerAtHand();
  ({ world } = broker);
  isEnding = false;
});

interface Watcher extends Outbox {
  readonly heard: AuditEvent[];
  readonly batches: number[];
  /** What the next deliveries do in the place of taking events. */
  readonly failures: (() => Promise<void>)[];
}

function watcher(
  more: Partial<Sink> & { readonly owner?: string; readonly from?: "now" | "beginning" } = {},
): Watcher {
  const { owner = "a".repeat(32), from = "now", ...rest } = more;
  const [heard, batches, failures]: [AuditEvent[], number[], (() => Promise<void>)[]] = [[], [], []];
  const deliver = async (events: readonly AuditEvent[]) => {
    batches.push(events.length);
    await failures.shift()?.();
    heard.push(...events);
  };
  const plan = { from, owner, isEnding: () => isEnding, sink: { name: "audit/test", deliver, ...rest } };
  return { ...createOutbox(plan), heard, batches, failures };
}

async function write(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await world.store.appendEntry(adminDraft(`act-${i}`)); // in order: the log is
}

const refused = async () => {
  throw new Fault("sink/unreachable", "it says no");
};

describe("an outbox", () => {
  it("tells of every entry once, in order, with the hash that it has in the log", async () => {
    const sink = watcher();
    await write(3); // before it was there
    await sink.begin(world);
    await write(2 * MAX_EVENTS + 50);
    await sink.turn(world);
    expect(sink.heard.map(({ index }) => index)).toEqual(
      Array.from({ length: 2 * MAX_EVENTS + 50 }, (_, i) => i + 3),
    );
    const [event] = sink.heard;
    const leaf = encodeEntry(event?.entry ?? expect.fail());
    expect(parseEntry(leaf)).toEqual(event?.entry);
    expect(event).toMatchObject({
      schema: "ostiary.audit/1",
      id: hexOf(leafHash(leaf, nodePrimitives.digest)),
      audience: AUDIENCE,
      type: "admin",
    });
    expect(Math.max(...sink.batches)).toBe(MAX_EVENTS); // what waits is in the log, not in memory
    await sink.turn(world);
    expect(sink.batches.length).toBe(3);
  });

  it("begins with the log's first entry where that is wanted, and never again at the start of another process", async () => {
    await write(5);
    const first = watcher({ from: "beginning" });
    await first.begin(world);
    await first.turn(world);
    expect(first.heard.length).toBe(5);
    const again = watcher({ from: "beginning" });
    await again.begin(world);
    await again.turn(world);
    expect(again.heard).toEqual([]);
  });

  it("tells the same events again, with the same ids, to a sink that failed, and loses none", async () => {
    const sink = watcher();
    await sink.begin(world);
    await write(7);
    sink.failures.push(refused);
    await sink.turn(world);
    expect(sink.heard).toEqual([]);
    expect(await cursorOf("audit/test", world)).toMatchObject({ next: 0, failing: { reason: "it says no" } });
    expect(broker.lines).toContainEqual(
      expect.objectContaining({ event: "sink-failed", sink: "audit/test" }),
    );
    await write(2);
    broker.pass(3);
    await sink.turn(world);
    expect(sink.heard.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await cursorOf("audit/test", world)).not.toHaveProperty("failing");
  });

  it("asks a sink that fails ever more rarely, up to five minutes", async () => {
    const sink = watcher();
    await sink.begin(world);
    await write(1);
    sink.failures.push(...Array.from({ length: 1000 }, () => refused));
    for (let second = 0; second < 3600; second += 1) {
      await sink.turn(world); // in order: second after second
      broker.pass(1);
    }
    expect(sink.batches.length).toBeGreaterThan(10);
    expect(sink.batches.length).toBeLessThan(25);
  });

  it("says since when a sink fails, and repeats nothing that it answered", async () => {
    const sink = watcher();
    await sink.begin(world);
    await write(1);
    const since = world.now();
    sink.failures.push(refused, async () => {
      throw new Error("token=secret");
    });
    await sink.turn(world);
    broker.pass(10);
    await sink.turn(world);
    const { failing } = (await cursorOf("audit/test", world)) ?? {};
    expect(failing).toEqual({ since, reason: "something unexpected happened" });
  });

  it("has one delivery under way, however often its turn comes while that hangs", async () => {
    const sink = watcher();
    const hung = Promise.withResolvers<void>();
    await sink.begin(world);
    await write(1);
    sink.failures.push(() => hung.promise);
    const turn = sink.turn(world);
    for (let i = 0; i < 50; i += 1) await sink.turn(world); // in order: turn after turn
    expect(sink.batches.length).toBe(1);
    hung.resolve();
    await turn;
    expect(sink.heard.length).toBe(1);
  });

  it("leaves a sink to one of the brokers that share a database, and to another once that is gone", async () => {
    const [one, two] = [watcher(), watcher({ owner: "b".repeat(32) })];
    await one.begin(world);
    await two.begin(world);
    await write(10);
    await Promise.all([one.turn(world), two.turn(world)]);
    expect([...one.heard, ...two.heard].map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await write(10);
    const waiting = one.heard.length > 0 ? two : one;
    await waiting.turn(world);
    expect(waiting.heard).toEqual([]);
    broker.pass(TURN_SECONDS);
    await waiting.turn(world);
    expect(waiting.heard.map(({ index }) => index)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it("lets another broker go on at once where the one before ended in order", async () => {
    const [one, two] = [watcher(), watcher({ owner: "b".repeat(32) })];
    await one.begin(world);
    await write(1);
    await one.turn(world);
    await two.leave(world); // whose turn it is not
    await write(1);
    await two.turn(world);
    expect(two.heard).toEqual([]);
    await one.leave(world);
    await two.turn(world);
    expect(two.heard.map(({ index }) => index)).toEqual([1]);
  });

  it("does not put back what another broker told meanwhile, when it wakes from a delivery that took too long", async () => {
    const [slow, other] = [watcher(), watcher({ owner: "b".repeat(32) })];
    const hung = Promise.withResolvers<void>();
    await slow.begin(world);
    await write(4);
    slow.failures.push(() => hung.promise);
    const turn = slow.turn(world);
    await new Promise(setImmediate);
    broker.pass(TURN_SECONDS + 1);
    await other.turn(world);
    hung.resolve();
    await turn;
    expect(other.heard.length).toBe(4);
    expect(await cursorOf("audit/test", world)).toMatchObject({ next: 4, owner: "b".repeat(32) });
  });

  it("moves on after each part, for sinks that take few at once", async () => {
    const sink = watcher({
      atOnce: 2,
      eventOf: async ({ seq }, event) => (seq % 3 === 0 ? event : undefined),
    });
    await sink.begin(world);
    await write(20);
    sink.failures.push(async () => {}, refused);
    await sink.turn(world);
    expect(await cursorOf("audit/test", world)).toMatchObject({ next: 4 });
    broker.pass(3);
    await sink.turn(world);
    expect(sink.heard.map(({ index }) => index)).toEqual([0, 3, 6, 9, 12, 15, 18]);
    expect(await cursorOf("audit/test", world)).toMatchObject({ next: 20 });
  });

  it("stops where an entry is missing, and says so", async () => {
    const sink = watcher();
    const { store } = world;
    const cut = {
      ...store,
      entries: async (from: number, limit: number) =>
        (await store.entries(from, limit)).filter(({ seq }) => seq !== 2),
    };
    await sink.begin(world);
    await write(4);
    await sink.turn({ ...world, store: cut });
    expect(sink.heard).toEqual([]);
    expect(await cursorOf("audit/test", world)).toMatchObject({ failing: { reason: "an entry is missing" } });
  });

  it("survives a store that is away, and a cursor that somebody altered", async () => {
    const sink = watcher();
    await sink.begin(world);
    await write(1);
    const away = async () => {
      throw new Fault("store/unavailable", "away");
    };
    await sink.turn({ ...world, store: { ...world.store, meta: away, entries: away } });
    broker.pass(10);
    const kept = await world.store.meta("sink/audit/test");
    await world.store.putMeta("sink/audit/test", kept, '{"next":-1}');
    await sink.turn(world);
    expect(sink.heard).toEqual([]);
    expect(broker.lines.filter(({ event }) => event === "sink-failed").length).toBe(2);
  });

  it("says nothing more once the broker ends", async () => {
    const sink = watcher();
    await sink.begin(world);
    await write(1);
    isEnding = true;
    await sink.turn(world);
    expect(sink.batches).toEqual([]);
  });
});

describe("an event", () => {
  it("is one line of ASCII, whatever an entry holds", async () => {
    await world.store.appendEntry({ ...adminDraft("act"), subject: "ä\u2028\u{1f512}" } as never);
    const sink = watcher({ from: "beginning" });
    await sink.begin(world);
    await sink.turn(world);
    const line = auditLine(sink.heard[0] ?? expect.fail());
    expect(line).toMatch(/^[ -~]+$/);
    expect(JSON.parse(line)).toEqual(sink.heard[0]);
  });
});

describe("a notification", () => {
  const pager = { name: "pager", acts: ["policy-activate"] };
  const decided = async (trace: string, outcome: "allow" | "deny" = "allow") => {
    const id = freshId();
    const draft = {
      ...decisionDraft(id),
      outcome,
      ...(outcome === "deny" ? { code: "denied" as const } : {}),
    };
    await world.store.commitDecisions([commitOf({ id, trace, draft: draft as never })]);
    const [stored] = await world.store.entries((await world.store.ledgerSize()) - 1, 1);
    return { ...(stored?.draft ?? expect.fail()), seq: 0 } as never;
  };

  it("is for those whom the allowing policy names, and for nobody else", async () => {
    const entry = await decided('[{"notify":["ciso","pager"],"trace":[]}]');
    expect(await isNotified(entry, pager, world.store)).toBe(true);
    expect(await isNotified(entry, { ...pager, name: "page" }, world.store)).toBe(false);
    expect(await isNotified(await decided('[{"trace":[]}]'), pager, world.store)).toBe(false);
    expect(await isNotified(await decided('[{"facts":{"notify":["pager"]}}]'), pager, world.store)).toBe(
      false,
    );
    expect(await isNotified(await decided('[{"notify":["pager"]}]', "deny"), pager, world.store)).toBe(false);
  });

  it("is for those who asked for an act of admins", async () => {
    const act = (name: string) => ({ ...adminDraft(name), seq: 0 }) as never;
    expect(await isNotified(act("policy-activate"), pager, world.store)).toBe(true);
    expect(await isNotified(act("policy-propose"), pager, world.store)).toBe(false);
  });
});
