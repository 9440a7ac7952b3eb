/** What do hostile endorsements cost, and what may they not stand for? Files, floods, and what is fetched beside them. */
import { describe, expect, it } from "vitest";
import { missingEndorsements } from "../../src/attestation/endorsement/missing.ts";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { AMD_ROOTS } from "../../src/attestation/endorsement/roots.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { addSeconds } from "../../src/base/time.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { pemOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const root = simulatedRoot("milan");
const turin = simulatedRoot("turin");

describe("files of endorsements", () => {
  const ask = pemOf(root.ask);
  const file = (text: string) => parseEndorsementFile(new TextEncoder().encode(text));

  it("12: may hold two certificates and a CRL in PEM, with text between", () => {
    const crl = root.crl({ thisUpdate: SIMULATED_NOW });
    const blocks = `${ask}and\n${pemOf(root.ark)}${pemOf(crl).replaceAll("CERTIFICATE", "X509 CRL")}`;
    const found = file(blocks);
    expect(found).toEqual({ certificates: [root.ask, root.ark], crls: [crl] });
  });

  it.each([
    ["12: DER with bytes behind it", () => parseEndorsementFile(Uint8Array.of(...root.ask, 0))],
    ["a private key", () => file(ask.replaceAll("CERTIFICATE", "PRIVATE KEY"))],
    [
      "a private key beside a certificate",
      () => file(`${ask}${ask.replaceAll("CERTIFICATE", "PRIVATE KEY")}`),
    ],
    ["a block that does not end", () => file(ask.replace("-----END CERTIFICATE-----", ""))],
    ["a block that ends as another", () => file(ask.replace("END CERTIFICATE", "END X509 CRL"))],
    ["nothing", () => file("")],
    ["more than a megabyte", () => file(`${ask}${" ".repeat(1_048_576)}`)],
    ["bytes that are no text", () => parseEndorsementFile(Uint8Array.of(0xff, 0xfe))],
  ])("refuses %s", (_name, read) => {
    expect(codeOf(read)).toBe("endorsement/malformed");
  });
});

describe("hostile endorsements", () => {
  const chip = createSimulatedChip(root);
  const evidence = parseEvidence({ format: "raw", report: chip.report({ reportData: new Uint8Array(64) }) });

  it("cost a bounded number of signature checks", async () => {
    const day = (count: number) => ({ notAfter: addSeconds(SIMULATED_NOW, -count * 86_400) });
    const many = <T>(make: (count: number) => T) => Array.from({ length: 5 }, (_, count) => make(count + 1));
    const certificates = [
      ...many((count) => root.issueVcek({ ...chip, certificate: day(count) })),
      ...many((count) => root.intermediate("vcek", day(count))),
      ...many((count) => root.authority(day(count))),
      root.ark,
    ];
    let verified = 0;
    const primitives: typeof nodePrimitives = {
      ...nodePrimitives,
      verify: (...args) => {
        verified += 1;
        return nodePrimitives.verify(...args);
      },
    };
    const options = { ...simulatedTrust("milan"), primitives };
    expect(await codeOfPromise(verifyEvidence(evidence, { certificates, crls: [] }, options))).toBe(
      "endorsement/expired",
    );
    expect(verified).toBeLessThanOrEqual(6 + 5 * 6 + 5 * 5);
  });

  it("of the simulator are none under AMD's roots", async () => {
    const endorsements = {
      certificates: [chip.leaf, root.ask, root.ark],
      crls: [{ der: root.crl({ thisUpdate: SIMULATED_NOW }) }],
    };
    const options = { ...simulatedTrust("milan"), roots: AMD_ROOTS };
    expect(await codeOfPromise(verifyEvidence(evidence, endorsements, options))).toBe(
      "endorsement/untrusted-root",
    );
  });

  it("bring no CRL that stands for one of our own", () => {
    const der = root.crl({ thisUpdate: SIMULATED_NOW });
    const certificates = [chip.leaf, root.ask, root.ark];
    const options = simulatedTrust("milan");
    const carried = missingEndorsements(evidence, { certificates, crls: [{ der }] }, options);
    expect(carried).toMatchObject({ needsCrl: true, hasCarriedCrl: true });
    const own = missingEndorsements(
      evidence,
      { certificates, crls: [{ der, obtainedAt: SIMULATED_NOW }] },
      options,
    );
    expect(own.needsCrl).toBe(false);
    const none = missingEndorsements(evidence, { certificates, crls: [] }, options);
    expect(none).toMatchObject({ needsCrl: true, hasCarriedCrl: false });
  });

  it.each([
    ["of the chip and its level", {}, false],
    ["of an older level", { tcb: { bootloader: 4, tee: 0, snp: 23, microcode: 219 } }, true],
    ["of another chip", { chipId: new Uint8Array(64).fill(3).with(0, 4) }, true],
    ["that says nothing of a chip", { certificate: { changeExtensions: () => [] } }, true],
  ])("with a leaf %s", (_name, plan, isAskedFor) => {
    const leaf = root.issueVcek({ ...chip, ...plan });
    const have = { certificates: [leaf, root.ask, root.ark], crls: [] };
    const missing = missingEndorsements(evidence, have, simulatedTrust("milan"));
    expect(missing.leaf === undefined).toBe(!isAskedFor);
    expect(missing).toMatchObject({ products: ["milan"], kind: "vcek", needsIntermediates: false });
  });

  it.each([
    ["a masked chip's", { fields: { chipId: new Uint8Array(64) } }],
    ["a VLEK's", { signerInfo: 4 }],
  ])("without a leaf have none to ask for where it is %s", (_name, plan) => {
    const report = chip.report({ reportData: new Uint8Array(64), ...plan });
    const bare = parseEvidence({ format: "raw", report });
    const missing = missingEndorsements(bare, { certificates: [], crls: [] }, simulatedTrust("milan"));
    expect(missing.leaf).toBeUndefined();
    expect(missing).toMatchObject({ needsIntermediates: true, needsCrl: true });
  });

  it("15: for a v2 report may be of two lines until a leaf says which", () => {
    const report = chip.report({ reportData: new Uint8Array(64), version: 2 });
    const old = parseEvidence({ format: "raw", report });
    const productsWith = (certificates: readonly Uint8Array[]) =>
      missingEndorsements(old, { certificates, crls: [] }, simulatedTrust("milan")).products;
    expect(productsWith([])).toEqual(["milan", "genoa"]);
    expect(productsWith([chip.leaf])).toEqual(["milan"]);
  });

  it("of Turin are asked for by eight bytes of CHIP_ID", () => {
    const other = createSimulatedChip(turin);
    const report = other.report({ reportData: new Uint8Array(64) });
    const missing = missingEndorsements(
      parseEvidence({ format: "raw", report }),
      { certificates: [], crls: [] },
      simulatedTrust("turin"),
    );
    expect(missing).toMatchObject({ products: ["turin"], leaf: { chipId: new Uint8Array(8).fill(3) } });
  });
});
