/** Which guests came, and what is not good about them? Real guests of a simulated chip, whose decisions the scan reads afterwards. */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { runAllScans } from "../../src/broker/findings.ts";
import { listFleet, showGuest } from "../../src/broker/fleet.ts";
import { createFleetScan } from "../../src/posture/fleet/scan.ts";
import type { Finding } from "../../src/wire/finding-messages.ts";
import {
  attemptOf,
  type GuestBroker,
  guestBroker,
  makeLive,
  PATH,
  POLICY,
  post,
} from "../pipeline/guest-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";

const HOUR = 3600;
const DAY = 86_400;
const [FIRST, SECOND] = [new Uint8Array(48).fill(2), new Uint8Array(48).fill(3)];
const guestId = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const idOf = (n: number): string => hexOf(guestId(n));

/** One reference set, which a test fills. */
function listing(...entries: readonly string[]): string {
  return POLICY.replace(
    "policy disks",
    `refset images of measurement {\n${entries.join("\n")}\n}\npolicy disks`,
  )
    .replace(/ {2}require measurement == .*\n/, '  require measurement in images else "not approved"\n')
    .replace('  require not guest.debug else "guest memory could be read"\n', "")
    .replace("max_releases 3", "max_releases 1000");
}

const entry = (label: string, measurement: Uint8Array, more = "state active"): string =>
  `"${label}" = hex"${hexOf(measurement)}" valid 2026-01-01 .. ${more}`;
const ONE = entry("web 1", FIRST);
const TWO = entry("web 2", SECOND);

interface Came {
  readonly guest?: number;
  readonly image?: Uint8Array;
  readonly hostData?: Uint8Array;
  readonly policy?: bigint;
}

async function come(broker: GuestBroker, { guest = 1, image = FIRST, ...rest }: Came = {}): Promise<number> {
  const report = { reportId: guestId(guest), measurement: image, ...rest };
  return (await post(broker, "/v1/release", (await attemptOf(broker, { report })).body)).status;
}

const scansOf = ({ world }: GuestBroker) => [createFleetScan({ ...world, owner: "platform" }, 900)];

async function openAfterScan(broker: GuestBroker): Promise<readonly Finding[]> {
  await runAllScans(scansOf(broker), broker.world);
  return (await broker.admin.listFindings(undefined)).filter(({ remediated }) => remediated === undefined);
}

const classesOf = (findings: readonly Finding[]) => findings.map((one) => one.class).sort();

describe("the fleet", () => {
  it("has one row for each launch, as its newest decision saw it, with the label of its image", async () => {
    const broker = await guestBroker({ policy: listing(ONE) });
    const at = broker.world.now();
    expect(await come(broker)).toBe(200);
    broker.pass(HOUR);
    expect(await come(broker)).toBe(200);
    expect(await come(broker, { guest: 2, image: SECOND })).toBe(403);
    await openAfterScan(broker);
    const { guests, behind } = await listFleet({}, broker.world);
    expect(behind).toBe(0);
    expect(guests.map(({ id }) => id)).toEqual([idOf(1), idOf(2)]);
    expect(guests[0]).toMatchObject({
      cameFor: PATH,
      firstAt: at,
      lastAt: at + HOUR,
      allowedAt: at + HOUR,
      decisions: 2,
      longestGapSeconds: HOUR,
      outcome: "allow",
      product: "milan",
      silicon: "milan",
      tcb: { bootloader: 4, tee: 0, snp: 24, microcode: 219 },
      chip: hexOf(broker.chip.chipId),
      simulated: true,
      image: { state: "listed", label: "web 1", set: "acme.test/images" },
    });
    expect(guests[1]).toMatchObject({
      outcome: "deny",
      code: "require-failed",
      image: { state: "unlisted" },
    });
    expect(guests[1]?.allowedAt).toBeUndefined();
    expect(new Set(guests.map(({ place }) => place)).size).toBe(1);
  });

  it("says how far behind the log it is, and reads nothing twice", async () => {
    const broker = await guestBroker({ policy: listing(ONE) });
    await come(broker);
    expect((await listFleet({}, broker.world)).behind).toBeGreaterThan(0);
    await openAfterScan(broker);
    await broker.world.store.putMeta("fleet-read", await broker.world.store.meta("fleet-read"), "0");
    await openAfterScan(broker);
    expect((await showGuest(idOf(1), broker.world)).guests[0]?.decisions).toBe(1);
    expect(await codeOfPromise(showGuest(idOf(9), broker.world))).toBe("fleet/unknown");
  });

  it("knows no label where no policy lists images", async () => {
    const broker = await guestBroker();
    await come(broker);
    expect(await openAfterScan(broker)).toEqual([]);
    expect((await listFleet({}, broker.world)).guests[0]?.image).toEqual({ state: "unknown" });
  });
});

describe("an image", () => {
  it("that changes without the policy drifts, since the evidence of it, and until it is back", async () => {
    const broker = await guestBroker({ policy: listing(ONE, TWO) });
    await come(broker);
    broker.pass(HOUR);
    const changedAt = broker.world.now();
    await come(broker, { guest: 2, image: SECOND });
    broker.pass(HOUR);
    const [drift, ...more] = await openAfterScan(broker);
    expect(more).toEqual([]);
    expect(drift).toMatchObject({
      class: "image-drift",
      severity: "low",
      introducedAt: changedAt,
      owner: "platform",
    });
    expect(drift?.evidence).toMatchObject({ was: hexOf(FIRST), is: hexOf(SECOND), guestBefore: idOf(1) });
    await come(broker, { guest: 3, image: SECOND });
    broker.pass(HOUR);
    expect(classesOf(await openAfterScan(broker))).toEqual(["image-drift"]);
    await come(broker, { guest: 4, image: FIRST });
    broker.pass(HOUR);
    expect(await openAfterScan(broker)).toEqual([]);
    const [ended] = await broker.admin.listFindings(undefined);
    expect(ended?.remediated?.how).toBe("passed");
  });

  it("that changes with the policy is no drift, and one that changed before it ends with it", async () => {
    const broker = await guestBroker({ policy: listing(ONE) });
    await come(broker);
    await come(broker, { guest: 2, image: SECOND });
    broker.pass(1);
    expect(classesOf(await openAfterScan(broker))).toEqual(["image-drift", "image-unlisted"]);
    await makeLive(broker, listing(ONE, TWO), 2);
    await come(broker, { guest: 2, image: SECOND });
    broker.pass(1);
    expect(await openAfterScan(broker)).toEqual([]);
    await makeLive(broker, listing(TWO), 3);
    await come(broker, { guest: 3, image: FIRST });
    broker.pass(1);
    expect(classesOf(await openAfterScan(broker))).toEqual(["image-unlisted"]);
  });

  it.each([
    ["retiring", entry("web 1", FIRST, "state retiring"), "image-retiring", "low"],
    ["expired", entry("web 1", FIRST, "2026-06-01 state active"), "image-unlisted", "medium"],
    ["revoked", entry("web 1", FIRST, "state revoked"), "image-unlisted", "medium"],
    ["unlisted", TWO, "image-unlisted", "medium"],
  ])("that is %s is a finding of its own class", async (state, listed, expected, severity) => {
    const broker = await guestBroker({ policy: listing(listed) });
    await come(broker);
    broker.pass(1);
    const findings = await openAfterScan(broker);
    expect(findings.map((one) => [one.class, one.severity])).toEqual([[expected, severity]]);
    expect((await listFleet({}, broker.world)).guests[0]?.image.state).toBe(state);
  });

  it("that expired after it was let in is so since that day", async () => {
    const broker = await guestBroker({ policy: listing(entry("web 1", FIRST, "2026-11-24 state active")) });
    await come(broker);
    expect(await openAfterScan(broker)).toEqual([]);
    broker.pass(3 * DAY);
    const [finding] = (await openAfterScan(broker)).filter((one) => one.class === "image-unlisted");
    expect(finding).toMatchObject({ severity: "high", introducedAt: Date.UTC(2026, 10, 24) / 1000 });
  });
});

describe("a guest", () => {
  const STRICT = 0x20000n;
  const DEBUG = STRICT | (1n << 19n);

  it("that is weaker than the one before it is found, and so is who replaces it, until one is as it was", async () => {
    const broker = await guestBroker({ policy: listing(ONE) });
    await come(broker, { policy: STRICT });
    broker.pass(60);
    const since = broker.world.now();
    await come(broker, { guest: 2, policy: DEBUG });
    broker.pass(60);
    const [weak] = await openAfterScan(broker);
    expect(weak).toMatchObject({ class: "guest-weakened", severity: "critical", introducedAt: since });
    expect(weak?.sentence).toContain("guest.debug");
    await come(broker, { guest: 3, policy: DEBUG });
    broker.pass(60);
    expect(classesOf(await openAfterScan(broker))).toEqual(["guest-weakened"]);
    await come(broker, { guest: 4, policy: STRICT });
    broker.pass(60);
    expect(await openAfterScan(broker)).toEqual([]);
  });

  it("that stops coming is silent by its own rhythm, not before a day, and gone after a month", async () => {
    const broker = await guestBroker({ policy: listing(ONE) });
    for (let i = 0; i < 3; i += 1) {
      await come(broker); // in order: each by its own hour
      broker.pass(HOUR);
    }
    broker.pass(22 * HOUR);
    expect(await openAfterScan(broker)).toEqual([]);
    broker.pass(2 * HOUR);
    const [silent] = await openAfterScan(broker);
    expect(silent).toMatchObject({ class: "guest-silent", severity: "medium", subject: `guest/${idOf(1)}` });
    expect(silent?.introducedAt).toBe(broker.world.now() - HOUR);
    broker.pass(30 * DAY);
    expect(await openAfterScan(broker)).toEqual([]);
  });

  it("that was replaced is not silent, and neither is one that came too seldom to have a rhythm", async () => {
    const broker = await guestBroker({ policy: listing(ONE) });
    for (let i = 0; i < 3; i += 1) await come(broker); // in order
    await come(broker, { guest: 3, hostData: new Uint8Array(32).fill(9) });
    broker.pass(HOUR);
    await come(broker, { guest: 2 });
    broker.pass(3 * DAY);
    expect(await openAfterScan(broker)).toEqual([]);
  });

  it("that is refused another's lease claims it too, for a day", async () => {
    const broker = await guestBroker({ policy: listing(ONE) });
    await broker.admin.changeSecret(PATH, { leaseSeconds: 600 });
    expect(await come(broker)).toBe(200);
    expect(await come(broker, { guest: 2 })).toBe(403);
    broker.pass(1);
    const [claim, ...more] = await openAfterScan(broker);
    expect(more).toEqual([]);
    expect(claim).toMatchObject({ class: "lease-contended", subject: `guest/${idOf(2)}` });
    expect(claim?.evidence).toMatchObject({ resource: PATH });
    broker.pass(DAY);
    expect(await openAfterScan(broker)).toEqual([]);
  });
});
