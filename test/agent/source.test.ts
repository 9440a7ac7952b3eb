import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { type DemoBroker, demoBroker, random } from "./demo-broker.ts";
import { CACHE, reportsMade, type SourcePlan, sourceAt } from "./source-at.ts";

const DISK = random(32);

let broker: DemoBroker;
const sourced = (plan: SourcePlan = {}) => sourceAt(broker, plan);

beforeAll(async () => {
  broker = await demoBroker({
    "prod/disk": DISK,
    "prod/words": utf8("words"),
    "prod/alone": utf8("one"),
    "fresh/disk": DISK,
  });
  await broker.admin.putSecret("prod/key", { kind: "transit", type: "aes-256-gcm" });
  await broker.admin.changeSecret("prod/alone", { leaseSeconds: 600 });
  await broker.admin.putSecret("prod/turned", { kind: "generated", make: { name: "bytes", size: 32 } });
}, 60_000);

afterAll(async () => {
  await broker.remove();
});

/** How many reports the work took. */
async function reportsOf(work: () => Promise<unknown>): Promise<number> {
  const before = reportsMade();
  await work();
  return reportsMade() - before;
}

describe("the daemon's one way to the broker", () => {
  it("makes one report for readers that come together, and each has a copy of its own", async () => {
    const { source } = await sourced();
    const paths = ["prod/disk", "prod/disk", "prod/words"];
    const took = await reportsOf(async () => {
      const held = await Promise.all(paths.map((path) => source.read(path)));
      expect(new Set(held.map(({ decision }) => decision)).size).toBe(1);
      held[0]?.secret.fill(0);
      expect(held[1]?.secret).toEqual(DISK);
    });
    expect(took).toBe(1);
  });

  it("gives what it may where something else is refused beside it", async () => {
    const { source, outcomes } = await sourced();
    const [good, bad] = await Promise.allSettled([source.read("prod/disk"), source.read("lab/none")]);
    expect(good).toMatchObject({ status: "fulfilled", value: { path: "prod/disk", version: 1 } });
    expect(bad).toMatchObject({ reason: { code: "policy/denied", detail: { id: expect.any(String) } } });
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(["refused", "released"]);
  });

  it("uses transit keys many times by one token, and so by one report", async () => {
    const { source } = await sourced();
    const item = { operation: "encrypt", plaintext: utf8("x"), context: utf8("") } as const;
    expect(await reportsOf(() => source.transit("prod/key", item))).toBe(1);
    const took = await reportsOf(() => Promise.all([1, 2, 3].map(() => source.transit("prod/key", item))));
    expect(took).toBe(0);
  });

  it("reads again and again by one report, and a version after a rotation", async () => {
    const { source, renewals } = await sourced();
    const took = await reportsOf(async () => {
      const decisions = new Set<string>();
      for (let i = 0; i < 3; i += 1) decisions.add((await source.readAnew("prod/turned")).decision); // in order
      expect(decisions.size).toBe(3);
      const next = await broker.admin.rotateSecret("prod/turned", {});
      expect((await source.readAnew("prod/turned")).version).toBe(next.version);
      await source.read("prod/disk");
    });
    expect(took).toBe(1);
    expect(renewals).toEqual(Array(5).fill("secrets"));
    await source.close();
  });

  it("says what its machine shows where the operator wants that, and nothing of itself otherwise", async () => {
    const factsOf = async (plan: SourcePlan) => {
      const { source } = await sourced(plan);
      const { decision } = await source.read("prod/words");
      const detail = await broker.admin.decision(decision);
      await source.close();
      return JSON.stringify(detail.kind === "decision" ? detail.trace : "");
    };
    const said = await factsOf({ sendsPosture: true });
    expect(said).toContain('"posture.agent":"0.1.0"');
    expect(said).toContain('"posture.passed":[');
    expect(await factsOf({})).not.toContain("posture");
  });

  it("makes a report for each read where the operator wants that", async () => {
    const { source, renewals } = await sourced({ attestsAlways: true });
    expect(await reportsOf(() => source.readAnew("prod/disk"))).toBe(1);
    expect(await reportsOf(() => source.readAnew("prod/disk"))).toBe(1);
    expect(renewals).toEqual([]);
  });

  it("reads with a report what policy gives over new evidence alone, and finds that out once", async () => {
    const { source } = await sourced();
    await source.read("prod/disk");
    expect(await reportsOf(() => source.readAnew("fresh/disk"))).toBe(1);
    expect(await reportsOf(() => source.readAnew("fresh/disk"))).toBe(1);
    expect(await reportsOf(() => source.readAnew("prod/disk"))).toBe(0);
    await source.close();
  });

  it("remembers nothing unless it is asked to, and what it remembers takes no report", async () => {
    const forgetful = await sourced();
    await forgetful.source.read("prod/disk");
    expect(forgetful.source.cacheSize()).toEqual({ entries: 0, bytes: 0 });
    const { source } = await sourced({ cache: CACHE });
    await source.read("prod/disk");
    expect(await reportsOf(() => source.read("prod/disk"))).toBe(0);
    expect(source.cacheSize()).toEqual({ entries: 1, bytes: 32 });
    expect(await reportsOf(() => source.readAnew("prod/disk"))).toBe(0);
    await source.close();
    expect(source.cacheSize()).toEqual({ entries: 0, bytes: 0 });
  });

  it("gives a lease back at its end, so that another copy of the guest need not wait", async () => {
    const one = await sourced();
    expect((await one.source.read("prod/alone")).lease).toBeDefined();
    const other = await sourced({ reportId: random(32) });
    await expect(other.source.read("prod/alone")).rejects.toMatchObject({ code: "policy/denied" });
    await one.source.close();
    const later = await sourced({ reportId: random(32) });
    expect((await later.source.read("prod/alone")).secret).toEqual(utf8("one"));
    await later.source.close();
  });
});
