/** The Store contract: what holds for a secret as a whole, which version is given, and what happens when its time has come. */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../../src/base/time.ts";
import type { SecretKind, SecretSettings } from "../../../src/broker/secret-store.ts";
import type { Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, settingsOf, T0, versionOf } from "./examples.ts";

const PATH = "prod/db";
const ENTRY = adminDraft("secret-settings");

async function withVersions(open: OpenStore, count: number): Promise<Store> {
  const store = await open();
  for (let version = 1; version <= count; version += 1) {
    await store.putSecretVersion(versionOf({ version }), ENTRY); // in order: versions count
  }
  return store;
}

export function secretLifeContract(open: OpenStore): void {
  describe("putSecretSettings", () => settingRows(open));
  describe("the version that is given", () => givenRows(open));
  describe("condemnVersion", () => condemnRows(open));
  describe("dueRotations", () => rotationRows(open));
}

function settingRows(open: OpenStore): void {
  it("keeps the newest settings, with an entry for each change", async () => {
    const store = await withVersions(open, 1);
    expect(await store.secretSettings(PATH)).toBeUndefined();
    const full = settingsOf({
      bindings: [1, 3],
      current: 1,
      minimum: 1,
      rotateSeconds: 3600,
      owner: "storage team",
      labels: { b: 'quote " and ünïcode', a: "1" },
    });
    expect(await store.putSecretSettings({ path: PATH, settings: full, expected: undefined }, ENTRY)).toBe(
      true,
    );
    expect(await store.secretSettings(PATH)).toEqual({ ...full, entrySeq: 1 });
    for (const bindings of [[2], [1, 2, 3]] as const) {
      const expected = (await store.secretSettings(PATH))?.entrySeq;
      const settings = settingsOf({ bindings });
      expect(await store.putSecretSettings({ path: PATH, settings, expected }, ENTRY)).toBe(true);
      expect(await store.secretSettings(PATH)).toEqual({ ...settings, entrySeq: (expected ?? 0) + 1 });
    }
    expect(await store.ledgerSize()).toBe(4);
    expect(await store.secretSettings("prod/other")).toBeUndefined();
  });

  it("changes nothing where they are not the ones that were read, or there is no such secret", async () => {
    const store = await withVersions(open, 1);
    const put = (expected: number | undefined, path = PATH) =>
      store.putSecretSettings({ path, settings: settingsOf({ minimum: 2 }), expected }, ENTRY);
    expect(await put(undefined, "prod/none")).toBe(false);
    expect(await put(0)).toBe(false);
    expect(await put(undefined)).toBe(true);
    expect(await put(undefined)).toBe(false);
    expect(await put(0)).toBe(false);
    expect(await put(1)).toBe(true);
    expect(await store.ledgerSize()).toBe(3);
  });

  it("lets one of many concurrent changes win", async () => {
    const store = await withVersions(open, 1);
    const wins = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        store.putSecretSettings(
          { path: PATH, settings: settingsOf({ owner: `o${i}` }), expected: undefined },
          ENTRY,
        ),
      ),
    );
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect((await store.secretSettings(PATH))?.owner).toBe(`o${wins.indexOf(true)}`);
  });
}

function givenRows(open: OpenStore): void {
  const given = async (store: Store, changes: Partial<SecretSettings>) => {
    const expected = (await store.secretSettings(PATH))?.entrySeq;
    await store.putSecretSettings({ path: PATH, settings: settingsOf(changes), expected }, ENTRY);
    return (await store.secretVersion(PATH))?.version;
  };

  it("is the newest enabled one of the minimum at least, or the current one and no other", async () => {
    const store = await withVersions(open, 3);
    await store.setVersionState(PATH, 3, "disabled", ENTRY);
    expect(await given(store, {})).toBe(2);
    expect(await given(store, { minimum: 2 })).toBe(2);
    expect(await given(store, { minimum: 3 })).toBeUndefined();
    expect(await given(store, { current: 1 })).toBe(1);
    expect(await given(store, { current: 3 })).toBeUndefined();
    expect(await given(store, { current: 1, minimum: 2 })).toBeUndefined();
    expect(await given(store, { current: undefined })).toBe(2);
    expect((await store.secretVersion(PATH, 3))?.state).toBe("disabled");
  });
}

function condemnRows(open: OpenStore): void {
  const later = addSeconds(T0, 100);

  it("takes the version out of service at once and destroys it when its time has come, once", async () => {
    const store = await withVersions(open, 2);
    expect(await store.condemnVersion({ path: PATH, version: 2, destroyAt: later, despite: 0 }, ENTRY)).toBe(
      true,
    );
    expect((await store.secretVersion(PATH))?.version).toBe(1);
    expect(await store.secretVersion(PATH, 2)).toMatchObject({ state: "condemned", destroyAt: later });
    expect(await store.condemnedUntil(addSeconds(later, -1), 9)).toEqual([]);
    expect(await store.destroyCondemned(PATH, 2, addSeconds(later, -1), ENTRY)).toBe(false);
    expect((await store.condemnedUntil(later, 9)).map(({ version }) => version)).toEqual([2]);
    const size = await store.ledgerSize();
    expect(await store.destroyCondemned(PATH, 2, later, ENTRY)).toBe(true);
    expect(await store.destroyCondemned(PATH, 2, later, ENTRY)).toBe(false);
    expect(await store.ledgerSize()).toBe(size + 1);
    expect(await store.secretVersion(PATH, 2)).toMatchObject({
      state: "destroyed",
      destroyAt: undefined,
      envelope: new Uint8Array(),
    });
    expect(await store.condemnedUntil(later, 9)).toEqual([]);
  });

  it.each(["enabled", "disabled"] as const)("is taken back by `%s`", async (state) => {
    const store = await withVersions(open, 1);
    await store.condemnVersion({ path: PATH, version: 1, destroyAt: later, despite: 0 }, ENTRY);
    expect(await store.setVersionState(PATH, 1, state, ENTRY)).toBe(true);
    expect(await store.secretVersion(PATH, 1)).toMatchObject({ state, destroyAt: undefined });
    expect(await store.destroyCondemned(PATH, 1, later, ENTRY)).toBe(false);
    expect((await store.secretVersion(PATH, 1))?.envelope).toEqual(versionOf().envelope);
  });

  it("takes the new time, lists the earliest first and no more than asked", async () => {
    const store = await withVersions(open, 3);
    for (const [version, wait] of [
      [1, 50],
      [2, 10],
      [3, 20],
      [1, 5],
    ] as const) {
      await store.condemnVersion(
        { path: PATH, version: version, destroyAt: addSeconds(T0, wait), despite: 0 },
        ENTRY,
      );
    }
    const due = await store.condemnedUntil(later, 2);
    expect(due.map(({ version }) => version)).toEqual([1, 2]);
  });

  it("refuses a version that is destroyed or not there", async () => {
    const store = await withVersions(open, 1);
    await store.destroyVersion({ path: PATH, version: 1, despite: 0 }, ENTRY);
    for (const version of [1, 2])
      expect(
        await store.condemnVersion({ path: PATH, version: version, destroyAt: later, despite: 0 }, ENTRY),
      ).toBe(false);
    expect(await store.ledgerSize()).toBe(2);
  });
}

function rotationRows(open: OpenStore): void {
  it("names generated secrets whose newest version is old enough, and no others", async () => {
    const store = await open();
    const put = async (path: string, kind: SecretKind, rotateSeconds: number | undefined) => {
      await store.putSecretVersion(versionOf({ path, kind }), ENTRY);
      const settings = settingsOf({ rotateSeconds });
      await store.putSecretSettings({ path, settings, expected: undefined }, ENTRY);
    };
    await put("a", "generated", 60);
    await put("b", "generated", undefined);
    await put("c", "static", 60);
    await put("d", "transit", 61);
    await put("e", "derived", 60);
    const due = async (seconds: number, limit = 9) =>
      (await store.dueRotations(addSeconds(T0, seconds), limit)).map(({ path }) => path);
    expect(await due(59)).toEqual([]);
    expect(await due(60)).toEqual(["a"]);
    expect(await due(61)).toEqual(["a", "d"]);
    expect(await due(61, 1)).toEqual(["a"]);
    const next = versionOf({ path: "a", kind: "generated", version: 2, createdAt: addSeconds(T0, 61) });
    await store.putSecretVersion(next, ENTRY);
    expect(await due(61)).toEqual(["d"]);
  });
}
