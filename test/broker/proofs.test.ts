/** Are proofs from tiles those of RFC 9162, and is none made of what was not signed? */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { proveConsistency, proveInclusion, provenTile, rootAt } from "../../src/broker/proofs.ts";
import type { Store } from "../../src/broker/store.ts";
import { fillTiles } from "../../src/broker/tiles.ts";
import type { World } from "../../src/broker/world.ts";
import { openCheckpoint, originOf } from "../../src/ledger/checkpoint.ts";
import { encodeEntry } from "../../src/ledger/entry.ts";
import type { Tile } from "../../src/ledger/tiles.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { adminDraft } from "../contract/store/examples.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";
import { ReferenceTree, rootOfInclusion } from "../support/rfc9162.ts";

const SIZE = 10_000;
const INCONSISTENT = { code: "ledger/inconsistent" };

describe("a log of ten thousand entries", () => {
  let world: World;
  let tree: ReferenceTree;
  beforeAll(async () => {
    ({ world } = brokerAtHand());
    // Heads at odd places, as time makes them.
    for (const size of [1, 255, 256, 257, 3000, 3001, 9999, SIZE]) await grownTo(size, world);
    const entries = await ledgerEntries({ from: 0, limit: SIZE }, world);
    tree = new ReferenceTree(entries.map(encodeEntry));
  });

  it("proves any entry in any earlier tree, hash by hash as the definition does", async () => {
    const place = fc
      .integer({ min: 1, max: SIZE })
      .chain((size) => fc.record({ size: fc.constant(size), seq: fc.integer({ min: 0, max: size - 1 }) }));
    await fc.assert(
      fc.asyncProperty(place, async ({ size, seq }) => {
        const { leaf, proof, root } = await proveInclusion(seq, size, world);
        expect(proof.map(hexOf)).toEqual(tree.path(seq, 0, size).map(hexOf));
        expect(hexOf(root)).toBe(hexOf(tree.root(0, size)));
        expect(rootOfInclusion(leaf, seq, size, proof)?.equals(root)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("proves that it continues any earlier tree", async () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: SIZE }), fc.integer({ min: 1, max: SIZE }));
    await fc.assert(
      fc.asyncProperty(sizes, async ([a, b]) => {
        const [from, size] = [Math.min(a, b), Math.max(a, b)];
        const { fromRoot, root, proof } = await proveConsistency(from, size, world);
        expect(proof.map(hexOf)).toEqual(tree.subproof(from, 0, size).map(hexOf));
        expect([fromRoot, root].map(hexOf)).toEqual([tree.root(0, from), tree.root(0, size)].map(hexOf));
      }),
      { numRuns: 200 },
    );
  });

  it("knows its root at every size, one beyond the head and none included", async () => {
    const grown = await copyOf(world);
    await grown.store.appendEntry(adminDraft("more"));
    for (const size of [0, 1, 255, 256, 257, 5000, SIZE]) {
      expect(hexOf(await rootAt(size, grown)), String(size)).toBe(hexOf(tree.root(0, size)));
    }
    expect(hexOf(await rootAt(SIZE + 1, grown))).not.toBe(hexOf(tree.root(0, SIZE)));
  });

  it("proves under its own head unless another size is named, and says which head that is", async () => {
    const { size, root, checkpoint } = await proveInclusion(77, undefined, world);
    const { audience } = world.settings;
    const own = { origin: originOf(audience), spki: world.ledgerSigner.spki };
    expect(await openCheckpoint(checkpoint, own, world.primitives)).toMatchObject({ size, root });
    expect((await proveConsistency(77, undefined, world)).size).toBe(SIZE);
  });

  it("says no to what is not under its head, and to a beginning that shows nothing", async () => {
    const inclusions = [
      [SIZE, undefined],
      [SIZE, SIZE],
      [5, SIZE + 1],
      [5, 5],
      [0, 0],
    ] as const;
    for (const [seq, size] of inclusions) {
      expect(await codeOfPromise(proveInclusion(seq, size, world)), `${seq} ${size}`).toBe(
        "request/not-found",
      );
    }
    for (const [from, size] of [
      [SIZE + 1, undefined],
      [7, 6],
      [7, SIZE + 1],
    ] as const) {
      expect(await codeOfPromise(proveConsistency(from, size, world))).toBe("request/not-found");
    }
    expect(await codeOfPromise(proveConsistency(0, 5, world))).toBe("request/malformed");
    expect(await codeOfPromise(proveInclusion(0, undefined, brokerAtHand().world))).toBe("request/not-found");
  });

  it("takes a handful of reads for a proof, and writes few rows for a head", async () => {
    let reads = 0;
    const counted = on(world, {
      tile: async (place) => {
        reads += 1;
        return world.store.tile(place);
      },
    });
    await proveInclusion(1234, undefined, counted);
    expect(reads).toBeLessThanOrEqual(2);
    await proveInclusion(1234, 7777, counted);
    expect(reads).toBeLessThanOrEqual(8);
    const grown = await copyOf(world);
    const rows: number[] = [];
    const watched = on(grown, {
      putCheckpoint: async (head, tiles) => {
        rows.push(tiles.length);
        await grown.store.putCheckpoint(head, tiles);
      },
    });
    await grownTo(SIZE + 1, watched);
    await grownTo(SIZE + 5001, watched);
    // 10,000 and one; then 4096 and 904 more, each with the tile it began in and one of the level above.
    expect(rows).toEqual([1, 18, 5]);
  });

  it("hands out tiles of every level, as wide as they were under any head", async () => {
    const full = await provenTile({ level: 0, position: 3, width: 256 }, world);
    expect(hexOf(full.hashes.slice(0, 32))).toBe(hexOf(tree.root(768, 769)));
    const narrow = await provenTile({ level: 0, position: 39, width: 16 }, world);
    expect(hexOf(narrow.hashes.slice(-32))).toBe(hexOf(tree.root(SIZE - 1, SIZE)));
    const above = await provenTile({ level: 1, position: 0, width: 39 }, world);
    expect(hexOf(above.hashes.slice(32, 64))).toBe(hexOf(tree.root(256, 512)));
    for (const need of [
      { level: 0, position: 39, width: 17 },
      { level: 0, position: 40, width: 1 },
      { level: 1, position: 0, width: 40 },
      { level: 2, position: 0, width: 1 },
    ]) {
      expect(await codeOfPromise(provenTile(need, world))).toBe("request/not-found");
    }
  });
});

describe("a database that somebody wrote to", () => {
  const BIG = 1500;
  let world: World;
  beforeAll(async () => {
    ({ world } = brokerAtHand());
    for (const size of [700, 1300, BIG]) await grownTo(size, world);
  });

  const everyTile = [0, 1, 2, 3, 4, 5]
    .map((position) => ({ level: 0, position }))
    .concat({ level: 1, position: 0 });

  it.each(everyTile)("cannot have tile $level/$position believed with one bit changed", async (place) => {
    const width = (await world.store.tile(place))?.hashes.length ?? 0;
    for (const byte of [0, width / 2, width - 1]) {
      const hostile = on(world, {
        tile: async (asked) => {
          const tile = await world.store.tile(asked);
          if (tile === undefined || asked.level !== place.level || asked.position !== place.position)
            return tile;
          return { ...tile, hashes: tile.hashes.map((value, i) => (i === byte ? value ^ 1 : value)) };
        },
      });
      await expect(provenTile({ ...place, width: width / 32 }, hostile)).rejects.toMatchObject(INCONSISTENT);
    }
    expect(width).toBeGreaterThan(0);
  });

  it("cannot have a proof made of tiles of another log, at whatever place", async () => {
    const { world: other } = brokerAtHand();
    for (let i = 0; i < BIG; i += 1) await other.store.appendEntry(adminDraft(`other-${i}`)); // in order: the log is
    await advanceCheckpoint(other);
    const hostile = on(world, { tile: other.store.tile });
    for (const seq of [0, 300, 1279, 1400, BIG - 1]) {
      await expect(proveInclusion(seq, undefined, hostile)).rejects.toMatchObject(INCONSISTENT);
      await expect(proveInclusion(seq, seq + 1, hostile)).rejects.toMatchObject(INCONSISTENT);
    }
    for (const from of [1, 256, 777]) {
      await expect(proveConsistency(from, undefined, hostile)).rejects.toMatchObject(INCONSISTENT);
      await expect(proveConsistency(from, 900, hostile)).rejects.toMatchObject(INCONSISTENT);
      await expect(rootAt(from, hostile)).rejects.toMatchObject(INCONSISTENT);
    }
    await expect(advanceOver(hostile)).rejects.toMatchObject(INCONSISTENT);
  });

  it("cannot have an entry proven that was edited, or stands in another's place", async () => {
    const shifted = on(world, { entries: (from, limit) => world.store.entries(from + 1, limit) });
    const edited = on(world, {
      entries: async (from, limit) =>
        (await world.store.entries(from, limit)).map((entry) => ({ ...entry, draft: adminDraft("edited") })),
    });
    const empty = on(world, { entries: async () => [] });
    for (const hostile of [shifted, edited, empty]) {
      await expect(proveInclusion(44, undefined, hostile)).rejects.toMatchObject({
        ...INCONSISTENT,
        detail: { entry: 44 },
      });
    }
  });

  it("cannot have a head signed over entries that are gone", async () => {
    const cut = on(world, { ledgerSize: async () => BIG - 1 });
    await expect(advanceCheckpoint(cut)).rejects.toMatchObject(INCONSISTENT);
  });

  it("cannot put an older edge back and be believed: nothing is proven by it, and filling makes it what it was", async () => {
    const older = await copyOf(world, (tile) => (tile.position === 5 ? narrower(tile) : tile));
    await expect(proveInclusion(BIG - 2, BIG, older)).rejects.toMatchObject({ code: "ledger/filling" });
    await older.store.appendEntry(adminDraft("more"));
    await advanceCheckpoint(older);
    expect(await fillTiles(older)).toEqual({ filled: BIG + 1, size: BIG + 1 });
    expect((await proveInclusion(BIG - 2, undefined, older)).size).toBe(BIG + 1);
  });

  it("cannot have an earlier head and its proofs taken for the newest: what stands after it is proven by no tile", async () => {
    const { world: young } = brokerAtHand();
    await grownTo(700, young);
    const before = await young.store.checkpoint();
    await grownTo(900, young);
    const back = on(young, { checkpoint: async () => before });
    expect((await proveInclusion(5, undefined, back)).size).toBe(700);
    expect(await codeOfPromise(proveInclusion(800, undefined, back))).toBe("request/not-found");
    expect(await codeOfPromise(provenTile({ level: 0, position: 3, width: 100 }, back))).toBe(
      "request/not-found",
    );
  });

  it("is named where a tile is missing, whichever it is", async () => {
    for (const place of everyTile) {
      const holed = on(world, {
        tile: async (asked) =>
          asked.level === place.level && asked.position === place.position
            ? undefined
            : world.store.tile(asked),
      });
      const width = ((await world.store.tile(place))?.hashes.length ?? 0) / 32;
      await expect(provenTile({ ...place, width }, holed)).rejects.toMatchObject({
        ...INCONSISTENT,
        detail: place,
      });
    }
  });
});

describe("a log from before there were tiles", () => {
  it("is filled in steps that may end anywhere, while heads are signed, and then proves what a grown one does", async () => {
    const { world } = brokerAtHand();
    await grownTo(9000, world);
    const bare = on(world, await withoutTiles(world.store, 9000));
    expect(await codeOfPromise(proveInclusion(5, undefined, bare))).toBe("ledger/filling");
    expect(hexOf(await rootAt(4000, bare))).toBe(hexOf(await rootAt(4000, world)));
    const steps: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      await bare.store.appendEntry(adminDraft(`during-${i}`)); // in order: heads go on meanwhile
      await advanceCheckpoint(bare);
      steps.push((await fillTiles(bare)).filled);
      expect(hexOf(await rootAt(4000, bare))).toBe(hexOf(await rootAt(4000, world)));
    }
    expect(steps).toEqual([4096, 8192, 9003, 9004, 9005]);
    expect((await proveInclusion(9001, undefined, bare)).size).toBe(9005);
    const { hashes } = await provenTile({ level: 0, position: 34, width: 256 }, bare);
    expect(hexOf(hashes)).toBe(
      hexOf((await provenTile({ level: 0, position: 34, width: 256 }, world)).hashes),
    );
    await grownTo(9300, bare);
    expect((await fillTiles(bare)).filled).toBe(9300);
  });

  it("is not filled from entries that the head was not signed over", async () => {
    const { world } = brokerAtHand();
    await grownTo(3000, world);
    const bare = on(world, {
      ...(await withoutTiles(world.store, 3000)),
      entries: async (from, limit) =>
        (await world.store.entries(from, limit)).map((entry) =>
          entry.seq === 1234 ? { ...entry, draft: adminDraft("edited") } : entry,
        ),
    });
    await expect(fillTiles(bare)).rejects.toMatchObject(INCONSISTENT);
    await expect(proveInclusion(1, undefined, bare)).rejects.toMatchObject(INCONSISTENT);
  });

  it("is filled anew where the last tiles of the filling were taken away", async () => {
    const { world } = brokerAtHand();
    await grownTo(9000, world);
    const bare = on(world, await withoutTiles(world.store, 9000));
    await fillTiles(bare);
    const holed = on(bare, {
      tile: async (place) => (place.level === 1 && holes ? undefined : bare.store.tile(place)),
    });
    let holes = true;
    expect((await fillTiles(holed)).filled).toBe(4096);
    holes = false;
    expect((await fillTiles(holed)).filled).toBe(8192);
  });
});

/** The same broker over a store of which some methods are somebody else's. */
function on(world: World, store: Partial<Store>): World {
  return { ...world, store: { ...world.store, ...store } };
}

async function grownTo(size: number, world: World): Promise<void> {
  for (let i = await world.store.ledgerSize(); i < size; i += 1) {
    await world.store.appendEntry(adminDraft(`act-${i}`)); // in order: the log is
  }
  await advanceCheckpoint(world);
}

/** A head over what was appended behind its back. */
async function advanceOver(world: World): Promise<string> {
  const grown = on(world, { ledgerSize: async () => (await world.store.ledgerSize()) + 1 });
  return advanceCheckpoint(grown);
}

async function copyOf(world: World, change: (tile: Tile) => Tile = (tile) => tile): Promise<World> {
  const store = createMemoryStore();
  for (const { draft } of await world.store.entries(0, SIZE)) await store.appendEntry(draft); // in order: the log is
  const copy = { ...world, store };
  const head = await world.store.checkpoint();
  if (head !== undefined) await store.putCheckpoint(head, []);
  for (const level of [0, 1]) {
    for (let position = 0; position < 40; position += 1) {
      const tile = await world.store.tile({ level, position }); // in order, and few
      if (tile !== undefined) await store.putTiles([change(tile)]);
    }
  }
  return copy;
}

/** The same log in a store that has the head and no tile. */
async function withoutTiles(full: Store, size: number): Promise<Store> {
  const store = createMemoryStore();
  for (const { draft } of await full.entries(0, size)) await store.appendEntry(draft); // in order: the log is
  const head = await full.checkpoint();
  if (head !== undefined) await store.putCheckpoint(head, []);
  return store;
}

function narrower(tile: Tile): Tile {
  return { ...tile, hashes: tile.hashes.slice(0, -32) };
}
