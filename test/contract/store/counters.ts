/** The Store contract: counters are consumed per item, wholly or not at all, within windows that slide exactly. */
import { describe, expect, it } from "vitest";
import { instant } from "../../../src/base/time.ts";
import type { CommitItem, CommitOutcome, Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { commitOf, itemOf, T0, useOf } from "./examples.ts";

export function counterContract(open: OpenStore): void {
  const commit = async (store: Store, items: readonly CommitItem[], at = 0, isAllOrNothing = true) => {
    const [outcome] = await store.commitDecisions([
      commitOf({ items, at: instant(T0 + at), isAllOrNothing }),
    ]);
    return exhaustedIn(outcome);
  };

  describe("counters", () => {
    it("gives as many uses as the limit, and then records the refusal with its nonce spent", async () => {
      const store = await open();
      const items = [itemOf(useOf("k", 2))];
      expect([await commit(store, items), await commit(store, items)]).toEqual([[], []]);
      const refused = commitOf({ items });
      expect(await store.commitDecisions([refused])).toEqual([{ kind: "committed", seq: 2, exhausted: [0] }]);
      expect(await store.isSpent(1, refused.spend.rand)).toBe(true);
      expect((await store.entries(2, 1))[0]).toMatchObject({ seq: 2, exhausted: [0], isAllOrNothing: true });
      expect(await store.decision(refused.id)).toMatchObject({ seq: 2, exhausted: [0] });
    });

    it("gives the last use of a counter to one commit of a group", async () => {
      const store = await open();
      const group = Array.from({ length: 10 }, () => commitOf({ items: [itemOf(useOf("k", 3))] }));
      const outcomes = await store.commitDecisions(group);
      expect(outcomes.map(exhaustedIn)).toEqual([[], [], [], ...Array.from({ length: 7 }, () => [0])]);
    });

    it("has no room at all under a limit of zero", async () => {
      const store = await open();
      expect(await commit(store, [itemOf(useOf("k", 0))])).toEqual([0]);
    });

    it("counts a use while it is later than now less the window, and not a second longer", async () => {
      const store = await open();
      const items = [itemOf(useOf("k", 2, 60))];
      expect(await commit(store, items, 0)).toEqual([]);
      expect(await commit(store, items, 30)).toEqual([]);
      expect(await commit(store, items, 59)).toEqual([0]);
      expect(await commit(store, items, 60)).toEqual([]);
      expect(await commit(store, items, 89)).toEqual([0]);
      expect(await commit(store, items, 90)).toEqual([]);
    });

    it("counts for ever where there is no window", async () => {
      const store = await open();
      const items = [itemOf(useOf("k", 1))];
      expect(await commit(store, items, 0)).toEqual([]);
      expect(await commit(store, items, 1_000_000_000)).toEqual([0]);
    });

    it("counts a use that a faster clock wrote", async () => {
      const store = await open();
      const items = [itemOf(useOf("k", 1, 60))];
      expect(await commit(store, items, 500)).toEqual([]);
      expect(await commit(store, items, 0)).toEqual([0]);
    });

    it("keeps counters of different keys and of different windows apart", async () => {
      const store = await open();
      const items = [itemOf(useOf("a", 1, 60), useOf("a", 1, 3600), useOf("a", 1), useOf("b", 1, 60))];
      expect(await commit(store, items)).toEqual([]);
      for (const use of items.flatMap((item) => item.uses))
        expect(await commit(store, [itemOf(use)])).toEqual([0]);
    });

    it("refuses a window that is no time at all, before anything is written", async () => {
      const store = await open();
      const group = [commitOf(), commitOf({ items: [itemOf(useOf("k", 1, 0))] })];
      await expect(store.commitDecisions(group)).rejects.toMatchObject({ code: "internal/invariant" });
      expect(await store.ledgerSize()).toBe(0);
    });

    it("takes every use of an item or none of them", async () => {
      const store = await open();
      await commit(store, [itemOf(useOf("tight", 1))]);
      expect(await commit(store, [itemOf(useOf("wide", 1), useOf("tight", 1))])).toEqual([0]);
      expect(await commit(store, [itemOf(useOf("wide", 1))])).toEqual([]);
    });

    it("counts each use of an item that names one counter twice", async () => {
      const store = await open();
      expect(await commit(store, [itemOf(useOf("k", 1), useOf("k", 1))])).toEqual([0]);
      expect(await commit(store, [itemOf(useOf("k", 2), useOf("k", 2))])).toEqual([]);
      expect(await commit(store, [itemOf(useOf("k", 2))])).toEqual([0]);
    });

    it("judges each item alone where not all or nothing was asked for", async () => {
      const store = await open();
      await commit(store, [itemOf(useOf("tight", 1))]);
      const items = [itemOf(useOf("a", 1)), itemOf(useOf("tight", 1)), itemOf(useOf("b", 1))];
      expect(await commit(store, items, 0, false)).toEqual([1]);
      expect(await commit(store, [itemOf(useOf("a", 1)), itemOf(useOf("b", 1))], 0, false)).toEqual([0, 1]);
    });

    it("gives every use back where all or nothing was asked for and one item found no room", async () => {
      const store = await open();
      await commit(store, [itemOf(useOf("tight", 1))]);
      const items = [
        itemOf(useOf("a", 1), useOf("w", 1, 60)),
        itemOf(useOf("tight", 1)),
        itemOf(useOf("b", 1)),
        itemOf(useOf("tight", 1)),
      ];
      expect(await commit(store, items)).toEqual([1, 3]);
      expect(await commit(store, [itemOf(useOf("a", 1), useOf("w", 1, 60), useOf("b", 1))])).toEqual([]);
    });

    it("lets a later item see what an earlier one took", async () => {
      const store = await open();
      const items = [itemOf(useOf("k", 1)), itemOf(useOf("k", 1))];
      expect(await commit(store, items, 0, true)).toEqual([1]);
      expect(await commit(store, items, 0, false)).toEqual([1]);
      expect(await commit(store, items, 0, false)).toEqual([0, 1]);
    });

    it("tells sixteen items apart by index", async () => {
      const store = await open();
      for (const i of [1, 11]) await commit(store, [itemOf(useOf(`k${i}`, 1))]);
      const items = Array.from({ length: 16 }, (_, i) => itemOf(useOf(`k${i}`, 1), useOf(`k${i}`, 2)));
      expect(await commit(store, items, 0, true)).toEqual([1, 11]);
      expect(await commit(store, items, 0, false)).toEqual([1, 11]);
    });
  });
}

function exhaustedIn(outcome: CommitOutcome | undefined): readonly number[] | undefined {
  return outcome?.kind === "committed" ? outcome.exhausted : undefined;
}
