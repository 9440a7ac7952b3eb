/** Does each guest get a key of its own, the same one every time, and nobody the root? From the report to the opened release. */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import type { SecretVersion } from "../../src/broker/secret-store.ts";
import type { World } from "../../src/broker/world.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { ReportPlan } from "../../src/simulator/sp.ts";
import { attemptOf, type GuestBroker, guestBroker, POLICY, post, releaseOf } from "./guest-at-hand.ts";

const SEED = "prod/seed";
const DERIVING = POLICY.replace("max_releases 3", "key_version any max_releases 1000").replace(
  "request.op == release",
  "request.op == derive",
);

async function broker(change?: (world: World) => Partial<World>): Promise<GuestBroker> {
  const made = await guestBroker({ policy: DERIVING, ...(change === undefined ? {} : { change }) });
  await made.admin.putSecret(SEED, { kind: "derived", size: 48, by: ["host_data"] });
  return made;
}

const hostData = (fill: number): Partial<ReportPlan> => ({ hostData: new Uint8Array(32).fill(fill) });

async function asked(at: GuestBroker, report: Partial<ReportPlan>, version?: number) {
  const item = version === undefined ? { secret: SEED } : { secret: SEED, version };
  const attempt = await attemptOf(at, { claims: { want: [item] }, report });
  return { attempt, response: await post(at, "/v1/release", attempt.body) };
}

async function keyOf(at: GuestBroker, report: Partial<ReportPlan>, version?: number): Promise<string> {
  const { attempt, response } = await asked(at, report, version);
  expect(response.status).toBe(200);
  const { transcript, wrapPrivate, claims } = attempt;
  const context = { transcript, wrapPrivate, isPartial: false, signingKey: at.world.signer.spki };
  const [release] = await openReleases(await releaseOf(response), {
    ...context,
    primitives: nodePrimitives,
    wanted: claims.want,
    now: at.world.now(),
  });
  return hexOf(release?.secret ?? new Uint8Array(0));
}

const lastEntry = async ({ world }: GuestBroker) =>
  (await ledgerEntries({ from: 0, limit: 100 }, world)).findLast(({ kind }) => kind === "decision");

describe("a derived secret", () => {
  it("is one key for one guest and another for another, and none of them the root", async () => {
    const at = await broker();
    const first = await keyOf(at, hostData(1));
    expect(first).toHaveLength(96);
    expect(await keyOf(at, hostData(1))).toBe(first);
    expect(await keyOf(at, hostData(2))).not.toBe(first);
    expect(await lastEntry(at)).toMatchObject({
      items: [{ resource: SEED, op: "derive", outcome: "allow" }],
    });
  });

  it("is another with each version, and the old one stays what it was", async () => {
    const at = await broker();
    const first = await keyOf(at, hostData(1));
    await at.admin.rotateSecret(SEED, {});
    expect(await keyOf(at, hostData(1))).not.toBe(first);
    expect(await keyOf(at, hostData(1), 1)).toBe(first);
  });

  it("is refused where the report does not say who the guest is", async () => {
    const at = await broker();
    expect((await asked(at, hostData(0))).response.status).toBe(403);
    const entry = await lastEntry(at);
    expect(entry).toMatchObject({ outcome: "deny", code: "no-secret" });
    const { trace } = Object(await at.admin.decision(String(Object(entry).id)));
    expect(trace).toMatchObject({ items: [{ missing: "expected evidence with host_data" }] });
  });

  it("is not released under a policy for releases", async () => {
    const at = await guestBroker();
    await at.admin.putSecret(SEED, { kind: "derived", size: 48, by: ["host_data"] });
    expect((await asked(at, hostData(1))).response.status).toBe(403);
  });

  it.each<readonly [string, (row: SecretVersion) => Partial<SecretVersion>]>([
    ["calls the root a plain secret", () => ({ kind: "generated", make: "bytes:32" })],
    ["names another field to derive by", () => ({ make: "derived:48:measurement" })],
    ["names another size", () => ({ make: "derived:16:host_data" })],
    ["leaves a recipe that nobody reads", () => ({ make: "derived:48:everything" })],
  ])("gives nothing to who can write the database and %s", async (_, change) => {
    const both = DERIVING.replace(
      "request.op == derive",
      "any { request.op == derive, request.op == release }",
    );
    let altered: (row: SecretVersion) => Partial<SecretVersion> = () => ({});
    const at = await guestBroker({
      policy: both,
      change: ({ store }) => ({
        store: {
          ...store,
          secretVersion: async (path, version) => {
            const row = await store.secretVersion(path, version);
            return row && { ...row, ...altered(row) };
          },
        },
      }),
    });
    await at.admin.putSecret(SEED, { kind: "derived", size: 48, by: ["host_data"] });
    expect((await asked(at, hostData(1))).response.status).toBe(200);
    altered = change;
    expect((await asked(at, hostData(1))).response.status).not.toBe(200);
  });

  it("gives nothing where the recipe that was decided on is not the one that the root was sealed with", async () => {
    let lie: Partial<SecretVersion> = {};
    const at = await broker(({ store }) => ({
      store: {
        ...store,
        secretVersion: async (path, version) => {
          const row = await store.secretVersion(path, version);
          const told = row && { ...row, ...lie };
          lie = {}; // the next reader, after the decision, sees the truth
          return told;
        },
      },
    }));
    lie = { make: "derived:48:measurement" };
    expect((await asked(at, hostData(1))).response.status).toBe(500);
    expect((await asked(at, hostData(1))).response.status).toBe(200);
  });
});
