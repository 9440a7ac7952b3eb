/** The Store contract: editions of the advisory follow one another, and the newest one may come again with other signatures. */
import { describe, expect, it } from "vitest";
import type { StoredAdvisory } from "../../../src/broker/advisory-store.ts";
import type { Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, T0 } from "./examples.ts";

export function advisoryContract(open: OpenStore): void {
  const put = (store: Store, edition: StoredAdvisory, newest: number, roster = 0) =>
    store.putAdvisory(edition, { roster, newest }, adminDraft("advisory-import"));

  describe("editions of the advisory", () => {
    it("follow one another by serial, with gaps, each with one entry", async () => {
      const store = await open();
      expect(await store.newestAdvisory()).toBeUndefined();
      expect([await put(store, editionOf(2), 0), await put(store, editionOf(5), 2)]).toEqual([true, true]);
      expect(await store.newestAdvisory()).toEqual(editionOf(5));
      expect(await store.advisory(editionOf(2).digest)).toEqual(editionOf(2));
      expect(await store.advisory("f".repeat(64))).toBeUndefined();
      expect(await store.ledgerSize()).toBe(2);
    });

    it("are refused below the newest, after another one, and after a change of the roster", async () => {
      const store = await open();
      await put(store, editionOf(2), 0);
      expect([
        await put(store, editionOf(1), 2),
        await put(store, editionOf(3), 0),
        await put(store, editionOf(3), 3),
        await put(store, editionOf(3), 2, 1),
      ]).toEqual([false, false, false, false]);
      expect(await store.newestAdvisory()).toEqual(editionOf(2));
      expect(await store.ledgerSize()).toBe(1);
    });

    it("take other signatures on the newest, and no other bytes under its serial", async () => {
      const store = await open();
      await put(store, editionOf(2), 0);
      const again = { ...editionOf(2), envelope: "signed again", by: "admin-2" };
      expect(await put(store, again, 2)).toBe(true);
      expect(await put(store, { ...again, digest: "f".repeat(64) }, 2)).toBe(false);
      expect(await store.newestAdvisory()).toEqual(again);
      expect(await store.ledgerSize()).toBe(2);
    });

    it("let one of many win", async () => {
      const store = await open();
      const wins = await Promise.all(
        Array.from({ length: 8 }, (_, i) => put(store, { ...editionOf(1), digest: `${i}`.repeat(64) }, 0)),
      );
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await store.ledgerSize()).toBe(1);
    });
  });
}

function editionOf(serial: number): StoredAdvisory {
  return { serial, digest: `${serial}`.repeat(64), envelope: `{"serial":${serial}}`, at: T0, by: "admin-1" };
}
