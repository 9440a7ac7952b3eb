/** Where do endorsements come from, and what stays? Evidence first, then what was proven before, then the key server. */
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { Fault } from "../../src/base/fault.ts";
import { addSeconds } from "../../src/base/time.ts";
import { createEndorser } from "../../src/broker/endorse.ts";
import type { EndorsementSource } from "../../src/broker/world.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedSource, simulatedTrust } from "../support/simulated.ts";

const root = simulatedRoot("milan");
const chip = createSimulatedChip(root);
const REPORT_DATA = new Uint8Array(64).fill(5);
const bare = parseEvidence({ format: "raw", report: chip.report({ reportData: REPORT_DATA }) });

/** A source that counts what it is asked, over a store that can be looked into. */
function shelfWith(source: Partial<EndorsementSource> = {}) {
  const store = createMemoryStore();
  const asked = { vcek: 0, intermediates: 0, crl: 0 };
  const base = { ...simulatedSource(root, chip), ...source };
  const counting: EndorsementSource = {
    vcek: (...words) => {
      asked.vcek += 1;
      return base.vcek(...words);
    },
    intermediates: (...words) => {
      asked.intermediates += 1;
      return base.intermediates(...words);
    },
    crl: (...words) => {
      asked.crl += 1;
      return base.crl(...words);
    },
  };
  const trust = { ...simulatedTrust("milan"), lowestCrlNumber: () => undefined };
  const make = () => createEndorser({ store, source: counting, trust, log: () => undefined });
  return { asked, store, make, endorse: make() };
}

describe("endorsements", () => {
  const certTable = certTableOf(root, chip, SIMULATED_NOW);
  const whole = parseEvidence({ format: "raw", report: chip.report({ reportData: REPORT_DATA }), certTable });

  it("that came with the evidence are not asked for; only the CRL is the broker's own", async () => {
    const { endorse, asked } = shelfWith();
    const { certificates, crls } = await endorse(whole, SIMULATED_NOW);
    expect([certificates.length, crls.length]).toEqual([3, 2]);
    expect(asked).toEqual({ vcek: 0, intermediates: 0, crl: 1 });
  });

  it("whose CRL cannot be fetched make do with the one that came along", async () => {
    const crl = async () => Promise.reject(new Fault("endorsement/unavailable", "down"));
    const { endorse } = shelfWith({ crl });
    expect((await endorse(whole, SIMULATED_NOW)).crls).toHaveLength(1);
  });

  it("that are missing are asked for once, and kept across a restart", async () => {
    const { endorse, make, asked } = shelfWith();
    await endorse(bare, SIMULATED_NOW);
    await endorse(bare, SIMULATED_NOW);
    await make()(bare, SIMULATED_NOW);
    expect(asked).toEqual({ vcek: 1, intermediates: 1, crl: 1 });
  });

  it("of another chip are neither used nor kept", async () => {
    const other = createSimulatedChip(root, { chipId: new Uint8Array(64).fill(9) });
    const { endorse, store, asked } = shelfWith({ vcek: async () => other.leaf });
    await expect(endorse(bare, SIMULATED_NOW)).rejects.toMatchObject({ code: "endorsement/chip-mismatch" });
    await expect(endorse(bare, SIMULATED_NOW)).rejects.toThrow();
    expect(asked.vcek).toBe(2);
    const key = `vcek/milan/${"03".repeat(64)}/-.4.0.24.219#0`;
    expect(await store.cachedEndorsement(key)).toBeUndefined();
  });

  it("under a forged root are neither used nor kept", async () => {
    const forged = simulatedRoot("genoa");
    const { endorse, store } = shelfWith({ intermediates: async () => [forged.ask, forged.ark] });
    await expect(endorse(bare, SIMULATED_NOW)).rejects.toBeInstanceOf(Fault);
    expect(await store.cachedEndorsement("ca/vcek/milan#0")).toBeUndefined();
  });

  it("that nobody has leave the fault of the key server", async () => {
    const unavailable = async () => Promise.reject(new Fault("endorsement/unavailable", "busy"));
    const { endorse } = shelfWith({ vcek: unavailable });
    await expect(endorse(bare, SIMULATED_NOW)).rejects.toMatchObject({ code: "endorsement/unavailable" });
  });

  it("of a v2 report are asked for under each product line it may be of", async () => {
    const asked: string[] = [];
    const genoa = simulatedRoot("genoa");
    const old = createSimulatedChip(genoa);
    const trust = { ...simulatedTrust("genoa"), lowestCrlNumber: () => undefined };
    const base = simulatedSource(genoa, old);
    const source: EndorsementSource = {
      ...base,
      vcek: async (product, ...words) => {
        asked.push(product);
        return product === "genoa" ? base.vcek(product, ...words) : undefined;
      },
    };
    const endorse = createEndorser({ store: createMemoryStore(), source, trust, log: () => undefined });
    const report = old.report({ version: 2, reportData: REPORT_DATA });
    const { certificates } = await endorse(parseEvidence({ format: "raw", report }), SIMULATED_NOW);
    expect(asked).toEqual(["milan", "genoa"]);
    expect(certificates).toHaveLength(3);
  });
});

describe("a CRL", () => {
  it("is fetched anew after six hours", async () => {
    const { endorse, asked } = shelfWith();
    await endorse(bare, SIMULATED_NOW);
    await endorse(bare, addSeconds(SIMULATED_NOW, 6 * 3600 - 10));
    expect(asked.crl).toBe(1);
    await endorse(bare, addSeconds(SIMULATED_NOW, 6 * 3600 + 10));
    expect(asked.crl).toBe(2);
  });

  it("that cannot be had is not asked for by every request", async () => {
    const crl = async () => Promise.reject(new Fault("endorsement/unavailable", "down"));
    const { endorse, asked } = shelfWith({ crl });
    for (let request = 0; request < 5; request += 1) {
      await expect(endorse(bare, SIMULATED_NOW)).rejects.toMatchObject({ code: "endorsement/unavailable" });
    }
    expect(asked.crl).toBe(1);
    await expect(endorse(bare, addSeconds(SIMULATED_NOW, 16))).rejects.toThrow();
    expect(asked.crl).toBe(2);
  });

  it("that cannot be fetched anew serves on, and is tried again after five minutes", async () => {
    let isDown = false;
    const { endorse, asked } = shelfWith({
      crl: async () => {
        if (isDown) throw new Fault("endorsement/unavailable", "down");
        return root.crl({ thisUpdate: SIMULATED_NOW });
      },
    });
    const old = await endorse(bare, SIMULATED_NOW);
    isDown = true;
    const later = addSeconds(SIMULATED_NOW, 7 * 3600);
    expect((await endorse(bare, later)).crls).toEqual(old.crls);
    await endorse(bare, addSeconds(later, 60));
    expect(asked.crl).toBe(2);
    await endorse(bare, addSeconds(later, 301));
    expect(asked.crl).toBe(3);
  });
});
