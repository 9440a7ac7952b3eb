import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { providerAuthorities } from "../../src/attestation/endorsement/provider-chain.ts";
import { parseLaunchEndorsement } from "../../src/attestation/gcp/launch-endorsement.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { SIMULATOR_MARK } from "../../src/simulator/certificate.ts";
import {
  delimited,
  type LaunchEndorsementPlan,
  number,
  varint,
} from "../../src/simulator/launch-endorsement.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import {
  endorsementOf,
  FOUR_VMSAS,
  simulatedProvider,
  simulatedProviders,
  UEFI_DIGEST,
} from "../support/provider.ts";
import { type Judged, passedBents, verify } from "./firmware-at-hand.ts";

describe("a launch endorsement", () => {
  it("says which firmware of Google's was launched, and for how many VMSAs", async () => {
    expect(await verify(endorsementOf())).toEqual({
      provider: "google",
      svn: 3,
      uefiDigest: UEFI_DIGEST,
      vmsas: 4,
      isSimulated: true,
    });
  });

  it("may be of an SVSM, which has no number of VMSAs", async () => {
    const svsmMeasurement = new Uint8Array(48).fill(0x55);
    const said = await verify(endorsementOf({ svsmMeasurement }), {
      report: { measurement: svsmMeasurement },
    });
    expect(said).not.toHaveProperty("vmsas");
  });

  it("may say more than is known, where Google signed it", async () => {
    const more = concatBytes(
      number(99, 5n),
      delimited(98, Uint8Array.of(1)),
      varint(97n * 8n + 5n),
      new Uint8Array(4),
    );
    expect(await verify(endorsementOf({ extraGolden: more, extraSnp: more }))).toMatchObject({ vmsas: 4 });
  });

  it.each<[string, Partial<LaunchEndorsementPlan>, Judged]>([
    ["from before sources were named", { signedAt: instant(1_722_556_800), changeList: 0 }, {}],
    ["of a firmware that is known by a commit", { changeList: 0, commit: new Uint8Array(20).fill(1) }, {}],
    ["without a guest policy", { policy: 0n }, { report: { policy: 0xb0000n } }],
    ["of a guest that allows less than it may", {}, { report: { policy: 0x20000n } }],
    ["with identifiers, of a guest without an ID block", { familyId: new Uint8Array(16).fill(1) }, {}],
  ])("may be one %s", async (_name, plan, judged) => {
    expect(await codeOfPromise(verify(endorsementOf(plan), judged))).toBeUndefined();
  });

  it.each<[string, Partial<LaunchEndorsementPlan>, Judged, string]>([
    [
      "of another firmware",
      { measurements: { 4: new Uint8Array(48).fill(0x45) } },
      {},
      "endorsement/firmware-mismatch",
    ],
    ["of no firmware", { measurements: {} }, {}, "endorsement/firmware-mismatch"],
    [
      "of a firmware that nobody says the source of",
      { signedAt: instant(1_722_556_801), changeList: 0 },
      {},
      "endorsement/firmware-mismatch",
    ],
    [
      "of a guest that may be debugged",
      {},
      { report: { policy: 0xf0000n } },
      "endorsement/firmware-mismatch",
    ],
    [
      "of a guest that may be moved where none may be",
      { policy: 0x30000n },
      { report: { policy: 0x70000n } },
      "endorsement/firmware-mismatch",
    ],
    [
      "of another family than the guest's ID block says",
      { familyId: new Uint8Array(16).fill(1) },
      { report: { fields: { familyId: new Uint8Array(16).fill(2) } } },
      "endorsement/firmware-mismatch",
    ],
    [
      "of another image than the guest's ID block says",
      { imageId: new Uint8Array(16).fill(1) },
      { report: { fields: { imageId: new Uint8Array(16).fill(2) } } },
      "endorsement/firmware-mismatch",
    ],
    [
      "by another key than its certificate's",
      { key: simulatedProvider().keys.firmwareRoot },
      {},
      "endorsement/firmware-bad-signature",
    ],
    ["by a key that is not RSA's", ofAnAk(), {}, "endorsement/firmware-bad-signature"],
    [
      "under another root",
      {},
      { authorities: simulatedProviders().hostVtpm },
      "endorsement/provider-untrusted",
    ],
    ["under no root", {}, { authorities: [] }, "endorsement/provider-untrusted"],
    ["after its certificate ran out", {}, { now: 2_500_000_000 }, "endorsement/provider-expired"],
    ["before its certificate began", {}, { now: 1_704_067_199 }, "endorsement/provider-expired"],
    [
      "under a certificate that says it is an authority's",
      { certificate: simulatedProvider().firmwareRoot, key: simulatedProvider().keys.firmwareRoot },
      {},
      "endorsement/provider-untrusted",
    ],
    [
      "whose certificate is spoilt",
      { certificate: simulatedProvider().firmwareCertificate({ isForged: true }) },
      {},
      "endorsement/provider-untrusted",
    ],
    [
      "whose certificate somebody else signed",
      { certificate: simulatedProvider().firmwareCertificate({}, simulatedProvider().keys.firmwareSigner) },
      {},
      "endorsement/provider-untrusted",
    ],
    [
      "whose certificate has a critical extension that nobody knows",
      {
        certificate: simulatedProvider().firmwareCertificate({
          changeExtensions: (usual) => [...usual, { ...SIMULATOR_MARK, oid: "1.2.3.4", isCritical: true }],
        }),
      },
      {},
      "endorsement/provider-untrusted",
    ],
    [
      "whose certificate is of a key that may not sign",
      {
        certificate: simulatedProvider().firmwareCertificate({
          changeExtensions: (usual) => usual.filter(({ oid }) => oid !== "2.5.29.15"),
        }),
      },
      {},
      "endorsement/provider-untrusted",
    ],
    ["without a certificate", { certificate: new Uint8Array(0) }, {}, "endorsement/firmware-malformed"],
    ["whose certificate is none", { certificate: Uint8Array.of(0x30, 0x00) }, {}, "endorsement/malformed"],
    [
      "without the digest of the image",
      { uefiDigest: new Uint8Array(0) },
      {},
      "endorsement/firmware-malformed",
    ],
    ["with a digest of 32 bytes", { uefiDigest: new Uint8Array(32) }, {}, "endorsement/firmware-malformed"],
    [
      "with a measurement of 47 bytes",
      { measurements: { 4: new Uint8Array(47) } },
      {},
      "endorsement/firmware-malformed",
    ],
    [
      "with an empty measurement",
      { measurements: { 4: new Uint8Array(0) } },
      {},
      "endorsement/firmware-malformed",
    ],
    [
      "with a measurement for a number of VMSAs that has 33 bits",
      { measurements: { 4294967296: FOUR_VMSAS } },
      {},
      "endorsement/firmware-malformed",
    ],
    [
      "with a family of 15 bytes",
      { familyId: new Uint8Array(15).fill(1) },
      {},
      "endorsement/firmware-malformed",
    ],
    [
      "with a number of VMSAs twice",
      { extraSnp: mapEntry(4n, new Uint8Array(48)) },
      {},
      "endorsement/firmware-malformed",
    ],
    [
      "with its part for SEV-SNP twice",
      { extraGolden: delimited(7, number(1, 9n)) },
      {},
      "endorsement/firmware-malformed",
    ],
    [
      "with its certificate twice",
      { extraGolden: delimited(4, Uint8Array.of(1)) },
      {},
      "endorsement/firmware-malformed",
    ],
    ["with its security version twice", { extraSnp: number(1, 9n) }, {}, "endorsement/firmware-malformed"],
    ["with a security version of 33 bits", { svn: 4_294_967_296 }, {}, "endorsement/firmware-malformed"],
    [
      "with a number where bytes should be",
      { svsmMeasurement: new Uint8Array(0), extraSnp: number(7, 1n) },
      {},
      "endorsement/firmware-malformed",
    ],
    [
      "with bytes where a number should be",
      { policy: 0n, extraSnp: delimited(5, Uint8Array.of(1)) },
      {},
      "endorsement/firmware-malformed",
    ],
  ])("is refused where it is one %s", async (_name, plan, judged, code) => {
    expect(await codeOfPromise(verify(endorsementOf(plan), judged))).toBe(code);
  });

  it("is refused with its message written anew, though it means the same", async () => {
    const good = parseLaunchEndorsement(endorsementOf());
    const again = concatBytes(good.signedBytes, number(500, 1n)); // an unknown field: the same meaning, other bytes
    const bytes = concatBytes(delimited(1, again), delimited(2, good.signature));
    expect(parseLaunchEndorsement(bytes).snp).toEqual(good.snp);
    expect(await codeOfPromise(verify(bytes))).toBe("endorsement/firmware-bad-signature");
  });

  it.each<[string, (good: Uint8Array) => Uint8Array]>([
    ["with nothing in it", () => new Uint8Array(0)],
    [
      "with its message twice",
      (good) => concatBytes(good, delimited(1, parseLaunchEndorsement(good).signedBytes)),
    ],
    ["with its signature twice", (good) => concatBytes(good, delimited(2, Uint8Array.of(1)))],
    ["with a field that nobody signed", (good) => concatBytes(good, number(3, 1n))],
    ["with a byte behind it", (good) => concatBytes(good, Uint8Array.of(0))],
    ["without its last byte", (good) => good.slice(0, -1)],
    ["without its signature", (good) => delimited(1, parseLaunchEndorsement(good).signedBytes)],
    ["without its message", (good) => delimited(2, parseLaunchEndorsement(good).signature)],
    [
      "of more than 16 KiB, though all of it is signed",
      () => endorsementOf({ extraGolden: delimited(99, new Uint8Array(15_000)) }),
    ],
  ])("is refused %s", (_name, bend) => {
    expect(codeOf(() => parseLaunchEndorsement(bend(endorsementOf())))).toBe(
      "endorsement/firmware-malformed",
    );
  });

  it("is refused with a byte of it another, every 61st (all of them in the full run)", async () => {
    expect(await passedBents(endorsementOf(), 61)).toEqual([]);
  });
});

describe("the authorities of a configuration", () => {
  it.each([
    ["none at all", []],
    ["an intermediate without its root", [simulatedProvider().akIntermediate]],
  ])("are refused where they are %s", (_name, ders) => {
    expect(codeOf(() => providerAuthorities(ders))).toBe("endorsement/provider-untrusted");
  });

  it("are refused where one is no authority", () => {
    const ders = [simulatedProvider().firmwareRoot, simulatedProvider().firmwareCertificate()];
    expect(codeOf(() => providerAuthorities(ders))).toBe("endorsement/malformed");
  });
});

function mapEntry(count: bigint, measurement: Uint8Array): Uint8Array {
  return delimited(2, concatBytes(number(1, count), delimited(2, measurement)));
}

/** A certificate of an ECDSA key, properly issued. */
function ofAnAk(): Partial<LaunchEndorsementPlan> {
  const { keys, firmwareCertificate } = simulatedProvider();
  const spki = Uint8Array.from(
    generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey.export({ format: "der", type: "spki" }),
  );
  return { certificate: firmwareCertificate({ spki }), key: keys.firmwareSigner };
}
