import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { isFault } from "../../src/base/fault.ts";
import { claimsOf } from "../../src/policy/claims.ts";
import { itWithVectors, readVector, readVectorJson, sharedVectors } from "../support/shared-vectors.ts";

interface Expectation {
  readonly claims?: Readonly<Record<string, unknown>>;
}

const folder = sharedVectors === undefined ? [] : readdirSync(join(sharedVectors, "snp/cases"));
const withClaims = folder.filter(
  (name) => readVectorJson<Expectation>("snp/cases", name, "expect.json").claims !== undefined,
);

describe("the claims of real reports", () => {
  itWithVectors("stand beside twenty or more of them", () => {
    expect(withClaims.length).toBeGreaterThanOrEqual(20);
  });

  for (const name of withClaims) {
    it(`are those on record for ${name}`, () => {
      const report = readVector("snp/cases", name, "report.bin");
      const { claims = {} } = readVectorJson<Expectation>("snp/cases", name, "expect.json");
      const ours = claimsOf(parseEvidence({ format: "raw", report }));
      expect(Object.fromEntries(Object.keys(claims).map((field) => [field, ours[field]]))).toEqual(claims);
    });
  }

  itWithVectors("are JSON, and the same for every report that parses", () => {
    for (const name of folder) {
      const report = readVector("snp/cases", name, "report.bin");
      try {
        const claims = claimsOf(parseEvidence({ format: "raw", report }));
        expect(JSON.parse(JSON.stringify(claims))).toEqual(claims);
      } catch (thrown) {
        expect(isFault(thrown)).toBe(true);
      }
    }
  });
});
