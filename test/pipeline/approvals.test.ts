/** Can people let one guest through, once? Asked for, given, used, raced, replayed, forged, over, and by whoever may not. */

import { describe, expect, it } from "vitest";
import { instant } from "../../src/base/time.ts";
import { USED, WANTED } from "../../src/broker/notified.ts";
import type { Admin } from "../../src/policy/admins.ts";
import {
  openRequestApproval,
  type RequestApproval,
  requestDigest,
  signRequestApproval,
} from "../../src/policy/request-approvals.ts";
import { signRosterChange } from "../../src/policy/roster.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { personOf } from "../http/people-at-hand.ts";
import { securityKey } from "../support/security-key.ts";
import {
  approvalFor,
  approve,
  approvedByAll,
  ask,
  codes,
  type Glass,
  glass,
  pagerAtHand,
  policyWith,
} from "./glass-at-hand.ts";
import { attemptOf, type Deviation, PATH, post, releaseOf } from "./guest-at-hand.ts";

describe("a request that lacks nothing but approvals", () => {
  it("waits, is told what people have to approve, and is let through once they did", async () => {
    const all = await glass();
    const { broker, ada, ben, eve } = all;
    const refused = decodeProblem(new Uint8Array(await (await ask(broker)).arrayBuffer()));
    const [waiting] = await ada.admin.listWaiting();
    expect(waiting).toMatchObject({
      resource: PATH,
      op: "release",
      channel: "application",
      groups: ["commander", "oncall"],
      approvedBy: [],
    });
    expect(refused).toMatchObject({ status: 403, code: "approval-needed" });
    expect(refused.detail).toBe(`needs a commander; request ${waiting?.request} waits for approval`);
    for (const by of [ada, ben]) {
      expect(await approve(by, broker)).toBe("201");
      expect(await codes(broker)).toBe("approval-needed");
    }
    expect((await ada.admin.listWaiting()).map(({ approvedBy }) => approvedBy)).toEqual([["ada", "ben"]]);
    expect(await approve(eve, broker)).toBe("201");
    const answer = await releaseOf(await ask(broker));
    expect(answer.releases).toHaveLength(1);
    const found = await broker.admin.decision(answer.decision);
    expect(JSON.stringify(found)).toContain(waiting?.request);
  });

  it("waits no longer once it was let through, and waits anew when it is asked again", async () => {
    const all = await glass();
    await codes(all.broker);
    await approvedByAll(all);
    expect(await codes(all.broker)).toBe("released");
    expect(await all.ada.admin.listWaiting()).toEqual([]);
    expect(await codes(all.broker)).toBe("approval-needed");
    all.broker.pass(1); // the same people, another moment
    await approvedByAll(all);
    expect(await codes(all.broker)).toBe("released");
  });

  it("is told of loudly, once for each step, to those whom the policy names and to those who asked", async () => {
    const all = await glass();
    const [ciso, oncall, other] = [
      await pagerAtHand(all.broker, { name: "ciso", acts: [] }),
      await pagerAtHand(all.broker, { name: "oncall", acts: [WANTED, "request-approve", USED] }),
      await pagerAtHand(all.broker, { name: "other", acts: ["policy-activate"] }),
    ];
    const listen = async () => {
      for (const pager of [ciso, oncall, other]) await pager.listen(); // in order: each has its own cursor
    };
    await codes(all.broker);
    const [waiting] = await all.ada.admin.listWaiting();
    await listen();
    await codes(all.broker);
    await listen();
    await approvedByAll(all);
    await listen();
    await codes(all.broker);
    await listen();
    const requests = [waiting?.request];
    const wanted = { type: "decision.deny", approvals: { state: "wanted", requests } };
    const used = { type: "decision.allow", approvals: { state: "used", requests } };
    expect(ciso.heard).toMatchObject([wanted, used]);
    expect(oncall.heard).toMatchObject([wanted, ...Array(3).fill({ type: "admin" }), used]);
    expect(ciso.heard[0]?.entry).toMatchObject({ id: waiting?.decision });
    expect(other.heard).toEqual([]);
    expect(all.broker.lines.filter(({ event }) => event === "approval-used")).toHaveLength(1);
  });

  it("is not told of where it waits no more once somebody listens", async () => {
    const all = await glass();
    const pager = await pagerAtHand(all.broker, { name: "ciso", acts: [] });
    await codes(all.broker);
    await approvedByAll(all);
    await codes(all.broker);
    await pager.listen();
    expect(pager.heard).toEqual([]); // people were there before: nobody has to be called
    all.broker.pass(10);
    await pager.listen();
    expect(pager.heard).toMatchObject([{ approvals: { state: "used" } }]);
  });

  it("lets one of two through that race on the same approvals", async () => {
    const all = await glass(policyWith("token_ttl 1m approvals_expire 30m"));
    await codes(all.broker);
    await approvedByAll(all);
    const bodies = await Promise.all([1, 2, 3, 4].map(() => attemptOf(all.broker)));
    const answers = await Promise.all(bodies.map(({ body }) => post(all.broker, "/v1/release", body)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("is let through by what counts at that moment: 15 minutes where the policy says nothing, an hour at most", async () => {
    for (const [obligations, seconds] of [
      ["token_ttl 1m", 900],
      ["approvals_expire 30m", 1800],
      ["approvals_expire 5m", 300],
      ["approvals_expire 3h", 3600],
    ] as const) {
      for (const [passed, code] of [
        [seconds - 1, "released"],
        [seconds, "approval-needed"],
      ] as const) {
        const all = await glass(policyWith(obligations));
        await codes(all.broker);
        await approvedByAll(all);
        all.broker.pass(passed);
        expect([obligations, passed, await codes(all.broker)]).toEqual([obligations, passed, code]);
      }
    }
  });

  it("may be approved again by the same people once their approvals are over", async () => {
    const all = await glass();
    await codes(all.broker);
    await approvedByAll(all);
    all.broker.pass(1800);
    await codes(all.broker);
    await approvedByAll(all);
    expect(await codes(all.broker)).toBe("released");
  });
});

describe("an approval", () => {
  it.each<readonly [string, (all: Glass) => Partial<Admin> & { readonly kid: string }, string]>([
    [
      "by somebody without the role",
      () => ({ kid: "x", roles: ["operator", "approver"], owns: ["oncall"] }),
      "admin/forbidden",
    ],
    ["by somebody of no group that counts", () => ({ kid: "x", owns: ["root", "other"] }), "admin/forbidden"],
    [
      "by somebody whose role reaches other paths",
      () => ({ kid: "x", owns: ["oncall"], under: ["test"] }),
      "admin/forbidden",
    ],
    [
      "by another key of one who approved",
      () => ({ kid: "x", person: "ben", owns: ["oncall"] }),
      "request/conflict",
    ],
  ])("%s is refused, and lets nobody through", async (_name, admin, fault) => {
    const all = await glass();
    const { broker, ada, ben } = all;
    await codes(broker);
    for (const by of [ada, ben]) await approve(by, broker);
    const { statement } = await approvalFor(ada, broker);
    const other = all.person(admin(all));
    const approval = (await approvalFor(ada, broker)).approval;
    const own = await signRequestApproval(approval, other.signer);
    expect((await other.ask("POST", "/v1/admin/approvals", JSON.stringify({ statement: own }))).fault).toBe(
      fault,
    );
    expect((await ben.ask("POST", "/v1/admin/approvals", JSON.stringify({ statement }))).fault).toBe(
      "policy/bad-approval",
    );
    expect(await codes(broker)).toBe("approval-needed");
  });

  it("by a security key counts, whichever key of its person the request was signed by", async () => {
    const { broker, person, ben, eve } = await glass();
    await codes(broker);
    const key = person({ kid: "cat", owns: ["commander"], key: securityKey() });
    const file = person({ kid: "cat-2", person: "cat", owns: ["commander"] });
    const { statement } = await approvalFor(key, broker);
    const body = JSON.stringify({ statement });
    expect((await ben.ask("POST", "/v1/admin/approvals", body)).fault).toBe("policy/bad-approval");
    expect((await file.ask("POST", "/v1/admin/approvals", body)).status).toBe(201);
    for (const by of [ben, eve]) expect(await approve(by, broker)).toBe("201"); // in order
    expect(await codes(broker)).toBe("released");
  });

  it.each<readonly [string, Partial<RequestApproval>, string]>([
    ["for another broker", { audience: "https://other.example" }, "policy/bad-approval"],
    ["of another guest's request", { report: "ab".repeat(32) }, "request/not-found"],
    ["of another secret", { resource: "prod/db2/luks" }, "request/not-found"],
    ["of another operation", { op: "derive" }, "request/not-found"],
    ["over another channel", { channel: "ra-tls" }, "request/not-found"],
    ["signed six minutes ago", { at: 1_795_449_600 - 360 }, "policy/bad-approval"],
    ["signed two minutes ahead", { at: 1_795_449_600 + 120 }, "policy/bad-approval"],
  ])("%s is refused", async (_name, changes, fault) => {
    const { broker, ben } = await glass();
    await codes(broker);
    expect(await approve(ben, broker, changes)).toBe(fault);
  });

  it("is refused twice, and replayed after it was used", async () => {
    const all = await glass();
    const { broker, ada, ben, eve } = all;
    await codes(broker);
    const { statement } = await approvalFor(ben, broker);
    const body = JSON.stringify({ statement });
    expect((await ben.ask("POST", "/v1/admin/approvals", body)).status).toBe(201);
    expect((await ben.ask("POST", "/v1/admin/approvals", body)).fault).toBe("request/conflict");
    expect(await approve(ben, broker, { at: broker.world.now() - 1 })).toBe("request/conflict");
    for (const by of [ada, eve]) await approve(by, broker);
    expect(await codes(broker)).toBe("released");
    expect(await codes(broker)).toBe("approval-needed");
    expect((await ben.ask("POST", "/v1/admin/approvals", body)).fault).toBe("request/conflict");
  });

  it("counts for the guest that asked, not for another start of it or another secret", async () => {
    const all = await glass();
    await all.broker.admin.putSecret("prod/db2/luks", {
      kind: "generated",
      make: { name: "bytes", size: 32 },
    });
    await codes(all.broker);
    await approvedByAll(all);
    expect(await codes(all.broker, { report: { reportId: new Uint8Array(32).fill(7) } })).toBe(
      "approval-needed",
    );
    expect(await codes(all.broker, { claims: { want: [{ secret: "prod/db2/luks" }] } })).toBe(
      "approval-needed",
    );
    expect(await codes(all.broker)).toBe("released");
  });

  it("counts no more once its key was removed from the roster", async () => {
    const all = await glass();
    const { broker } = all;
    await codes(broker);
    const change = async (act: Parameters<typeof signRosterChange>[0]["change"]) => {
      const { serial, head, live } = await broker.admin.listAdmins();
      const statement = {
        serial: serial + 1,
        previous: head,
        audience: AUDIENCE,
        live,
        at: broker.world.now(),
        change: act,
      };
      await broker.admin.changeRoster(await signRosterChange(statement, broker.adminSigner));
    };
    await approvedByAll(all);
    await change({ act: "remove", kid: "eve" });
    expect(await codes(broker)).toBe("approval-needed");
    expect((await all.ada.admin.listWaiting())[0]?.approvedBy).toEqual(["ada", "ben"]);
  });
});

/** What a test does to the configuration between two starts of a broker, done to its admins in place. */
describe("an approval that was taken", () => {
  it.each<readonly [string, Partial<Admin>]>([
    ["of the group any more", { owns: ["other"] }],
    ["with the role any more", { roles: ["auditor"] }],
    ["who reaches the path any more", { under: ["test"] }],
  ])("counts for nothing once its signer is none %s", async (_name, changes) => {
    const all = await glass();
    await codes(all.broker);
    await approvedByAll(all);
    const { admins } = all.broker.world.settings.governance;
    (admins as Admin[])[admins.findIndex(({ kid }) => kid === "eve")] = { ...all.eve.record, ...changes };
    expect(await codes(all.broker)).toBe("approval-needed");
  });
});

describe("whoever can write to the database", () => {
  /** Puts an approval into the table as if the broker had taken it. */
  async function plant({ broker }: Glass, envelope: string, id: string, request?: string): Promise<void> {
    const [waiting] = await broker.world.store.waitingRequests(broker.world.now());
    const now = broker.world.now();
    const row = {
      id,
      request: request ?? waiting?.request ?? "",
      person: id,
      kid: id,
      envelope,
      at: now,
      until: instant(now + 3600),
    };
    const entry = { v: 1, kind: "admin", time: now, actor: "x", act: "x", subject: "x", digest: "" } as const;
    expect(await broker.world.store.putRequestApproval(row, { roster: 0, now }, entry)).toBe(true);
  }

  async function halfApproved(): Promise<Glass> {
    const all = await glass();
    await codes(all.broker);
    for (const by of [all.ada, all.ben]) await approve(by, all.broker);
    return all;
  }

  it("lets nobody through by a key of their own under the name of an admin", async () => {
    const all = await halfApproved();
    const thief = personOf({ kid: "eve", owns: ["oncall"], roles: ["break-glass"] }, all.broker);
    const { approval } = await approvalFor(all.ada, all.broker);
    await plant(all, await signRequestApproval(approval, thief.signer), "1".repeat(64));
    expect(await codes(all.broker)).toBe("approval-needed");
    expect(all.broker.lines.some(({ event }) => event === "approval-not-counted")).toBe(true);
  });

  it.each<readonly [string, Partial<RequestApproval>]>([
    ["of another guest", { report: "ab".repeat(32) }],
    ["of another secret", { resource: "prod/db2/luks" }],
    ["for another broker", { audience: "https://other.example" }],
    ["that is over", { at: 1_795_449_600 - 1801 }],
    ["that is of tomorrow", { at: 1_795_449_600 + 86_400 }],
    ["under an id of their own", {}],
  ])("lets nobody through by an approval %s, moved here", async (_name, changes) => {
    const all = await halfApproved();
    const { statement } = await approvalFor(all.eve, all.broker, changes);
    const { digest } = await openRequestApproval(statement, [all.eve.record], nodePrimitives);
    await plant(all, statement, Object.keys(changes).length === 0 ? "2".repeat(64) : digest);
    expect(await codes(all.broker)).toBe("approval-needed");
  });
});

describe("a request that lacks more than approvals", () => {
  it.each<readonly [string, Deviation]>([
    ["another image", { report: { measurement: new Uint8Array(48).fill(9) } }],
    ["a secret that is not there", { claims: { want: [{ secret: "prod/none" }] } }],
    [
      "another secret beside it that is not there",
      { claims: { want: [{ secret: PATH }, { secret: "prod/none" }] } },
    ],
  ])("for %s never waits", async (_name, deviation) => {
    const { broker, ada } = await glass();
    expect(await codes(broker, deviation)).not.toBe("approval-needed");
    expect(await ada.admin.listWaiting()).toEqual([]);
  });

  it("leaves the others waiting where one refused item leaves the others", async () => {
    const { broker, ada } = await glass();
    const claims = { want: [{ secret: PATH }, { secret: "prod/none" }], partial: true } as const;
    expect(await codes(broker, { claims })).toBe("approval-needed");
    expect((await ada.admin.listWaiting()).map(({ resource }) => resource)).toEqual([PATH]);
  });

  it("is refused like any other once sixteen guests wait for one secret", async () => {
    const { broker, ada } = await glass();
    const answers: string[] = [];
    for (let i = 0; i < 17; i += 1) {
      answers.push(await codes(broker, { report: { reportId: new Uint8Array(32).fill(i) } }));
      broker.pass(1);
    }
    expect(answers).toEqual([...Array.from({ length: 16 }, () => "approval-needed"), "denied"]);
    expect(await ada.admin.listWaiting()).toHaveLength(16);
  });
});

describe("what waits", () => {
  it("is shown to those whose roles reach it, and known by a digest that anybody can make", async () => {
    const all = await glass();
    await codes(all.broker);
    const other = all.person({ kid: "x", owns: ["oncall"], under: ["test"] });
    expect(await other.admin.listWaiting()).toEqual([]);
    const { approval } = await approvalFor(all.ada, all.broker);
    const { at: _at, ...subject } = approval;
    const [waiting] = await all.ada.admin.listWaiting();
    expect(waiting?.request).toBe(requestDigest(subject, nodePrimitives.digest));
  });

  it("is forgotten an hour after it was asked last", async () => {
    const { broker, ada } = await glass();
    await codes(broker);
    broker.pass(3599);
    expect(await ada.admin.listWaiting()).toHaveLength(1);
    broker.pass(1);
    expect(await ada.admin.listWaiting()).toEqual([]);
  });
});
