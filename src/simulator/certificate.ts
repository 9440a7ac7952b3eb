/** How does AMD write a certificate? Its names, algorithms and extensions; every part can be given otherwise. */
import { constants, createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import { concatBytes } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";
import {
  bitString,
  DER_NULL,
  DER_TRUE,
  element,
  integer,
  octetString,
  oid,
  sequence,
  TAG,
  text,
  time,
} from "./der.ts";

/** One X.509 extension as it is to be written. */
export interface WrittenExtension {
  readonly oid: string;
  readonly isCritical?: boolean;
  /** The content of extnValue's OCTET STRING. */
  readonly value: Uint8Array;
}

export interface CertificatePlan {
  readonly serial: bigint;
  /** A common name within AMD's DN, or a whole Name in DER. */
  readonly issuer: string | Uint8Array;
  readonly subject: string | Uint8Array;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly extensions: readonly WrittenExtension[];
  /** The last word on the extensions, in the order in which they are written. */
  readonly changeExtensions?: (usual: readonly WrittenExtension[]) => readonly WrittenExtension[];
  /** AMD's intermediates write the trailer field out, its leaves do not. */
  readonly hasTrailer: boolean;
  /** `false` writes it without the simulator's mark. */
  readonly hasMark?: boolean;
  /** How it is signed, where not as AMD does. */
  readonly form?: SignatureForm;
  /** `true` spoils the signature. */
  readonly isForged?: boolean;
  /** Bytes behind the certificate. */
  readonly trailing?: Uint8Array;
}

/** A signature algorithm as X.509 names it, and how it is made. */
export interface SignatureForm {
  /** A whole AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly sign: (bytes: Uint8Array, key: KeyObject) => Uint8Array;
}

/** Stands on everything that the simulator makes, so that nothing of it passes for AMD's. */
export const SIMULATOR_MARK: WrittenExtension = { oid: "1.3.6.1.4.1.58270.1.1", value: DER_NULL };

const SALT_BYTES = { sha256: 32, sha384: 48 } as const;
const HASH_OIDS = { sha256: "2.16.840.1.101.3.4.2.1", sha384: "2.16.840.1.101.3.4.2.2" } as const;

/** RSASSA-PSS with one hash throughout and a salt of its size (RFC 4055). AMD's is SHA-384, Google's SHA-256. */
export function pssForm(hash: "sha256" | "sha384", hasTrailer: boolean): SignatureForm {
  const hashed = sequence(oid(HASH_OIDS[hash]), DER_NULL);
  const saltLength = SALT_BYTES[hash];
  const parameters = [
    element(0xa0, hashed),
    element(0xa1, sequence(oid("1.2.840.113549.1.1.8"), hashed)),
    element(0xa2, integer(saltLength)),
    ...(hasTrailer ? [element(0xa3, integer(1))] : []),
  ];
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return {
    algorithm: sequence(oid("1.2.840.113549.1.1.10"), sequence(...parameters)),
    sign: (bytes, key) => Uint8Array.from(sign(hash, bytes, { key, padding, saltLength })),
  };
}

/** Writes and signs a certificate. */
export function writeCertificate(plan: CertificatePlan, issuerKey: KeyObject): Uint8Array {
  const form = plan.form ?? pssForm("sha384", plan.hasTrailer);
  const usual = plan.extensions.filter((extension) => plan.hasMark !== false || extension !== SIMULATOR_MARK);
  const extensions = plan.changeExtensions?.(usual) ?? usual;
  const tbs = sequence(
    element(0xa0, integer(2)),
    integer(plan.serial),
    form.algorithm,
    nameOf(plan.issuer),
    sequence(time(plan.notBefore), time(plan.notAfter)),
    nameOf(plan.subject),
    plan.spki,
    element(0xa3, sequence(...extensions.map(writeExtension))),
  );
  return signed({ tbs, form, key: issuerKey }, plan);
}

/** What was to be signed, its algorithm and the signature; spoilt, or with bytes behind it, where a plan says so. */
export function signed(
  parts: { readonly tbs: Uint8Array; readonly form: SignatureForm; readonly key: KeyObject },
  plan: { readonly isForged?: boolean; readonly trailing?: Uint8Array },
): Uint8Array {
  const { tbs, form, key } = parts;
  const signature = form.sign(tbs, key);
  if (plan.isForged === true) signature[0] = (signature[0] ?? 0) ^ 1;
  return concatBytes(sequence(tbs, form.algorithm, bitString(signature)), plan.trailing ?? new Uint8Array(0));
}

export function writeExtension({ oid: id, isCritical, value }: WrittenExtension): Uint8Array {
  return sequence(oid(id), ...(isCritical === true ? [DER_TRUE] : []), octetString(value));
}

/** `OU=Engineering, C=US, L=Santa Clara, ST=CA, O=Advanced Micro Devices, CN=…`; a Name in DER stays what it is. */
export function nameOf(name: string | Uint8Array): Uint8Array {
  if (typeof name !== "string") return name;
  const attribute = (id: string, value: string, tag: number = TAG.utf8String): Uint8Array =>
    element(TAG.set, sequence(oid(id), text(tag, value)));
  return sequence(
    attribute("2.5.4.11", "Engineering"),
    attribute("2.5.4.6", "US", TAG.printableString),
    attribute("2.5.4.7", "Santa Clara"),
    attribute("2.5.4.8", "CA"),
    attribute("2.5.4.10", "Advanced Micro Devices"),
    attribute("2.5.4.3", name),
  );
}

export function spkiOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return Uint8Array.from(publicKey.export({ format: "der", type: "spki" }));
}

/** Subject key identifier: SHA-1 of the key (RFC 5280 section 4.2.1.2, method 1). */
function keyIdOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return Uint8Array.from(
    createHash("sha1")
      .update(publicKey.export({ format: "der", type: "pkcs1" }))
      .digest(),
  );
}

/** What a CA certificate of AMD carries, in AMD's order. `issuerKey` is given on intermediates. */
export function authorityExtensions(parts: {
  readonly key: KeyObject;
  readonly issuerKey?: KeyObject;
  readonly crlUrl: string;
}): readonly WrittenExtension[] {
  const { key, issuerKey, crlUrl } = parts;
  const keyId = { oid: "2.5.29.14", value: octetString(keyIdOf(key)) };
  const rest = [{ oid: "2.5.29.31", value: distributionPoint(crlUrl) }, SIMULATOR_MARK];
  return issuerKey === undefined
    ? [keyUsage(KEY_CERT_SIGN | CRL_SIGN, 1), keyId, constraints(), ...rest]
    : [keyId, authorityKeyId(issuerKey), constraints(0), keyUsage(KEY_CERT_SIGN, 2), ...rest];
}

export const KEY_CERT_SIGN = 0x04;
const CRL_SIGN = 0x02;

export function keyUsage(bits: number, unusedBits: number): WrittenExtension {
  return { oid: "2.5.29.15", isCritical: true, value: bitString(Uint8Array.of(bits), unusedBits) };
}

/** CA:TRUE, with a path length where one is given. */
export function constraints(...pathLength: readonly number[]): WrittenExtension {
  return { oid: "2.5.29.19", isCritical: true, value: sequence(DER_TRUE, ...pathLength.map(integer)) };
}

export function authorityKeyId(issuerKey: KeyObject): WrittenExtension {
  return { oid: "2.5.29.35", value: sequence(element(0x80, keyIdOf(issuerKey))) };
}

function distributionPoint(url: string): Uint8Array {
  return sequence(sequence(element(0xa0, element(0xa0, text(0x86, url)))));
}
