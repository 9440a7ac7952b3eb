/** Whose firmware is below AMD's bulletins, since when and how surely? Real guests of simulated chips, and an advisory that the admin signed. */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { addSeconds, parseInstant } from "../../src/base/time.ts";
import { runAllScans } from "../../src/broker/findings.ts";
import { type Advisory, type Bulletin, type Grade, signAdvisory } from "../../src/policy/advisory.ts";
import { debtLook, type Owing } from "../../src/posture/fleet/debt.ts";
import { createFleetScan } from "../../src/posture/fleet/scan.ts";
import { createSimulatedChip, type ReportPlan } from "../../src/simulator/sp.ts";
import type { Finding } from "../../src/wire/finding-messages.ts";
import { attemptOf, type GuestBroker, guestBroker, POLICY, post } from "../pipeline/guest-at-hand.ts";
import { advisory, bulletin, figure, PUBLISHED } from "../policy/advisory-at-hand.ts";
import { simulatedRoot } from "../support/simulated.ts";

const HOUR = 3600;
const DAY = 86_400;
const CHIP_ID = new Uint8Array(64).fill(7);
const OLD = { bootloader: 4, tee: 0, snp: 24, microcode: 218 };
const MENDED = { ...OLD, microcode: 219 };
const ANY_FIRMWARE = POLICY.replace(/ {2}require tcb.reported.*\n/, "").replace(
  "max_releases 3",
  "max_releases 99",
);

/** One host, before its firmware is updated and after. */
const chipAt = (tcb: typeof OLD) => createSimulatedChip(simulatedRoot("milan"), { tcb, chipId: CHIP_ID });
const [oldHost, mendedHost] = [chipAt(OLD), chipAt(MENDED)];

interface Came {
  readonly guest?: number;
  readonly chip?: typeof oldHost;
  readonly report?: Partial<ReportPlan>;
}

async function come(broker: GuestBroker, { guest = 1, chip = oldHost, report }: Came = {}): Promise<number> {
  const plan = { reportId: new Uint8Array(32).fill(guest), ...report };
  return (await post(broker, "/v1/release", (await attemptOf(broker, { chip, report: plan })).body)).status;
}

async function debtsAfterScan(broker: GuestBroker): Promise<readonly Finding[]> {
  const scan = createFleetScan({ ...broker.world, owner: "platform", advisorySeconds: 90 * DAY }, 900);
  await runAllScans([scan], broker.world);
  return (await broker.admin.listFindings(undefined)).filter(({ class: name }) => /debt|advisory/.test(name));
}

const open = (findings: readonly Finding[]) => findings.filter(({ remediated }) => remediated === undefined);
const ended = (findings: readonly Finding[]) => findings.flatMap(({ remediated }) => remediated?.how ?? []);

async function told(edition: Advisory = advisory()): Promise<GuestBroker> {
  const broker = await guestBroker({ policy: ANY_FIRMWARE });
  await broker.admin.importAdvisory(await signAdvisory(edition, broker.adminSigner));
  return broker;
}

describe("a debt of firmware", () => {
  it("is found of the chip, since the first evidence where that came after the bulletin, and ends with the next good one", async () => {
    const broker = await told();
    const at = broker.world.now();
    expect(await come(broker)).toBe(200);
    broker.pass(HOUR);
    const [debt, ...more] = open(await debtsAfterScan(broker));
    expect(more).toEqual([]);
    expect(debt).toMatchObject({
      class: "tcb-debt",
      subject: `chip/${hexOf(CHIP_ID).slice(0, 32)}/AMD-SB-3019`,
      severity: "medium",
      owner: "platform",
      introducedAt: at,
    });
    expect(debt?.sentence).toContain("reported microcode 218, asked is 219");
    expect(debt?.evidence).toMatchObject({ guest: "01".repeat(32), guests: 1, published: "2025-02-03" });
    broker.pass(HOUR);
    await come(broker, { guest: 2, chip: mendedHost });
    broker.pass(1);
    expect(ended(await debtsAfterScan(broker))).toEqual(["passed"]);
  });

  it("is as old as the bulletin where the evidence is older, and keeps its beginning while guests come and go", async () => {
    const published = { ...PUBLISHED, date: "2026-11-24" };
    const broker = await guestBroker({ policy: ANY_FIRMWARE });
    await come(broker);
    broker.pass(2 * DAY);
    const edition = advisory({ issued: "2026-11-24", bulletins: [bulletin({ published })] });
    await broker.admin.importAdvisory(await signAdvisory(edition, broker.adminSigner));
    const [debt] = await debtsAfterScan(broker);
    expect(debt?.introducedAt).toBe(parseInstant("2026-11-24T00:00:00Z"));
    await come(broker, { guest: 2 });
    broker.pass(1);
    const [same, ...more] = await debtsAfterScan(broker);
    expect([same?.introducedAt, more]).toEqual([debt?.introducedAt, []]);
  });

  it("of a bulletin whose day nobody knows has no beginning, and is in no time to detect", async () => {
    const { published: _published, ...undated } = bulletin();
    const broker = await told(advisory({ bulletins: [undated] }));
    await come(broker);
    broker.pass(1);
    expect((await debtsAfterScan(broker))[0]?.introducedAt).toBeUndefined();
  });

  it("is seen in what the host can go back to, and in what was there when the guest began", async () => {
    const bulletins = [bulletin({ floors: [figure("milan", "snp", 24)] })];
    const broker = await told(advisory({ bulletins }));
    await come(broker, { chip: mendedHost, report: { launchTcb: { ...MENDED, snp: 20 } } });
    broker.pass(1);
    expect(open(await debtsAfterScan(broker))[0]?.sentence).toContain("launch snp 20, asked is 24");
  });

  it.each<[Grade, string]>([
    ["vendor-stated", "high"],
    ["derived", "medium"],
    ["reported", "low"],
  ])("whose surest figure is %s is %s", async (sure, severity) => {
    const floors = [
      figure("milan", "microcode", 219, { sure }),
      figure("milan", "snp", 99, { sure: "reported" }),
    ];
    const broker = await told(advisory({ bulletins: [bulletin({ floors })] }));
    await come(broker);
    broker.pass(1);
    expect(open(await debtsAfterScan(broker))[0]?.severity).toBe(severity);
  });

  it("is one for each bulletin, and is gone with a figure that was withdrawn", async () => {
    const bulletins = [bulletin(), bulletin({ id: "AMD-SB-3030", floors: [figure("milan", "snp", 29)] })];
    const broker = await told(advisory({ bulletins }));
    await come(broker);
    broker.pass(1);
    expect(open(await debtsAfterScan(broker))).toHaveLength(2);
    const withdrawn = [{ bulletin: "AMD-SB-3030", line: "milan", component: "snp", why: "AMD took it back" }];
    const next = advisory({ serial: 2, bulletins: [bulletin()], withdrawn });
    await broker.admin.importAdvisory(await signAdvisory(next, broker.adminSigner));
    broker.pass(1);
    const after = await debtsAfterScan(broker);
    expect([open(after).length, ended(after)]).toEqual([1, ["gone"]]);
  });

  it("is nothing where no advisory was ever imported", async () => {
    const broker = await guestBroker({ policy: ANY_FIRMWARE });
    await come(broker);
    broker.pass(1);
    expect(await debtsAfterScan(broker)).toEqual([]);
  });

  it("neither comes nor ends by an advisory that nobody may judge by, which is a finding itself", async () => {
    const broker = await told();
    await come(broker);
    broker.pass(1);
    expect(open(await debtsAfterScan(broker))).toHaveLength(1);
    await come(broker, { guest: 2, chip: mendedHost });
    broker.pass(1);
    const row = await broker.world.store.newestAdvisory();
    const world = {
      ...broker.world,
      store: { ...broker.world.store, newestAdvisory: async () => row && { ...row, serial: 9 } },
    };
    const altered = open(await debtsAfterScan({ ...broker, world }));
    expect(altered.map((one) => one.class).sort()).toEqual(["advisory-altered", "tcb-debt"]);
    broker.pass(1);
    expect(open(await debtsAfterScan(broker))).toEqual([]);
  });

  it("of an old advisory is told beside it, since the day on which it became old", async () => {
    const broker = await told();
    broker.pass(67 * DAY);
    expect(open(await debtsAfterScan(broker))).toEqual([]);
    broker.pass(DAY);
    const [old] = open(await debtsAfterScan(broker));
    const became = (parseInstant("2026-11-01T00:00:00Z") ?? 0) + 90 * DAY;
    expect(old).toMatchObject({ class: "advisory-old", subject: "advisory", introducedAt: became });
    await broker.admin.importAdvisory(
      await signAdvisory(advisory({ serial: 2, issued: "2027-01-30" }), broker.adminSigner),
    );
    broker.pass(1);
    expect(open(await debtsAfterScan(broker))).toEqual([]);
  });
});

const guest = (id: string, changes: Partial<Owing> = {}): Owing => {
  const at = parseInstant("2026-11-02T00:00:00Z");
  if (at === undefined) throw new Error("a moment");
  const named = {
    id,
    cameFor: "prod/a",
    decision: "d",
    product: "milan",
    silicon: "milan",
    chip: "ab".repeat(64),
  };
  return {
    ...named,
    firstAt: at,
    lastAt: at,
    tcbAt: at,
    tcb: OLD,
    committedTcb: OLD,
    launchTcb: OLD,
    ...changes,
  };
};
const look = (guests: readonly Owing[], ...bulletins: readonly Bulletin[]) => {
  const { seen, passed, blind } = debtLook(guests, advisory({ bulletins }), "");
  return { seen: seen.map(({ subject }) => subject), passed, blind };
};

describe("of several guests", () => {
  const mended = { tcb: MENDED, committedTcb: MENDED, launchTcb: MENDED };
  const later = addSeconds(guest("later").lastAt, 60);

  it("on one chip those count who came since its firmware is as it is now", () => {
    const dead = guest("dead");
    const alive = guest("alive", {
      ...mended,
      lastAt: later,
      tcbAt: later,
    });
    expect(look([dead, alive], bulletin())).toEqual({
      seen: [],
      passed: [`chip/${"ab".repeat(16)}/AMD-SB-3019`],
      blind: [],
    });
  });

  it("that a provider's one key signs for each stands alone", () => {
    const cloud = { chip: "CN=cc-us-east-1.amazonaws.com" };
    expect(look([guest("a", cloud), guest("b", { ...cloud, ...mended })], bulletin())).toEqual({
      seen: ["guest/a/AMD-SB-3019"],
      passed: ["guest/b/AMD-SB-3019"],
      blind: [],
    });
  });

  it("one of another line is named in no way, and one of whom nothing is known is not said to be good", () => {
    const { product: _product, silicon: _silicon, ...unknown } = guest("u", { chip: "c" });
    expect(
      look([guest("x", { chip: "x", silicon: "siena", product: "genoa" }), unknown], bulletin()),
    ).toEqual({
      seen: [],
      passed: [],
      blind: ["guest/u/AMD-SB-3019"],
    });
  });
});
