/** The Store contract: the ledger's entries in order, and its newest head. */
import { describe, expect, it } from "vitest";
import type { OpenStore } from "../store.ts";
import { adminDraft, commitOf, freshId, T0 } from "./examples.ts";

export function ledgerContract(open: OpenStore): void {
  describe("ledger", () => {
    it("numbers decisions and other entries from 0 in one row", async () => {
      const store = await open();
      expect(await store.ledgerSize()).toBe(0);
      expect(await store.appendEntry({ v: 1, time: T0, kind: "epoch", act: "start" })).toBe(0);
      await store.commitDecisions([commitOf()]);
      const failed = { v: 1, time: T0, kind: "release-failed", id: freshId() } as const;
      expect(await store.appendEntry(failed)).toBe(2);
      expect(await store.ledgerSize()).toBe(3);
      expect((await store.entries(2, 5))[0]).toEqual({
        seq: 2,
        draft: failed,
        exhausted: [],
        isAllOrNothing: false,
      });
    });

    it("gives entries from a position on, at most as many as asked for", async () => {
      const store = await open();
      for (let i = 0; i < 5; i += 1) await store.appendEntry(adminDraft(`act-${i}`));
      const seqs = async (from: number, limit: number) =>
        (await store.entries(from, limit)).map(({ seq }) => seq);
      expect(await seqs(1, 3)).toEqual([1, 2, 3]);
      expect(await seqs(3, 10)).toEqual([3, 4]);
      expect(await seqs(5, 10)).toEqual([]);
      expect(await seqs(0, 0)).toEqual([]);
      expect(await seqs(0, -1)).toEqual([]);
    });

    it("appends concurrently without gap or repetition", async () => {
      const store = await open();
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, i) => store.appendEntry(adminDraft(`act-${i}`))),
      );
      expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    });
  });

  describe("checkpoint", () => {
    const hash = (fill: number) => new Uint8Array(32).fill(fill);

    it("keeps the larger head and ignores one that is not larger", async () => {
      const store = await open();
      expect(await store.checkpoint()).toBeUndefined();
      const first = { size: 5, note: "note 5", frontier: [hash(1), hash(2)] };
      await store.putCheckpoint(first, []);
      expect(await store.checkpoint()).toEqual(first);
      await store.putCheckpoint({ size: 5, note: "other", frontier: [hash(3)] }, []);
      await store.putCheckpoint({ size: 4, note: "older", frontier: [hash(3)] }, []);
      expect(await store.checkpoint()).toEqual(first);
      await store.putCheckpoint({ size: 6, note: "note 6", frontier: [], acts: "{}" }, []);
      expect(await store.checkpoint()).toEqual({ size: 6, note: "note 6", frontier: [], acts: "{}" });
    });

    it("copies the frontier on its way in", async () => {
      const store = await open();
      const frontier = [hash(1)];
      await store.putCheckpoint({ size: 0, note: "", frontier }, []);
      frontier[0]?.fill(9);
      expect((await store.checkpoint())?.frontier).toEqual([hash(1)]);
    });

    it("keeps tiles together with a head, or without one", async () => {
      const store = await open();
      expect(await store.tiledSize()).toBe(0);
      expect(await store.tile({ level: 0, position: 0 })).toBeUndefined();
      const [leaf, full] = [hash(1), new Uint8Array(8192).fill(2)];
      await store.putCheckpoint({ size: 257, note: "note", frontier: [hash(1)] }, [
        { level: 0, position: 0, hashes: full },
        { level: 0, position: 1, hashes: leaf },
        { level: 1, position: 0, hashes: hash(3) },
      ]);
      expect(await store.tile({ level: 0, position: 0 })).toEqual({ level: 0, position: 0, hashes: full });
      expect(await store.tile({ level: 1, position: 0 })).toEqual({ level: 1, position: 0, hashes: hash(3) });
      expect(await store.tile({ level: 1, position: 1 })).toBeUndefined();
      expect(await store.tiledSize()).toBe(257);
      await store.putTiles([{ level: 0, position: 2, hashes: hash(4) }]);
      expect(await store.tiledSize()).toBe(513);
      expect((await store.checkpoint())?.size).toBe(257);
    });

    it("lets a tile only grow, whichever of two brokers writes last", async () => {
      const store = await open();
      const widths = [2, 5, 4, 5, 1];
      for (const width of widths) {
        await store.putTiles([{ level: 0, position: 0, hashes: new Uint8Array(32 * width).fill(width) }]);
      }
      const kept = await store.tile({ level: 0, position: 0 });
      expect(kept?.hashes).toEqual(new Uint8Array(32 * 5).fill(5));
      kept?.hashes.fill(9);
      expect((await store.tile({ level: 0, position: 0 }))?.hashes[0]).toBe(5);
    });

    it("refuses tiles that are not made of hashes, and more than a batch of them", async () => {
      const store = await open();
      const invariant = { code: "internal/invariant" };
      for (const size of [0, 31, 8193, 8224]) {
        const odd = { level: 0, position: 0, hashes: new Uint8Array(size) };
        await expect(store.putTiles([odd]), String(size)).rejects.toMatchObject(invariant);
      }
      const many = Array.from({ length: 41 }, (_, position) => ({ level: 0, position, hashes: hash(1) }));
      await expect(store.putTiles(many)).rejects.toMatchObject(invariant);
      expect(await store.tiledSize()).toBe(0);
    });

    it("refuses a frontier that is not made of hashes", async () => {
      const store = await open();
      const odd = { size: 1, note: "", frontier: [new Uint8Array(31)] };
      await expect(store.putCheckpoint(odd, [])).rejects.toMatchObject({ code: "internal/invariant" });
    });
  });
}
