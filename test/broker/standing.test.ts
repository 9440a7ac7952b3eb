/** Does health say what is wrong, of each part, and does nobody hear it who is a stranger? */
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { addSeconds } from "../../src/base/time.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { createPageReader } from "../../src/broker/log-page.ts";
import { createOutbox } from "../../src/broker/outbox.ts";
import { standingOf } from "../../src/broker/standing.ts";
import type { World } from "../../src/broker/world.ts";
import { createStandingView } from "../../src/http/standing-view.ts";
import { adminDraft } from "../contract/store/examples.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { simulatedRoot } from "../support/simulated.ts";

const partOf = async (part: string, world: World, sinks: readonly string[] = []) =>
  (await standingOf(world, sinks)).parts.find((one) => one.part === part);
const figureOf = async (name: string, world: World, sinks: readonly string[] = []) =>
  (await standingOf(world, sinks)).figures.find((one) => one.name === name)?.value;

describe("the standing of a broker", () => {
  it("is good where nothing is wrong, but for a policy that nobody made live", async () => {
    const { world } = brokerAtHand();
    const { parts } = await standingOf(world, []);
    expect(parts.filter(({ state }) => state !== "ok").map(({ part }) => part)).toEqual(["policy"]);
    expect(parts.map(({ part }) => part)).toEqual(["store", "root-key", "ledger", "clock", "policy"]);
  });

  it("says which part fails, and looks at the others all the same", async () => {
    const { world } = brokerAtHand(() => ({
      nonceKeys: async () => {
        throw new Fault("kek/unavailable", "the token is gone");
      },
    }));
    expect(await partOf("root-key", world)).toMatchObject({
      state: "failing",
      said: "kek/unavailable: the token is gone",
    });
    expect(await partOf("store", world)).toMatchObject({ state: "ok" });
    const away = async () => {
      throw new Fault("store/unavailable", "locked");
    };
    const lost = { ...world, store: { ...world.store, ledgerSize: away } };
    expect(await partOf("store", lost)).toMatchObject({
      state: "failing",
      next: expect.stringContaining("disk"),
    });
    expect(await figureOf("store_up", lost)).toBe(0);
  });

  it("says nothing of an error that is no sentence of ours", async () => {
    const { world } = brokerAtHand(() => ({
      nonceKeys: async () => {
        throw new Error("password=1");
      },
    }));
    expect(await partOf("root-key", world)).toMatchObject({
      state: "failing",
      said: "something unexpected happened",
    });
  });

  it("tells entries that no head is over, and a clock behind the log", async () => {
    const { world, pass } = brokerAtHand();
    await world.store.appendEntry({ ...adminDraft("act"), time: world.now() });
    expect(await partOf("ledger", world)).toMatchObject({ state: "ok" });
    pass(61);
    expect(await partOf("ledger", world)).toMatchObject({ state: "failing" });
    expect(await figureOf("ledger_unsigned_seconds", world)).toBe(61);
    await advanceCheckpoint(world);
    expect(await partOf("ledger", world)).toMatchObject({ state: "ok" });
    await world.store.appendEntry({ ...adminDraft("act"), time: addSeconds(world.now(), 100) });
    expect(await partOf("clock", world)).toMatchObject({ state: "failing" });
  });

  it("tells a witness that does not confirm", async () => {
    const { world: bare, pass } = brokerAtHand();
    let said: string | undefined;
    const anchor = { name: "witness w", check: async () => {}, keep: async () => {}, said: async () => said };
    const world = { ...bare, anchors: [anchor] };
    await world.store.appendEntry({ ...adminDraft("act"), time: world.now() });
    said = await advanceCheckpoint(world);
    await world.store.appendEntry({ ...adminDraft("act"), time: world.now() });
    await advanceCheckpoint(world);
    expect(await figureOf("anchor_lag_entries", world)).toBe(1);
    expect(await partOf("anchor witness w", world)).toMatchObject({ state: "ok" });
    pass(601);
    expect(await partOf("anchor witness w", world)).toMatchObject({ state: "warning" });
    expect(await figureOf("anchor_lag_seconds", world)).toBe(601);
  });

  it("tells a revocation list that ends, and one that has ended", async () => {
    const { world, pass } = brokerAtHand();
    const der = await simulatedRoot("milan").crl({ thisUpdate: world.now() });
    await world.store.cacheEndorsement("crl/vcek/milan#0", { der, obtainedAt: world.now() });
    expect(await partOf("crl milan vcek", world)).toMatchObject({ state: "ok" });
    const ends = (await figureOf("crl_expiry_seconds", world)) ?? expect.fail();
    pass(ends - world.now() - 3600);
    expect(await partOf("crl milan vcek", world)).toMatchObject({ state: "warning" });
    pass(3601);
    expect(await partOf("crl milan vcek", world)).toMatchObject({ state: "failing" });
  });

  it("tells a sink that fails, since when, and what waits for it", async () => {
    const { world, pass } = brokerAtHand();
    const deliver = async () => {
      throw new Fault("sink/unreachable", "the webhook cannot be reached (ECONNREFUSED)");
    };
    const sink = { name: "audit/siem", deliver };
    const outbox = createOutbox({
      sink,
      from: "now",
      owner: "a".repeat(32),
      read: createPageReader(),
      isEnding: () => false,
    });
    await outbox.begin(world);
    await world.store.appendEntry(adminDraft("act"));
    const since = world.now();
    await outbox.turn(world);
    pass(30);
    expect(await partOf("sink audit/siem", world, ["audit/siem"])).toMatchObject({
      state: "warning",
      since,
      said: "the webhook cannot be reached (ECONNREFUSED); 1 entries wait in the log",
    });
    expect(await figureOf("sink_waiting_entries", world, ["audit/siem"])).toBe(1);
  });
});

describe("the view of it", () => {
  it("costs one look in five seconds, however often it is asked for, and keeps since when a part is as it is", async () => {
    const { world, pass } = brokerAtHand();
    let [looks, isAway] = [0, false];
    const ledgerSize = async () => {
      looks += 1;
      if (isAway) throw new Fault("store/unavailable", "locked");
      return world.store.ledgerSize();
    };
    const counted = { ...world, store: { ...world.store, ledgerSize } };
    const view = createStandingView(counted, { sinks: [], milliseconds: () => world.now() * 1000 });
    const sinceOf = async () => (await view()).parts.find(({ part }) => part === "store")?.since;
    const began = await sinceOf();
    const once = looks;
    for (let i = 0; i < 1000; i += 1) await view(); // in order: ask after ask
    expect(looks).toBe(once);
    pass(10);
    expect(await sinceOf()).toBe(began);
    pass(10);
    isAway = true;
    expect(await sinceOf()).toBe(world.now());
  });

  it("is for admins, and for this machine where that is configured; never for a stranger", async () => {
    const standing = async () => ({ parts: [], figures: [] });
    const statusFor = async (source: string, healthDetails: "admins" | "loopback") => {
      const { app } = brokerAtHand(() => ({}), { standing, healthDetails, sourceOf: () => source });
      return (await app.request("/v1/health")).status;
    };
    for (const source of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
      expect([await statusFor(source, "admins"), await statusFor(source, "loopback")]).toEqual([401, 200]);
    }
    for (const source of ["192.0.2.7", "127.0.0.1.example", "::ffff:192.0.2.7", "2001:db8::1"]) {
      expect(await statusFor(source, "loopback")).toBe(401);
    }
  });
});
