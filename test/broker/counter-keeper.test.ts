/** Does a counter that only goes up show an older database, and lock nobody out who crashed at the wrong moment? */
import { describe, expect, it } from "vitest";
import { type Counter, createCounterKeeper } from "../../src/broker/counter-keeper.ts";
import { createHeadAnchor, keepHead } from "../../src/broker/rollback.ts";
import { beginEpoch } from "../../src/broker/startup.ts";
import type { World } from "../../src/broker/world.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { adminDraft } from "../contract/store/examples.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";

const ROLLED_BACK = { code: "ledger/rolled-back" };
const NAME = "tpm-counter-0x01800571";
const PLACE = `anchor:${NAME}`;

/** As a TPM does it: what is made anew begins above what was. */
function hardware(start = 40n) {
  const state: { value: bigint | undefined; highest: bigint } = { value: undefined, highest: start };
  const counter: Counter = {
    read: async () => state.value,
    create: async () => {
      state.value = 0n;
      state.highest += 1n;
      return state.highest + 1n;
    },
    increment: async () => {
      state.highest = state.value === 0n ? state.highest + 1n : (state.value ?? 0n) + 1n;
      state.value = state.highest;
      return state.value;
    },
    remove: async () => {
      state.value = undefined;
    },
  };
  return { state, counter };
}

class Crash extends Error {}

/** A machine: its database and its counter outlive the broker. */
function machine() {
  const { state, counter } = hardware();
  const { world } = brokerAtHand();
  const clock = { ms: 0 };
  /** What stops the broker before its n-th effect on the world from now. */
  const fuse = { left: Number.POSITIVE_INFINITY };
  const effect = <A extends readonly unknown[], T>(work: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      if (fuse.left <= 0) throw new Crash();
      fuse.left -= 1;
      return work(...args);
    };
  };
  const anchored = (store: World["store"], name = NAME): World => {
    const fused = { ...counter, create: effect(counter.create), increment: effect(counter.increment) };
    const parts = { store: { meta: store.meta, putMeta: effect(store.putMeta) }, counter: fused, name };
    const { ledgerSigner, settings } = world;
    const own = { ledgerSigner, audience: settings.audience, primitives: nodePrimitives };
    const keeper = createCounterKeeper({ ...parts, ...own, milliseconds: () => clock.ms, everyMinutes: 60 });
    return { ...world, store, anchors: [createHeadAnchor(keeper, name)] };
  };
  /** A start; what it answers is a broker that serves. */
  const start = async (store = world.store): Promise<World> => {
    const broker = anchored(store);
    await beginEpoch(broker);
    return broker;
  };
  /** The database as it is now, in a copy that somebody keeps; its head is signed anew. */
  const copied = async (store = world.store): Promise<World["store"]> => {
    const copy = createMemoryStore();
    for (const { draft } of await store.entries(0, 1000)) await copy.appendEntry(draft); // in order: a log
    const record = await store.meta(PLACE);
    if (record !== undefined) await copy.putMeta(PLACE, undefined, record);
    return copy;
  };
  const write = (act: string, store = world.store) =>
    store.appendEntry({ ...adminDraft(act), time: world.now() });
  return { world, state, clock, fuse, anchored, start, copied, write };
}

describe("a counter that vouches for the head", () => {
  it("lets the same database start again and again", async () => {
    const { start, state, write } = machine();
    for (let i = 0; i < 4; i += 1) {
      await start();
      await write(`after ${i}`);
    }
    expect(state.value).toBe(45n);
  });

  it("counts at each start, and then once an hour while the log grows", async () => {
    const { start, state, clock, write } = machine();
    const broker = await start();
    const first = state.value ?? 0n;
    for (let minute = 0; minute < 180; minute += 1) {
      clock.ms += 60_000;
      if (minute < 125) await write(`minute ${minute}`);
      await keepHead(broker); // in order: a clock
    }
    expect(state.value).toBe(first + 3n);
  });

  it("refuses an older database, one that grew again, and none at all", async () => {
    const { start, copied, write, clock } = machine();
    const broker = await start();
    const older = await copied();
    clock.ms += 3_600_000;
    await write("later");
    await keepHead(broker);
    await expect(start(older)).rejects.toMatchObject(ROLLED_BACK);
    await write("another way", older);
    await expect(start(older)).rejects.toMatchObject(ROLLED_BACK);
    await expect(start(createMemoryStore())).rejects.toMatchObject(ROLLED_BACK);
  });

  it("refuses an older database into which somebody wrote the newest number", async () => {
    const { world, start, copied, write } = machine();
    await start();
    const older = await copied();
    await write("later");
    await start();
    const newest = (await world.store.meta(PLACE)) ?? "";
    await older.putMeta(PLACE, await older.meta(PLACE), newest);
    await expect(start(older)).rejects.toMatchObject(ROLLED_BACK);
    const count = /\n(\d+)\n/.exec(newest)?.[1] ?? "";
    const forged = (await copied(older)) && newest.replace(`\n${count}\n`, `\n${Number(count) + 1}\n`);
    await older.putMeta(PLACE, newest, forged);
    await expect(start(older)).rejects.toMatchObject({ code: "ledger/inconsistent" });
  });

  it("takes no record of another counter of the same broker", async () => {
    const { world, start, anchored } = machine();
    await start();
    await world.store.putMeta(
      "anchor:tpm-counter-0x01800572",
      undefined,
      (await world.store.meta(PLACE)) ?? "",
    );
    const other = anchored(world.store, "tpm-counter-0x01800572");
    await expect(beginEpoch(other)).rejects.toMatchObject({ code: "ledger/inconsistent" });
  });

  it("locks nobody out who crashed at any moment, and lets no copy of before serve once the broker ran again", async () => {
    for (let effects = 0; effects < 4; effects += 1) {
      const { start, copied, fuse, write } = machine();
      await start();
      await write("served");
      const before = await copied();
      await write("served more");
      fuse.left = effects;
      const crashed = await start().catch((thrown: unknown) => thrown);
      const between = await copied();
      fuse.left = Number.POSITIVE_INFINITY;
      await start();
      await write("served again");
      await start();
      for (const copy of [before, between]) await expect(start(copy)).rejects.toMatchObject(ROLLED_BACK);
      if (effects < 2) expect(crashed).toBeInstanceOf(Crash);
    }
  });

  it("locks nobody out whose very first start stopped at any moment", async () => {
    for (let effects = 0; effects < 4; effects += 1) {
      const { world, start, fuse, write } = machine();
      await write("before there was a counter");
      fuse.left = effects;
      const crashed = await start().catch((thrown: unknown) => thrown);
      if (effects < 3) expect(crashed).toBeInstanceOf(Crash);
      fuse.left = Number.POSITIVE_INFINITY;
      await start();
      const record = await world.store.meta(PLACE);
      await start();
      expect(await world.store.meta(PLACE)).not.toBe(record);
    }
  });

  it("counts once more after a crash, so that the copy of that moment is older at once", async () => {
    const { start, copied, fuse, write } = machine();
    await start();
    fuse.left = 1;
    await expect(start()).rejects.toThrow(Crash);
    const between = await copied();
    fuse.left = Number.POSITIVE_INFINITY;
    await start();
    await write("served");
    await expect(start(between)).rejects.toMatchObject(ROLLED_BACK);
  });

  it("refuses a counter that is gone or behind: another TPM", async () => {
    const { start, state } = machine();
    await start();
    const at = state.value ?? 0n;
    for (const other of [undefined, at - 2n]) {
      state.value = other;
      await expect(start()).rejects.toMatchObject({ code: "tpm/unavailable" });
    }
    state.value = at;
    await start();
  });

  it("tells two brokers that were given one counter, and does no harm to either", async () => {
    const { start, clock, write } = machine();
    const [one, other] = [await start(), await start()];
    clock.ms += 3_600_000;
    await write("later");
    await expect(keepHead(one)).rejects.toMatchObject({ code: "config/invalid" });
    await keepHead(other);
    await start();
  });

  it("makes way for a database that was restored, and for no copy of before", async () => {
    const { world, start, copied, write, state } = machine();
    await start();
    const backup = await copied();
    await write("lost");
    await start();
    const lost = await copied();
    const keeper = createCounterKeeper({
      counter: {
        read: async () => state.value,
        create: async () => 0n,
        increment: async () => 0n,
        remove: async () => {
          state.value = undefined;
        },
      },
      name: NAME,
      store: backup,
      ledgerSigner: world.ledgerSigner,
      audience: world.settings.audience,
      primitives: nodePrimitives,
      milliseconds: () => 0,
      everyMinutes: 60,
    });
    for (let i = 0; i < 2; i += 1) await keeper.letGo(); // a restore that was cut off is done again
    await start(backup);
    await start(backup);
    await expect(start(lost)).rejects.toMatchObject(ROLLED_BACK);
  });
});
