/** Is the simulated chip as good as a real one to those who check? Ours, and OpenSSL's as a second opinion. */
import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const PRODUCTS: readonly ProductLine[] = ["milan", "genoa", "turin"];
const CASES = PRODUCTS.flatMap((product) =>
  (["vcek", "vlek"] as const).flatMap((kind) =>
    [2, 3, 4, 5]
      .filter((version) => product !== "turin" || version > 2)
      .map((version) => ({ product, kind, version })),
  ),
);

describe("the simulated chip", () => {
  it.each(CASES)("makes a $product report of version $version under a $kind that verifies", async (row) => {
    const root = simulatedRoot(row.product);
    const chip = createSimulatedChip(root, { kind: row.kind });
    const evidence = parseEvidence({
      format: "raw",
      report: chip.report({ version: row.version, reportData: new Uint8Array(64).fill(7) }),
      certTable: certTableOf(root, chip, SIMULATED_NOW),
    });
    const trust = simulatedTrust(row.product);
    const endorsements = { certificates: evidence.certificates, crls: evidence.crls.map((der) => ({ der })) };
    const verified = await verifyEvidence(evidence, endorsements, trust);
    expect(verified).toMatchObject({
      product: row.product,
      isSimulated: true,
      endorsement: { kind: row.kind },
    });
    expect(verified.silicon).toBe(row.version === 2 ? undefined : row.product);
  });

  it.each(PRODUCTS)("has a %s chain that OpenSSL verifies", (product) => {
    const root = simulatedRoot(product);
    const [ark, ask, asvk] = [root.ark, root.ask, root.asvk].map((der) => new X509Certificate(der));
    const vcek = new X509Certificate(createSimulatedChip(root).leaf);
    const vlek = new X509Certificate(createSimulatedChip(root, { kind: "vlek" }).leaf);
    const links = [
      [ark, ark],
      [ask, ark],
      [asvk, ark],
      [vcek, ask],
      [vlek, asvk],
    ] as const;
    for (const [signed, issuer] of links) {
      if (issuer === undefined) throw new Error("no issuer");
      expect(signed?.checkIssued(issuer)).toBe(true);
      expect(signed?.verify(issuer.publicKey)).toBe(true);
    }
  });
});
