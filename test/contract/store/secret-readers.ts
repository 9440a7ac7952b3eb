/** The Store contract: who was given a version has read it, and nobody destroys what somebody may still need. */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../../src/base/time.ts";
import type { Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, commitOf, settingsOf, T0, useOf, versionOf } from "./examples.ts";

const PATH = "prod/db";
const ENTRY = adminDraft("secret-state");
const [A, B] = ["aa".repeat(32), "bb".repeat(32)];

async function withVersions(open: OpenStore, count: number): Promise<Store> {
  const store = await open();
  for (let version = 1; version <= count; version += 1) {
    await store.putSecretVersion(versionOf({ version }), ENTRY); // in order: versions count
  }
  return store;
}

async function read(
  store: Store,
  version: number,
  changes: Parameters<typeof commitOf>[0] = {},
): Promise<string> {
  const commit = commitOf({ reportId: A, items: [{ resource: PATH, uses: [], reads: version }], ...changes });
  await store.commitDecisions([commit]);
  return commit.id;
}

const held = async (store: Store, version: number) => store.countReaders(PATH, version);
const destroy = (store: Store, version: number, despite = 0) =>
  store.destroyVersion({ path: PATH, version, despite }, ENTRY);

export function secretReaderContract(open: OpenStore): void {
  describe("a commit that gives a version", () => readRows(open));
  describe("confirmReaders", () => confirmRows(open));
  describe("a version that somebody holds", () => heldRows(open));
  describe("retirable", () => retireRows(open));
}

function readRows(open: OpenStore): void {
  it("keeps its reader once, with the first and the newest decision", async () => {
    const store = await withVersions(open, 2);
    const first = await read(store, 1);
    const last = await read(store, 1, { at: addSeconds(T0, 9) });
    await read(store, 2, { reportId: B });
    expect(first).not.toBe(last);
    const own = { path: PATH, version: 1, reader: A, firstAt: T0, lastAt: addSeconds(T0, 9), decision: last };
    expect(await store.readersOf(PATH, 1, 9)).toEqual([{ ...own, confirmedAt: undefined }]);
    expect((await store.readersOf(PATH, undefined, 9)).map(({ reader }) => reader)).toEqual([A, B]);
    expect(await store.readersOf(PATH, undefined, 1)).toHaveLength(1);
    expect(await store.readersOf("prod/other", undefined, 9)).toEqual([]);
  });

  it("keeps none where the nonce was spent, or a counter had no room", async () => {
    const store = await withVersions(open, 1);
    const { spend } = commitOf();
    await read(store, 1, { spend, items: [{ resource: PATH, uses: [] }] });
    await read(store, 1, { spend });
    expect(await held(store, 1)).toBe(0);
    const used = [useOf("k", 1)];
    await read(store, 1, { items: [{ resource: "x", uses: used }] });
    await read(store, 1, { items: [{ resource: PATH, uses: used, reads: 1 }] });
    expect(await held(store, 1)).toBe(0);
  });

  it("keeps those of the items that were given and of no others", async () => {
    const store = await withVersions(open, 2);
    await store.putSecretVersion(versionOf({ path: "other" }), ENTRY);
    const items = [
      { resource: PATH, uses: [useOf("never", 0)], reads: 1 },
      { resource: "other", uses: [], reads: 1 },
    ];
    await read(store, 1, { items, isAllOrNothing: true });
    expect([await held(store, 1), await store.countReaders("other", 1)]).toEqual([0, 0]);
    await read(store, 1, { items, isAllOrNothing: false });
    expect([await held(store, 1), await store.countReaders("other", 1)]).toEqual([0, 1]);
  });
}

function confirmRows(open: OpenStore): void {
  const confirm = (store: Store, version: number, ...readers: readonly string[]) =>
    store.confirmReaders({ path: PATH, version, readers, at: addSeconds(T0, 50) });

  it("marks what the guest read below, and reading it again takes that back", async () => {
    const store = await withVersions(open, 3);
    for (const version of [1, 2, 3]) await read(store, version);
    await read(store, 1, { reportId: B });
    expect(await confirm(store, 3, A)).toEqual([1, 2]);
    expect(await confirm(store, 3, A)).toEqual([]);
    expect(await Promise.all([1, 2, 3].map((version) => held(store, version)))).toEqual([1, 0, 1]);
    expect(await store.readersOf(PATH, 1, 9)).toMatchObject([
      { reader: B, confirmedAt: undefined },
      { reader: A, confirmedAt: addSeconds(T0, 50) },
    ]);
    await read(store, 2);
    expect(await held(store, 2)).toBe(1);
  });

  it("marks for others only by the word of one who has read that version", async () => {
    const store = await withVersions(open, 2);
    await read(store, 1, { reportId: B });
    expect(await confirm(store, 2, A, B)).toEqual([]);
    expect(await held(store, 1)).toBe(1);
    await read(store, 2);
    expect(await confirm(store, 2, B, A)).toEqual([]);
    expect(await confirm(store, 2, A, B)).toEqual([1]);
    expect(await held(store, 1)).toBe(0);
  });
}

function heldRows(open: OpenStore): void {
  it("is destroyed only by an order that names as many readers", async () => {
    const store = await withVersions(open, 2);
    await read(store, 1);
    await read(store, 1, { reportId: B });
    const size = await store.ledgerSize();
    for (const despite of [0, 1]) expect(await destroy(store, 1, despite)).toBe(false);
    const order = { path: PATH, version: 1, despite: 1, destroyAt: addSeconds(T0, 9) };
    expect(await store.condemnVersion(order, ENTRY)).toBe(false);
    expect(await store.secretVersion(PATH, 1)).toMatchObject({ state: "enabled" });
    expect(await store.ledgerSize()).toBe(size);
    expect(await destroy(store, 1, 2)).toBe(true);
    expect(await destroy(store, 2)).toBe(true);
  });

  it("is not destroyed at the end of its wait where somebody read it meanwhile", async () => {
    const store = await withVersions(open, 1);
    const due = addSeconds(T0, 9);
    const order = { path: PATH, version: 1, despite: 0, destroyAt: due };
    expect(await store.condemnVersion(order, ENTRY)).toBe(true);
    await read(store, 1);
    expect(await store.destroyCondemned(PATH, 1, due, ENTRY)).toBe(false);
    expect(await store.condemnVersion({ ...order, despite: 1 }, ENTRY)).toBe(true);
    await read(store, 1, { reportId: B });
    expect(await store.destroyCondemned(PATH, 1, due, ENTRY)).toBe(false);
    expect(await store.condemnVersion({ ...order, despite: 2 }, ENTRY)).toBe(true);
    expect(await store.destroyCondemned(PATH, 1, due, ENTRY)).toBe(true);
  });
}

function retireRows(open: OpenStore): void {
  const set = async (store: Store, changes: Parameters<typeof settingsOf>[0]) => {
    const expected = (await store.secretSettings(PATH))?.entrySeq;
    await store.putSecretSettings({ path: PATH, settings: settingsOf(changes), expected }, ENTRY);
  };
  const retirable = async (store: Store) => (await store.retirable(9)).map(({ version }) => version);

  it("names versions whose readers have all confirmed a later one, where that was chosen", async () => {
    const store = await withVersions(open, 3);
    for (const version of [1, 2]) await read(store, version);
    await store.confirmReaders({ path: PATH, version: 2, readers: [A], at: T0 });
    expect(await retirable(store)).toEqual([]);
    await set(store, { isRetiring: true });
    expect(await retirable(store)).toEqual([1]);
    await read(store, 1, { reportId: B });
    expect(await retirable(store)).toEqual([]);
    await read(store, 3);
    await read(store, 3, { reportId: B });
    for (const reader of [A, B])
      await store.confirmReaders({ path: PATH, version: 3, readers: [reader], at: T0 });
    expect(await retirable(store)).toEqual([1, 2]);
    expect(await store.retirable(1)).toHaveLength(1);
    await set(store, { isRetiring: true, current: 1 });
    expect(await retirable(store)).toEqual([]);
    await set(store, { isRetiring: true, current: 2 });
    expect(await retirable(store)).toEqual([1]);
    await store.setVersionState(PATH, 1, "disabled", ENTRY);
    expect(await retirable(store)).toEqual([]);
  });

  it("names none that nobody read, and none without a later enabled one", async () => {
    const store = await withVersions(open, 2);
    await set(store, { isRetiring: true });
    expect(await retirable(store)).toEqual([]);
    for (const version of [1, 2]) await read(store, version);
    await store.confirmReaders({ path: PATH, version: 2, readers: [A], at: T0 });
    await store.setVersionState(PATH, 2, "disabled", ENTRY);
    expect(await retirable(store)).toEqual([]);
  });
}
