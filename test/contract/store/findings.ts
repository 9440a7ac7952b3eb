/** The Store contract: spells of findings, who knows of them, and the turns of scans. */
import { describe, expect, it } from "vitest";
import { type Instant, instant } from "../../../src/base/time.ts";
import {
  FINDINGS_KEPT_SECONDS,
  type NamedSighting,
  REOPEN_SECONDS,
} from "../../../src/broker/finding-store.ts";
import type { Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, T0 } from "./examples.ts";

const ENTRY = adminDraft("finding-ack");

function sightingOf(subject: string, changes: Partial<NamedSighting> = {}): NamedSighting {
  return {
    id: subject.padEnd(32, "0"),
    class: "credential-expiring",
    subject,
    severity: "high",
    owner: "platform",
    sentence: "it ends soon",
    advice: "renew it",
    evidence: { notAfter: "2026-12-01T00:00:00Z", bits: 256 },
    introducedAt: instant(T0 - 600),
    ...changes,
  };
}

const A = sightingOf("a");
const later = (seconds: number): Instant => instant(T0 + seconds);
const all = (store: Store, since = T0) => store.findings({ since, after: undefined, limit: 100 });

export function findingContract(open: OpenStore): void {
  describe("findings", () => {
    it("come back as they were seen, with the moment of the scan that saw them first", async () => {
      const store = await open();
      const drill = sightingOf("b", { drill: "01J", introducedAt: undefined, evidence: {} });
      expect(await store.putSightings([A, drill], T0)).toEqual([A.id, drill.id]);
      const times = { episode: 1, detectedAt: T0, seenAt: T0, recurrences: 0 };
      expect(await all(store)).toEqual([
        { ...A, ...times },
        { ...drill, ...times },
      ]);
      expect(await store.finding(A.id)).toEqual([{ ...A, ...times }]);
      expect(await store.finding("0".repeat(32))).toEqual([]);
    });

    it("that are seen again stay one, and say what was seen last", async () => {
      const store = await open();
      await store.putSightings([sightingOf("a", { introducedAt: undefined })], T0);
      const worse = sightingOf("a", { severity: "critical", sentence: "it ended", introducedAt: later(-5) });
      expect(await store.putSightings([worse], later(60))).toEqual([]);
      expect(await store.putSightings([sightingOf("a", { introducedAt: T0 })], later(30))).toEqual([]);
      const spell = { ...worse, episode: 1, detectedAt: T0, seenAt: later(60), recurrences: 0 };
      expect(await all(store)).toEqual([spell]);
    });

    it("are one where many brokers see the same at once", async () => {
      const store = await open();
      const rounds = Array.from({ length: 8 }, () => store.putSightings([A, sightingOf("b")], T0));
      const fresh = (await Promise.all(rounds)).flat();
      expect(fresh.sort()).toEqual([A.id, sightingOf("b").id]);
      expect((await all(store)).map(({ episode, recurrences }) => [episode, recurrences])).toEqual([
        [1, 0],
        [1, 0],
      ]);
    });

    it("end by a later look alone", async () => {
      const store = await open();
      await store.putSightings([A], later(10));
      await store.endFindings([A.id], "passed", later(10));
      await store.endFindings([A.id], "passed", later(5));
      expect((await all(store))[0]?.remediated).toBeUndefined();
      await store.endFindings([A.id], "passed", later(20));
      await store.endFindings([A.id], "gone", later(30));
      expect((await all(store))[0]?.remediated).toEqual({ at: later(20), how: "passed" });
    });

    it("that ended are not opened by a look from before their end", async () => {
      const store = await open();
      await store.putSightings([A], T0);
      await store.endFindings([A.id], "gone", later(20));
      expect(await store.putSightings([A], later(20))).toEqual([]);
      expect(await store.putSightings([A], later(15))).toEqual([]);
      expect((await all(store)).map(({ remediated }) => remediated)).toEqual([
        { at: later(20), how: "gone" },
      ]);
    });

    it("that are there again within a week go on, known to nobody, with one recurrence more", async () => {
      const store = await open();
      await store.putSightings([A], T0);
      await store.acknowledgeFinding({ id: A.id, at: later(1), by: "admin-1", note: "seen" }, ENTRY);
      await store.endFindings([A.id], "passed", later(20));
      expect(await store.putSightings([A], later(20 + REOPEN_SECONDS))).toEqual([]);
      expect(await store.finding(A.id)).toEqual([
        { ...A, episode: 1, detectedAt: T0, seenAt: later(20 + REOPEN_SECONDS), recurrences: 1 },
      ]);
    });

    it("that are there again after more than a week are another spell", async () => {
      const store = await open();
      await store.putSightings([A], T0);
      await store.endFindings([A.id], "passed", later(20));
      const again = later(21 + REOPEN_SECONDS);
      expect(await store.putSightings([A], again)).toEqual([A.id]);
      const spells = await store.finding(A.id);
      expect(spells.map(({ episode, detectedAt, remediated }) => [episode, detectedAt, remediated])).toEqual([
        [2, again, undefined],
        [1, T0, { at: later(20), how: "passed" }],
      ]);
      await store.endFindings([A.id], "gone", later(22 + REOPEN_SECONDS));
      expect((await store.finding(A.id)).map(({ remediated }) => remediated?.how)).toEqual([
        "gone",
        "passed",
      ]);
    });

    it("are acknowledged once, with one entry, while they are open", async () => {
      const store = await open();
      const knows = { id: A.id, at: later(5), by: "admin-1", note: "on it" };
      expect(await store.acknowledgeFinding(knows, ENTRY)).toBe(false);
      await store.putSightings([A], T0);
      const wins = await Promise.all(Array.from({ length: 4 }, () => store.acknowledgeFinding(knows, ENTRY)));
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await store.ledgerSize()).toBe(1);
      expect((await all(store))[0]?.acknowledged).toEqual({ at: later(5), by: "admin-1", note: "on it" });
      await store.putSightings([A], later(10));
      expect((await all(store))[0]?.acknowledged?.by).toBe("admin-1");
      await store.endFindings([A.id], "passed", later(20));
      expect(await store.acknowledgeFinding(knows, ENTRY)).toBe(false);
      expect(await store.ledgerSize()).toBe(1);
    });

    it("are listed page by page: what is open, and what was detected or ended since", async () => {
      const store = await open();
      await store.putSightings([A, sightingOf("b"), sightingOf("c")], T0);
      await store.endFindings([A.id], "passed", later(10));
      await store.endFindings([sightingOf("b").id], "passed", later(40));
      const subjects = (await all(store, later(20))).map(({ subject }) => subject);
      expect(subjects).toEqual(["b", "c"]);
      const [first] = await store.findings({ since: T0, after: undefined, limit: 1 });
      expect(first?.subject).toBe("a");
      const after = { id: A.id, episode: 1 };
      expect((await store.findings({ since: T0, after, limit: 9 })).map(({ subject }) => subject)).toEqual([
        "b",
        "c",
      ]);
    });

    it("that are open are listed by class, page by page", async () => {
      const store = await open();
      await store.putSightings([A, sightingOf("b"), sightingOf("c", { class: "other" })], T0);
      const openOf = (after: string, limit: number) =>
        store.openFindings("credential-expiring", after, limit);
      expect(await openOf("", 9)).toEqual([A, sightingOf("b")].map(({ id, subject }) => ({ id, subject })));
      expect(await openOf("", 1)).toEqual([{ id: A.id, subject: "a" }]);
      expect(await openOf(A.id, 9)).toEqual([{ id: sightingOf("b").id, subject: "b" }]);
    });

    it("are forgotten long after their end, and never while they are open", async () => {
      const store = await open();
      await store.putSightings([A, sightingOf("b")], T0);
      await store.endFindings([A.id], "passed", later(10));
      await store.prune(later(10 + FINDINGS_KEPT_SECONDS), T0);
      expect(await all(store, instant(0))).toHaveLength(2);
      await store.prune(later(11 + FINDINGS_KEPT_SECONDS), T0);
      expect((await all(store, instant(0))).map(({ subject }) => subject)).toEqual(["b"]);
    });
  });

  describe("turns of scans", () => {
    it("are taken by one of those who ask, and again once they are due", async () => {
      const store = await open();
      const ask = (at: number) => store.beginScan("credentials", later(at), later(at - 60));
      expect((await Promise.all([ask(0), ask(0), ask(0)])).filter(Boolean)).toHaveLength(1);
      expect(await ask(59)).toBe(false);
      expect(await ask(60)).toBe(true);
    });

    it("are counted when they end, with what they saw last", async () => {
      const store = await open();
      const turn = { name: "b", at: later(1), subjects: 3, blind: 1, findings: 2, trouble: "" };
      await store.endScan(turn);
      expect(await store.scans()).toEqual([]);
      for (const name of ["b", "a"]) await store.beginScan(name, T0, T0);
      expect(await store.scans()).toEqual([]);
      await store.endScan(turn);
      await store.endScan({ ...turn, at: later(9), trouble: "store/unavailable" });
      await store.endScan({ ...turn, name: "a" });
      expect(await store.scans()).toEqual([
        { ...turn, name: "a", runs: 1 },
        { ...turn, at: later(9), trouble: "store/unavailable", runs: 2 },
      ]);
    });
  });
}
