/** The Store contract: decisions are read backwards, gains are explained once, and what a shadow differs in is a chain. */
import { describe, expect, it } from "vitest";
import type { Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import {
  adminDraft,
  bundleOf,
  commitOf,
  explanationOf,
  shadowOrderOf as orderOf,
  shadowRowOf as rowOf,
} from "./examples.ts";

const [A, B] = ["a".repeat(64), "b".repeat(64)];
const act = adminDraft("shadow-differences");

export function shadowContract(open: OpenStore): void {
  describe("decisions backwards", () => backwardsRows(open));
  describe("explanations of gains", () => explanationRows(open));
  describe("orders of a shadow", () => orderRows(open));
  describe("differences of a shadow", () => differenceRows(open));
}

function backwardsRows(open: OpenStore): void {
  it("come newest first, page by page, each with its entry; other entries are passed over", async () => {
    const store = await open();
    const commits = [commitOf(), commitOf(), commitOf()];
    for (const commit of commits) {
      await store.commitDecisions([commit]); // in order: it is the order of the log
      await store.appendEntry(act);
    }
    const [first, second, third] = commits;
    const newest = await store.decisionsBefore(undefined, 2);
    expect(newest.map(({ id, seq }) => [id, seq])).toEqual([
      [third?.id, 4],
      [second?.id, 2],
    ]);
    expect(newest[0]).toEqual(await store.decision(third?.id ?? ""));
    expect((await store.decisionsBefore(2, 9)).map(({ id }) => id)).toEqual([first?.id]);
    expect(await store.decisionsBefore(0, 9)).toEqual([]);
    expect(await store.decisionsBefore(undefined, 0)).toEqual([]);
  });
}

function explanationRows(open: OpenStore): void {
  it("are kept once, each with one entry, in their order", async () => {
    const store = await withBundles(open);
    const [first, second] = [explanationOf("f".repeat(64)), explanationOf("1".repeat(64))];
    expect(await store.putExplanation(first, act)).toBe(true);
    expect(await store.putExplanation({ ...first, by: "x" }, act)).toBe(false);
    expect(await store.putExplanation(second, act)).toBe(true);
    expect(await store.explanations(A)).toEqual([first, second]);
    expect(await store.explanations(B)).toEqual([]);
    expect(await store.ledgerSize()).toBe(4);
  });

  it("are of bundles that are there", async () => {
    const store = await open();
    expect(await store.putExplanation(explanationOf("f".repeat(64)), act)).toBe(false);
    expect(await store.ledgerSize()).toBe(0);
  });
}

function orderRows(open: OpenStore): void {
  it("follow one another without gaps, of bundles that are there or of none; the newest counts", async () => {
    const store = await withBundles(open);
    const put = (serial: number, digest: string) => store.orderShadow(orderOf(serial, digest), act);
    expect(await store.shadowOrder()).toBeUndefined();
    expect(await put(2, A)).toBe(false);
    expect(await put(1, "c".repeat(64))).toBe(false);
    expect(await put(1, A)).toBe(true);
    expect(await put(1, B)).toBe(false);
    expect(await put(2, "")).toBe(true);
    expect(await store.shadowOrder()).toEqual(orderOf(2, ""));
    expect(await store.ledgerSize()).toBe(4);
  });

  it("have one winner for each serial", async () => {
    const store = await withBundles(open);
    const wins = await Promise.all(Array.from({ length: 8 }, () => store.orderShadow(orderOf(1, A), act)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect(await store.ledgerSize()).toBe(3);
  });
}

function differenceRows(open: OpenStore): void {
  it("follow the tail, with one entry for each batch", async () => {
    const store = await open();
    expect(await store.shadowTail()).toBeUndefined();
    expect(await store.keepShadowDifferences([], act)).toBe(true);
    expect(await store.keepShadowDifferences([rowOf(1), rowOf(2), rowOf(3)], act)).toBe(true);
    expect(await store.keepShadowDifferences([rowOf(4, 2)], act)).toBe(true);
    expect(await store.shadowTail()).toEqual({ seq: 4, hash: rowOf(4).hash });
    expect(await store.shadowDifferences(2, 2)).toEqual([rowOf(2), rowOf(3)]);
    expect(await store.shadowDifferences(1, 9)).toHaveLength(4);
    expect([await store.countShadowDifferences(1), await store.countShadowDifferences(2)]).toEqual([3, 1]);
    expect(await store.ledgerSize()).toBe(2);
  });

  it("are refused where another was first, or a row is missing between; nothing changes", async () => {
    const store = await open();
    await store.keepShadowDifferences([rowOf(1)], act);
    for (const first of [1, 3]) {
      expect(await store.keepShadowDifferences([rowOf(first), rowOf(first + 1)], act)).toBe(false);
    }
    expect(await store.shadowDifferences(1, 9)).toEqual([rowOf(1)]);
    expect(await store.ledgerSize()).toBe(1);
  });

  it("have one winner where several write at once", async () => {
    const store = await open();
    const mine = (writer: number) => [1, 2].map((seq) => ({ ...rowOf(seq), hash: `${writer}-${seq}` }));
    const wins = await Promise.all([1, 2, 3].map((writer) => store.keepShadowDifferences(mine(writer), act)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    const rows = await store.shadowDifferences(1, 9);
    expect(rows.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(new Set(rows.map(({ hash }) => hash[0])).size).toBe(1);
    expect(await store.ledgerSize()).toBe(1);
  });

  it("come at most 32 at once, without gaps", async () => {
    const store = await open();
    const many = Array.from({ length: 33 }, (_, i) => rowOf(i + 1));
    const code = "internal/invariant";
    await expect(store.keepShadowDifferences(many, act)).rejects.toMatchObject({ code });
    await expect(store.keepShadowDifferences([rowOf(1), rowOf(3)], act)).rejects.toMatchObject({ code });
    expect(await store.keepShadowDifferences(many.slice(0, 32), act)).toBe(true);
  });
}

async function withBundles(open: OpenStore): Promise<Store> {
  const store = await open();
  for (const digest of [A, B]) await store.putBundle(bundleOf(digest), adminDraft("policy-propose"));
  return store;
}
