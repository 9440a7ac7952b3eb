/** Does a check of the whole log find whatever was done to it, and name the place? */
import { describe, expect, it } from "vitest";
import { checkLog } from "../../src/broker/check-log.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { checkLedger } from "../../src/broker/startup.ts";
import type { Store, StoredEntry } from "../../src/broker/store.ts";
import type { World } from "../../src/broker/world.ts";
import type { Tile } from "../../src/ledger/tiles.ts";
import { adminDraft } from "../contract/store/examples.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";

const SIZE = 1300;

describe("a check of the whole log", () => {
  it("answers how long a good one is, entries after its head included", async () => {
    expect(await checkLog(brokerAtHand().world)).toBe(0);
    const world = await brokerWith(SIZE);
    expect(await checkLog(world)).toBe(SIZE);
    await world.store.appendEntry(adminDraft("more"));
    expect(await checkLog(world)).toBe(SIZE + 1);
  });

  const edited = (entry: StoredEntry) => ({ ...entry, draft: adminDraft("edited") });
  const deeds: readonly (readonly [string, number, Change])[] = [
    ["the first one edited", 0, (all) => all.with(0, edited(at(all, 0)))],
    ["one edited in the middle", 700, (all) => all.with(700, edited(at(all, 700)))],
    ["the last one edited", 1299, (all) => all.with(1299, edited(at(all, 1299)))],
    ["two exchanged", 300, (all) => exchanged(all, 300, 900)],
    [
      "one taken out and the others moved up",
      600,
      (all) => renumbered(all.toSpliced(600, 1)).concat(at(all, 1299)),
    ],
    ["one put in", 20, (all) => renumbered(all.toSpliced(20, 0, edited(at(all, 20)))).slice(0, SIZE)],
    [
      "all made anew from one on",
      512,
      (all) => all.map((entry) => (entry.seq < 512 ? entry : edited(entry))),
    ],
  ];

  it.each(deeds)("names the entry: %s", async (_deed, entry, change) => {
    const world = await brokerWith(SIZE);
    const hostile = on(world, withEntries(change(await world.store.entries(0, SIZE))));
    await expect(checkLog(hostile)).rejects.toMatchObject({ code: "ledger/inconsistent", detail: { entry } });
  });

  it("says that entries are gone, or where one is missing", async () => {
    const world = await brokerWith(SIZE);
    const all = await world.store.entries(0, SIZE);
    const cut = on(world, withEntries(all.slice(0, -1)));
    await expect(checkLog(cut)).rejects.toMatchObject({
      code: "ledger/inconsistent",
      detail: { received: SIZE - 1 },
    });
    await expect(checkLedger(cut)).rejects.toMatchObject({ code: "ledger/inconsistent" });
    const holed = on(world, withEntries(all.toSpliced(44, 1)));
    await expect(checkLog(holed)).rejects.toMatchObject({ code: "ledger/inconsistent", detail: { seq: 44 } });
  });

  it.each([
    { level: 0, position: 0 },
    { level: 0, position: 3 },
    { level: 0, position: 5 },
    { level: 1, position: 0 },
  ])("names tile $level/$position, changed or taken away", async (place) => {
    const world = await brokerWith(SIZE);
    const changed = ({ hashes, ...tile }: Tile) => ({
      ...tile,
      hashes: hashes.with(-1, at(hashes, hashes.length - 1) ^ 1),
    });
    for (const change of [changed, () => undefined]) {
      const hostile = on(world, {
        tile: async (asked) => {
          const tile = await world.store.tile(asked);
          const isIt = asked.level === place.level && asked.position === place.position;
          return isIt && tile !== undefined ? change(tile) : tile;
        },
      });
      await expect(checkLog(hostile)).rejects.toMatchObject({ code: "ledger/inconsistent", detail: place });
    }
  });

  it("blames entries and tiles together where both were made anew", async () => {
    const world = await brokerWith(SIZE);
    const other = await brokerWith(SIZE, "other");
    const { entries, tile } = other.store;
    const forked = on(world, { entries, tile });
    await expect(checkLog(forked)).rejects.toMatchObject({
      code: "ledger/inconsistent",
      detail: { size: SIZE },
    });
    await expect(checkLedger(forked)).rejects.toMatchObject({ code: "ledger/inconsistent" });
  });

  it("takes no head that was put together from two, or signed by nobody", async () => {
    const world = await brokerWith(SIZE);
    const before = await world.store.checkpoint();
    await world.store.appendEntry(adminDraft("more"));
    await advanceCheckpoint(world);
    const after = await world.store.checkpoint();
    if (before === undefined || after === undefined) throw new Error("both heads were kept");
    for (const head of [
      { ...after, note: before.note },
      { ...after, frontier: before.frontier },
      { ...after, note: after.note.replace(/.{8}(?=\n$)/, "AAAAAAAA") },
    ]) {
      const hostile = on(world, { checkpoint: async () => head });
      await expect(checkLog(hostile)).rejects.toMatchObject({ code: "ledger/inconsistent" });
    }
  });
});

describe("a start", () => {
  it("looks at the tiles that the next ones grow at", async () => {
    const world = await brokerWith(SIZE);
    const hostile = on(world, {
      tile: async (place) => {
        const tile = await world.store.tile(place);
        return tile && { ...tile, hashes: tile.hashes.with(0, at(tile.hashes, 0) ^ 1) };
      },
    });
    await checkLedger(world);
    await expect(checkLedger(hostile)).rejects.toMatchObject({ code: "ledger/inconsistent" });
  });
});

type Change = (all: readonly StoredEntry[]) => readonly StoredEntry[];

async function brokerWith(size: number, act = "act"): Promise<World> {
  const { world } = brokerAtHand();
  for (let i = 0; i < size; i += 1) await world.store.appendEntry(adminDraft(`${act}-${i}`)); // in order: the log is
  await advanceCheckpoint(world);
  return world;
}

function on(world: World, store: Partial<Store>): World {
  return { ...world, store: { ...world.store, ...store } };
}

function withEntries(all: readonly StoredEntry[]): Partial<Store> {
  return {
    entries: async (from, limit) => all.filter(({ seq }) => seq >= from).slice(0, limit),
    ledgerSize: async () => (all.at(-1)?.seq ?? -1) + 1,
  };
}

function renumbered(all: readonly StoredEntry[]): readonly StoredEntry[] {
  return all.map((entry, seq) => ({ ...entry, seq }));
}

function exchanged(all: readonly StoredEntry[], a: number, b: number): readonly StoredEntry[] {
  return renumbered(all.with(a, at(all, b)).with(b, at(all, a)));
}

function at<T>(all: ArrayLike<T>, index: number): T {
  const found = all[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
}
