/** The Store contract: decisions, spent nonces, attempts, refusals, and what is forgotten when. */
import { describe, expect, it } from "vitest";
import { addSeconds, instant } from "../../../src/base/time.ts";
import type { OpenStore } from "../store.ts";
import { commitOf, decisionDraft, freshId, freshRand, itemOf, T0, useOf } from "./examples.ts";

export function decisionContract(open: OpenStore): void {
  describe("decisionRows", () => {
    it("gives what is kept beside the entries of a range, in their order", async () => {
      const store = await open();
      const group = Array.from({ length: 5 }, (_, i) => commitOf({ trace: `[${i}]` }));
      await store.commitDecisions(group.slice(0, 2));
      await store.appendEntry({ v: 1, time: T0, kind: "epoch", act: "start" });
      await store.commitDecisions(group.slice(2));
      const rows = await store.decisionRows({ start: 1, end: 5 });
      expect(rows.map(({ seq, id, trace }) => [seq, id, trace])).toEqual([
        [1, group[1]?.id, "[1]"],
        [3, group[2]?.id, "[2]"],
        [4, group[3]?.id, "[3]"],
      ]);
      expect(rows[0]?.at).toBe(group[1]?.at);
      expect(await store.decisionRows({ start: 2, end: 3 })).toEqual([]);
    });
  });

  describe("forgetTraces", () => {
    it("leaves nothing of the traces of a range, and everything else", async () => {
      const store = await open();
      const group = Array.from({ length: 4 }, () => commitOf());
      await store.commitDecisions(group);
      const before = await store.entries(0, 4);
      await store.forgetTraces({ start: 1, end: 3 });
      const traces = (await store.decisionRows({ start: 0, end: 4 })).map(({ trace }) => trace);
      expect(traces).toEqual([group[0]?.trace, "", "", group[3]?.trace]);
      expect(await store.entries(0, 4)).toEqual(before);
      expect((await store.decision(group[1]?.id ?? ""))?.trace).toBe("");
    });
  });

  describe("commitDecisions", () => {
    it("commits a group in order, at positions without gaps", async () => {
      const store = await open();
      const group = Array.from({ length: 64 }, () => commitOf());
      const outcomes = await store.commitDecisions(group);
      expect(outcomes).toEqual(group.map((_, seq) => ({ kind: "committed", seq, exhausted: [] })));
      const entries = await store.entries(0, 100);
      expect(entries.map(({ seq }) => seq)).toEqual(group.map((_, seq) => seq));
      expect(entries.map(({ draft }) => draft)).toEqual(group.map(({ draft }) => draft));
    });

    it("answers nothing for no commits, and refuses more than 64 without writing", async () => {
      const store = await open();
      expect(await store.commitDecisions([])).toEqual([]);
      const group = Array.from({ length: 65 }, () => commitOf());
      await expect(store.commitDecisions(group)).rejects.toMatchObject({ code: "internal/invariant" });
      expect(await store.ledgerSize()).toBe(0);
    });

    it("spends a nonce once, and writes nothing for the one that comes late", async () => {
      const store = await open();
      const first = commitOf();
      const late = commitOf({
        spend: first.spend,
        items: [itemOf(useOf("k", 5))],
        reportId: "cd".repeat(32),
      });
      expect(await store.commitDecisions([first])).toEqual([{ kind: "committed", seq: 0, exhausted: [] }]);
      expect(await store.commitDecisions([late])).toEqual([{ kind: "nonce-spent" }]);
      expect(await store.ledgerSize()).toBe(1);
      expect(await store.decision(late.id)).toBeUndefined();
      expect(await store.countAttempts(late.reportId, "prod/db", T0)).toBe(0);
      const probes = Array.from({ length: 5 }, () => commitOf({ items: [itemOf(useOf("k", 5))] }));
      for (const outcome of await store.commitDecisions(probes))
        expect(outcome).toMatchObject({ exhausted: [] });
    });

    it("lets one of two commits win when a group brings the same nonce twice", async () => {
      const store = await open();
      const first = commitOf();
      const group = [commitOf(), first, commitOf({ spend: first.spend }), commitOf()];
      const outcomes = await store.commitDecisions(group);
      expect(outcomes.map((o) => (o.kind === "committed" ? o.seq : o.kind))).toEqual([
        0,
        1,
        "nonce-spent",
        2,
      ]);
    });

    it("lets one of many concurrent commits win one nonce", async () => {
      const store = await open();
      const { spend } = commitOf();
      const rivals = Array.from({ length: 20 }, () => store.commitDecisions([commitOf({ spend })]));
      const outcomes = (await Promise.all(rivals)).flat();
      expect(outcomes.filter(({ kind }) => kind === "committed")).toHaveLength(1);
      expect(await store.ledgerSize()).toBe(1);
    });

    it("tells nonces of different epochs apart", async () => {
      const store = await open();
      const rand = freshRand();
      const spend = { rand, keepUntil: T0 };
      const group = [commitOf({ spend: { ...spend, kid: 1 } }), commitOf({ spend: { ...spend, kid: 2 } })];
      for (const { kind } of await store.commitDecisions(group)) expect(kind).toBe("committed");
    });

    it("does nothing when the same commit comes a second time, in the same group or later", async () => {
      const store = await open();
      const commit = commitOf({ items: [itemOf(useOf("k", 2))] });
      const outcomes = await store.commitDecisions([commit, commit]);
      expect(outcomes.map(({ kind }) => kind)).toEqual(["committed", "nonce-spent"]);
      expect(await store.commitDecisions([commit])).toEqual([{ kind: "nonce-spent" }]);
      expect(await store.ledgerSize()).toBe(1);
      const [second, third] = await store.commitDecisions([
        commitOf({ items: commit.items }),
        commitOf({ items: commit.items }),
      ]);
      expect([second, third]).toMatchObject([{ exhausted: [] }, { exhausted: [0] }]);
    });

    it("keeps a decision that spends no nonce, with its counters, once under its id", async () => {
      const store = await open();
      const use = { ...commitOf({ items: [itemOf(useOf("k", 1))] }), spend: undefined };
      const group = [use, use, { ...use, id: freshId() }];
      expect(await store.commitDecisions(group)).toEqual([
        { kind: "committed", seq: 0, exhausted: [] },
        { kind: "nonce-spent" },
        { kind: "committed", seq: 1, exhausted: [0] },
      ]);
      expect(await store.commitDecisions([use])).toEqual([{ kind: "nonce-spent" }]);
      expect(await store.decision(use.id)).toMatchObject({ seq: 0, trace: use.trace });
      expect(await store.countAttempts(use.reportId, "prod/db", T0)).toBe(2);
      expect(await store.ledgerSize()).toBe(2);
    });

    it("lets one of many concurrent uses win the last place of a counter", async () => {
      const store = await open();
      const uses = Array.from({ length: 20 }, () =>
        store.commitDecisions([{ ...commitOf({ items: [itemOf(useOf("k", 1))] }), spend: undefined }]),
      );
      const outcomes = (await Promise.all(uses)).flat();
      const won = outcomes.filter((one) => one.kind === "committed" && one.exhausted.length === 0);
      expect([outcomes.length, won.length]).toEqual([20, 1]);
    });

    it("appends nothing under the id of an older decision", async () => {
      const store = await open();
      const older = commitOf();
      await store.commitDecisions([older]);
      expect(await store.commitDecisions([commitOf({ id: older.id })])).toEqual([{ kind: "nonce-spent" }]);
      expect(await store.ledgerSize()).toBe(1);
    });
  });

  describe("decision", () => {
    it("answers entry, time and trace under the id", async () => {
      const store = await open();
      const commit = commitOf({ trace: '{"rules":["é€😀"]}', isAllOrNothing: false });
      await store.commitDecisions([commitOf(), commit]);
      expect(await store.decision(commit.id)).toEqual({
        id: commit.id,
        at: T0,
        seq: 1,
        draft: decisionDraft(commit.id),
        exhausted: [],
        isAllOrNothing: false,
        trace: commit.trace,
      });
      expect(await store.decision(freshId())).toBeUndefined();
    });
  });

  describe("isSpent", () => {
    it("is false until the decision is committed, then true", async () => {
      const store = await open();
      const commit = commitOf();
      expect(await store.isSpent(1, commit.spend.rand)).toBe(false);
      await store.commitDecisions([commit]);
      expect(await store.isSpent(1, commit.spend.rand)).toBe(true);
      expect(await store.isSpent(2, commit.spend.rand)).toBe(false);
    });
  });

  describe("countAttempts", () => {
    it("counts decisions on one guest and one resource from a moment on", async () => {
      const store = await open();
      const at = (seconds: number) => ({ at: addSeconds(T0, seconds) });
      const twice = [
        { resource: "prod/db", uses: [] },
        { resource: "prod/db", uses: [] },
      ];
      await store.commitDecisions([
        commitOf(at(0)),
        commitOf(at(10)),
        commitOf({ ...at(10), items: twice }),
        commitOf({ ...at(20), reportId: "cd".repeat(32) }),
        commitOf({ ...at(20), items: [{ resource: "prod/other", uses: [] }] }),
      ]);
      const count = (since: number) => store.countAttempts("ab".repeat(32), "prod/db", addSeconds(T0, since));
      expect([await count(0), await count(10), await count(11)]).toEqual([3, 2, 0]);
    });

    it("counts every decision once, in whatever order and company their seconds come", async () => {
      const store = await open();
      const seconds = [5, 3, 5, 9, 3, 5, 0];
      const commits = seconds.map((second) => commitOf({ at: addSeconds(T0, second) }));
      await store.commitDecisions(commits.slice(0, 4));
      await store.commitDecisions(commits.slice(2));
      const count = (since: number) => store.countAttempts("ab".repeat(32), "prod/db", addSeconds(T0, since));
      for (const since of [0, 1, 3, 4, 5, 6, 9, 10]) {
        expect(await count(since)).toBe(seconds.filter((second) => second >= since).length);
      }
    });
  });

  refusalContract(open);
}

function refusalContract(open: OpenStore): void {
  describe("refusals", () => {
    const refusal = { id: "R1", at: T0, source: "192.0.2.7", code: "evidence/bad-signature", format: "raw" };

    it("keeps a refusal under its id, the first one if there are two", async () => {
      const store = await open();
      await store.logRefusal(refusal);
      await store.logRefusal({ ...refusal, code: "nonce/expired" });
      expect(await store.refusal("R1")).toEqual(refusal);
      expect(await store.refusal("R2")).toBeUndefined();
      expect(await store.ledgerSize()).toBe(0);
    });
  });

  describe("prune", () => {
    it("forgets a spend past its time and keeps one until then", async () => {
      const store = await open();
      const commit = commitOf({ spend: { kid: 1, rand: freshRand(), keepUntil: instant(T0 + 100) } });
      await store.commitDecisions([commit]);
      await store.prune(instant(T0 + 100), T0);
      expect(await store.isSpent(1, commit.spend.rand)).toBe(true);
      await store.prune(instant(T0 + 101), T0);
      expect(await store.isSpent(1, commit.spend.rand)).toBe(false);
      expect(await store.decision(commit.id)).toBeDefined();
    });

    it("forgets counter uses outside their window and keeps those inside, and those that count for ever", async () => {
      const store = await open();
      const items = [itemOf(useOf("hour", 1, 3600)), itemOf(useOf("ever", 1))];
      await store.commitDecisions([commitOf({ items })]);
      const outcomeAt = async (seconds: number) => {
        const commit = commitOf({ at: instant(T0 + seconds), items, isAllOrNothing: false });
        return (await store.commitDecisions([commit]))[0];
      };
      await store.prune(instant(T0 + 3599), T0);
      expect(await outcomeAt(3599)).toMatchObject({ exhausted: [0, 1] });
      await store.prune(instant(T0 + 3600), T0);
      expect(await outcomeAt(3600)).toMatchObject({ exhausted: [1] });
    });

    it("forgets attempts older than their hour and keeps those within it", async () => {
      const store = await open();
      await store.commitDecisions([commitOf(), commitOf(), commitOf({ at: instant(T0 + 1) })]);
      const count = () => store.countAttempts("ab".repeat(32), "prod/db", T0);
      await store.prune(instant(T0 + 3600), T0);
      expect(await count()).toBe(3);
      await store.prune(instant(T0 + 3601), T0);
      expect(await count()).toBe(1);
      await store.prune(instant(T0 + 3602), T0);
      expect(await count()).toBe(0);
    });

    it("forgets refusals older than asked, and admin request ids past their time", async () => {
      const store = await open();
      await store.logRefusal(refusalAt("old", 9));
      await store.logRefusal(refusalAt("new", 10));
      await store.spendAdminRequest("k", "j", instant(T0 + 5));
      await store.prune(instant(T0 + 5), instant(T0 + 10));
      expect(await store.refusal("old")).toBeUndefined();
      expect(await store.refusal("new")).toBeDefined();
      expect(await store.spendAdminRequest("k", "j", T0)).toBe(false);
      await store.prune(instant(T0 + 6), T0);
      expect(await store.spendAdminRequest("k", "j", T0)).toBe(true);
    });
  });
}

function refusalAt(id: string, seconds: number) {
  return { id, at: instant(T0 + seconds), source: "192.0.2.7", code: "nonce/expired", format: "raw" };
}
