/** Is any flipped bit of genuine evidence of AMD's ever believed? Each bit of a real report, one bit in each byte of its chain and CRL. */
import { describe, expect } from "vitest";
import { itWithVectors } from "../support/shared-vectors.ts";
import { amdTrust, type RealParts, realParts, verdictOnParts } from "./real-case.ts";

const AT = "2025-06-01T00:00:00Z";
/** So many at a time are on their way through the thread pool. */
const BATCH = 64;

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const at = bit >> 3;
  return bytes.with(at, (bytes[at] ?? 0) ^ (1 << (bit & 7)));
}

/** The verdicts on these flips of one part, and how often each came. */
async function verdictsOn(name: keyof RealParts, bits: readonly number[]): Promise<Map<string, number>> {
  const parts = realParts();
  const trust = amdTrust(AT, "required");
  const counts = new Map<string, number>();
  for (let from = 0; from < bits.length; from += BATCH) {
    const batch = bits.slice(from, from + BATCH);
    const verdicts = await Promise.all(
      batch.map((bit) => verdictOnParts({ ...parts, [name]: flipped(parts[name], bit) }, trust)),
    ); // in order: a batch fills the pool
    for (const verdict of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  return counts;
}

describe("a flipped bit of AMD's", () => {
  itWithVectors("is all that keeps this evidence from being verified", async () => {
    expect(await verdictOnParts(realParts(), amdTrust(AT, "required"))).toBe("verified");
  });

  itWithVectors("report is never believed, and its code says where it was", async () => {
    const verdicts = await verdictsOn(
      "report",
      Array.from({ length: 1184 * 8 }, (_, bit) => bit),
    );
    expect(verdicts.has("verified")).toBe(false);
    // 23: padding and tail of the signature, 416 bytes, are refused as such.
    expect(verdicts.get("evidence/reserved-bits")).toBeGreaterThanOrEqual(416 * 8);
    // What the version leaves open is under the signature alone: 24 bytes of scalars, ids, digests, REPORT_DATA.
    expect(verdicts.get("evidence/bad-signature")).toBeGreaterThan(400 * 8);
  });

  for (const name of ["leaf", "intermediate", "ark", "crl"] as const) {
    itWithVectors(`${name} is never believed`, async () => {
      const bits = Array.from({ length: realParts()[name].length }, (_, at) => at * 8 + (at % 8));
      const verdicts = await verdictsOn(name, bits);
      expect(verdicts.has("verified")).toBe(false);
      expect([...verdicts.keys()].every((code) => code.startsWith("endorsement/"))).toBe(true);
    });
  }
});
