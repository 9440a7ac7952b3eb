/** What can be wrong with certificates and CRLs? One change from a good base each, and the code that it gets. */
import { describe, expect, it } from "vitest";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { addSeconds } from "../../src/base/time.ts";
import { createSimulatedRoot, type SimulatedRoot, wrappedChipId } from "../../src/simulator/amd-root.ts";
import { type CertificatePlan, nameOf, type WrittenExtension } from "../../src/simulator/certificate.ts";
import { DER_NULL } from "../../src/simulator/der.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";
import { type Deviation, type Row, verdictOf } from "./deviation.ts";

const AMD = "1.3.6.1.4.1.3704.1";
const DAY = 86_400;

type Change = (usual: readonly WrittenExtension[]) => readonly WrittenExtension[];
const extensions = (changeExtensions: Change): Deviation => ({ certificate: { changeExtensions } });
const without = (...oids: readonly string[]): Deviation =>
  extensions((usual) => usual.filter(({ oid }) => !oids.includes(oid)));
const withValue = (oid: string, value: Uint8Array): Deviation =>
  extensions((usual) =>
    usual.map((extension) => (extension.oid === oid ? { ...extension, value } : extension)),
  );
const withExtra = (...extra: readonly WrittenExtension[]): Deviation =>
  extensions((usual) => [...usual, ...extra]);
const chipIdOf = (...bytes: readonly number[]): Uint8Array =>
  Uint8Array.from({ length: 64 }, (_, i) => bytes[i] ?? 3);
const rawAsWrapped = chipIdOf(0x04, 0x40);
/** AMD's names on other keys. */
const swapped = (product: ProductLine): SimulatedRoot =>
  createSimulatedRoot(product, simulatedRoot("genoa").keys);

const CERTIFICATES: readonly Row[] = [
  ["nothing at all", {}, "verified"],
  ["hwID of another chip", { leaf: { chipId: chipIdOf(9) } }, "endorsement/chip-mismatch"],
  [
    "hwID off in its last byte",
    { leaf: { chipId: new Uint8Array(64).fill(3).with(63, 4) } },
    "endorsement/chip-mismatch",
  ],
  [
    "a Turin CHIP_ID with more than eight bytes",
    { product: "turin", report: { fields: { chipId: new Uint8Array(64).fill(3) } } },
    "endorsement/chip-mismatch",
  ],
  ["no hwID", without(`${AMD}.4`), "endorsement/malformed"],
  ["hwID in a wrapper", { leaf: { chipId: wrappedChipId(new Uint8Array(64).fill(3)) } }, "verified"],
  ["raw hwID that begins like a wrapper", { chip: { chipId: rawAsWrapped } }, "verified"],
  ["hwID of 63 bytes", { leaf: { chipId: new Uint8Array(63).fill(3) } }, "endorsement/malformed"],
  ["hwID and cspID", { leaf: { cspId: "CN=example" } }, "endorsement/malformed"],
  ["VCEK where SIGNING_KEY says VLEK", { report: { signerInfo: 4 } }, "endorsement/kind-mismatch"],
  [
    "VLEK where SIGNING_KEY says VCEK",
    { chip: { kind: "vlek" }, report: { signerInfo: 0 } },
    "endorsement/kind-mismatch",
  ],
  [
    "both kinds, VLEK first",
    {
      offer: ({ root, chip, certificates }) => ({
        certificates: [root.issueVlek({ ...chip, cspId: "CN=example" }), root.asvk, ...certificates],
      }),
    },
    "verified",
  ],
  ["CN `VCEK`", { certificate: { subject: "VCEK" } }, "endorsement/malformed"],
  ["another issuer's name", { certificate: { issuer: nameOf("SEV-Genoa") } }, "endorsement/bad-signature"],
  ["a forged leaf", { certificate: { isForged: true } }, "endorsement/bad-signature"],
  [
    "a leaf signed by the ARK",
    { leaf: { issuerKey: simulatedRoot("milan").keys.ark } },
    "endorsement/bad-signature",
  ],
  ["a forged ASK", askWith({ isForged: true }), "endorsement/bad-signature"],
  [
    "an ASK that is no authority",
    askWith({ changeExtensions: (usual) => usual.filter(({ oid }) => oid !== "2.5.29.19") }),
    "endorsement/malformed",
  ],
  [
    "an ASK that may not sign certificates",
    askWith({ changeExtensions: (usual) => usual.filter(({ oid }) => oid !== "2.5.29.15") }),
    "endorsement/malformed",
  ],
  [
    "an ASK with a critical extension that nobody knows",
    askWith({
      changeExtensions: (usual) => [...usual, { oid: "1.2.3.4", isCritical: true, value: DER_NULL }],
    }),
    "endorsement/malformed",
  ],
  ["an ASK of tomorrow", askWith({ notBefore: addSeconds(SIMULATED_NOW, DAY) }), "endorsement/not-yet-valid"],
  ["an ASK of yesterday", askWith({ notAfter: addSeconds(SIMULATED_NOW, -DAY) }), "endorsement/expired"],
  [
    "a leaf of tomorrow",
    { certificate: { notBefore: addSeconds(SIMULATED_NOW, DAY) } },
    "endorsement/not-yet-valid",
  ],
  [
    "a leaf of yesterday",
    { certificate: { notAfter: addSeconds(SIMULATED_NOW, -DAY) } },
    "endorsement/expired",
  ],
  [
    "a leaf issued anew on another day",
    { certificate: { notBefore: addSeconds(SIMULATED_NOW, -DAY) } },
    "verified",
  ],
  ["a leaf with a serial", { certificate: { serial: 77n } }, "verified"],
  ["a leaf with the trailer field written out", { certificate: { hasTrailer: true } }, "verified"],
  ["a leaf with bytes behind it", { certificate: { trailing: Uint8Array.of(0) } }, "endorsement/malformed"],
  ["a leaf without the simulator's mark", { certificate: { hasMark: false } }, "endorsement/untrusted-root"],
  ["an ASK without the simulator's mark", askWith({ hasMark: false }), "endorsement/untrusted-root"],
  [
    "the right name on another ARK",
    {
      offer: ({ chip, crls }) => {
        const other = swapped("milan");
        return { certificates: [other.issueVcek(chip), other.ask, other.ark], crls };
      },
    },
    "endorsement/untrusted-root",
  ],
  [
    "another line's chain",
    { offer: () => ({ certificates: chainOf("genoa") }) },
    "endorsement/untrusted-root",
  ],
  [
    "no leaf",
    { offer: ({ certificates }) => ({ certificates: certificates.slice(1) }) },
    "endorsement/missing",
  ],
  [
    "no intermediate",
    { offer: ({ certificates }) => ({ certificates: certificates.toSpliced(1, 1) }) },
    "endorsement/missing",
  ],
  [
    "no ARK",
    { offer: ({ certificates }) => ({ certificates: certificates.slice(0, 2) }) },
    "endorsement/missing",
  ],
  [
    "every order of the same certificates",
    { offer: ({ certificates }) => ({ certificates: certificates.toReversed() }) },
    "verified",
  ],
  ["productName of another line", { leaf: { productName: "Genoa" } }, "endorsement/product-mismatch"],
  [
    "productName that only begins like it",
    { leaf: { productName: "Milano" } },
    "endorsement/product-mismatch",
  ],
  ["no productName", without(`${AMD}.2`), "endorsement/malformed"],
  [
    "a Genoa leaf on Siena, which is right",
    { product: "genoa", chip: { cpuid: { family: 25, model: 0xa0, stepping: 2 } } },
    "verified",
  ],
  ["an extension twice", extensions((usual) => [...usual, ...usual.slice(0, 1)]), "endorsement/malformed"],
  [
    "an unknown extension of AMD's arc",
    withExtra({ oid: `${AMD}.9`, value: DER_NULL }),
    "endorsement/malformed",
  ],
  ["an extension of somebody else", withExtra({ oid: "1.2.3.4", value: DER_NULL }), "verified"],
  [
    "a critical extension of somebody else",
    withExtra({ oid: "1.2.3.4", isCritical: true, value: DER_NULL }),
    "endorsement/malformed",
  ],
  ["extensions in another order", extensions((usual) => usual.toReversed()), "verified"],
  ["a level of 256", withValue(`${AMD}.3.3`, Uint8Array.of(2, 2, 1, 0)), "endorsement/malformed"],
  ["a negative level", withValue(`${AMD}.3.3`, Uint8Array.of(2, 1, 0xff)), "endorsement/malformed"],
  [
    "a level that is not minimal",
    withValue(`${AMD}.3.3`, Uint8Array.of(2, 2, 0, 24)),
    "endorsement/malformed",
  ],
  ["a level that is no INTEGER", withValue(`${AMD}.3.3`, Uint8Array.of(4, 1, 24)), "endorsement/malformed"],
  ["a reserved level that is set", withValue(`${AMD}.3.5`, Uint8Array.of(2, 1, 1)), "endorsement/malformed"],
  ["no snpSPL", without(`${AMD}.3.3`), "endorsement/malformed"],
  ["a structVersion of Turin's", { leaf: { structVersion: 1 } }, "endorsement/malformed"],
  [
    "an fmcSPL on Milan",
    withExtra({ oid: `${AMD}.3.9`, value: Uint8Array.of(2, 1, 1) }),
    "endorsement/malformed",
  ],
  ["no fmcSPL on Turin", { product: "turin", ...without(`${AMD}.3.9`) }, "endorsement/malformed"],
  [
    "a leaf with another key",
    { leaf: { key: createSimulatedChip(simulatedRoot("milan")).key } },
    "evidence/bad-signature",
  ],
];

const REVOCATION: readonly Row[] = [
  ["no CRL", { offer: () => ({ crls: [] }) }, "endorsement/crl-missing"],
  [
    "a CRL of last year",
    { crl: { thisUpdate: addSeconds(SIMULATED_NOW, -400 * DAY) } },
    "endorsement/crl-stale",
  ],
  ["a CRL of tomorrow", { crl: { thisUpdate: addSeconds(SIMULATED_NOW, DAY) } }, "endorsement/crl-stale"],
  ["a CRL on its last day", { crl: { nextUpdate: SIMULATED_NOW } }, "verified"],
  [
    "a CRL one second over",
    { crl: { thisUpdate: addSeconds(SIMULATED_NOW, -DAY), nextUpdate: addSeconds(SIMULATED_NOW, -1) } },
    "endorsement/crl-stale",
  ],
  ["a lower number than before", { lowestCrlNumber: 2n }, "endorsement/crl-invalid"],
  ["the same number as before", { lowestCrlNumber: 1n }, "verified"],
  ["a number beyond 64 bits", { crl: { number: 1n << 90n } }, "verified"],
  ["no number", { crl: { number: undefined } }, "endorsement/crl-invalid"],
  [
    "another line's CRL",
    { offer: () => ({ crls: [simulatedRoot("genoa").crl({ thisUpdate: SIMULATED_NOW })] }) },
    "endorsement/crl-invalid",
  ],
  ["a forged CRL", { crl: { isForged: true } }, "endorsement/crl-invalid"],
  [
    "a CRL signed by the ASK",
    { crl: { signingKey: simulatedRoot("milan").keys.ask } },
    "endorsement/crl-invalid",
  ],
  [
    "a CRL signed by the ASK that names the ARK's key",
    { crl: { signingKey: simulatedRoot("milan").keys.ask, authorityKey: simulatedRoot("milan").keys.ark } },
    "endorsement/crl-invalid",
  ],
  [
    "a CRL that names another key",
    { crl: { authorityKey: simulatedRoot("milan").keys.ask } },
    "endorsement/crl-invalid",
  ],
  ["a CRL that names no key", { crl: { hasAuthorityKeyId: false } }, "endorsement/crl-invalid"],
  ["a CRL of another issuer's name", { crl: { issuer: "SEV-Milan" } }, "endorsement/crl-invalid"],
  [
    "a critical extension that nobody knows",
    { crl: { extraExtensions: [{ oid: "1.2.3.4", isCritical: true, value: DER_NULL }] } },
    "endorsement/crl-invalid",
  ],
  ["bytes behind the CRL", { crl: { trailing: Uint8Array.of(0) } }, "endorsement/crl-invalid"],
  ["a CRL without the simulator's mark", { crl: { hasMark: false } }, "endorsement/crl-invalid"],
  ["the ASK listed", { crl: { revokedSerials: [0x010001n] } }, "endorsement/revoked"],
  ["the ASVK listed, under a VCEK", { crl: { revokedSerials: [0x010101n] } }, "verified"],
  [
    "the ASVK listed, under a VLEK",
    { chip: { kind: "vlek" }, crl: { revokedSerials: [0x010101n] } },
    "endorsement/revoked",
  ],
  ["the ARK listed", { crl: { revokedSerials: [0x010000n] } }, "endorsement/revoked"],
];

function askWith(changes: Partial<CertificatePlan>): Deviation {
  return {
    offer: ({ root, chip }) => ({ certificates: [chip.leaf, root.intermediate("vcek", changes), root.ark] }),
  };
}

function chainOf(product: ProductLine): readonly Uint8Array[] {
  const root = simulatedRoot(product);
  return [createSimulatedChip(root).leaf, root.ask, root.ark];
}

describe.each([
  ["certificates", CERTIFICATES],
  ["revocation", REVOCATION],
])("a deviation in %s", (_part, rows) => {
  it.each(rows)("%s", async (_name, deviation, verdict) => {
    expect(await verdictOf(deviation)).toBe(verdict);
  });
});
