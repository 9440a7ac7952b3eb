/** Which bytes of a report must be zero? All of those that AMD reserves in each version, and no other. */
import { describe, expect, it } from "vitest";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { codeOf } from "../support/faults.ts";
import { simulatedRoot } from "../support/simulated.ts";

/** From the tables of AMD 56860: first byte and last byte. */
const ALWAYS = [
  [0x04c, 0x04f],
  [0x18b, 0x19f],
  [0x1eb, 0x1eb],
  [0x1ef, 0x1ef],
  [0x208, 0x29f],
  [0x2d0, 0x2e7],
  [0x318, 0x49f],
] as const;
/** 31:5 of SIGNER_INFO, beyond its first byte. */
const SIGNER_INFO = [[0x049, 0x04b]] as const;
const CPUID = [[0x188, 0x18a]] as const;
const MITIGATIONS = [[0x1f8, 0x207]] as const;
const TCBS = [0x038, 0x180, 0x1e0, 0x1f0];
const classic = TCBS.map((at) => [at + 2, at + 5] as const);
const turin = TCBS.map((at) => [at + 4, at + 6] as const);

const EXPECTED = [
  ["milan", 2, [...ALWAYS, ...SIGNER_INFO, ...classic, ...CPUID, ...MITIGATIONS]],
  ["milan", 3, [...ALWAYS, ...SIGNER_INFO, ...classic, ...MITIGATIONS]],
  ["genoa", 4, [...ALWAYS, ...SIGNER_INFO, ...classic, ...MITIGATIONS]],
  ["genoa", 5, [...ALWAYS, ...SIGNER_INFO, ...classic]],
  ["turin", 4, [...ALWAYS, ...SIGNER_INFO, ...turin, ...MITIGATIONS]],
  ["turin", 5, [...ALWAYS, ...SIGNER_INFO, ...turin]],
] as const;

describe("the bytes that must be zero", () => {
  it.each(EXPECTED)("in a %s report of version %i are those of the tables", (product, version, ranges) => {
    const good = createSimulatedChip(simulatedRoot(product)).report({
      reportData: new Uint8Array(64),
      version,
    });
    const refused = Array.from(good.keys()).filter((at) => {
      const bent = good.with(at, (good[at] ?? 0) ^ 1);
      return codeOf(() => parseReport(bent)) === "evidence/reserved-bits";
    });
    const expected = ranges.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, i) => from + i),
    );
    // Another version, or another family and so another layout, reads the whole report otherwise: rows of their own elsewhere.
    const others = refused.filter((at) => at !== 0x188 && at !== 0x000);
    expect(others).toEqual(expected.filter((at) => at !== 0x188).toSorted((a, b) => a - b));
  });

  it("of SIGNER_INFO begin with bit 5; bit 1 says that nothing was signed, whatever stands there", () => {
    const chip = createSimulatedChip(simulatedRoot("milan"));
    const codes = [1, 4, 5, 6, 7].map((bit) =>
      codeOf(() => parseReport(chip.report({ reportData: new Uint8Array(64), signerInfo: 1 << bit }))),
    );
    expect(codes).toEqual([
      "evidence/unsigned",
      "evidence/unsigned",
      "evidence/reserved-bits",
      "evidence/reserved-bits",
      "evidence/reserved-bits",
    ]);
  });
});
