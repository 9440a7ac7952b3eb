/** Is any flipped bit of genuine evidence ever believed? Each bit of a report, one bit in each byte of each certificate and CRL. */
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { isFault } from "../../src/base/fault.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const root = simulatedRoot("genoa");
const chip = createSimulatedChip(root);
const good = {
  report: chip.report({ reportData: new Uint8Array(64).fill(5) }),
  leaf: chip.leaf,
  intermediate: root.ask,
  ark: root.ark,
  crl: root.crl({ thisUpdate: SIMULATED_NOW, revokedSerials: [0x020002n] }),
};
const trust = simulatedTrust("genoa");

/** The code of the fault, or `verified`; anything else that is thrown fails the test. */
async function verdictOn(parts: typeof good): Promise<string> {
  try {
    const evidence = parseEvidence({ format: "raw", report: parts.report });
    const certificates = [parts.leaf, parts.intermediate, parts.ark];
    await verifyEvidence(evidence, { certificates, crls: [{ der: parts.crl }] }, trust);
    return "verified";
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const at = bit >> 3;
  return bytes.with(at, (bytes[at] ?? 0) ^ (1 << (bit & 7)));
}

/** The bits whose flip was believed. */
async function believed(name: keyof typeof good, bits: readonly number[]): Promise<readonly number[]> {
  const through: number[] = [];
  for (const bit of bits) {
    const verdict = await verdictOn({ ...good, [name]: flipped(good[name], bit) }); // in order: the CPU is one
    if (verdict === "verified") through.push(bit);
  }
  return through;
}

describe("a flipped bit", () => {
  it("is the only thing that keeps this evidence from being verified", async () => {
    expect(await verdictOn(good)).toBe("verified");
  });

  it("of a report is never believed", async () => {
    const bits = Array.from({ length: good.report.length * 8 }, (_, bit) => bit);
    expect(await believed("report", bits)).toEqual([]);
  }, 120_000);

  it.each(["leaf", "intermediate", "ark", "crl"] as const)(
    "in any byte of the %s is never believed",
    async (name) => {
      const bits = Array.from({ length: good[name].length }, (_, at) => at * 8 + (at % 8));
      expect(await believed(name, bits)).toEqual([]);
    },
    120_000,
  );
});
