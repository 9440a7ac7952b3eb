/** Which certificates and CRLs are not read at all? One change of form each, of which an X.509 library thinks nothing. */
import { describe, expect, it } from "vitest";
import { elementsOf, parseDer } from "../../src/attestation/endorsement/der.ts";
import { isPssSha384 } from "../../src/attestation/endorsement/pss.ts";
import { parseCertificate, parseCrl } from "../../src/attestation/endorsement/x509.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { nameOf, pssForm } from "../../src/simulator/certificate.ts";
import { bitString, DER_NULL, element, integer, oid, sequence, TAG, text } from "../../src/simulator/der.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { codeOf } from "../support/faults.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";

const root = simulatedRoot("milan");
const { leaf } = createSimulatedChip(root);
const crl = root.crl({ thisUpdate: SIMULATED_NOW, revokedSerials: [5n] });
const SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"), DER_NULL);
const SHA384 = sequence(oid("2.16.840.1.101.3.4.2.2"), DER_NULL);

const mgf = (hash: Uint8Array) => sequence(oid("1.2.840.113549.1.1.8"), hash);
const pss = (...parameters: readonly Uint8Array[]) =>
  sequence(oid("1.2.840.113549.1.1.10"), sequence(...parameters));
const [hash, mask] = [element(0xa0, SHA384), element(0xa1, mgf(SHA384))];
const salt = (bytes: number) => element(0xa2, integer(bytes));

/** Members of the outer SEQUENCE. */
interface Outer {
  readonly tbs: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

function outerOf(der: Uint8Array): Outer {
  const [tbs, algorithm, signature] = elementsOf(parseDer(der, 0x30).content).map(({ whole }) => whole);
  if (tbs === undefined || algorithm === undefined || signature === undefined) throw new Error("no three");
  return { tbs, algorithm, signature };
}

function rewritten(der: Uint8Array, change: (outer: Outer) => readonly Uint8Array[]): Uint8Array {
  return sequence(...change(outerOf(der)));
}

/** Both AlgorithmIdentifiers, inside and outside. */
function withAlgorithm(der: Uint8Array, algorithm: Uint8Array, at: number): Uint8Array {
  return rewritten(der, ({ tbs, signature }) => [tbsWith(tbs, at, algorithm), algorithm, signature]);
}

function tbsWith(tbs: Uint8Array, at: number, member: Uint8Array): Uint8Array {
  const members = elementsOf(parseDer(tbs, 0x30).content).map(({ whole }) => whole);
  return sequence(...members.with(at, member));
}

const ALGORITHMS: readonly (readonly [name: string, algorithm: Uint8Array])[] = [
  ["PSS with SHA-256", pss(element(0xa0, SHA256), element(0xa1, mgf(SHA256)), salt(32))],
  ["PSS with SHA-384 masked by SHA-256", pss(hash, element(0xa1, mgf(SHA256)), salt(48))],
  ["PSS with a salt of 32 bytes", pss(hash, mask, salt(32))],
  ["PSS with another trailer", pss(hash, mask, salt(48), element(0xa3, integer(2)))],
  ["PSS by default, which is SHA-1", pss()],
  ["PSS without parameters", sequence(oid("1.2.840.113549.1.1.10"))],
  ["PKCS #1 v1.5 with SHA-384", sequence(oid("1.2.840.113549.1.1.12"), DER_NULL)],
  ["ECDSA with SHA-384", sequence(oid("1.2.840.10045.4.3.3"))],
];

describe("a signature algorithm", () => {
  it("is AMD's in both its forms, and no other", () => {
    expect([true, false].map((hasTrailer) => isPssSha384(pssForm("sha384", hasTrailer).algorithm))).toEqual([
      true,
      true,
    ]);
    expect(isPssSha384(pss(hash, mask, salt(48)))).toBe(true);
    expect(isPssSha384(concatBytes(pssForm("sha384", true).algorithm, DER_NULL))).toBe(false);
  });

  it.each(ALGORITHMS)("is not %s", (_name, algorithm) => {
    expect(isPssSha384(algorithm)).toBe(false);
    expect(codeOf(() => parseCertificate(withAlgorithm(leaf, algorithm, 2)))).toBe("endorsement/malformed");
    expect(codeOf(() => parseCrl(withAlgorithm(crl, algorithm, 1)))).toBe("endorsement/crl-invalid");
  });
});

const commonName = (value: string) => element(TAG.set, sequence(oid("2.5.4.3"), text(TAG.utf8String, value)));
const note = (size: number) => ({ oid: "1.2.3.4", value: new Uint8Array(size) });
const leafWith = (certificate: NonNullable<Parameters<typeof root.issueVcek>[0]["certificate"]>) =>
  createSimulatedChip(root, { leaf: { certificate } }).leaf;
const ofSize = (size: number) => leafWith({ changeExtensions: (usual) => [...usual, note(size)] });

describe("a certificate", () => {
  it("is read as it was written, and as it was written anew", () => {
    expect(parseCertificate(leaf)).toMatchObject({ commonName: "SEV-VCEK", serial: "0", der: leaf });
    expect(rewritten(leaf, ({ tbs, algorithm, signature }) => [tbs, algorithm, signature])).toEqual(leaf);
    expect(parseCertificate(ofSize(6000)).extensions.get("1.2.3.4")?.value).toHaveLength(6000);
  });

  it.each([
    ["of more than 8192 bytes", () => ofSize(8000)],
    [
      "with one algorithm inside, another form of it outside",
      () => rewritten(leaf, (outer) => [outer.tbs, pssForm("sha384", true).algorithm, outer.signature]),
    ],
    [
      "with a fourth member",
      () => rewritten(leaf, (outer) => [outer.tbs, outer.algorithm, outer.signature, DER_NULL]),
    ],
    ["without a signature", () => rewritten(leaf, (outer) => [outer.tbs, outer.algorithm])],
    [
      "whose signature is an OCTET STRING",
      () => rewritten(leaf, (outer) => [outer.tbs, outer.algorithm, element(4, new Uint8Array(513))]),
    ],
    [
      "whose signature lacks a bit",
      () => rewritten(leaf, (outer) => [outer.tbs, outer.algorithm, bitString(new Uint8Array(512), 1)]),
    ],
    [
      "with two common names",
      () => leafWith({ subject: sequence(commonName("SEV-VCEK"), commonName("SEV-VLEK")) }),
    ],
    [
      "with one common name twice",
      () => leafWith({ subject: sequence(commonName("SEV-VCEK"), commonName("SEV-VCEK")) }),
    ],
    ["without a common name", () => leafWith({ subject: sequence() })],
    ["that is a CRL", () => crl],
  ])("is not read %s", (_name, der) => {
    expect(codeOf(() => parseCertificate(der()))).toBe("endorsement/malformed");
  });
});

describe("a CRL", () => {
  const entries = (count: number) =>
    root.crl({
      thisUpdate: SIMULATED_NOW,
      revokedSerials: Array.from({ length: count }, (_, at) => BigInt(at)),
    });

  const ofLength = (size: number) => root.crl({ thisUpdate: SIMULATED_NOW, extraExtensions: [note(size)] });

  it("is read as it was written, with its entries", () => {
    expect(parseCrl(ofLength(64_000)).extensions.get("1.2.3.4")?.value).toHaveLength(64_000);
    expect(parseCrl(crl)).toMatchObject({ issuer: nameOf("ARK-Milan"), revokedSerials: new Set(["5"]) });
    expect(parseCrl(entries(1500)).revokedSerials.size).toBe(1500);
  });

  it("lists a serial in one form, whatever zeros stand before it", () => {
    const serials = parseCrl(
      root.crl({ thisUpdate: SIMULATED_NOW, revokedSerials: [0xffn, 0x020001n] }),
    ).revokedSerials;
    expect(serials).toEqual(new Set(["ff", "20001"]));
    expect(parseCertificate(root.ask).serial).toBe("10001");
  });

  it.each([
    ["of more than 64 KiB", () => ofLength(66_000)],
    ["of four thousand entries", () => entries(4000)],
    [
      "of version 1",
      () => rewritten(crl, (outer) => [withoutVersion(outer.tbs), outer.algorithm, outer.signature]),
    ],
    [
      "of version 3",
      () => rewritten(crl, (outer) => [tbsWith(outer.tbs, 0, integer(2)), outer.algorithm, outer.signature]),
    ],
    [
      "with another form of its algorithm outside",
      () => rewritten(crl, (outer) => [outer.tbs, pssForm("sha384", true).algorithm, outer.signature]),
    ],
    [
      "with a fourth member",
      () => rewritten(crl, (outer) => [outer.tbs, outer.algorithm, outer.signature, DER_NULL]),
    ],
    ["that is a certificate", () => leaf],
  ])("is not read %s", (_name, der) => {
    expect(codeOf(() => parseCrl(der()))).toBe("endorsement/crl-invalid");
  });
});

function withoutVersion(tbs: Uint8Array): Uint8Array {
  return sequence(
    ...elementsOf(parseDer(tbs, 0x30).content)
      .slice(1)
      .map(({ whole }) => whole),
  );
}
