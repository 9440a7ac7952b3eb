/** Which mistakes of other verifiers with certificates are not ours? Catalogue cases 1 to 12, beside the rows of `test/simulator`. */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { createSimulatedRoot, type SimulatedRoot, wrappedChipId } from "../../src/simulator/amd-root.ts";
import { type CertificatePlan, spkiOf, type WrittenExtension } from "../../src/simulator/certificate.ts";
import { bitString, DER_TRUE, element, integer, sequence } from "../../src/simulator/der.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { type Deviation, type Offer, type Row, verdictOf } from "../simulator/deviation.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";

const AMD = "1.3.6.1.4.1.3704.1";
const CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const YEAR = 31_536_000;
const root = simulatedRoot("milan");

const offering = (certificates: (good: Offer) => readonly Uint8Array[]): Deviation => ({
  offer: (good) => ({ certificates: certificates(good) }),
});
const withAsk = (changes: Partial<CertificatePlan>): Deviation =>
  offering(({ chip }) => [chip.leaf, root.intermediate("vcek", changes), root.ark]);
const withArk = (changes: Partial<CertificatePlan>): Deviation =>
  offering(({ chip }) => [chip.leaf, root.ask, root.authority(changes)]);
const withExtension = (oid: string, change: Partial<WrittenExtension>): Partial<CertificatePlan> => ({
  changeExtensions: (usual) =>
    usual.map((extension) => (extension.oid === oid ? { ...extension, ...change } : extension)),
});
const constraints = (...members: readonly Uint8Array[]): Partial<CertificatePlan> =>
  withExtension(CONSTRAINTS, { value: sequence(...members) });
const usage = (bits: number): Partial<CertificatePlan> =>
  withExtension(KEY_USAGE, { value: bitString(Uint8Array.of(bits), 1) });
/** Another key under the right name, and listed in the CRL. */
const REVOKED_SERIAL = 0x010009n;
const revokedAsk = root.intermediate("vcek", { spki: spkiOf(root.keys.asvk), serial: REVOKED_SERIAL });
const listsIt = { revokedSerials: [REVOKED_SERIAL] };
const vlek = (chip: Offer["chip"]) => root.issueVlek({ key: chip.key, tcb: chip.tcb, cspId: "CN=example" });
/** AMD's names on other keys. */
const stranger: SimulatedRoot = createSimulatedRoot("milan", simulatedRoot("genoa").keys);

const KINDS: readonly Row[] = [
  [
    "3: ASVK in the ASK slot",
    offering(({ chip }) => [chip.leaf, root.asvk, root.ark]),
    "endorsement/kind-mismatch",
  ],
  [
    "3: VLEK in the VCEK slot",
    offering(({ chip }) => [vlek(chip), root.ask, root.ark]),
    "endorsement/kind-mismatch",
  ],
  [
    "3: a VCEK by name that names a provider",
    offering(({ chip: { key, tcb } }) => [
      root.issueVcek({ key, tcb, cspId: "CN=example" }),
      root.ask,
      root.ark,
    ]),
    "endorsement/kind-mismatch",
  ],
  [
    "3: a VLEK by name that names a chip",
    {
      chip: { kind: "vlek" },
      ...offering(({ chip: { key, tcb, chipId } }) => [
        root.issueVlek({ key, tcb, chipId }),
        root.asvk,
        root.ark,
      ]),
    },
    "endorsement/kind-mismatch",
  ],
  [
    "3: a VCEK that the ASVK signed",
    {
      leaf: { issuerKey: root.keys.asvk },
      certificate: { issuer: "SEV-VLEK-Milan" },
      ...offering(({ chip }) => [chip.leaf, root.ask, root.asvk, root.ark]),
    },
    "endorsement/bad-signature",
  ],
  [
    "3: both kinds for a VLEK report, VCEK first",
    {
      chip: { kind: "vlek" },
      ...offering(({ chip }) => [createSimulatedChip(root).leaf, root.ask, chip.leaf, root.asvk, root.ark]),
    },
    "verified",
  ],
  [
    "3: two providers' VLEKs at one TCB, the wrong one first",
    {
      chip: { kind: "vlek" },
      ...offering(({ chip }) => [
        createSimulatedChip(root, { kind: "vlek" }).leaf,
        chip.leaf,
        root.asvk,
        root.ark,
      ]),
    },
    "verified",
  ],
  [
    "37: two chips' VCEKs for a masked CHIP_ID, the wrong one first",
    {
      report: { fields: { chipId: new Uint8Array(64) } },
      ...offering(({ chip, certificates }) => [
        root.issueVcek({ ...chip, key: createSimulatedChip(root).key, chipId: new Uint8Array(64).fill(8) }),
        ...certificates,
      ]),
    },
    "verified",
  ],
  ["4: a leaf's name in small letters", { certificate: { subject: "sev-vcek" } }, "endorsement/malformed"],
  ["4: a leaf's name and more", { certificate: { subject: "SEV-VCEK-Milan" } }, "endorsement/malformed"],
  ["4: a leaf called `SEV`", { certificate: { subject: "SEV" } }, "endorsement/malformed"],
  ["4: an ASK called `SEV-Milan-B0`", withAsk({ subject: "SEV-Milan-B0" }), "endorsement/malformed"],
];

const ROOTS: readonly Row[] = [
  [
    "5: the right name on another ARK, and no CRL",
    {
      offer: ({ chip }) => ({
        certificates: [stranger.issueVcek(chip), stranger.ask, stranger.ark],
        crls: [],
      }),
    },
    "endorsement/untrusted-root",
  ],
  ["5: the pinned key under a forged signature", withArk({ isForged: true }), "endorsement/bad-signature"],
  [
    "5: an ARK that does not name itself its issuer",
    withArk({ issuer: "SEV-Milan" }),
    "endorsement/bad-signature",
  ],
  [
    "an ARK past its dates, which its pin makes moot",
    withArk({ notAfter: addSeconds(SIMULATED_NOW, -YEAR) }),
    "verified",
  ],
  ["an ARK that may not sign certificates", withArk(usage(0x02)), "endorsement/malformed"],
  [
    "an ARK whose path length leaves no room",
    withArk(constraints(DER_TRUE, integer(0))),
    "endorsement/malformed",
  ],
  ["an ARK with room for one authority", withArk(constraints(DER_TRUE, integer(1))), "verified"],
  ["an ASK that may sign CRLs only", withAsk(usage(0x02)), "endorsement/malformed"],
  ["an ASK with CA:FALSE", withAsk(constraints()), "endorsement/malformed"],
  [
    "an ASK with CA written as 1",
    withAsk(constraints(element(1, Uint8Array.of(1)))),
    "endorsement/malformed",
  ],
  [
    "an ASK with more constraints than two",
    withAsk(constraints(DER_TRUE, integer(0), integer(0))),
    "endorsement/malformed",
  ],
  [
    "an ASK whose constraints are not critical",
    withAsk(withExtension(CONSTRAINTS, { isCritical: false })),
    "endorsement/malformed",
  ],
  [
    "an ASK whose key usage is not critical",
    withAsk(withExtension(KEY_USAGE, { isCritical: false })),
    "endorsement/malformed",
  ],
  [
    "an ASK of another line's name under this root",
    {
      certificate: { issuer: "SEV-Genoa" },
      ...offering(({ chip }) => [chip.leaf, root.intermediate("vcek", { subject: "SEV-Genoa" }), root.ark]),
    },
    "endorsement/product-mismatch",
  ],
  [
    "6: a revoked ASK of the same name beside the live one, first",
    { crl: listsIt, ...offering(({ certificates }) => [revokedAsk, ...certificates]) },
    "verified",
  ],
  [
    "6: a revoked ASK of the same name beside the live one, last",
    { crl: listsIt, ...offering(({ certificates }) => [...certificates, revokedAsk]) },
    "verified",
  ],
  [
    "6: a leaf under the revoked ASK",
    {
      leaf: { issuerKey: root.keys.asvk },
      crl: listsIt,
      ...offering(({ chip }) => [chip.leaf, root.ask, revokedAsk, root.ark]),
    },
    "endorsement/revoked",
  ],
  [
    "seventeen certificates",
    offering(({ certificates }) => [...certificates, ...Array.from({ length: 14 }, () => root.asvk)]),
    "endorsement/malformed",
  ],
  [
    "sixteen certificates",
    offering(({ certificates }) => [...certificates, ...Array.from({ length: 13 }, () => root.asvk)]),
    "verified",
  ],
  ["junk beside the chain", offering(({ certificates }) => [new Uint8Array(9), ...certificates]), "verified"],
  [
    "a certificate of 8193 bytes",
    offering(({ certificates }) => [new Uint8Array(8193), ...certificates.slice(1)]),
    "endorsement/malformed",
  ],
];

const EXTENSIONS: readonly Row[] = [
  ["9: a good Turin base", { product: "turin" }, "verified"],
  [
    "1: a Turin hwID off in its last byte",
    { product: "turin", leaf: { chipId: new Uint8Array(8).fill(3).with(7, 4) } },
    "endorsement/chip-mismatch",
  ],
  [
    "9: a Turin hwID of 64 bytes",
    { product: "turin", leaf: { chipId: new Uint8Array(64).fill(3) } },
    "endorsement/malformed",
  ],
  [
    "10: a Turin hwID in a wrapper",
    { product: "turin", leaf: { chipId: wrappedChipId(new Uint8Array(8).fill(3)) } },
    "verified",
  ],
  ["9: a Milan hwID of 8 bytes", { leaf: { chipId: new Uint8Array(8).fill(3) } }, "endorsement/malformed"],
  ["9: structVersion 0 on Turin", { product: "turin", leaf: { structVersion: 0 } }, "endorsement/malformed"],
  [
    "10: a hwID of 66 bytes that is no wrapper",
    { leaf: { chipId: new Uint8Array(66).fill(3) } },
    "endorsement/malformed",
  ],
  ["8: productName of another stepping", { leaf: { productName: "Milan-B1" } }, "verified"],
  ["8: productName of Turin", { leaf: { productName: "Turin" } }, "endorsement/product-mismatch"],
  [
    "10: no structVersion",
    withLeaf((usual) => usual.filter(({ oid }) => oid !== `${AMD}.1`)),
    "endorsement/malformed",
  ],
  [
    "10: an arc of AMD's beyond a known one",
    withLeaf((usual) => [...usual, { oid: `${AMD}.3.10`, value: integer(1) }]),
    "endorsement/malformed",
  ],
  [
    "10: an extension that is not known, twice",
    withLeaf((usual) => [...usual, note, note]),
    "endorsement/malformed",
  ],
  [
    "10: a level of five bytes",
    withLeaf((usual) => usual.map((extension) => withLevel(extension, Uint8Array.of(2, 5, 1, 0, 0, 0, 24)))),
    "endorsement/malformed",
  ],
  [
    "10: a level with a byte behind it",
    withLeaf((usual) => usual.map((extension) => withLevel(extension, Uint8Array.of(2, 1, 24, 0)))),
    "endorsement/malformed",
  ],
  [
    "10: a leaf that claims to be an authority",
    withLeaf((usual) => [...usual, { oid: CONSTRAINTS, isCritical: true, value: sequence(DER_TRUE) }]),
    "endorsement/malformed",
  ],
  [
    "11: a provider's name with a control character",
    { chip: { kind: "vlek", cspId: "CN=a\u0000b" } },
    "endorsement/malformed",
  ],
  [
    "11: neither chip nor provider",
    offering(({ chip: { key, tcb } }) => [root.issueVcek({ key, tcb }), root.ask, root.ark]),
    "endorsement/malformed",
  ],
];

function withLeaf(changeExtensions: CertificatePlan["changeExtensions"] & object): Deviation {
  return { certificate: { changeExtensions } };
}

const note: WrittenExtension = { oid: "1.2.3.4", value: integer(1) };

function withLevel(extension: WrittenExtension, value: Uint8Array): WrittenExtension {
  return extension.oid === `${AMD}.3.3` ? { ...extension, value } : extension;
}

describe.each([
  ["kind and name", KINDS],
  ["roots and authorities", ROOTS],
  ["AMD's extensions", EXTENSIONS],
])("a mistake about %s", (_part, rows) => {
  it.each(rows)("%s", async (_name, deviation, verdict) => {
    expect(await verdictOf(deviation)).toBe(verdict);
  });
});
