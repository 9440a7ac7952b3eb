/** The Store contract: versions of secrets follow one another, and a destroyed one is gone. */
import { describe, expect, it } from "vitest";
import type { SecretVersion, StoredEnvelope } from "../../../src/broker/secret-store.ts";
import type { Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, versionOf } from "./examples.ts";

/** Every page of envelopes, each no longer than asked. */
async function walk(store: Store, limit: number): Promise<readonly StoredEnvelope[]> {
  const all: StoredEnvelope[] = [];
  for (let page = await store.envelopes(undefined, limit); page.length > 0; ) {
    expect(page.length).toBeLessThanOrEqual(limit);
    all.push(...page);
    page = await store.envelopes(page.at(-1), limit);
  }
  return all;
}

export function secretContract(open: OpenStore): void {
  const put = (store: Store, changes: Partial<SecretVersion> = {}) =>
    store.putSecretVersion(versionOf(changes), adminDraft("secret-put"));
  const set = (store: Store, version: number, state: "enabled" | "disabled" | "destroyed") =>
    state === "destroyed"
      ? store.destroyVersion({ path: "prod/db", version, despite: 0 }, adminDraft("secret-state"))
      : store.setVersionState("prod/db", version, state, adminDraft("secret-state"));

  describe("putSecretVersion", () => {
    it("keeps version 1, then 2, each with one entry", async () => {
      const store = await open();
      expect(await put(store)).toBe(true);
      expect(await put(store, { version: 2, envelope: Uint8Array.of(4) })).toBe(true);
      expect(await store.secretVersion("prod/db", 1)).toEqual(versionOf());
      expect(await store.secretVersion("prod/db", 2)).toEqual(
        versionOf({ version: 2, envelope: Uint8Array.of(4) }),
      );
      expect(await store.ledgerSize()).toBe(2);
    });

    it("refuses a version that is taken or not the next, and changes nothing", async () => {
      const store = await open();
      expect(await put(store, { version: 2 })).toBe(false);
      await put(store);
      for (const version of [0, 1, 3]) expect(await put(store, { version })).toBe(false);
      expect(await store.ledgerSize()).toBe(1);
      expect(await store.secretVersion("prod/db")).toEqual(versionOf());
    });

    it("lets one of many concurrent rotations win", async () => {
      const store = await open();
      await put(store);
      const wins = await Promise.all(
        Array.from({ length: 8 }, (_, i) => put(store, { version: 2, envelope: Uint8Array.of(i) })),
      );
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect((await store.secretVersion("prod/db"))?.envelope).toEqual(Uint8Array.of(wins.indexOf(true)));
      expect(await store.ledgerSize()).toBe(2);
    });

    it("copies the envelope on its way in and out", async () => {
      const store = await open();
      const envelope = Uint8Array.of(1, 2, 3);
      await put(store, { envelope });
      envelope.fill(0);
      (await store.secretVersion("prod/db"))?.envelope.fill(0);
      expect((await store.secretVersion("prod/db"))?.envelope).toEqual(Uint8Array.of(1, 2, 3));
    });
  });

  describe("rewrapEnvelopes", () => {
    const entry = adminDraft("kek-rewrap");
    const [old, fresh] = [Uint8Array.of(1, 1), Uint8Array.of(2, 2, 2)];

    it("replaces what is still there and nothing else, with one entry", async () => {
      const store = await open();
      await put(store, { envelope: old });
      await put(store, { version: 2, envelope: old });
      await put(store, { version: 3, envelope: Uint8Array.of(9) });
      await set(store, 2, "destroyed");
      const size = await store.ledgerSize();
      const change = { path: "prod/db", from: old, envelope: fresh };
      const rewraps = [1, 2, 3, 4].map((version) => ({ ...change, version }));
      expect(await store.rewrapEnvelopes(rewraps, entry)).toBe(1);
      expect((await store.secretVersion("prod/db", 1))?.envelope).toEqual(fresh);
      expect((await store.secretVersion("prod/db", 2))?.envelope).toEqual(new Uint8Array(0));
      expect((await store.secretVersion("prod/db", 3))?.envelope).toEqual(Uint8Array.of(9));
      expect(await store.ledgerSize()).toBe(size + 1);
    });

    it("walks each version that is not destroyed once, page by page, and counts by head", async () => {
      const store = await open();
      for (const path of ["b", "a/c", "a"]) {
        for (const version of [1, 2]) await put(store, { path, version, envelope: old });
      }
      await store.destroyVersion({ path: "a", version: 2, despite: 0 }, adminDraft("secret-state"));
      await store.rewrapEnvelopes([{ path: "b", version: 1, from: old, envelope: fresh }], entry);
      const seen = (await walk(store, 2)).map(
        ({ path, version, envelope }) => `${path}@${version}:${envelope[0]}`,
      );
      expect(seen.toSorted()).toEqual(["a/c@1:1", "a/c@2:1", "a@1:1", "b@1:2", "b@2:1"]);
      expect(await store.countEnvelopesWithout(Uint8Array.of(2, 2))).toBe(4);
      expect(await store.countEnvelopesWithout(Uint8Array.of(1))).toBe(1);
      expect(await store.countEnvelopesWithout(Uint8Array.of(1, 1, 1))).toBe(5);
    });
  });

  describe("setVersionState", () => {
    it("answers the highest enabled version where none is named", async () => {
      const store = await open();
      for (const version of [1, 2, 3]) await put(store, { version });
      await set(store, 3, "disabled");
      expect((await store.secretVersion("prod/db"))?.version).toBe(2);
      expect((await store.secretVersion("prod/db", 3))?.state).toBe("disabled");
      await set(store, 3, "enabled");
      expect((await store.secretVersion("prod/db"))?.version).toBe(3);
      for (const version of [1, 2, 3]) await set(store, version, "disabled");
      expect(await store.secretVersion("prod/db")).toBeUndefined();
    });

    it("destroys a version for good: its envelope is empty and its number is not given again", async () => {
      const store = await open();
      await put(store);
      expect(await set(store, 1, "destroyed")).toBe(true);
      expect(await store.secretVersion("prod/db", 1)).toEqual(
        versionOf({ state: "destroyed", envelope: new Uint8Array() }),
      );
      for (const state of ["enabled", "disabled", "destroyed"] as const)
        expect(await set(store, 1, state)).toBe(false);
      expect(await put(store)).toBe(false);
      expect(await put(store, { version: 2 })).toBe(true);
      expect(await store.ledgerSize()).toBe(3);
    });

    it("refuses a version that is not there", async () => {
      const store = await open();
      expect(await set(store, 1, "disabled")).toBe(false);
      expect(await store.ledgerSize()).toBe(0);
    });
  });

  describe("lists", () => {
    it("gives every version of a path, and the newest of every path in order, without envelopes", async () => {
      const store = await open();
      await put(store, { path: "prod/db/b", kind: "generated" });
      await put(store, { path: "prod/db" });
      await put(store, { path: "prod/db", version: 2, state: "disabled" });
      const head = ({ envelope: _, ...rest }: SecretVersion) => rest;
      expect(await store.secretVersions("prod/db")).toEqual(
        [versionOf(), versionOf({ version: 2, state: "disabled" })].map(head),
      );
      expect(await store.secrets()).toEqual(
        [
          versionOf({ version: 2, state: "disabled" }),
          versionOf({ path: "prod/db/b", kind: "generated" }),
        ].map(head),
      );
      expect(await store.secretVersions("none")).toEqual([]);
    });
  });
}
