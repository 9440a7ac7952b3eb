/** The Store contract: bundles are put once, and activations follow one another without gaps. */
import { describe, expect, it } from "vitest";
import type { Activation, Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, bundleOf, commitOf, T0 } from "./examples.ts";

const [A, B] = ["a".repeat(64), "b".repeat(64)];

export function bundleContract(open: OpenStore): void {
  describe("bundles", () => {
    it("keeps a bundle once, with one entry", async () => {
      const store = await open();
      expect(await store.bundle(A)).toBeUndefined();
      expect(await store.putBundle(bundleOf(A), adminDraft("policy-propose"))).toBe(true);
      expect(await store.putBundle({ ...bundleOf(A), proposedBy: "x" }, adminDraft("policy-propose"))).toBe(
        false,
      );
      expect(await store.bundle(A)).toEqual(bundleOf(A));
      expect(await store.entries(0, 9)).toMatchObject([{ seq: 0, draft: { act: "policy-propose" } }]);
    });

    it("lists bundles newest first, without their tar", async () => {
      const store = await open();
      await store.putBundle(bundleOf(B), adminDraft("policy-propose"));
      await store.putBundle(bundleOf(A), adminDraft("policy-propose"));
      const { tar: _, ...head } = bundleOf(A);
      expect(await store.bundles()).toEqual([head, { ...head, digest: B }]);
    });
  });

  describe("activations", () => {
    const activate = (store: Store, serial: number, digest: string) =>
      store.activateBundle(
        activationOf(serial, digest),
        { roster: 0, approvals: 0 },
        adminDraft("policy-activate"),
      );

    it("makes the newest activation live, each with one entry", async () => {
      const store = await open();
      expect(await store.liveActivation()).toBeUndefined();
      for (const digest of [A, B]) await store.putBundle(bundleOf(digest), adminDraft("policy-propose"));
      expect([await activate(store, 1, A), await activate(store, 2, B), await activate(store, 3, A)]).toEqual(
        [true, true, true],
      );
      expect(await store.liveActivation()).toEqual(activationOf(3, A));
      expect(await store.activations()).toEqual([activationOf(1, A), activationOf(2, B), activationOf(3, A)]);
      expect(await store.ledgerSize()).toBe(5);
    });

    it("refuses a serial that is taken or leaves a gap, and a bundle that is not there; nothing changes", async () => {
      const store = await open();
      await store.putBundle(bundleOf(A), adminDraft("policy-propose"));
      await activate(store, 1, A);
      for (const [serial, digest] of [
        [1, A],
        [3, A],
        [0, A],
        [2, B],
      ] as const) {
        expect(await activate(store, serial, digest)).toBe(false);
      }
      expect(await store.ledgerSize()).toBe(2);
      expect(await store.liveActivation()).toEqual(activationOf(1, A));
    });

    it("lets one of many concurrent activations win a serial", async () => {
      const store = await open();
      await store.putBundle(bundleOf(A), adminDraft("policy-propose"));
      const wins = await Promise.all(Array.from({ length: 8 }, () => activate(store, 1, A)));
      expect(wins.filter(Boolean)).toHaveLength(1);
      await store.commitDecisions([commitOf()]);
      expect((await store.entries(0, 9)).map(({ seq }) => seq)).toEqual([0, 1, 2]);
    });
  });
}

function activationOf(serial: number, digest: string): Activation {
  return { serial, digest, signature: '{"payload":"activate"}', at: T0, by: "admin-1" };
}
