/** The Store contract: one guest at a time holds a leased secret, and each holder has a higher fence than the one before. */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../../src/base/time.ts";
import type { CommitOutcome, DecisionCommit, Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, commitOf, settingsOf, T0, useOf, versionOf } from "./examples.ts";

const PATH = "prod/db";
const [A, B] = ["aa".repeat(32), "bb".repeat(32)];
const LEASED = [{ resource: PATH, uses: [], leaseSeconds: 60 }];
const at = (seconds: number) => addSeconds(T0, seconds);

async function take(store: Store, changes: Partial<DecisionCommit> = {}): Promise<CommitOutcome | undefined> {
  return (await store.commitDecisions([commitOf({ reportId: A, items: LEASED, ...changes })]))[0];
}

const GIVEN = { kind: "committed", exhausted: [] };
const HELD = { kind: "committed", exhausted: [0] };

export function leaseContract(open: OpenStore): void {
  describe("a commit that takes a lease", () => takeRows(open));
  describe("a lease that runs", () => endRows(open));
  describe("suspendLeases", () => suspendRows(open));
}

function takeRows(open: OpenStore): void {
  it("gives it to one guest, and to another once it is over, under a higher fence", async () => {
    const store = await open();
    expect(await store.lease(PATH)).toBeUndefined();
    const first = commitOf({ reportId: A, items: LEASED });
    await store.commitDecisions([first]);
    const lease = { path: PATH, holder: A, fence: 1, since: T0, until: at(60), decision: first.id };
    expect(await store.lease(PATH)).toEqual(lease);
    expect(await take(store, { reportId: B, at: at(59) })).toMatchObject(HELD);
    expect(await store.lease(PATH)).toEqual(lease);
    expect(await take(store, { reportId: B, at: at(60) })).toMatchObject(GIVEN);
    expect(await store.lease(PATH)).toMatchObject({ holder: B, fence: 2, since: at(60), until: at(120) });
    expect(await take(store, { at: at(61) })).toMatchObject(HELD);
  });

  it("renews it for its holder under the same fence, never for a shorter time, and anew once it was over", async () => {
    const store = await open();
    await take(store);
    await take(store, { at: at(30) });
    expect(await store.lease(PATH)).toMatchObject({ fence: 1, since: T0, until: at(90) });
    await take(store, { at: at(31), items: [{ resource: PATH, uses: [], leaseSeconds: 10 }] });
    expect(await store.lease(PATH)).toMatchObject({ fence: 1, until: at(90) });
    await take(store, { at: at(90) });
    expect(await store.lease(PATH)).toMatchObject({ holder: A, fence: 2, since: at(90), until: at(150) });
  });

  it("takes none where the nonce was spent, or a counter of any item had no room and all or nothing was asked for", async () => {
    const store = await open();
    const { spend } = commitOf();
    await store.commitDecisions([commitOf({ spend })]);
    await take(store, { spend });
    const items = [...LEASED, { resource: "other", uses: [useOf("never", 0)] }];
    expect(await take(store, { items })).toMatchObject({ exhausted: [1] });
    expect(await store.lease(PATH)).toBeUndefined();
    expect(await take(store, { items, isAllOrNothing: false })).toMatchObject({ exhausted: [1] });
    expect(await store.lease(PATH)).toMatchObject({ holder: A, fence: 1 });
  });

  it("uses no counter of an item that another guest holds", async () => {
    const store = await open();
    await take(store, { reportId: B });
    const use = useOf("k", 1);
    const items = [{ resource: PATH, uses: [use], leaseSeconds: 60, reads: 1 }];
    expect(await take(store, { items, isAllOrNothing: false })).toMatchObject(HELD);
    expect(await store.countReaders(PATH, 1)).toBe(0);
    expect(await take(store, { items: [{ resource: "x", uses: [use] }] })).toMatchObject(GIVEN);
  });

  it("gives it to one of fifty guests that ask at once", async () => {
    const store = await open();
    const commits = Array.from({ length: 50 }, (_, i) =>
      commitOf({ reportId: String(i).padStart(64, "0"), items: LEASED }),
    );
    const outcomes = await store.commitDecisions(commits);
    expect(
      outcomes.filter((outcome) => outcome.kind === "committed" && outcome.exhausted.length === 0),
    ).toHaveLength(1);
    expect(await store.lease(PATH)).toMatchObject({ fence: 1 });
  });
}

function endRows(open: OpenStore): void {
  it("is given back by its holder under its fence, once, and then free for another", async () => {
    const store = await open();
    await take(store);
    const end = { path: PATH, fence: 1, at: at(5), holder: A };
    expect(await store.returnLease({ ...end, holder: B })).toBe(false);
    expect(await store.returnLease({ ...end, fence: 2 })).toBe(false);
    expect(await store.returnLease({ ...end, path: "other" })).toBe(false);
    expect(await store.returnLease(end)).toBe(true);
    expect(await store.returnLease(end)).toBe(false);
    expect(await take(store, { reportId: B, at: at(5) })).toMatchObject(GIVEN);
    expect(await store.lease(PATH)).toMatchObject({ holder: B, fence: 2 });
  });

  it("is broken by an order that names its fence, with an entry, and by no other", async () => {
    const store = await open();
    await take(store);
    const size = await store.ledgerSize();
    const entry = adminDraft("lease-broken");
    expect(await store.breakLease({ path: PATH, fence: 2, at: at(5) }, entry)).toBe(false);
    expect(await store.ledgerSize()).toBe(size);
    expect(await store.breakLease({ path: PATH, fence: 1, at: at(5) }, entry)).toBe(true);
    expect(await store.breakLease({ path: PATH, fence: 1, at: at(6) }, entry)).toBe(false);
    expect(await store.ledgerSize()).toBe(size + 1);
    expect(await take(store, { at: at(6) })).toMatchObject(GIVEN);
    expect(await store.lease(PATH)).toMatchObject({ fence: 2 });
  });
}

function suspendRows(open: OpenStore): void {
  it("keeps every leased secret from everybody for as long as a holder may have it, under far higher fences", async () => {
    const store = await open();
    for (const path of [PATH, "free", "plain"]) {
      await store.putSecretVersion(versionOf({ path }), adminDraft("secret-put"));
      const leaseSeconds = path === "plain" ? undefined : 60;
      const settings = settingsOf({ leaseSeconds });
      await store.putSecretSettings({ path, settings, expected: undefined }, adminDraft("secret-settings"));
    }
    await take(store);
    await store.suspendLeases(at(10));
    expect(await take(store, { at: at(69) })).toMatchObject(HELD);
    const free = [{ resource: "free", uses: [], leaseSeconds: 60 }];
    expect(await take(store, { items: free, at: at(69) })).toMatchObject(HELD);
    expect(await store.lease("plain")).toBeUndefined();
    expect(await take(store, { at: at(70) })).toMatchObject(GIVEN);
    expect((await store.lease(PATH))?.fence).toBeGreaterThan(1_000_000);
  });
}
