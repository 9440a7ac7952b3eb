/** Is a bundle in shadow shown every decision, and does none depend on it? And is what it would have said kept for good? */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { openShadow } from "../../src/broker/shadow.ts";
import { chained, checkShadow, type NewDifference } from "../../src/broker/shadow-chain.ts";
import type { ShadowDifference } from "../../src/broker/shadow-store.ts";
import { createShadowing } from "../../src/broker/shadowing.ts";
import type { Store } from "../../src/broker/store.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { type ShadowStatement, signShadow } from "../../src/policy/order-statements.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { shadowRowOf } from "../contract/store/examples.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { attemptOf, type GuestBroker, guestBroker, POLICY, post } from "../pipeline/guest-at-hand.ts";

const STRICT = POLICY.replace("require not guest.debug", "require vmpl == 3");
const { digest: hash } = nodePrimitives;

interface ShadowBroker extends GuestBroker {
  /** Does what nobody waited for. */
  readonly settle: () => Promise<void>;
  readonly counted: Map<string, number>;
}

type Change = (store: Store) => Store;

async function shadowBroker(change: Change = (store) => store, policy = POLICY): Promise<ShadowBroker> {
  const works: (() => Promise<void>)[] = [];
  const counted = new Map<string, number>();
  const count = (name: string, { result = "" }: Readonly<Record<string, string>>): void => {
    if (name === "shadow") counted.set(result, (counted.get(result) ?? 0) + 1);
  };
  const broker = await guestBroker({
    policy,
    change: (base) => {
      const parts = { ...base, store: change(base.store), meter: { count } };
      return { shadow: createShadowing({ ...parts, later: (work) => void works.push(work) }) };
    },
  });
  const settle = async (): Promise<void> => {
    for (const work of works.splice(0)) await work(); // in order
  };
  return { ...broker, settle, counted };
}

async function ask(broker: GuestBroker): Promise<number> {
  return (await post(broker, "/v1/release", (await attemptOf(broker)).body)).status;
}

async function proposed({ admin, adminSigner }: GuestBroker, text: string): Promise<string> {
  const { live } = await admin.listBundles();
  const tar = packBundle([{ path: "test.writ", text }], live?.digest, hash);
  return (await admin.proposeBundle({ tar, signature: await signBundle(tar, adminSigner) })).digest;
}

async function order(broker: GuestBroker, digest: string | null, changes: Partial<ShadowStatement> = {}) {
  const { serial } = await broker.admin.showShadow(1, 0);
  const statement = { digest, serial: serial + 1, audience: AUDIENCE, until: null, ...changes };
  return broker.admin.orderShadow(await signShadow(statement, broker.adminSigner));
}

/** A broker with a strict bundle in shadow, from the next second on. */
async function strictShadow(change?: Change): Promise<ShadowBroker> {
  const broker = await shadowBroker(change);
  await order(broker, await proposed(broker, STRICT));
  broker.pass(1);
  return broker;
}

describe("a bundle in shadow", () => {
  it("is shown each decision and makes none; what it would have said is kept and told", async () => {
    const broker = await strictShadow();
    expect(await ask(broker)).toBe(200);
    await broker.settle();
    const state = await broker.admin.showShadow(1, 9);
    expect(state).toMatchObject({
      serial: 1,
      isActive: true,
      total: 1,
      order: { differences: 1, by: "admin-1" },
    });
    expect(state.rows).toMatchObject([
      {
        seq: 1,
        order: 1,
        item: 0,
        resource: "prod/db1/luks",
        direction: "lost",
        liveCode: "",
        shadowCode: "require-failed",
      },
    ]);
    expect(state.rows[0]?.clause).toContain("require vmpl == 3");
    expect(broker.counted).toEqual(new Map([["lost", 1]]));
  });

  it("costs no obligation: its own counter stays empty however often it is asked", async () => {
    const broker = await shadowBroker();
    await order(broker, await proposed(broker, POLICY.replace("max_releases 3", "max_releases 1")));
    broker.pass(1);
    expect([await ask(broker), await ask(broker), await ask(broker)]).toEqual([200, 200, 200]);
    await broker.settle();
    expect(broker.counted).toEqual(new Map([["changed", 3]]));
  });

  it("is told apart where both refuse, each for a reason of its own", async () => {
    const broker = await shadowBroker(undefined, STRICT);
    await order(broker, await proposed(broker, STRICT.replace('"prod/**", "attest"', '"other/**"')));
    broker.pass(1);
    expect(await ask(broker)).toBe(403);
    await broker.settle();
    const { rows } = await broker.admin.showShadow(1, 9);
    expect(rows).toMatchObject([{ direction: "code", liveCode: "require-failed", shadowCode: "no-policy" }]);
  });

  it("says nothing where it is the live one, or says the same", async () => {
    const broker = await shadowBroker();
    const { live } = await broker.admin.listBundles();
    await order(broker, live?.digest ?? "");
    broker.pass(1);
    await ask(broker);
    await broker.settle();
    expect(broker.counted).toEqual(new Map());
    await order(broker, await proposed(broker, `${POLICY}\n# a comment\n`));
    broker.pass(1);
    await ask(broker);
    await broker.settle();
    expect(broker.counted).toEqual(new Map([["alike", 1]]));
  });

  it("ends by an order, and by its time", async () => {
    const broker = await strictShadow();
    await order(broker, null);
    broker.pass(1);
    await ask(broker);
    const { live } = await broker.admin.listBundles();
    const strict = (await broker.admin.listBundles()).bundles.find(({ digest }) => digest !== live?.digest);
    await order(broker, strict?.digest ?? "", { until: broker.world.now() + 2 });
    broker.pass(2);
    await ask(broker);
    await broker.settle();
    expect(broker.counted).toEqual(new Map());
    expect(await broker.admin.showShadow(1, 9)).toMatchObject({ isActive: false, total: 0 });
  });
});

describe("an order of a shadow", () => {
  it.each([
    ["for another broker", { audience: "https://other.example" }, "policy/bad-signature"],
    ["of an unknown bundle", { digest: "0".repeat(64) }, "policy/unknown"],
    ["that was given before", { serial: 1 }, "policy/not-next"],
    ["that leaves one out", { serial: 3 }, "policy/not-next"],
  ])("%s is refused", async (_, changes, code) => {
    const broker = await strictShadow();
    await expect(order(broker, await proposed(broker, STRICT), changes)).rejects.toMatchObject({ code });
  });

  it("that somebody else signed, or that was written over, counts for nothing", async () => {
    const broker = await shadowBroker();
    const digest = await proposed(broker, STRICT);
    const statement = { digest, serial: 1, audience: AUDIENCE, until: null };
    const stranger = createEd25519Signer("admin-1", generateEd25519Pem());
    const row = {
      serial: 1,
      digest,
      signature: await signShadow(statement, stranger),
      at: broker.world.now(),
      by: "x",
    };
    const code = "policy/bad-signature";
    await expect(openShadow(row, broker.world)).rejects.toMatchObject({ code });
    const signature = await signShadow(statement, broker.adminSigner);
    await expect(openShadow({ ...row, signature, serial: 2 }, broker.world)).rejects.toMatchObject({ code });
    await expect(openShadow({ ...row, signature, digest: "" }, broker.world)).rejects.toMatchObject({ code });
    expect(await openShadow({ ...row, signature }, broker.world)).toMatchObject({ order: 1 });
  });
});

describe("a shadow that fails", () => {
  it("by a bundle that cannot be opened is counted and named, and every decision goes on", async () => {
    const broken = (store: Store): Store => ({
      ...store,
      bundle: async (digest) => {
        const stored = await store.bundle(digest);
        return stored && { ...stored, tar: Uint8Array.of(1) };
      },
    });
    const broker = await strictShadow(broken);
    expect(await ask(broker)).toBe(200);
    await broker.settle();
    expect(broker.counted).toEqual(new Map([["failed", 1]]));
    expect(broker.lines.filter(({ level }) => level === "warn")).toMatchObject([
      { event: "shadow-failed", code: "policy/bad-signature" },
    ]);
    expect(await ask(broker)).toBe(200);
  });

  it("by a store that throws loses rows and no decision", async () => {
    const broker = await strictShadow((store) => ({
      ...store,
      keepShadowDifferences: async () => {
        throw new Error("the disk is full");
      },
    }));
    expect(await ask(broker)).toBe(200);
    await broker.settle();
    expect(broker.counted.get("failed")).toBe(1);
  });

  it("by a platform that takes no more work, or a turn that never comes, holds nothing up and holds little", async () => {
    const counts: string[] = [];
    const broker = await shadowBroker();
    const decision = { id: "A", at: broker.world.now(), live: undefined, appraisals: [] };
    const meter = { count: (_: string, { result = "" }) => void counts.push(result) };
    const refusing = createShadowing({
      ...broker.world,
      meter,
      later: () => {
        throw new Error("too late");
      },
    });
    expect(() => refusing(decision)).not.toThrow();
    const never = createShadowing({ ...broker.world, meter, later: () => undefined });
    for (let i = 0; i < 1030; i += 1) never(decision);
    expect(counts).toEqual(Array.from({ length: 6 }, () => "dropped"));
  });

  it("by more differences than there is room for in a second keeps some and counts the rest", async () => {
    const broker = await strictShadow();
    const { shadow } = broker.world;
    const { facts, terms, ...rest } = await lastAppraisal(broker);
    const one = { id: "01J00000000000000000000000", at: broker.world.now(), live: undefined };
    for (let i = 0; i < 100; i += 1) shadow?.({ ...one, appraisals: [{ ...rest, facts, terms }] });
    await broker.settle();
    expect([broker.counted.get("lost"), broker.counted.get("unkept")]).toEqual([100, 36]);
    expect(await checkShadow(broker.world)).toBe(64);
  });
});

/** What a release here looks like to the shadow. */
async function lastAppraisal(broker: GuestBroker) {
  const { decisions } = await broker.admin.decisionsBefore(undefined, 1);
  expect(decisions).toEqual([]);
  const seen: Parameters<NonNullable<typeof broker.world.shadow>>[0][] = [];
  const other = await guestBroker({ change: () => ({ shadow: (decision) => void seen.push(decision) }) });
  await ask(other);
  const [appraisal] = seen[0]?.appraisals ?? [];
  if (appraisal === undefined) throw new Error("nothing was shown");
  return appraisal;
}

// ── the record ──────────────────────────────────────────────────────────────────────────────────────────────────────

const BATCHES = [1, 5, 32, 2];

function rowOf(i: number): NewDifference {
  const { seq: _seq, hash: _hash, ...row } = shadowRowOf(i);
  return row;
}

/** A record of 40 rows in four batches, as a broker writes it. */
async function record(): Promise<Store> {
  const store = createMemoryStore();
  for (const size of BATCHES) {
    const tail = await store.shadowTail();
    const rows = chained(
      Array.from({ length: size }, (_, i) => rowOf((tail?.seq ?? 0) + i + 1)),
      tail,
      hash,
    );
    const [first, last] = [rows[0], rows.at(-1)];
    await store.keepShadowDifferences(rows, {
      ...{ v: 1, kind: "admin", time: 1, actor: "broker", act: "shadow-differences" },
      subject: `rows ${first?.seq} to ${last?.seq}`,
      digest: last?.hash ?? "",
    });
    await store.appendEntry({ v: 1, kind: "epoch", time: 1, act: "start" });
  }
  return store;
}

/** A database in which somebody changed the rows. */
async function rewritten(change: (rows: readonly ShadowDifference[]) => readonly ShadowDifference[]) {
  const store = await record();
  const rows = change(await store.shadowDifferences(1, 1000));
  const shadowDifferences = async (from: number, limit: number) =>
    rows.filter(({ seq }) => seq >= from).slice(0, limit);
  return checkShadow({ primitives: nodePrimitives, store: { ...store, shadowDifferences } });
}

const place = fc.integer({ min: 1, max: 40 });
const ALTERED = { code: "policy/shadow-altered" };

describe("the record of a shadow", () => {
  it("is good as it was kept", async () => {
    expect(await rewritten((rows) => rows)).toBe(40);
    expect(await checkShadow({ primitives: nodePrimitives, store: createMemoryStore() })).toBe(0);
  });

  test.prop([
    place,
    fc.constantFrom("resource", "decision", "direction", "clause", "reason", "liveCode", "shadowTrace"),
  ])("names a row that was edited", async (row, member) => {
    const edit = (one: ShadowDifference) =>
      one.seq === row ? { ...one, [member]: `${one[member as "clause"]}x` } : one;
    await expect(rewritten((rows) => rows.map(edit))).rejects.toMatchObject({ ...ALTERED, detail: { row } });
  });

  test.prop([place])("names a row that was deleted, the last one too", async (row) => {
    await expect(rewritten((rows) => rows.filter(({ seq }) => seq !== row))).rejects.toMatchObject({
      ...ALTERED,
      detail: { row },
    });
  });

  test.prop([place, place])("names the first of two rows that changed places", async (a, b) => {
    fc.pre(a !== b);
    const swapped = (rows: readonly ShadowDifference[]) =>
      rows
        .map((one) => ({ ...one, seq: one.seq === a ? b : one.seq === b ? a : one.seq }))
        .toSorted((x, y) => x.seq - y.seq);
    await expect(rewritten(swapped)).rejects.toMatchObject({ ...ALTERED, detail: { row: Math.min(a, b) } });
  });

  test.prop([place])(
    "names the batch of a row that was edited by somebody who hashed all of it again",
    async (row) => {
      const again = (rows: readonly ShadowDifference[]) =>
        chained(
          rows.map((one) => (one.seq === row ? { ...one, reason: "forged" } : one)),
          undefined,
          hash,
        );
      const thrown = await rewritten(again).catch((fault: unknown) => fault);
      expect(thrown).toMatchObject(ALTERED);
      const { detail } = thrown as { readonly detail: { readonly row: number; readonly last: number } };
      expect(detail.row <= row && row <= detail.last).toBe(true);
    },
  );

  it("names rows that were added behind the end, before the beginning, and a record that is gone", async () => {
    const more = (rows: readonly ShadowDifference[]) => chained([...rows, rowOf(41)], undefined, hash);
    await expect(rewritten(more)).rejects.toMatchObject({ ...ALTERED, detail: { row: 41 } });
    await expect(rewritten((rows) => [{ ...shadowRowOf(1), seq: -4 }, ...rows])).rejects.toMatchObject({
      ...ALTERED,
      detail: { row: -4 },
    });
    await expect(rewritten(() => [])).rejects.toMatchObject({ ...ALTERED, detail: { row: 1 } });
  });
});
