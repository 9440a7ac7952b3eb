/** What does a broker make of a key server that answers, answers wrongly, or is switched off? */
import { describe, expect, it } from "vitest";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { type CarriedRaw, type Evidence, parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { addSeconds } from "../../src/base/time.ts";
import { createEndorser } from "../../src/broker/endorse.ts";
import type { Store } from "../../src/broker/store.ts";
import type { EndorsementSource } from "../../src/broker/world.ts";
import { createKds } from "../../src/kds/client.ts";
import { NO_SOURCE } from "../../src/kds/no-source.ts";
import { writeCertTable } from "../../src/simulator/cert-table.ts";
import { certTableOf, pemOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip, type SimulatedChip } from "../../src/simulator/sp.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { codeOfPromise } from "../support/faults.ts";
import { body, html, type KdsStandIn, kdsStandIn, status, throttle } from "../support/kds-stand-in.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const HOUR = 3600;

interface Bench {
  readonly standIn: KdsStandIn;
  readonly endorse: ReturnType<typeof createEndorser>;
  /** What the store was asked to keep. */
  readonly kept: readonly string[];
  readonly evidence: (chip?: SimulatedChip, beside?: Partial<CarriedRaw>) => Evidence;
}

/** A broker's endorser before a local key server; with `store`, over what an earlier one left. */
async function bench(store: Store = createMemoryStore()): Promise<Bench> {
  const standIn = await kdsStandIn();
  const kept: string[] = [];
  const source: EndorsementSource = createKds({
    baseUrls: [standIn.url],
    fetch,
    sleep: async () => undefined,
    random: () => 0,
    timeoutMs: 5000,
    now: () => SIMULATED_NOW,
  });
  const spied: Pick<Store, "cachedEndorsement" | "cacheEndorsement"> = {
    cachedEndorsement: (key) => store.cachedEndorsement(key),
    cacheEndorsement: (key, endorsement) => {
      kept.push(key);
      return store.cacheEndorsement(key, endorsement);
    },
  };
  const trust = { ...simulatedTrust("milan"), memo: createChainMemo(64), lowestCrlNumber: () => undefined };
  const endorse = createEndorser({ store: spied, source, trust, log: () => undefined });
  const chipAtHand = standIn.chipOf("milan");
  const evidence = (chip = chipAtHand, beside: Partial<CarriedRaw> = {}): Evidence =>
    parseEvidence({ format: "raw", report: chip.report({ reportData: new Uint8Array(64) }), ...beside });
  return { standIn, endorse, kept, evidence };
}

describe("endorsements for a bare report", () => {
  it("are fetched, hold, and are kept for the next one", async () => {
    const { endorse, evidence, standIn, kept } = await bench();
    const endorsements = await endorse(evidence(), SIMULATED_NOW);
    await verifyEvidence(evidence(), endorsements, simulatedTrust("milan"));
    expect(standIn.asked).toHaveLength(3);
    expect(kept.toSorted()).toEqual([
      "ca/vcek/milan#0",
      "ca/vcek/milan#1",
      "crl/vcek/milan#0",
      `vcek/milan/${"03".repeat(64)}/-.4.0.24.219#0`,
    ]);
    await endorse(evidence(), SIMULATED_NOW);
    expect(standIn.asked).toHaveLength(3);
  });

  it("are found in the store by a broker that started since", async () => {
    const store = createMemoryStore();
    const first = await bench(store);
    await first.endorse(first.evidence(), SIMULATED_NOW);
    const second = await bench(store);
    await second.endorse(second.evidence(), SIMULATED_NOW);
    expect(second.standIn.asked).toEqual([]);
  });

  it("are asked for once by a hundred guests that come together", async () => {
    const { endorse, evidence, standIn } = await bench();
    await Promise.all(Array.from({ length: 100 }, () => endorse(evidence(), SIMULATED_NOW)));
    expect(standIn.asked).toHaveLength(3);
  });

  it("are the broker's own CRL alone where the host brought the rest", async () => {
    const { endorse, evidence, standIn } = await bench();
    const chip = standIn.chipOf("milan");
    const certTable = certTableOf(simulatedRoot("milan"), chip, SIMULATED_NOW);
    await endorse(evidence(chip, { certTable }), SIMULATED_NOW);
    expect(standIn.asked).toEqual(["/vcek/v1/Milan/crl"]);
  });

  it("may be what the host brought, whole, where the key server is switched off", async () => {
    const { standIn, evidence } = await bench();
    const trust = { ...simulatedTrust("milan"), lowestCrlNumber: () => undefined };
    const parts = { store: createMemoryStore(), source: NO_SOURCE, trust, log: () => undefined };
    const chip = standIn.chipOf("milan");
    const certTable = certTableOf(simulatedRoot("milan"), chip, SIMULATED_NOW);
    const endorsements = await createEndorser(parts)(evidence(chip, { certTable }), SIMULATED_NOW);
    await verifyEvidence(evidence(), endorsements, simulatedTrust("milan"));
    expect(await codeOfPromise(createEndorser(parts)(evidence(), SIMULATED_NOW))).toMatch(/^endorsement[/]/);
  });

  it("bring a new CRL when the one at hand is old, and do with the old one when there is none", async () => {
    const { endorse, evidence, standIn } = await bench();
    await endorse(evidence(), SIMULATED_NOW);
    const later = addSeconds(SIMULATED_NOW, 7 * HOUR);
    standIn.fail(throttle("1"));
    expect((await endorse(evidence(), later)).crls).toHaveLength(1);
    expect(standIn.asked).toHaveLength(4);
    await endorse(evidence(), later);
    expect(standIn.asked).toHaveLength(4);
  });
});

const other = (): SimulatedChip =>
  createSimulatedChip(simulatedRoot("milan"), { chipId: new Uint8Array(64).fill(9) });
const older = (): SimulatedChip =>
  createSimulatedChip(simulatedRoot("milan"), { tcb: { bootloader: 3, tee: 0, snp: 8, microcode: 115 } });
const imposter = (): SimulatedChip => createSimulatedChip(simulatedRoot("genoa"));

/** What the key server answers in the place of the VCEK, and the code of the refusal. */
const WRONG: readonly (readonly [name: string, answer: () => Uint8Array | string, code: string])[] = [
  ["a leaf of another chip", () => other().leaf, "endorsement/chip-mismatch"],
  ["a leaf of an older TCB", () => older().leaf, "endorsement/tcb-mismatch"],
  ["a leaf of another line", () => imposter().leaf, "endorsement/bad-signature"],
  ["an intermediate", () => simulatedRoot("milan").ask, "endorsement/missing"],
  ["HTML", () => "<html>maintenance</html>", "endorsement/unavailable"],
  ["a leaf that is cut short", () => other().leaf.slice(0, -1), "endorsement/unavailable"],
];

describe("a key server that answers wrongly", () => {
  it.each(WRONG)("with %s is refused, and nothing of it is kept", async (_name, answer, code) => {
    const { endorse, evidence, standIn, kept } = await bench();
    standIn.failAlways((response, request) => {
      const path = request.url ?? "";
      const isLeaf = path.includes("?");
      const root = simulatedRoot("milan");
      const chain = `${pemOf(root.ask)}${pemOf(root.ark)}`;
      const rest = path.endsWith("/crl") ? root.crl({ thisUpdate: SIMULATED_NOW }) : chain;
      body(isLeaf ? answer() : rest)?.(response, request);
    });
    expect(await codeOfPromise(endorse(evidence(), SIMULATED_NOW))).toBe(code);
    expect(kept).toEqual([]);
    standIn.failAlways(undefined);
    await endorse(evidence(), SIMULATED_NOW);
    expect(kept).toHaveLength(4);
  });

  it.each([
    ["429", throttle("60")],
    ["500", status(500)],
    ["HTML with status 200", html],
  ])("with %s everywhere is unavailable, and costs nothing that lasts", async (_name, fault) => {
    const { endorse, evidence, standIn, kept } = await bench();
    standIn.failAlways(fault);
    expect(await codeOfPromise(endorse(evidence(), SIMULATED_NOW))).toBe("endorsement/unavailable");
    expect(kept).toEqual([]);
  });

  it("with a 404 for the leaf leaves the report without endorsement", async () => {
    const { endorse, evidence, kept } = await bench();
    expect(await codeOfPromise(endorse(evidence(other()), SIMULATED_NOW))).toBe("endorsement/missing");
    expect(kept).toEqual([]);
  });

  it("keeps no unproven CRL because the host brought a good one", async () => {
    const { endorse, evidence, standIn, kept } = await bench();
    const chip = standIn.chipOf("milan");
    const root = simulatedRoot("milan");
    const certTable = writeCertTable({
      vcek: chip.leaf,
      ask: root.ask,
      crl: root.crl({ thisUpdate: SIMULATED_NOW }),
    });
    standIn.failAlways((response, request) => {
      const path = request.url ?? "";
      const wrong = simulatedRoot("genoa").crl({ thisUpdate: SIMULATED_NOW });
      body(path.endsWith("/crl") ? wrong : `${pemOf(root.ask)}${pemOf(root.ark)}`)?.(response, request);
    });
    await endorse(evidence(chip, { certTable }), SIMULATED_NOW);
    expect(kept.filter((key) => key.startsWith("crl/"))).toEqual([]);
  });

  it("keeps no unproven intermediate because the host brought a good one", async () => {
    const { endorse, evidence, standIn, kept } = await bench();
    const chip = standIn.chipOf("milan");
    const root = simulatedRoot("milan");
    const certTable = writeCertTable({ vcek: chip.leaf, ask: root.ask });
    const forged = root.intermediate("vcek", { isForged: true });
    standIn.failAlways((response, request) => {
      const path = request.url ?? "";
      const crl = root.crl({ thisUpdate: SIMULATED_NOW });
      body(path.endsWith("/crl") ? crl : `${pemOf(forged)}${pemOf(root.ark)}`)?.(response, request);
    });
    await codeOfPromise(endorse(evidence(chip, { certTable }), SIMULATED_NOW));
    expect(kept.filter((key) => key.startsWith("ca/"))).toEqual([]);
  });
});
