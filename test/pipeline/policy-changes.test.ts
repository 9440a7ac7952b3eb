/** Can a change of policy surprise anybody? What it would have said to the guests of the past is known before, and gains are signed for. */
import { describe, expect, it } from "vitest";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { replayPage } from "../../src/broker/replay.ts";
import type { Store, StoredDecision } from "../../src/broker/store.ts";
import { fillTiles } from "../../src/broker/tiles.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { type ExplanationStatement, signExplanation } from "../../src/policy/order-statements.ts";
import { EMPTY_TALLY, joinTallies } from "../../src/policy/replay-tally.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { attemptOf, type GuestBroker, guestBroker, makeLive, PATH, POLICY, post } from "./guest-at-hand.ts";

const STRICT = POLICY.replace("require not guest.debug", "require vmpl == 3").replace("1.0.0", "2.0.0");
const CLAUSE = 'acme.test/disks allow "boot"';

async function ask(broker: GuestBroker, times = 1): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const { body } = await attemptOf(broker);
    statuses.push((await post(broker, "/v1/release", body)).status); // in order: it is the order of the log
  }
  return statuses;
}

async function propose({ admin, adminSigner }: GuestBroker, text: string): Promise<string> {
  const { live } = await admin.listBundles();
  const tar = packBundle([{ path: "test.writ", text }], live?.digest, nodePrimitives.digest);
  return (await admin.proposeBundle({ tar, signature: await signBundle(tar, adminSigner) })).digest;
}

async function activate({ admin, adminSigner, world }: GuestBroker, digest: string) {
  const { live, roster = null } = await admin.listBundles();
  const serial = (live?.serial ?? 0) + 1;
  const order = { digest, serial, audience: AUDIENCE, at: world.now(), roster };
  return admin.activateBundle(digest, await signActivation(order, adminSigner));
}

async function explain(broker: GuestBroker, digest: string, changes: Partial<ExplanationStatement> = {}) {
  const gains = [{ resource: PATH, clause: CLAUSE, why: "the image was approved" }];
  const statement = { digest, audience: AUDIENCE, gains, ...changes };
  return broker.admin.explainGains(digest, await signExplanation(statement, broker.adminSigner));
}

const GAIN = { code: "policy/unexplained-gain" };

/** A broker whose guest is refused by the live policy. */
async function strictBroker(): Promise<GuestBroker> {
  const broker = await guestBroker({ policy: STRICT });
  expect(await ask(broker)).toEqual([403]);
  return broker;
}

describe("a bundle that lets in whom the live one refused", () => {
  it("is not activated until somebody signed why", async () => {
    const broker = await strictBroker();
    const digest = await propose(broker, POLICY);
    await expect(activate(broker, digest)).rejects.toMatchObject(GAIN);
    expect(await explain(broker, digest)).toMatchObject([{ resource: PATH, clause: CLAUSE }]);
    await activate(broker, digest);
    expect(await ask(broker)).toEqual([200]);
  });

  it("is explained for a whole pattern of resources at once", async () => {
    const broker = await strictBroker();
    const digest = await propose(broker, POLICY);
    await explain(broker, digest, {
      gains: [{ resource: "prod/**", clause: CLAUSE, why: "all of production" }],
    });
    await activate(broker, digest);
  });

  it.each([
    ["another resource", { resource: "prod/db2/*" }],
    ["another clause", { clause: "acme.test/other" }],
  ])("is not explained by a statement about %s", async (_, change) => {
    const broker = await strictBroker();
    const digest = await propose(broker, POLICY);
    await explain(broker, digest, { gains: [{ resource: PATH, clause: CLAUSE, why: "so", ...change }] });
    await expect(activate(broker, digest)).rejects.toMatchObject(GAIN);
  });

  it.each([
    ["of another bundle", { digest: "0".repeat(64) }],
    ["for another broker", { audience: "https://other.example" }],
  ])("is not explained by a statement %s", async (_, change) => {
    const broker = await strictBroker();
    const digest = await propose(broker, POLICY);
    await expect(explain(broker, digest, change)).rejects.toMatchObject({ code: "policy/bad-signature" });
  });

  it("is not explained by whoever can write rows", async () => {
    const broker = await strictBroker();
    const digest = await propose(broker, POLICY);
    const stranger = createEd25519Signer("admin-1", generateEd25519Pem());
    const gains = [{ resource: PATH, clause: CLAUSE, why: "so" }];
    const signature = await signExplanation({ digest, audience: AUDIENCE, gains }, stranger);
    const row = { id: "1".repeat(64), digest, signature, at: broker.world.now(), by: "admin-1" };
    const entry = { v: 1, kind: "epoch", time: broker.world.now(), act: "start" } as const;
    await broker.world.store.putExplanation(row, entry);
    await expect(activate(broker, digest)).rejects.toMatchObject({ code: "policy/bad-signature" });
  });

  it("takes each explanation once, of bundles that there are", async () => {
    const broker = await strictBroker();
    const digest = await propose(broker, POLICY);
    await explain(broker, digest);
    await expect(explain(broker, digest)).rejects.toMatchObject({ code: "request/conflict" });
    await expect(explain(broker, "0".repeat(64))).rejects.toMatchObject({ code: "policy/unknown" });
  });

  it("needs no explanation where nobody was refused, nor where it is the first", async () => {
    const fresh = await guestBroker({ policy: null });
    expect(await ask(fresh)).toEqual([403]);
    await makeLive(fresh, POLICY, 1);
    expect(await ask(fresh)).toEqual([200]);
    await activate(fresh, await propose(fresh, POLICY.replace("within 24h", "within 12h")));
  });
});

describe("a replay", () => {
  it("shows who loses a key, by which clause, with an example; and nothing for the policy that is live", async () => {
    const broker = await guestBroker();
    await ask(broker, 4); // three are released, then the counter is used up
    const lost = await broker.admin.replay({ digest: await propose(broker, STRICT), limit: 100 });
    expect(lost.tally).toMatchObject({
      decisions: 4,
      items: 4,
      lost: 4,
      gained: 0,
      unreproduced: 0,
      tampered: 0,
    });
    expect(lost.tally.groups).toMatchObject([{ direction: "lost", resource: PATH, count: 4 }]);
    expect(lost.tally.groups[0]?.clause).toContain("require vmpl == 3");
    const same = await broker.admin.replay({ digest: lost.live ?? "", limit: 100 });
    expect(same.tally).toEqual({ ...EMPTY_TALLY, decisions: 4, items: 4, alike: 4 });
  });

  it("shows an archive that nobody signed yet, and keeps nothing of it", async () => {
    const broker = await strictBroker();
    const tar = packBundle([{ path: "test.writ", text: POLICY }], undefined, nodePrimitives.digest);
    const { tally, candidate } = await broker.admin.replay({ tar, limit: 10 });
    expect(tally).toMatchObject({ gained: 1, groups: [{ direction: "gained", clause: CLAUSE }] });
    expect(await broker.world.store.bundle(candidate)).toBeUndefined();
    await expect(broker.admin.replay({ limit: 1 })).rejects.toMatchObject({ code: "request/malformed" });
  });

  it("is the same by pages of any size, within any times", async () => {
    const broker = await guestBroker();
    await ask(broker, 2);
    broker.pass(3600);
    const noon = broker.world.now();
    await ask(broker, 3);
    const digest = await propose(broker, STRICT);
    const whole = await broker.admin.replay({ digest, limit: 100 });
    for (const limit of [1, 2, 5]) {
      let joined = EMPTY_TALLY;
      for (let before: number | undefined = 1e9; before !== undefined; ) {
        const page: { tally: typeof joined; next?: number } = await broker.admin.replay({
          digest,
          limit,
          before,
        });
        joined = joinTallies(joined, page.tally);
        before = page.next;
      }
      expect(joined).toEqual(whole.tally);
    }
    expect((await broker.admin.replay({ digest, limit: 100, since: noon })).tally.decisions).toBe(3);
    expect((await broker.admin.replay({ digest, limit: 100, until: noon })).tally.decisions).toBe(2);
  });

  it("tells the same about an unchanged policy whatever the time is by now, day and hour included", async () => {
    const timed = POLICY.replace(
      "require not guest.debug",
      "require now.hour in 0 .. 23\n  require now.weekday in [mon, tue, wed, thu, fri, sat, sun]\n  require not guest.debug",
    );
    const broker = await guestBroker({ policy: timed });
    for (let i = 0; i < 4; i += 1) {
      await ask(broker);
      broker.pass(33_000);
    }
    const { live } = await broker.admin.listBundles();
    const { tally } = await broker.admin.replay({ digest: live?.digest ?? "", limit: 100 });
    expect(tally).toEqual({ ...EMPTY_TALLY, decisions: 4, items: 4, alike: 4 });
  });
});

/** The same store, with one decision's row written over. */
function altered(store: Store, change: (decision: StoredDecision) => StoredDecision): Store {
  return {
    ...store,
    decisionsBefore: async (before, limit) => (await store.decisionsBefore(before, limit)).map(change),
  };
}

const OTHER_FACTS = (decision: StoredDecision): StoredDecision => ({
  ...decision,
  trace: decision.trace.replace('"vmpl":0', '"vmpl":3'),
});

describe("a stored decision that was written over", () => {
  it.each([
    ["in its facts", OTHER_FACTS],
    ["in the id of its entry", (one: StoredDecision) => ({ ...one, id: "0".repeat(26) })],
  ])("%s is named and counts for nothing", async (_, change) => {
    const broker = await strictBroker();
    const world = { ...broker.world, store: altered(broker.world.store, change) };
    const older = await world.liveBundle();
    if (older === undefined) throw new Error("nothing is live");
    const { decisions } = await replayPage({ newer: older, older }, { limit: 9 }, world);
    expect(decisions).toMatchObject([{ items: undefined }]);
  });

  it("together with its entry is named once a head covers it", async () => {
    const broker = await strictBroker();
    const { world } = broker;
    await advanceCheckpoint(world);
    await fillTiles(world);
    const rewritten = (one: StoredDecision): StoredDecision => {
      const { trace } = OTHER_FACTS(one);
      const hash = Buffer.from(nodePrimitives.digest("sha256", Buffer.from(trace))).toString("hex");
      return { ...one, trace, draft: { ...one.draft, trace_hash: hash } as typeof one.draft };
    };
    const older = await world.liveBundle();
    if (older === undefined) throw new Error("nothing is live");
    const sides = { newer: older, older };
    expect((await replayPage(sides, { limit: 9 }, world)).decisions).toMatchObject([
      { items: [{ kind: "alike" }] },
    ]);
    const forged = { ...world, store: altered(world.store, rewritten) };
    expect((await replayPage(sides, { limit: 9 }, forged)).decisions).toMatchObject([{ items: undefined }]);
  });

  it("hides no gain: nothing is activated over it", async () => {
    const broker = await guestBroker({
      policy: STRICT,
      change: (base) => ({ store: altered(base.store, OTHER_FACTS) }),
    });
    await ask(broker);
    const digest = await propose(broker, POLICY);
    await expect(activate(broker, digest)).rejects.toMatchObject({ code: "internal/invariant" });
    expect(broker.lines.filter(({ level }) => level === "error")).toMatchObject([
      { code: "ledger/inconsistent" },
    ]);
  });
});
