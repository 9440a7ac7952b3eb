/** What becomes of what guests say of themselves? Real guests of a simulated chip, whose word the scan reads off their decisions. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { runAllScans } from "../../src/broker/findings.ts";
import { listFleet } from "../../src/broker/fleet.ts";
import type { GuestPosture } from "../../src/policy/guest-posture.ts";
import { createFleetScan } from "../../src/posture/fleet/scan.ts";
import type { Seen } from "../../src/posture/fleet/seen.ts";
import { stateOf, wordAfter } from "../../src/posture/fleet/word.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import type { Finding } from "../../src/wire/finding-messages.ts";
import { decodeGuest, encodeGuest } from "../../src/wire/fleet.ts";
import type { Guest } from "../../src/wire/fleet-messages.ts";
import type { Claims } from "../../src/wire/messages.ts";
import { attemptOf, type GuestBroker, guestBroker, makeLive, PATH, post } from "../pipeline/guest-at-hand.ts";
import { RENEWING, renewGuest, SECRET } from "../pipeline/renew-at-hand.ts";
import { posture } from "../wire/posture-arbitrary.ts";

const HOUR = 3600;
const guestId = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const idOf = (n: number): string => hexOf(guestId(n));

const WELL: GuestPosture = {
  v: 1,
  passed: ["memory.swap", "kernel.lockdown"],
  warned: [],
  failed: [],
  agent: "0.1.0",
};
const ILL: GuestPosture = { ...WELL, passed: ["kernel.lockdown"], failed: ["memory.swap"] };
const WARNED: GuestPosture = { ...WELL, passed: ["memory.swap"], warned: ["kernel.lockdown"] };

interface Came {
  readonly guest?: number;
  readonly posture?: GuestPosture;
  readonly image?: Uint8Array;
  readonly hostData?: Uint8Array;
}

async function come(broker: GuestBroker, { guest = 1, posture: said, image, hostData }: Came = {}) {
  const claims: Claims = { want: [{ secret: PATH }], ...(said === undefined ? {} : { posture: said }) };
  const report = {
    reportId: guestId(guest),
    ...(image === undefined ? {} : { measurement: image }),
    ...(hostData === undefined ? {} : { hostData }),
  };
  const answer = await post(broker, "/v1/release", (await attemptOf(broker, { claims, report })).body);
  broker.pass(HOUR);
  return answer.status;
}

async function openAfterScan(broker: GuestBroker): Promise<readonly Finding[]> {
  await runAllScans([createFleetScan({ ...broker.world, owner: "platform" }, 900)], broker.world);
  return (await broker.admin.listFindings(undefined)).filter(({ remediated }) => remediated === undefined);
}

const told = (findings: readonly Finding[]) =>
  findings.map((one) => `${one.class} ${one.subject}`).sort((a, b) => (a < b ? -1 : 1));
const ended = async ({ admin }: GuestBroker) =>
  (await admin.listFindings(undefined)).flatMap(({ class: name, remediated }) =>
    remediated === undefined ? [] : [`${name} ${remediated.how}`],
  );
const saying = () => guestBroker({ policy: RENEWING });

describe("a check that fails", () => {
  it("is found since the evidence that first said so, and until the guest says that it passes", async () => {
    const broker = await saying();
    await come(broker, { posture: { ...WELL, failed: ["cmdline.init"] } });
    const since = broker.world.now() - HOUR;
    await come(broker, { posture: { ...WELL, failed: ["cmdline.init"] } });
    const [failing, ...more] = await openAfterScan(broker);
    expect(more).toEqual([]);
    expect(failing).toMatchObject({
      class: "posture-failing",
      subject: `guest/${idOf(1)}`,
      severity: "medium",
      introducedAt: since,
      owner: "platform",
    });
    expect(failing?.sentence).toContain("cmdline.init");
    await come(broker, { posture: { ...WELL, passed: ["cmdline.init"] } });
    const left = await openAfterScan(broker);
    expect(await ended(broker)).toEqual(["posture-failing passed"]);
    expect(told(left)).toEqual([`posture-worsened guest/${idOf(1)}`]); // the two others are told no more
  });

  it("is not found good by silence", async () => {
    const broker = await saying();
    await come(broker, { posture: ILL });
    await openAfterScan(broker);
    await come(broker);
    expect(told(await openAfterScan(broker))).toEqual([
      `posture-failing guest/${idOf(1)}`,
      `posture-missing guest/${idOf(1)}`,
    ]);
  });
});

describe("a posture that is worse than it was", () => {
  it("is found since the evidence that shows it, and until the check passes again", async () => {
    const broker = await saying();
    await come(broker, { posture: WELL });
    expect(await openAfterScan(broker)).toEqual([]);
    const since = broker.world.now();
    await come(broker, { posture: WARNED });
    const [worse, ...more] = await openAfterScan(broker);
    expect(more).toEqual([]);
    expect(worse).toMatchObject({ class: "posture-worsened", severity: "low", introducedAt: since });
    expect(worse?.evidence).toMatchObject({
      "check kernel.lockdown": expect.stringContaining(`passed at ${idOf(1)}`),
    });
    await come(broker, { posture: WARNED });
    expect(told(await openAfterScan(broker))).toEqual([`posture-worsened guest/${idOf(1)}`]);
    await come(broker, { posture: WELL });
    expect(await openAfterScan(broker)).toEqual([]);
    expect(await ended(broker)).toEqual(["posture-worsened passed"]);
  });

  it("is taken over by the guest that replaces it", async () => {
    const broker = await saying();
    await come(broker, { posture: WELL });
    const since = broker.world.now();
    await come(broker, { guest: 2, posture: ILL });
    await come(broker, { guest: 3, posture: ILL });
    const findings = await openAfterScan(broker);
    expect(told(findings)).toEqual([`posture-failing guest/${idOf(3)}`, `posture-worsened guest/${idOf(3)}`]);
    expect(findings.map(({ introducedAt }) => introducedAt)).toEqual([since, since]);
  });

  it("is so where a check is left out by the same agent, and not where a new one knows others", async () => {
    const broker = await saying();
    await come(broker, { posture: WELL });
    await come(broker, { posture: { ...WELL, passed: ["memory.swap"] } });
    const [gone] = await openAfterScan(broker);
    expect(gone).toMatchObject({ class: "posture-worsened", severity: "medium" });
    await come(broker, { posture: { ...WELL, passed: ["memory.swap"], agent: "0.2.0" } });
    expect(await openAfterScan(broker)).toEqual([]);
  });

  it("is not hidden by leaving out a check that fails", async () => {
    const broker = await saying();
    await come(broker, { posture: ILL });
    await come(broker, { posture: { ...ILL, failed: [] } });
    expect(told(await openAfterScan(broker))).toEqual([`posture-worsened guest/${idOf(1)}`]);
  });
});

describe("a guest that says nothing of itself", () => {
  it("is found where it said something before, since then, and until it does again", async () => {
    const broker = await saying();
    await come(broker, { posture: WELL });
    const since = broker.world.now();
    await come(broker);
    await come(broker);
    const [missing, ...more] = await openAfterScan(broker);
    expect(more).toEqual([]);
    expect(missing).toMatchObject({ class: "posture-missing", severity: "high", introducedAt: since });
    await come(broker, { posture: WELL });
    expect(await openAfterScan(broker)).toEqual([]);
    expect(await ended(broker)).toEqual(["posture-missing passed"]);
  });

  it("is found where the guest that it replaces did", async () => {
    const broker = await saying();
    await come(broker, { posture: WELL });
    await come(broker, { guest: 2 });
    expect(told(await openAfterScan(broker))).toEqual([`posture-missing guest/${idOf(2)}`]);
  });

  it("is found where the live policy asks, and only for what it asks it of", async () => {
    const broker = await saying();
    await come(broker);
    expect(await openAfterScan(broker)).toEqual([]);
    const guard = (scope: string): string =>
      `${RENEWING}guard said { for resource "${scope}" require has posture.age else "say something" }\n`;
    await makeLive(broker, guard("other/**"), 2);
    expect(await openAfterScan(broker)).toEqual([]);
    const at = broker.world.now();
    await makeLive(broker, guard("prod/**"), 3);
    expect(await openAfterScan(broker)).toMatchObject([
      { class: "posture-missing", severity: "medium", introducedAt: at, evidence: { by: "policy" } },
    ]);
    expect(await come(broker)).toBe(403);
    expect(await openAfterScan(broker)).toMatchObject([{ class: "posture-missing" }]);
    expect(await come(broker, { posture: WELL })).toBe(200);
    expect(await openAfterScan(broker)).toEqual([]);
  });

  it("is found where others of its image do, and not where others of another image do", async () => {
    const broker = await saying();
    await come(broker, { hostData: new Uint8Array(32).fill(1) });
    await come(broker, {
      guest: 2,
      posture: WELL,
      image: new Uint8Array(48).fill(3),
      hostData: new Uint8Array(32).fill(2),
    });
    expect(await openAfterScan(broker)).toEqual([]);
    await come(broker, { guest: 3, posture: WELL, hostData: new Uint8Array(32).fill(3) });
    expect(await openAfterScan(broker)).toMatchObject([
      {
        class: "posture-missing",
        subject: `guest/${idOf(1)}`,
        severity: "medium",
        evidence: { by: "peers" },
      },
    ]);
  });
});

describe("a token", () => {
  it("brings no posture: neither an old one back, nor silence", async () => {
    const broker = await saying();
    const key = makeGuestSigner();
    const report = { reportId: guestId(1) };
    const claims = { want: [], cnf: key.jwk, posture: ILL };
    const guest = await renewGuest(broker, { claims, report });
    await post(
      broker,
      "/v1/attest",
      (await attemptOf(broker, { claims: { ...claims, posture: WELL }, report })).body,
    );
    await guest.renew([SECRET], { key });
    expect(await openAfterScan(broker)).toEqual([]);
    const [row] = (await listFleet({}, broker.world)).guests;
    expect(row).toMatchObject({ decisions: 3, posture: { passed: [...WELL.passed].sort(), failed: [] } });
    expect(row?.postureLost).toBeUndefined();
  });
});

describe("whatever guests say", () => {
  const seenOf = (at: number, said: GuestPosture | undefined): Seen => ({
    ...{ id: idOf(1), seq: at, at: instant(at), decision: "01J00000000000000000000000", outcome: "allow" },
    ...{ measurement: "02".repeat(48), vmpl: 0, cameFor: "a", settings: {}, hostData: "", isHeld: false },
    ...(said === undefined
      ? {}
      : { posture: { passed: said.passed, warned: said.warned, failed: said.failed } }),
  });
  const row = (seen: Seen, word: ReturnType<typeof wordAfter>): Guest => {
    const { seq: _, hostData: _hostData, isHeld: _isHeld, posture: _posture, at, ...rest } = seen;
    const times = { firstAt: at, lastAt: at, decisions: 1, longestGapSeconds: 0 };
    return { ...rest, ...times, place: "0".repeat(32), weakened: {}, ...word };
  };

  test.prop([fc.array(fc.option(posture, { nil: undefined }), { minLength: 1, maxLength: 12 })])(
    "its row is read as it was written, and says of each check that fails since when",
    (words) => {
      let own: Guest | undefined;
      for (const [at, said] of words.entries()) {
        const seen = seenOf(at, said);
        own = row(seen, wordAfter(seen, { own, before: undefined }));
        expect(decodeGuest(encodeGuest(own))).toEqual(own);
        if (said === undefined) continue;
        expect((own.failing ?? []).map(({ check }) => check)).toEqual([...said.failed]);
        for (const { check } of own.worsened ?? []) expect(stateOf(own.posture, check)).not.toBe("passed");
        expect(own.postureLost).toBeUndefined();
      }
    },
  );

  it("its row stays small, however many names it makes up", () => {
    let own: Guest | undefined;
    const names = (n: number, of: string): readonly string[] =>
      Array.from({ length: 64 }, (_, i) => `${of}${n}-${i}-`.padEnd(64, "x"));
    for (let n = 0; n < 20; n += 1) {
      const said: GuestPosture = {
        v: 1,
        passed: names(n, "p"),
        warned: names(n, "w"),
        failed: names(n, "f"),
      };
      const seen = seenOf(n, said);
      own = row(seen, wordAfter(seen, { own, before: undefined }));
      expect(encodeGuest(own).length).toBeLessThan(60_000);
    }
    expect(own?.worsened).toHaveLength(64);
  });

  it("a list of them has room for all, some at a time", async () => {
    const broker = await saying();
    const names = (of: string): readonly string[] =>
      Array.from({ length: 64 }, (_, i) => `${of}-${i}-`.padEnd(64, "x"));
    const said: GuestPosture = { v: 1, passed: names("p"), warned: names("w"), failed: names("f") };
    const seen = { ...seenOf(1, said), cameFor: PATH };
    const about = row(seen, wordAfter(seen, { own: undefined, before: undefined }));
    for (let from = 0; from < 100; from += 10) {
      const rows = Array.from({ length: 10 }, (_, i) => {
        const id = (from + i).toString(16).padStart(64, "0");
        const guest = { ...about, id };
        return { id, place: guest.place, seq: 1, lastAt: guest.lastAt, about: encodeGuest(guest) };
      });
      await broker.world.store.putGuests(rows); // in order: a batch each
    }
    const pages: number[] = [];
    for (let after: string | undefined, n = 0; n < 100; n += 1) {
      const page = await broker.admin.fleetPage(after); // in order: page after page
      pages.push(page.guests.length);
      after = page.next;
      if (after === undefined) break;
    }
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.reduce((sum, count) => sum + count, 0)).toBe(100);
  });
});
