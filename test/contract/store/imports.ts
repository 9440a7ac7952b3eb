/** The Store contract: keys that secrets are sealed to, and the one version that each brings. */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../../src/base/time.ts";
import type { StoredImportKey } from "../../../src/broker/import-store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, T0, versionOf } from "./examples.ts";

const ENTRY = adminDraft("secret-import");

function keyOf(id: string, changes: Partial<StoredImportKey> = {}): StoredImportKey {
  return {
    id: id.repeat(32),
    suite: 2,
    publicKey: Uint8Array.of(1, 2),
    wrapped: Uint8Array.of(3, 4),
    expiresAt: addSeconds(T0, 60),
    createdAt: T0,
    createdBy: "admin-1",
    ...changes,
  };
}

export function importContract(open: OpenStore): void {
  describe("import keys", () => {
    const by = (key: StoredImportKey, seconds = 0) => ({ key: key.id, now: addSeconds(T0, seconds) });

    it("are kept with their entry, found by id, and wrapped anew only in the place of what was read", async () => {
      const store = await open();
      const [a, b] = [keyOf("a"), keyOf("b", { suite: 1 })];
      for (const key of [b, a]) await store.putImportKey(key, ENTRY);
      expect(await store.ledgerSize()).toBe(2);
      expect(await store.importKeys()).toEqual([a, b]);
      expect(await store.importKey(b.id)).toEqual(b);
      expect(await store.importKey("c".repeat(32))).toBeUndefined();
      const fresh = Uint8Array.of(9);
      expect(await store.rewrapImportKey(a.id, fresh, fresh)).toBe(false);
      expect(await store.rewrapImportKey(a.id, a.wrapped, fresh)).toBe(true);
      expect(await store.importKey(a.id)).toEqual({ ...a, wrapped: fresh });
    });

    it("bring one version each, and are gone with it", async () => {
      const store = await open();
      const [a, b] = [keyOf("a"), keyOf("b")];
      for (const key of [a, b]) await store.putImportKey(key, ENTRY);
      expect(await store.importSecretVersion(versionOf(), by(a), ENTRY)).toBe(true);
      expect(await store.importKeys()).toEqual([b]);
      expect(await store.secretVersion("prod/db", 1)).toEqual(versionOf());
      expect(await store.importSecretVersion(versionOf({ version: 2 }), by(a), ENTRY)).toBe(false);
      expect(await store.secretVersions("prod/db")).toHaveLength(1);
      expect(await store.ledgerSize()).toBe(3);
    });

    it("are not spent by a version that is not the next one", async () => {
      const store = await open();
      const key = keyOf("a");
      await store.putImportKey(key, ENTRY);
      expect(await store.importSecretVersion(versionOf({ version: 2 }), by(key), ENTRY)).toBe(false);
      expect(await store.importKeys()).toEqual([key]);
      expect(await store.ledgerSize()).toBe(1);
      expect(await store.importSecretVersion(versionOf(), by(key), ENTRY)).toBe(true);
    });

    it("bring nothing from their end on, and are forgotten then", async () => {
      const store = await open();
      const key = keyOf("a");
      await store.putImportKey(key, ENTRY);
      expect(await store.importSecretVersion(versionOf(), by(key, 60), ENTRY)).toBe(false);
      await store.prune(addSeconds(T0, 60), T0);
      expect(await store.importKeys()).toEqual([key]);
      await store.prune(addSeconds(T0, 61), T0);
      expect(await store.importKeys()).toEqual([]);
    });

    it("have one winner of many who bring the same at once", async () => {
      const store = await open();
      const key = keyOf("a");
      await store.putImportKey(key, ENTRY);
      const paths = Array.from({ length: 8 }, (_, i) => `prod/n${i}`);
      const wins = await Promise.all(
        paths.map((path) => store.importSecretVersion(versionOf({ path }), by(key), ENTRY)),
      );
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await store.secrets()).toHaveLength(1);
      expect(await store.ledgerSize()).toBe(2);
    });
  });
}
