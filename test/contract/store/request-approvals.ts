/** The Store contract: requests wait in bounded rooms, each person approves once, and an approval serves one decision. */
import { describe, expect, it } from "vitest";
import { addSeconds, instant } from "../../../src/base/time.ts";
import {
  APPROVAL_USE,
  type StoredRequestApproval,
  type WaitingRequest,
} from "../../../src/broker/request-approval-store.ts";
import type { Store } from "../../../src/broker/store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, commitOf, freshId, T0 } from "./examples.ts";

const ROOM = { all: 4, perResource: 3, perSource: 2 };
const [A, B] = ["a".repeat(64), "b".repeat(64)];

export function requestApprovalContract(open: OpenStore): void {
  const approve = (store: Store, changes: Partial<StoredRequestApproval> = {}, roster = 0, now = T0) =>
    store.putRequestApproval(approvalOf(changes), { roster, now }, adminDraft("request-approve"));

  describe("requests that wait", () => {
    it("keep their first moment, source and decision however often they are asked", async () => {
      const store = await open();
      const first = waitingOf({ request: A });
      expect(await store.putWaiting(first, ROOM)).toBe("new");
      const later = {
        at: instant(T0 + 60),
        since: instant(T0 + 60),
        until: instant(T0 + 3660),
        seconds: 300,
      };
      const again = waitingOf({ request: A, ...later, source: "192.0.2.99", decision: freshId() });
      expect(await store.putWaiting(again, ROOM)).toBe("known");
      const { at, until, seconds } = again;
      expect(await store.waitingRequest(A, T0)).toEqual({ ...first, at, until, seconds });
      expect(await store.waitingRequest(B, T0)).toBeUndefined();
    });

    it("are listed oldest first until their time is over, and begin anew then", async () => {
      const store = await open();
      const [one, two] = [waitingOf({ request: B }), waitingOf({ request: A, since: instant(T0 + 1) })];
      await store.putWaiting(two, ROOM);
      await store.putWaiting(one, ROOM);
      expect(await store.waitingRequests(T0)).toEqual([one, two]);
      expect([await store.waitingRequests(one.until), await store.waitingRequest(B, one.until)]).toEqual([
        [],
        undefined,
      ]);
      const anew = waitingOf({
        request: B,
        since: one.until,
        at: one.until,
        until: addSeconds(one.until, 60),
        source: "192.0.2.9",
      });
      expect(await store.putWaiting(anew, ROOM)).toBe("new");
      expect(await store.waitingRequests(one.until)).toEqual([anew]);
    });

    it.each([
      ["of a resource", 3, (i: number) => ({ source: `192.0.2.${i}` })],
      ["of a source", 2, (i: number) => ({ resource: `prod/${i}` })],
      ["of all", 4, (i: number) => ({ source: `192.0.2.${i}`, resource: `prod/${i}` })],
    ])("find the room %s full, but those that are in it do not", async (_name, most, changes) => {
      const store = await open();
      const one = (i: number) => waitingOf({ request: `${i}`.repeat(64), ...changes(i) });
      for (let i = 0; i < most; i += 1) expect(await store.putWaiting(one(i), ROOM)).toBe("new");
      expect(await store.putWaiting(one(most), ROOM)).toBe("full");
      expect(await store.putWaiting({ ...one(0), decision: freshId() }, ROOM)).toBe("known");
      const later = { since: instant(T0 + 3600), at: instant(T0 + 3600), until: instant(T0 + 7200) };
      expect(await store.putWaiting({ ...one(most), ...later }, ROOM)).toBe("new");
    });

    it("are forgotten with their approvals once their time is over", async () => {
      const store = await open();
      await store.putWaiting(waitingOf({ request: A }), ROOM);
      await approve(store);
      await store.prune(instant(T0 + 3601), T0);
      expect(await store.waitingRequests(T0)).toEqual([]);
      expect(await store.requestApprovals(A, T0)).toEqual([]);
    });
  });

  describe("approvals of requests", () => {
    it("are kept for what waits, each with one entry, oldest first", async () => {
      const store = await open();
      expect(await approve(store)).toBe(false);
      await store.putWaiting(waitingOf({ request: A }), ROOM);
      expect([await approve(store, { id: "f" }), await approve(store, { id: "e", person: "ben" })]).toEqual([
        true,
        true,
      ]);
      expect(await store.requestApprovals(A, T0)).toEqual([
        approvalOf({ id: "f" }),
        approvalOf({ id: "e", person: "ben" }),
      ]);
      expect([await store.requestApprovals(B, T0), await store.ledgerSize()]).toEqual([[], 2]);
    });

    it("are refused twice from one person, for what waits no longer, and after a change of the roster", async () => {
      const store = await open();
      await store.putWaiting(waitingOf({ request: A }), ROOM);
      expect([await approve(store, { id: "f" }), await approve(store, { id: "e" })]).toEqual([true, false]);
      expect(await approve(store, { id: "d", person: "ben" }, 1)).toBe(false);
      expect(await approve(store, { id: "d", person: "ben" }, 0, instant(T0 + 3600))).toBe(false);
      expect(await store.ledgerSize()).toBe(1);
    });

    it("let one of many that race for one person win", async () => {
      const store = await open();
      await store.putWaiting(waitingOf({ request: A }), ROOM);
      const wins = await Promise.all(["1", "2", "3", "4", "5", "6"].map((id) => approve(store, { id })));
      expect([wins.filter(Boolean).length, await store.ledgerSize()]).toEqual([1, 1]);
    });

    it("are over with their time, and the person may approve again", async () => {
      const store = await open();
      await store.putWaiting(waitingOf({ request: A }), ROOM);
      await approve(store, { id: "f" });
      const { until } = approvalOf({});
      expect(await store.requestApprovals(A, until)).toEqual([]);
      expect(await approve(store, { id: "e", at: until, until: addSeconds(until, 60) }, 0, until)).toBe(true);
    });

    it("are used up with the decision that counts them, which ends the waiting", async () => {
      const store = await open();
      await store.putWaiting(waitingOf({ request: A }), ROOM);
      await approve(store, { id: "f" });
      const uses = [{ key: `${APPROVAL_USE}f`, limit: 1, windowSeconds: 7200 }];
      const commit = () => commitOf({ items: [{ resource: "prod/db", uses, approved: A }] });
      const outcomes = await store.commitDecisions([commit(), commit()]);
      expect(outcomes).toMatchObject([{ exhausted: [] }, { exhausted: [0] }]);
      expect([await store.requestApprovals(A, T0), await store.waitingRequests(T0)]).toEqual([[], []]);
      await store.putWaiting(waitingOf({ request: A }), ROOM);
      expect([await approve(store, { id: "f" }), await approve(store, { id: "e" })]).toEqual([false, true]);
    });

    it("stay good where the decision gave nothing, and the request goes on waiting", async () => {
      const store = await open();
      await store.putWaiting(waitingOf({ request: A }), ROOM);
      await approve(store, { id: "f" });
      const items = [
        {
          resource: "prod/db",
          uses: [{ key: `${APPROVAL_USE}f`, limit: 1, windowSeconds: 7200 }],
          approved: A,
        },
        { resource: "prod/other", uses: [{ key: "full", limit: 0, windowSeconds: undefined }] },
      ];
      expect(await store.commitDecisions([commitOf({ items })])).toMatchObject([{ exhausted: [1] }]);
      expect(await store.requestApprovals(A, T0)).toHaveLength(1);
      expect(await store.waitingRequests(T0)).toHaveLength(1);
    });
  });
}

function waitingOf(changes: Partial<WaitingRequest> & { readonly request: string }): WaitingRequest {
  return {
    resource: "prod/db",
    op: "release",
    report: "c".repeat(64),
    channel: "application",
    since: T0,
    at: T0,
    until: instant(T0 + 3600),
    source: "192.0.2.7",
    decision: freshId(),
    seconds: 900,
    ...changes,
  };
}

function approvalOf(changes: Partial<StoredRequestApproval>): StoredRequestApproval {
  return {
    id: "f",
    request: A,
    person: "ada",
    kid: "ada-1",
    envelope: "{}",
    at: T0,
    until: instant(T0 + 900),
    ...changes,
  };
}
