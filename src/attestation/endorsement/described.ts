/** What does any certificate say of its dates, names and strength, whoever issued it? Read for an inventory; nothing of it is believed. */
import { hexOf, utf8 } from "../../base/bytes.ts";
import { type Instant, parseInstant } from "../../base/time.ts";
import { DER, type DerElement, elementsOf, malformedDer, parseDer } from "./der.ts";

export interface KeyStrength {
  /** `RSA`, `EC P-256`, `Ed25519`, or the object identifier in hex where it is none that is known. */
  readonly algorithm: string;
  /** Of the modulus or the curve; `undefined` where the algorithm is unknown. */
  readonly bits: number | undefined;
}

export interface DescribedCertificate {
  readonly der: Uint8Array;
  readonly spki: Uint8Array;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly key: KeyStrength;
  /** `SHA-256`, `SHA-1`, or the object identifier in hex where it is none that is known. */
  readonly signedWith: string;
  readonly isSelfIssued: boolean;
  /** Names as they are encoded, in hex. */
  readonly issuer: string;
  readonly subject: string;
  /** From the subject alternative name. */
  readonly dnsNames: readonly string[];
}

const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const DNS_NAME_TAG = 0x82;
const SUBJECT_ALT_NAME = "551d11";
const MAX_BYTES = 65_536;

/** @throws {@link Fault} `endorsement/malformed`. */
export function describeCertificate(der: Uint8Array): DescribedCertificate {
  if (der.length > MAX_BYTES) throw malformedDer(`at most ${MAX_BYTES} bytes`);
  const [tbs, algorithm] = elementsOf(parseDer(der, DER.sequence).content);
  const fields = elementsOf(tbs?.content ?? der).filter(({ tag }) => tag !== VERSION_TAG);
  const [, , issuer, validity, subject, spki, ...rest] = fields;
  if (algorithm === undefined || issuer === undefined || validity === undefined)
    throw malformedDer("a certificate");
  if (subject === undefined || spki === undefined) throw malformedDer("a certificate");
  const [from, until] = elementsOf(validity.content);
  return {
    der: der.slice(),
    spki: spki.whole.slice(),
    notBefore: momentOf(from),
    notAfter: momentOf(until),
    key: keyStrengthOf(spki.whole),
    signedWith: hashOf(algorithm),
    isSelfIssued: hexOf(issuer.whole) === hexOf(subject.whole),
    issuer: hexOf(issuer.whole),
    subject: hexOf(subject.whole),
    dnsNames: dnsNamesIn(rest.find(({ tag }) => tag === EXTENSIONS_TAG)),
  };
}

// ── strength ────────────────────────────────────────────────────────────────────────────────────────────────────────

const RSA = "2a864886f70d010101";
const RSA_PSS = "2a864886f70d01010a";
const EC = "2a8648ce3d0201";
const ED25519 = "2b6570";

const CURVES: ReadonlyMap<string, KeyStrength> = new Map([
  ["2a8648ce3d030101", { algorithm: "EC P-192", bits: 192 }],
  ["2b81040021", { algorithm: "EC P-224", bits: 224 }],
  ["2a8648ce3d030107", { algorithm: "EC P-256", bits: 256 }],
  ["2b8104000a", { algorithm: "EC secp256k1", bits: 256 }],
  ["2b81040022", { algorithm: "EC P-384", bits: 384 }],
  ["2b81040023", { algorithm: "EC P-521", bits: 521 }],
]);

/** Of a SubjectPublicKeyInfo. @throws {@link Fault} `endorsement/malformed`. */
export function keyStrengthOf(spki: Uint8Array): KeyStrength {
  const [identifier, key] = elementsOf(parseDer(spki, DER.sequence).content);
  if (identifier === undefined || key === undefined) throw malformedDer("a public key");
  const [oid, parameters] = elementsOf(identifier.content);
  const name = hexOf(oid?.content ?? new Uint8Array(0));
  if (name === RSA || name === RSA_PSS) return { algorithm: "RSA", bits: modulusBits(key) };
  if (name === EC)
    return CURVES.get(hexOf(parameters?.content ?? oid?.content ?? key.content)) ?? unknown(name);
  return name === ED25519 ? { algorithm: "Ed25519", bits: 256 } : unknown(name);
}

function unknown(name: string): KeyStrength {
  return { algorithm: name, bits: undefined };
}

function modulusBits(key: DerElement): number {
  const [modulus] = elementsOf(parseDer(key.content.subarray(1), DER.sequence).content);
  const digits = hexOf(modulus?.content ?? new Uint8Array(0)).replace(/^(00)+/, "");
  return digits === "" ? 0 : digits.length * 4 - Math.clz32(Number.parseInt(digits.slice(0, 2), 16)) + 24;
}

const HASHES: ReadonlyMap<string, string> = new Map([
  ["2a864886f70d010104", "MD5"],
  ["2a864886f70d010105", "SHA-1"],
  ["2a864886f70d01010b", "SHA-256"],
  ["2a864886f70d01010c", "SHA-384"],
  ["2a864886f70d01010d", "SHA-512"],
  ["2a8648ce3d0401", "SHA-1"],
  ["2a8648ce3d040302", "SHA-256"],
  ["2a8648ce3d040303", "SHA-384"],
  ["2a8648ce3d040304", "SHA-512"],
  [ED25519, "Ed25519"],
]);

/** PSS names its hash in its parameters: SHA-1 where it says nothing (RFC 4055 section 3.1). */
const PSS_HASHES = [
  ["608648016503040201", "SHA-256"],
  ["608648016503040202", "SHA-384"],
  ["608648016503040203", "SHA-512"],
] as const;

function hashOf(algorithm: DerElement): string {
  const [oid] = elementsOf(algorithm.content);
  const name = hexOf(oid?.content ?? new Uint8Array(0));
  if (name !== RSA_PSS) return HASHES.get(name) ?? name;
  const parameters = hexOf(algorithm.content);
  return PSS_HASHES.find(([hash]) => parameters.includes(hash))?.[1] ?? "SHA-1";
}

// ── names and dates ─────────────────────────────────────────────────────────────────────────────────────────────────

/** RFC 5280 section 4.1.2.5: two digits of a year before 50 are of this century. */
function momentOf(element: DerElement | undefined): Instant {
  const text = String.fromCharCode(...(element?.content ?? []));
  const digits = element?.tag === UTC_TIME ? `${text < "50" ? "20" : "19"}${text}` : text;
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? [];
  const isTime = element?.tag === UTC_TIME || element?.tag === GENERALIZED_TIME;
  const at = isTime ? parseInstant(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) : undefined;
  if (at === undefined) throw malformedDer("a moment from 1970 on");
  return at;
}

function dnsNamesIn(extensions: DerElement | undefined): readonly string[] {
  if (extensions === undefined) return [];
  const list = elementsOf(parseDer(extensions.content, DER.sequence).content);
  const names = list
    .map(({ content }) => elementsOf(content))
    .find(([oid]) => hexOf(oid?.content ?? utf8("")) === SUBJECT_ALT_NAME);
  const value = names?.at(-1);
  if (value === undefined) return [];
  return elementsOf(parseDer(value.content, DER.sequence).content)
    .filter(({ tag }) => tag === DNS_NAME_TAG)
    .map(({ content }) => String.fromCharCode(...content));
}
