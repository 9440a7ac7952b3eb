/** Does every sink hear of every entry, in order, however often it fails, and however many brokers share the database? */
import { beforeEach, describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { createPageReader, MAX_EVENTS } from "../../src/broker/log-page.ts";
import { notificationOf } from "../../src/broker/notified.ts";
import { createOutbox, type Outbox, type OutboxPlan, type Sink } from "../../src/broker/outbox.ts";
import { cursorOf, TURN_SECONDS } from "../../src/broker/sink-cursor.ts";
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

function watcher(more: Partial<Sink> & Partial<Pick<OutboxPlan, "owner" | "from" | "read">> = {}): Watcher {
  const { owner = "a".repeat(32), from = "now", read = createPageReader(), ...rest } = more;
  const [heard, batches, failures]: [AuditEvent[], number[], (() => Promise<void>)[]] = [[], [], []];
  const deliver = async (events: readonly AuditEvent[]) => {
    batches.push(events.length);
    await failures.shift()?.();
    heard.push(...events);
  };
  const sink = { name: "audit/test", deliver, ...rest };
  const plan = { from, owner, read, isEnding: () => isEnding, sink };
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
      eventOf: async (entry, page) => (entry.seq % 3 === 0 ? page.eventOf(entry) : undefined),
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

describe("a page of the log", () => {
  it("is read once for all that are at the same place, and again for what came since", async () => {
    let reads = 0;
    const { store } = world;
    const counted = {
      ...world,
      store: {
        ...store,
        entries: (from: number, limit: number) => {
          reads += 1;
          return store.entries(from, limit);
        },
      },
    };
    const read = createPageReader();
    const sinks = ["audit/a", "audit/b", "audit/c"].map((name) => watcher({ name, read }));
    for (const sink of sinks) await sink.begin(counted); // in order: few
    for (let round = 1; round <= 3; round += 1) {
      await write(5);
      for (const sink of sinks) await sink.turn(counted); // in order: the second meets what the first read
      for (const { heard } of sinks)
        expect(heard.map(({ index }) => index)).toEqual([...Array(5 * round).keys()]);
    }
    expect(reads).toBe(3);
    const [first, second] = sinks.map(({ heard }) => heard[0]);
    expect(first).toBe(second);
  });

  it("is not kept where it could not be read", async () => {
    const read = createPageReader();
    const away = {
      ...world,
      store: { ...world.store, entries: () => Promise.reject(new Fault("store/unavailable", "away")) },
    };
    await write(1);
    await expect(read(0, away)).rejects.toThrow("away");
    expect((await read(0, world)).entries).toHaveLength(1);
  });
});

describe("a notification", () => {
  const pager = { name: "pager", acts: ["policy-activate"] };
  /** What is told of the decision that is written now. */
  const told = async (trace: string, outcome: "allow" | "deny" = "allow", to = pager) => {
    const id = freshId();
    const code = outcome === "deny" ? { code: "denied" as const } : {};
    const items = [{ resource: "a", op: "release", version: 1, outcome }];
    const draft = { ...decisionDraft(id), time: world.now(), outcome, items, ...code };
    await world.store.commitDecisions([commitOf({ id, trace, draft: draft as never })]);
    return toldOfLast(to);
  };
  const toldOfLast = async (to = pager) => {
    const page = await createPageReader()((await world.store.ledgerSize()) - 1, world);
    const [entry] = page.entries;
    return notificationOf(entry ?? expect.fail(), page, to, world);
  };

  it("is for those whom the allowing policy names, and for nobody else", async () => {
    expect(await told('[{"notify":["ciso","pager"],"trace":[]}]')).toMatchObject({ notify: "pager" });
    expect(await toldOfLast({ ...pager, name: "page" })).toBeUndefined();
    expect(await told('[{"trace":[]}]')).toBeUndefined();
    expect(await told('[{"facts":{"notify":["pager"]}}]')).toBeUndefined();
    expect(await told('[{"notify":["pager"]}]', "deny")).toBeUndefined();
  });

  it("is for those who asked for an act of admins", async () => {
    await world.store.appendEntry(adminDraft("policy-activate"));
    expect(await toldOfLast()).toMatchObject({ notify: "pager", type: "admin" });
    await world.store.appendEntry(adminDraft("policy-propose"));
    expect(await toldOfLast()).toBeUndefined();
  });

  it("waits a while to learn whether a refused request waits for people, and then goes on", async () => {
    const trace = `[{"approvals":{"groups":["g"],"notify":["pager"],"request":"${"ab".repeat(32)}","used":[]}}]`;
    expect(await told(trace, "deny")).toBe("later");
    broker.pass(10);
    expect(await toldOfLast()).toBeUndefined();
  });

  it("holds up what comes after it until it is known, and loses none of it", async () => {
    const sink = watcher({
      eventOf: (entry, page, parts) => notificationOf(entry, page, { name: "pager", acts: ["act-0"] }, parts),
    });
    await sink.begin(world);
    await write(1);
    await told(
      `[{"approvals":{"groups":["g"],"request":"${"ab".repeat(32)}","notify":["pager"],"used":[]}}]`,
      "deny",
    );
    await write(1);
    await sink.turn(world);
    expect(sink.heard.map(({ index }) => index)).toEqual([0]);
    broker.pass(10);
    await sink.turn(world);
    expect(sink.heard.map(({ index }) => index)).toEqual([0, 2]);
  });
});
