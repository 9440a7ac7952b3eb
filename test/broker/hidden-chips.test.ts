/** A broker that keeps no chip's id: traces, counters, fleet and inventory name none, and everything that reads them goes on as before. */
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { runAllScans } from "../../src/broker/findings.ts";
import { listFleet } from "../../src/broker/fleet.ts";
import { hidingChips } from "../../src/broker/hidden-chips.ts";
import { replayPage } from "../../src/broker/replay.ts";
import type { World } from "../../src/broker/world.ts";
import { chipIdsUnder } from "../../src/keys/chip-ids.ts";
import { loadBundle, packBundle } from "../../src/policy/bundle.ts";
import { readUses } from "../../src/posture/credentials/uses.ts";
import { createFleetScan } from "../../src/posture/fleet/scan.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { attemptOf, type GuestBroker, guestBroker, PATH, POLICY, post } from "../pipeline/guest-at-hand.ts";
import { RENEWING, renewGuest } from "../pipeline/renew-at-hand.ts";
import { codeOf as refusalOf } from "../pipeline/transit-at-hand.ts";

const CHIP = "03".repeat(64);
const chipIds = chipIdsUnder(new Uint8Array(32).fill(9), nodePrimitives);
const lost = chipIdsUnder(new Uint8Array(32).fill(8), nodePrimitives);
/** One that lets a single chip in, and one that keeps it out. */
const [ONLY, NEVER] = ["==", "!="].map((operator) =>
  POLICY.replace(
    "require has report.chip_id",
    `require has report.chip_id and report.chip_id ${operator} hex"${CHIP}"`,
  ),
);

const hiding = (policy = POLICY): Promise<GuestBroker> =>
  guestBroker({ policy, change: () => ({ chipIds }) });

async function ask(broker: GuestBroker, report = {}): Promise<number> {
  return (await post(broker, "/v1/release", (await attemptOf(broker, { report })).body)).status;
}

const bundleOf = (text: string) =>
  loadBundle(
    packBundle([{ path: "test.writ", text }], undefined, nodePrimitives.digest),
    nodePrimitives.digest,
  );

async function everythingIn({ world: { store } }: GuestBroker): Promise<string> {
  const size = await store.ledgerSize();
  const [entries, decisions] = [await store.entries(0, size), await store.decisionsFrom(0, size)];
  const [guests, uses] = [await store.guests(undefined, 100), await store.credentialUses("", 100)];
  return JSON.stringify([entries, decisions, guests, uses]);
}

describe("a broker that hides chips", () => {
  it("writes no chip's id, whether it gave or refused, and one name for one chip", async () => {
    const broker = await hiding(ONLY);
    expect([await ask(broker), await ask(broker, { measurement: new Uint8Array(48).fill(5) })]).toEqual([
      200, 403,
    ]);
    await runAllScans([createFleetScan({ ...broker.world, owner: "o" }, 900)], broker.world);
    await readUses(broker.world.store, 10, chipIds);
    const kept = await everythingIn(broker);
    expect(kept).toContain(chipIds.hide(CHIP));
    expect(kept).not.toContain("03".repeat(16));
  });

  it("counts by chip as ever, in counters that name none", async () => {
    const counted: string[] = [];
    const broker = await guestBroker({
      change: ({ commit }) => ({
        chipIds,
        commit: (decision) => {
          counted.push(...decision.items.flatMap(({ uses }) => uses.map(({ key }) => key)));
          return commit(decision);
        },
      }),
    });
    const statuses = [await ask(broker), await ask(broker), await ask(broker), await ask(broker)];
    expect(statuses).toEqual([200, 200, 200, 403]);
    expect(new Set(counted)).toEqual(new Set([expect.stringContaining(chipIds.hide(CHIP))]));
  });

  it("hides it before it is hashed: the entry's hash is that of what is kept", async () => {
    const broker = await hiding();
    await ask(broker);
    const [decision] = await broker.world.store.decisionsFrom(0, 10);
    const entry = decision?.draft.kind === "decision" ? decision.draft : undefined;
    expect(hexOf(nodePrimitives.digest("sha256", utf8(decision?.trace ?? "")))).toBe(entry?.trace_hash);
    expect(decision?.trace).not.toContain(CHIP);
  });

  it.each([
    ["alike", ONLY, chipIds, [{ kind: "alike" }]],
    ["otherwise, where a chip is kept out", NEVER, chipIds, [{ kind: "otherwise" }]],
    ["not at all under another salt", ONLY, lost, [{ kind: "unseen" }]],
  ] as const)(
    "has stored decisions judged again by what they saw: %s",
    async (_, policy = "", under, items) => {
      const broker = await hiding();
      await ask(broker);
      const sides = { newer: bundleOf(policy), older: undefined };
      const world = { ...broker.world, chipIds: under };
      const { decisions } = await replayPage(sides, { limit: 10 }, world);
      expect(decisions.map((one) => one.items)).toMatchObject([items]);
    },
  );

  it("renews for a guest whose chip the policy names, and for nobody once the salt is another", async () => {
    const policy = RENEWING.replace(
      "require has report.chip_id",
      `require has report.chip_id and report.chip_id == hex"${CHIP}"`,
    );
    const salt: { under: World["chipIds"] } = { under: chipIds };
    const broker = await guestBroker({
      policy,
      change: () => ({
        chipIds: { ...chipIds, show: (text: string) => salt.under?.show(text) ?? text },
      }),
    });
    const guest = await renewGuest(broker);
    expect((await guest.renew()).secrets).toMatchObject([{ secretId: PATH }]);
    salt.under = lost;
    expect(await refusalOf(guest.renew())).toBe("admin/unauthorized");
  });

  it("knows who could have a secret, and on which chip whoever came was, by its name", async () => {
    for (const [policy = "", allow] of [
      [ONLY, true],
      [NEVER, false],
    ] as const) {
      const broker = await hiding(policy);
      await ask(broker);
      await runAllScans([createFleetScan({ ...broker.world, owner: "o" }, 900)], broker.world);
      const { guests } = await listFleet({ resource: PATH }, broker.world);
      expect(guests).toMatchObject([{ chip: chipIds.hide(CHIP), would: { allow } }]);
    }
  });
});

describe("certificates of chips", () => {
  const KEY = `vcek/milan/${CHIP}/3.0.0.24.219#0`;
  const der = Uint8Array.from([0x30, 0x82, ...new Uint8Array(64).fill(3)]);
  const obtainedAt = 1_790_000_000 as never;

  it("are kept sealed, under a key that names none, and are found again", async () => {
    const plain = createMemoryStore();
    const store = hidingChips(plain, chipIds);
    await store.cacheEndorsement(KEY, { der, obtainedAt });
    await store.cacheEndorsement("crl/vcek/milan#0", { der, obtainedAt });
    expect(await store.cachedEndorsement(KEY)).toEqual({ der, obtainedAt });
    const [crl, vcek] = await plain.cachedEndorsements("", 10);
    expect(crl).toEqual({ key: "crl/vcek/milan#0", der, obtainedAt });
    expect(vcek?.key).toBe(chipIds.hide(KEY));
    expect(hexOf(vcek?.der ?? der)).not.toContain("03".repeat(8));
    const [, shown] = await store.cachedEndorsements("", 10);
    expect(shown).toEqual({ key: chipIds.hide(KEY), der, obtainedAt });
    await store.cacheEndorsement(shown?.key ?? "", { der, obtainedAt });
    expect(await plain.cachedEndorsements("", 10)).toHaveLength(2);
  });

  it("from before are found as they were kept", async () => {
    const plain = createMemoryStore();
    await plain.cacheEndorsement(KEY, { der, obtainedAt });
    expect(await hidingChips(plain, chipIds).cachedEndorsement(KEY)).toEqual({ der, obtainedAt });
    expect(hidingChips(plain, undefined)).toBe(plain);
  });
});
