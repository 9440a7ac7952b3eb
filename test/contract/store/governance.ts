/** The Store contract: changes of the roster follow one another, approvals count once, and each is held against what is live. */
import { describe, expect, it } from "vitest";
import type { StoredApproval, StoredRosterChange } from "../../../src/broker/governance-store.ts";
import type { Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, bundleOf, T0 } from "./examples.ts";

const [A, B] = ["a".repeat(64), "b".repeat(64)];

export function governanceContract(open: OpenStore): void {
  const change = (store: Store, serial: number, live = 0) =>
    store.putRosterChange(changeOf(serial), live, adminDraft("admin-add"));
  const approve = (store: Store, id: string, expected = { roster: 0, live: 0 }) =>
    store.putApproval(approvalOf(id), expected, adminDraft("policy-approve"));
  const activate = (store: Store, serial: number, digest: string, roster: number, approvals: number) =>
    store.activateBundle(
      { serial, digest, signature: "{}", at: T0, by: "admin-1" },
      { roster, approvals },
      adminDraft("policy-activate"),
    );

  describe("changes of the roster", () => {
    it("follow one another without gaps, each with one entry", async () => {
      const store = await open();
      expect([await store.rosterHead(), await store.rosterChanges()]).toEqual([undefined, []]);
      expect([
        await change(store, 2),
        await change(store, 0),
        await change(store, 1),
        await change(store, 2),
      ]).toEqual([false, false, true, true]);
      expect([await change(store, 2), await change(store, 4)]).toEqual([false, false]);
      expect(await store.rosterHead()).toEqual({ serial: 2, digest: changeOf(2).digest });
      expect(await store.rosterChanges()).toEqual([changeOf(1), changeOf(2)]);
      expect(await store.ledgerSize()).toBe(2);
    });

    it("are refused where another activation is live than they vouch for", async () => {
      const store = await open();
      await store.putBundle(bundleOf(A), adminDraft("policy-propose"));
      await activate(store, 1, A, 0, 0);
      expect([await change(store, 1, 0), await change(store, 1, 2), await change(store, 1, 1)]).toEqual([
        false,
        false,
        true,
      ]);
    });

    it("let one of many win a serial", async () => {
      const store = await open();
      const wins = await Promise.all(Array.from({ length: 8 }, () => change(store, 1)));
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await store.ledgerSize()).toBe(1);
    });
  });

  describe("approvals", () => {
    it("are kept once, oldest first, each with one entry", async () => {
      const store = await open();
      await store.putBundle(bundleOf(A), adminDraft("policy-propose"));
      expect(await store.approvalsOf(A)).toEqual([]);
      expect([await approve(store, "f"), await approve(store, "e"), await approve(store, "f")]).toEqual([
        true,
        true,
        false,
      ]);
      expect(await store.approvalsOf(A)).toEqual([approvalOf("f"), approvalOf("e")]);
      expect(await store.approvalsOf(B)).toEqual([]);
      expect(await store.ledgerSize()).toBe(3);
    });

    it("are refused for a bundle that is not there, and after a change of the roster or of what is live", async () => {
      const store = await open();
      expect(await approve(store, "f")).toBe(false);
      await store.putBundle(bundleOf(A), adminDraft("policy-propose"));
      await change(store, 1);
      expect(await approve(store, "f")).toBe(false);
      await activate(store, 1, A, 1, 0);
      expect(await approve(store, "f", { roster: 1, live: 0 })).toBe(false);
      expect(await approve(store, "f", { roster: 1, live: 1 })).toBe(true);
    });

    it("and changes of the roster that came meanwhile keep a bundle from being activated", async () => {
      const store = await open();
      await store.putBundle(bundleOf(A), adminDraft("policy-propose"));
      await approve(store, "f");
      expect(await activate(store, 1, A, 0, 0)).toBe(false);
      await change(store, 1);
      expect(await activate(store, 1, A, 0, 1)).toBe(false);
      expect(await store.liveActivation()).toBeUndefined();
      expect(await activate(store, 1, A, 1, 1)).toBe(true);
    });
  });
}

function changeOf(serial: number): StoredRosterChange {
  const digest = String(serial).repeat(64).slice(0, 64);
  return { serial, envelope: `{"change":${serial}}`, digest, at: T0, by: "admin-1" };
}

function approvalOf(digit: string): StoredApproval {
  return { id: digit.repeat(64), bundle: A, envelope: `{"approval":"${digit}"}`, at: T0, by: "admin-2" };
}
