/** What does a certificate or a CRL say? DER to plain data; the one place that knows the X.509 library. */
import "reflect-metadata"; // the library demands it, first
import { X509Certificate, X509Crl } from "@peculiar/x509";
import { equalBytes, hexOf } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { type Instant, instant } from "../../base/time.ts";
import { DER, elementsOf, parseDer } from "./der.ts";
import { isPssSha256, isPssSha384 } from "./pss.ts";

export interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  /** The content of extnValue's OCTET STRING. */
  readonly value: Uint8Array;
}

export interface Certificate {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
  /** Upper- or lower-case as issued; compared by value. Lower-case hex. */
  readonly serial: string;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly commonName: string;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly spki: Uint8Array;
  readonly extensions: ReadonlyMap<string, Extension>;
}

/** A certificate that names its own key's algorithm by the one it is signed with: what a guest makes for itself. */
export interface EcdsaCertificate extends Omit<Certificate, "commonName"> {
  readonly scheme: EcdsaScheme;
}

type EcdsaScheme = "ecdsa-p256-sha256" | "ecdsa-p384-sha384";

/** A certificate of an authority that a cloud provider runs: whose key may be of any size, and a name of any form. */
export interface ProviderCertificate extends Omit<Certificate, "commonName"> {
  readonly signedWith: ProviderAlgorithm;
}

export type ProviderAlgorithm = EcdsaScheme | "rsa-pss-sha256" | "rsa-pkcs1-sha256";

export interface Crl {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
  readonly issuer: Uint8Array;
  readonly thisUpdate: Instant;
  readonly nextUpdate: Instant | undefined;
  /** Lower-case hex. */
  readonly revokedSerials: ReadonlySet<string>;
  readonly extensions: ReadonlyMap<string, Extension>;
}

/** No certificate of AMD's comes near it; a CRL could list many. */
const MAX_CERTIFICATE_BYTES = 8192;
const MAX_CRL_BYTES = 65_536;

/**
 * Parses a certificate whose signature is RSASSA-PSS with SHA-384, MGF1-SHA-384 and a salt of 48 bytes: what AMD issues.
 *
 * @throws {@link Fault} `endorsement/malformed`: not exactly one DER certificate, another algorithm, an extension twice.
 */
export function parseCertificate(der: Uint8Array): Certificate {
  refuseLarge(der, MAX_CERTIFICATE_BYTES);
  const parts = pssPartsOf(der);
  return reading("certificate", () => {
    const parsed = new X509Certificate(Uint8Array.from(der));
    return { ...fieldsOf(der, parts, parsed), commonName: commonNameOf(parsed) };
  });
}

/**
 * Parses a certificate whose signature is ECDSA with SHA-256 or SHA-384. Neither its signature nor its key is looked at.
 *
 * @param maxBytes - Evidence may be in it, so that the caller knows how large it gets.
 * @throws {@link Fault} `endorsement/malformed`: as {@link parseCertificate}.
 */
export function parseEcdsaCertificate(der: Uint8Array, maxBytes: number): EcdsaCertificate {
  refuseLarge(der, maxBytes);
  const parts = signedParts(der);
  const scheme = ECDSA_SCHEMES.get(hexOf(parts.algorithm));
  if (scheme === undefined) throw malformed("ECDSA with SHA-256 or SHA-384");
  return reading("certificate", () => ({
    ...fieldsOf(der, parts, new X509Certificate(Uint8Array.from(der))),
    scheme,
  }));
}

/**
 * Parses a certificate of a cloud provider's. Neither its signature nor its key is looked at.
 *
 * @throws {@link Fault} `endorsement/malformed`: as {@link parseCertificate}.
 */
export function parseProviderCertificate(der: Uint8Array): ProviderCertificate {
  refuseLarge(der, MAX_CERTIFICATE_BYTES);
  const parts = signedParts(der);
  const signedWith = providerAlgorithmOf(parts.algorithm);
  if (signedWith === undefined) throw malformed("ECDSA, or RSA with SHA-256");
  return reading("certificate", () => ({
    ...fieldsOf(der, parts, new X509Certificate(Uint8Array.from(der))),
    signedWith,
  }));
}

function providerAlgorithmOf(algorithm: Uint8Array): ProviderAlgorithm | undefined {
  if (isPssSha256(algorithm)) return "rsa-pss-sha256";
  return hexOf(algorithm) === SHA256_WITH_RSA ? "rsa-pkcs1-sha256" : ECDSA_SCHEMES.get(hexOf(algorithm));
}

/** RFC 4055 section 5: its parameters are NULL. */
const SHA256_WITH_RSA = "300d06092a864886f70d01010b0500";

/** AlgorithmIdentifier without parameters (RFC 5758 section 3.2), and the key that goes with it. */
const ECDSA_SCHEMES: ReadonlyMap<string, EcdsaScheme> = new Map([
  ["300a06082a8648ce3d040302", "ecdsa-p256-sha256"],
  ["300a06082a8648ce3d040303", "ecdsa-p384-sha384"],
]);

function fieldsOf(
  der: Uint8Array,
  { tbs, algorithm, signature }: SignedParts,
  parsed: X509Certificate,
): Omit<Certificate, "commonName"> {
  const fields = elementsOf(parseDer(tbs, DER.sequence).content).filter(({ tag }) => tag !== VERSION_TAG);
  const [, innerAlgorithm, issuer, , subject, spki] = fields;
  if (innerAlgorithm === undefined || issuer === undefined || subject === undefined || spki === undefined) {
    throw malformed("a whole certificate");
  }
  refuseOtherAlgorithm(innerAlgorithm.whole, algorithm);
  return {
    der: der.slice(),
    tbs,
    signature,
    serial: serialOf(parsed.serialNumber),
    issuer: issuer.whole.slice(),
    subject: subject.whole.slice(),
    notBefore: instantOf(parsed.notBefore),
    notAfter: instantOf(parsed.notAfter),
    spki: spki.whole.slice(),
    extensions: extensionsOf(parsed.extensions),
  };
}

/**
 * Parses a certificate revocation list of the same algorithm.
 *
 * @throws {@link Fault} `endorsement/crl-invalid`.
 */
export function parseCrl(der: Uint8Array): Crl {
  try {
    refuseLarge(der, MAX_CRL_BYTES);
    const parts = pssPartsOf(der);
    return reading("CRL", () => crlOf(der, parts));
  } catch (thrown) {
    throw new Fault(
      "endorsement/crl-invalid",
      "expected one CRL in DER, signed with RSASSA-PSS and SHA-384",
      {},
      thrown,
    );
  }
}

function crlOf(der: Uint8Array, parts: SignedParts): Crl {
  const parsed = new X509Crl(Uint8Array.from(der));
  const [, innerAlgorithm, issuer] = elementsOf(parseDer(parts.tbs, DER.sequence).content);
  if (innerAlgorithm === undefined || issuer === undefined || parsed.version !== CRL_V2)
    throw malformed("a whole v2 CRL");
  refuseOtherAlgorithm(innerAlgorithm.whole, parts.algorithm);
  return {
    der: der.slice(),
    tbs: parts.tbs,
    signature: parts.signature,
    issuer: issuer.whole.slice(),
    thisUpdate: instantOf(parsed.thisUpdate),
    nextUpdate: parsed.nextUpdate === undefined ? undefined : instantOf(parsed.nextUpdate),
    revokedSerials: new Set(parsed.entries.map(({ serialNumber }) => serialOf(serialNumber))),
    extensions: extensionsOf(parsed.extensions),
  };
}

const VERSION_TAG = 0xa0;
const CRL_V2 = 1;

interface SignedParts {
  readonly tbs: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/** `SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING }`, exactly, with nothing after it. */
function signedParts(der: Uint8Array): SignedParts {
  const [tbs, algorithm, bits, ...more] = elementsOf(parseDer(der, DER.sequence).content);
  const isWhole = tbs?.tag === DER.sequence && bits?.tag === DER.bitString && bits.content[0] === 0;
  if (tbs === undefined || algorithm === undefined || bits === undefined || !isWhole || more.length > 0) {
    throw malformed("a signed SEQUENCE of three");
  }
  return { tbs: tbs.whole.slice(), algorithm: algorithm.whole.slice(), signature: bits.content.slice(1) };
}

function pssPartsOf(der: Uint8Array): SignedParts {
  const parts = signedParts(der);
  if (isPssSha384(parts.algorithm)) return parts;
  throw malformed("RSASSA-PSS with SHA-384 and a salt of 48 bytes");
}

/** RFC 5280 section 4.1.1.2: the algorithm inside the signed part is the one outside. */
function refuseOtherAlgorithm(inner: Uint8Array, outer: Uint8Array): void {
  if (!equalBytes(inner, outer)) throw malformed("one signature algorithm, inside and outside");
}

function extensionsOf(
  parsed: readonly { readonly type: string; readonly critical: boolean; readonly value: ArrayBuffer }[],
): ReadonlyMap<string, Extension> {
  const byOid = new Map<string, Extension>();
  for (const { type, critical, value } of parsed) {
    if (byOid.has(type)) throw malformed(`extension ${type} once`);
    byOid.set(type, { oid: type, isCritical: critical, value: new Uint8Array(value.slice(0)) });
  }
  return byOid;
}

function commonNameOf(parsed: X509Certificate): string {
  const [name, ...more] = parsed.subjectName.getField("CN");
  if (name === undefined || more.length > 0) throw malformed("one common name");
  return name;
}

/** Leading zeros do not make another serial. */
function serialOf(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=[0-9a-f])/, "");
}

function instantOf(date: { readonly getTime: () => number }): Instant {
  return instant(Math.floor(date.getTime() / 1000));
}

function refuseLarge(der: Uint8Array, maxBytes: number): void {
  if (der.length > maxBytes) throw malformed(`at most ${maxBytes} bytes`);
}

/** Whatever the library throws at hostile bytes becomes one code. */
function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code !== "internal/invariant") throw thrown;
    throw new Fault("endorsement/malformed", `expected a ${what} in DER`, {}, thrown);
  }
}

function malformed(expected: string): Fault {
  return new Fault("endorsement/malformed", `expected ${expected}`);
}
