/** Whom does a verifier trust? AMD's three keys by pin; a simulator's under its own mark alone, and never for AMD's. */
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { AMD_ROOTS, simulatorRoots, type TrustAnchors } from "../../src/attestation/endorsement/roots.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatedRoot, type SimulatedRoot } from "../../src/simulator/amd-root.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { itWithVectors, sharedVectors } from "../support/shared-vectors.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const root = simulatedRoot("milan");
const pinOf = (der: Uint8Array): string =>
  createHash("sha256")
    .update(new X509Certificate(der).publicKey.export({ format: "der", type: "spki" }))
    .digest("hex");

/** What comes of a genuine simulated report under these anchors, with this mark on every certificate or on none. */
function verdictUnder(roots: TrustAnchors, hasMark: boolean): Promise<string | undefined> {
  const chip = createSimulatedChip(root, { leaf: { certificate: { hasMark } } });
  const certificates = [chip.leaf, root.intermediate("vcek", { hasMark }), root.authority({ hasMark })];
  const crls = [{ der: root.crl({ thisUpdate: SIMULATED_NOW, hasMark }) }];
  const evidence = parseEvidence({ format: "raw", report: chip.report({ reportData: new Uint8Array(64) }) });
  const options = { ...simulatedTrust("milan"), roots, memo: createChainMemo(16) };
  return codeOfPromise(verifyEvidence(evidence, { certificates, crls }, options));
}

describe("AMD's roots", () => {
  for (const { product, spkiSha256, isSimulated } of AMD_ROOTS) {
    const title = `${product.slice(0, 1).toUpperCase()}${product.slice(1)}`;
    itWithVectors(`pin the key of ARK-${title}`, () => {
      const pem = readFileSync(join(sharedVectors ?? "", "snp/amd", `ARK-${title}.pem`));
      expect({ pin: pinOf(pem), isSimulated }).toEqual({ pin: spkiSha256, isSimulated: false });
    });
  }

  it("take no simulator's chain, whatever names it bears", async () => {
    expect(await verdictUnder(AMD_ROOTS, true)).toBe("endorsement/untrusted-root");
    expect(await verdictUnder(AMD_ROOTS, false)).toBe("endorsement/untrusted-root");
  });
});

describe("the simulator's mark", () => {
  const pinned = (isSimulated: boolean): TrustAnchors => [
    { product: "milan", spkiSha256: pinOf(root.ark), isSimulated },
  ];

  it("must stand under a simulator's anchor", async () => {
    expect(await verdictUnder(pinned(true), true)).toBeUndefined();
    expect(await verdictUnder(pinned(true), false)).toBe("endorsement/untrusted-root");
  });

  it("must not stand under an anchor of AMD's", async () => {
    expect(await verdictUnder(pinned(false), false)).toBeUndefined();
    expect(await verdictUnder(pinned(false), true)).toBe("endorsement/untrusted-root");
  });
});

describe("a simulator's root", () => {
  const rootsOf = (der: Uint8Array) => codeOf(() => simulatorRoots([der], nodePrimitives));
  const rows: readonly (readonly [string, (made: SimulatedRoot) => Uint8Array, string | undefined])[] = [
    ["as the simulator wrote it", ({ ark }) => ark, undefined],
    ["without the mark", (made) => made.authority({ hasMark: false }), "endorsement/untrusted-root"],
    ["with the mark, but an intermediate", ({ ask }) => ask, "endorsement/untrusted-root"],
    [
      "with the mark, but of another name",
      (made) => made.authority({ subject: "ARK-Rome" }),
      "endorsement/untrusted-root",
    ],
    [
      "with bytes behind it",
      (made) => made.authority({ trailing: Uint8Array.of(0) }),
      "endorsement/malformed",
    ],
    ["that is none at all", () => new Uint8Array(100), "endorsement/malformed"],
  ];

  it.each(rows)("%s", (_name, der, code) => {
    expect(rootsOf(der(root))).toBe(code);
  });

  it("of AMD's making is none", () => {
    const code = rootsOf(createSimulatedRoot("turin", root.keys).authority({ hasMark: false }));
    expect(code).toBe("endorsement/untrusted-root");
  });

  it("vouches for its own product line alone", async () => {
    const [anchor] = simulatorRoots([root.ark], nodePrimitives);
    const genoa = createSimulatedRoot("genoa", root.keys);
    const chip = createSimulatedChip(genoa);
    const evidence = parseEvidence({
      format: "raw",
      report: chip.report({ reportData: new Uint8Array(64) }),
    });
    const options = { ...simulatedTrust("milan"), roots: anchor === undefined ? [] : [anchor] };
    const endorsements = {
      certificates: [chip.leaf, genoa.ask, genoa.ark],
      crls: [{ der: genoa.crl({ thisUpdate: SIMULATED_NOW }) }],
    };
    expect(await codeOfPromise(verifyEvidence(evidence, endorsements, options))).toBe(
      "endorsement/product-mismatch",
    );
  });
});
