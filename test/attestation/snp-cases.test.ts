/** Does every catalogued case give exactly its outcome? Real reports and what was made of them by one change. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Endorsements, VerifyOptions } from "../../src/attestation/endorsement/chain.ts";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { AMD_ROOTS } from "../../src/attestation/endorsement/roots.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { isFault } from "../../src/base/fault.ts";
import { parseInstant } from "../../src/base/time.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { itWithVectors, readVector, readVectorJson, sharedVectors } from "../support/shared-vectors.ts";

interface Expectation {
  readonly at: string;
  readonly crl?: string;
  readonly verified: boolean;
  readonly code: readonly string[] | null;
  readonly product?: string | null;
}

const names = sharedVectors === undefined ? ["every case"] : readdirSync(join(sharedVectors, "snp/cases"));

function endorsementsOf(name: string, crl: string | undefined): Endorsements {
  const folder = join(sharedVectors ?? "", "snp/cases", name, "endorsements");
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const certificates = files.flatMap(
    (file) => parseEndorsementFile(readVector("snp/cases", name, "endorsements", file)).certificates,
  );
  return { certificates, crls: crl === undefined ? [] : [{ der: readVector("snp/amd", crl) }] };
}

async function outcomeOf(name: string, expectation: Expectation) {
  const now = parseInstant(expectation.at);
  if (now === undefined) throw new Error(`no time in ${name}`);
  const options: VerifyOptions = {
    now,
    primitives: nodePrimitives,
    roots: AMD_ROOTS,
    memo: createChainMemo(64),
    revocation: "if-present",
  };
  try {
    const evidence = parseEvidence({ format: "raw", report: readVector("snp/cases", name, "report.bin") });
    const verified = await verifyEvidence(evidence, endorsementsOf(name, expectation.crl), options);
    return { verified: true, code: null, product: verified.product };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { verified: false, code: thrown.code, product: undefined };
  }
}

describe("catalogued evidence", () => {
  for (const name of names) {
    itWithVectors(name, async () => {
      const expectation = readVectorJson<Expectation>("snp/cases", name, "expect.json");
      const outcome = await outcomeOf(name, expectation);
      expect(outcome.verified).toBe(expectation.verified);
      if (expectation.code === null) expect(outcome.code).toBeNull();
      else expect(expectation.code).toContain(outcome.code);
      if (expectation.verified) expect(outcome.product).toBe(expectation.product);
    });
  }

  itWithVectors("holds at least forty cases", () => {
    expect(names.length).toBeGreaterThan(39);
  });
});

it("knows three roots of AMD", () => {
  expect(AMD_ROOTS.map(({ product }) => product)).toEqual(["milan", "genoa", "turin"]);
});
