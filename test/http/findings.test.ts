/** What does an admin see of findings, credentials and drills, and what is nobody else's? */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { runDueScans } from "../../src/broker/findings.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { createPosture } from "../../src/posture/posture.ts";
import { DRILL_KINDS } from "../../src/wire/drill-messages.ts";
import { codeOfPromise } from "../support/faults.ts";
import { brokerAtHand } from "./broker-at-hand.ts";

const DAY = 86_400;

/** A broker that looks after itself every quarter of an hour. */
function looking() {
  return brokerAtHand((world) => ({
    posture: createPosture(
      {
        ...world,
        providers: world.trust.providers,
        files: async () => [],
        usePages: 10,
        ownerOf: () => "platform",
      },
      900,
    ),
  }));
}

type Looking = ReturnType<typeof looking>;
const scan = ({ world }: Looking) => runDueScans(world.posture?.scans ?? [], world);

describe("findings", () => {
  it("are for admins alone", async () => {
    const { app } = looking();
    for (const path of ["findings", "finding-report", "finding-scans", "credentials", "drills"])
      expect((await app.request(`/v1/admin/${path}`)).status).toBe(401);
  });

  it("come by a scan, are acknowledged, and end by a scan alone", async () => {
    const broker = looking();
    const { admin } = broker;
    await admin.addAudience("sts", { aud: "https://sts.example", isBearer: true });
    expect(await admin.scanNow()).toMatchObject([
      { name: "credentials", findings: 2, everySeconds: 900 },
      { name: "fleet", findings: 0, everySeconds: 900 },
      { name: "policy", findings: 0, everySeconds: 900 },
    ]);
    const found = await admin.listFindings(undefined);
    expect(found.map((one) => [one.class, one.subject, one.owner]).sort()).toEqual([
      ["credential-orphaned", "audience/sts", "platform"],
      ["credential-over-scoped", "audience/sts", "platform"],
    ]);
    const id = found[0]?.id ?? "";
    const [known] = await admin.acknowledgeFinding(id, "we know");
    expect(known?.acknowledged).toMatchObject({ by: "admin-1", note: "we know" });
    expect(await codeOfPromise(admin.acknowledgeFinding(id, undefined))).toBe("request/conflict");
    expect((await admin.findingReport(undefined)).all).toMatchObject({
      open: 2,
      acknowledged: 1,
      remediated: 0,
    });
    await admin.removeAudience("sts");
    expect((await admin.findingReport(undefined)).all.open).toBe(2);
    broker.pass(900);
    await scan(broker);
    const report = await admin.findingReport(undefined);
    expect(report.all).toMatchObject({ open: 0, remediated: 2, gone: 2, timeToRemediate: { mean: 900 } });
    expect((await admin.showFinding(id))[0]?.remediated?.how).toBe("gone");
    expect(await codeOfPromise(admin.showFinding("0".repeat(32)))).toBe("finding/unknown");
  });

  it("are paged, and told of a time that has a beginning", async () => {
    const { admin, world } = looking();
    const many = Array.from({ length: 250 }, (_, i) => ({
      id: i.toString(16).padStart(32, "0"),
      class: "credential-weak",
      subject: `s${i}`,
      severity: "low" as const,
      owner: "",
      sentence: "s",
      advice: "a",
      evidence: {},
      introducedAt: undefined,
    }));
    await world.store.putSightings(many, world.now());
    expect(new Set((await admin.listFindings(undefined)).map(({ id }) => id)).size).toBe(250);
    expect(await codeOfPromise(admin.findingReport(addSeconds(world.now(), 60)))).toBe("request/malformed");
  });
});

describe("credentials", () => {
  it("are listed with what breaks when they end", async () => {
    const { admin } = looking();
    const all = await admin.listCredentials();
    expect(all.map(({ kind }) => kind)).toEqual([
      "admin-key",
      "kek",
      "ledger-key",
      "signing-key",
      "token-key",
    ]);
    expect(all.every(({ breaks, owner }) => breaks !== "" && owner === "platform")).toBe(true);
  });

  it("of a broker that nothing looks after are not told", async () => {
    expect(await codeOfPromise(brokerAtHand().admin.listCredentials())).toBe("request/not-found");
  });
});

describe("a drill", () => {
  it("is found by the scans that there are anyway, in no real figure, and measured from its planting", async () => {
    const broker = looking();
    const { admin, world } = broker;
    for (const kind of DRILL_KINDS) await admin.plantDrill({ kind, seconds: DAY });
    broker.pass(120);
    await scan(broker);
    const found = await admin.listFindings(undefined);
    expect(found.map((one) => one.class).sort()).toEqual([
      "credential-expiring",
      "credential-weak",
      "crl-stale",
      "image-drift",
      "policy-drift",
      "tcb-debt",
    ]);
    expect(found.every(({ drill }) => drill !== undefined)).toBe(true);
    const report = await admin.findingReport(undefined);
    expect(report.all).toMatchObject({ detected: 0, open: 0 });
    expect(report.drills.map(({ timeToDetect }) => timeToDetect?.mean)).toEqual(Array(6).fill(120));
    const acts = (await ledgerEntries({ from: 0, limit: 9 }, world)).map(
      (entry) => "act" in entry && entry.act,
    );
    expect(acts).toEqual(Array(6).fill("drill"));
  });

  it("that plants drift touches no guest, no policy and no advisory, and ends where a real finding of its class stays", async () => {
    const broker = looking();
    const { admin, world } = broker;
    for (const kind of ["policy-drift", "tcb-drift", "measurement-drift"] as const)
      await admin.plantDrill({ kind, seconds: 600 });
    await scan(broker);
    expect((await admin.fleetPage(undefined)).guests).toEqual([]);
    expect(await codeOfPromise(admin.advisory())).toBe("advisory/unknown");
    expect(await world.liveBundle()).toBeUndefined();
    const planted = await admin.listFindings(undefined);
    expect(planted.map(({ subject, drill }) => subject.startsWith(`drill/${drill}`))).toEqual([
      true,
      true,
      true,
    ]);
    expect(planted.every(({ introducedAt }) => introducedAt === world.now())).toBe(true);
    broker.pass(901);
    await scan(broker);
    expect((await admin.listFindings(undefined)).map(({ remediated }) => remediated?.how)).toEqual(
      Array(3).fill("gone"),
    );
  });

  it("ends by itself, whoever planted it, and is nowhere then", async () => {
    const broker = looking();
    const { admin } = broker;
    await admin.plantDrill({ kind: "certificate", seconds: 600 });
    await scan(broker);
    expect((await admin.listCredentials()).some(({ drill }) => drill !== undefined)).toBe(true);
    broker.pass(901);
    expect(await admin.listDrills()).toEqual([]);
    expect((await admin.listCredentials()).some(({ drill }) => drill !== undefined)).toBe(false);
    await scan(broker);
    expect((await admin.listFindings(undefined)).map(({ remediated }) => remediated?.how)).toEqual(["gone"]);
  });

  it("is ended before its time once, and no more than twenty run", async () => {
    const { admin } = looking();
    const { id } = await admin.plantDrill({ kind: "weak-key", seconds: 60 });
    await admin.endDrill(id);
    expect(await codeOfPromise(admin.endDrill(id))).toBe("request/not-found");
    for (let i = 0; i < 20; i += 1) await admin.plantDrill({ kind: "weak-key", seconds: 60 }); // in order
    expect(await codeOfPromise(admin.plantDrill({ kind: "weak-key", seconds: 60 }))).toBe("request/conflict");
    expect(await codeOfPromise(admin.plantDrill({ kind: "weak-key", seconds: 90_000 }))).toBe(
      "request/malformed",
    );
  });
});
