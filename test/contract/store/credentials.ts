/** The Store contract: uses of credentials, drills, and what is listed for an inventory. */
import { describe, expect, it } from "vitest";
import { type Instant, instant } from "../../../src/base/time.ts";
import { USES_KEPT_SECONDS } from "../../../src/broker/credential-store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, commitOf, freshId, T0 } from "./examples.ts";

const later = (seconds: number): Instant => instant(T0 + seconds);

export function credentialContract(open: OpenStore): void {
  describe("uses of credentials", () => {
    it("grow at both ends, whoever notes them in which order, and keep what is known by the newest", async () => {
      const store = await open();
      const use = (first: number, last: number, about: string) => ({
        name: "vcek/milan/a",
        firstAt: later(first),
        lastAt: later(last),
        about,
      });
      await store.noteUses([use(10, 20, "b"), { ...use(0, 0, ""), name: "admin-key/a" }]);
      await store.noteUses([use(5, 5, "a")]);
      await store.noteUses([use(30, 30, "c"), use(12, 13, "x")]);
      expect(await store.credentialUses("", 9)).toEqual([
        { name: "admin-key/a", firstAt: T0, lastAt: T0, about: "" },
        use(5, 30, "c"),
      ]);
      expect(await store.credentialUses("", 1)).toHaveLength(1);
      expect((await store.credentialUses("admin-key/a", 9)).map(({ name }) => name)).toEqual([
        "vcek/milan/a",
      ]);
    });

    it("are forgotten long after the last one", async () => {
      const store = await open();
      await store.noteUses([{ name: "a", firstAt: T0, lastAt: later(10), about: "" }]);
      await store.prune(later(10 + USES_KEPT_SECONDS), T0);
      expect(await store.credentialUses("", 9)).toHaveLength(1);
      await store.prune(later(11 + USES_KEPT_SECONDS), T0);
      expect(await store.credentialUses("", 9)).toEqual([]);
    });
  });

  describe("drills", () => {
    it("run until their end, and no longer, with one entry for their beginning", async () => {
      const store = await open();
      const drill = {
        id: freshId(),
        kind: "certificate",
        plantedAt: T0,
        endsAt: later(60),
        plantedBy: "admin-1",
      };
      await store.putDrill(drill, adminDraft("drill"));
      expect(await store.ledgerSize()).toBe(1);
      expect(await store.drills(later(59))).toEqual([drill]);
      expect(await store.drills(later(60))).toEqual([]);
      await store.prune(later(61), T0);
      expect(await store.drills(T0)).toEqual([]);
    });

    it("are ended once, by one of many who do", async () => {
      const store = await open();
      const drill = {
        id: freshId(),
        kind: "certificate",
        plantedAt: T0,
        endsAt: later(60),
        plantedBy: "admin-1",
      };
      await store.putDrill(drill, adminDraft("drill"));
      const ends = () => store.endDrill(drill.id, later(5), adminDraft("drill-end"));
      expect((await Promise.all([ends(), ends(), ends()])).filter(Boolean)).toHaveLength(1);
      expect(await store.ledgerSize()).toBe(2);
      expect(await store.drills(later(5))).toEqual([]);
      expect(await store.endDrill(freshId(), T0, adminDraft("drill-end"))).toBe(false);
    });
  });

  describe("what is listed for an inventory", () => {
    it("is every decision from a position of the ledger on, with its entry", async () => {
      const store = await open();
      await store.appendEntry(adminDraft("first"));
      const commits = [commitOf({ trace: '["a"]' }), commitOf({ trace: '["b"]' })];
      await store.commitDecisions(commits);
      const [first, second] = await store.decisionsFrom(0, 9);
      expect([first?.seq, first?.trace, second?.seq, second?.trace]).toEqual([1, '["a"]', 2, '["b"]']);
      expect(first).toEqual(await store.decision(commits[0]?.id ?? ""));
      expect((await store.decisionsFrom(2, 9)).map(({ trace }) => trace)).toEqual(['["b"]']);
      expect(await store.decisionsFrom(0, 1)).toHaveLength(1);
      expect(await store.decisionsFrom(3, 9)).toEqual([]);
    });

    it("is everything that was fetched, page by page", async () => {
      const store = await open();
      const der = Uint8Array.of(48, 0);
      for (const key of ["b", "a", "c"]) await store.cacheEndorsement(key, { der, obtainedAt: T0 });
      expect(await store.cachedEndorsements("", 2)).toEqual([
        { key: "a", der, obtainedAt: T0 },
        { key: "b", der, obtainedAt: T0 },
      ]);
      expect((await store.cachedEndorsements("b", 2)).map(({ key }) => key)).toEqual(["c"]);
    });
  });
}
