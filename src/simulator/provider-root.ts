/** What would a cloud's own authorities be in software? Google's for its firmware, and one for the keys of vTPMs that its hosts run. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { addSeconds, instant } from "../base/time.ts";
import {
  type CertificatePlan,
  constraints,
  KEY_CERT_SIGN,
  keyUsage,
  pssForm,
  SIMULATOR_MARK,
  type SignatureForm,
  spkiOf,
  writeCertificate,
} from "./certificate.ts";
import { element, oid, sequence, TAG, text } from "./der.ts";

const YEAR_SECONDS = 31_536_000;
/** 2024-01-01: long before any clock that a test or demo passes in. */
const MADE_AT = instant(1_704_067_200);
const DIGITAL_SIGNATURE = 0x80;

/** Keys of a simulated cloud; those of RSA are slow to make, so they are passed in and kept. */
export interface ProviderKeys {
  /** RSA-3072: the root for firmware, and the key that signs endorsements. */
  readonly firmwareRoot: KeyObject;
  readonly firmwareSigner: KeyObject;
  /** P-256: the root for attestation keys, and its intermediate. */
  readonly akRoot: KeyObject;
  readonly akIntermediate: KeyObject;
}

export interface SimulatedProvider {
  readonly keys: ProviderKeys;
  /** DER. */
  readonly firmwareRoot: Uint8Array;
  readonly akRoot: Uint8Array;
  readonly akIntermediate: Uint8Array;
  /** Of the key that signs endorsements; every part can be given otherwise. */
  readonly firmwareCertificate: (changes?: Partial<CertificatePlan>, issuerKey?: KeyObject) => Uint8Array;
  /** Of an attestation key. */
  readonly akCertificate: (
    key: KeyObject,
    changes?: Partial<CertificatePlan>,
    issuerKey?: KeyObject,
  ) => Uint8Array;
  /** The root for attestation keys, not quite the usual one. */
  readonly akAuthority: (changes: Partial<CertificatePlan>) => Uint8Array;
}

export function generateProviderKeys(): ProviderKeys {
  const rsa = (): KeyObject => generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey;
  return { firmwareRoot: rsa(), firmwareSigner: rsa(), akRoot: p256(), akIntermediate: p256() };
}

/** A key of a vTPM that its host runs, as GCE's ECC template makes one. */
export function p256(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
}

const FIRMWARE_ROOT = nameOf("GCE-cc-tcb-root (simulated)");
const AK_ROOT = nameOf("EK/AK CA Root (simulated)");
const AK_INTERMEDIATE = nameOf("EK/AK CA Intermediate (simulated)");

export function createSimulatedProvider(keys: ProviderKeys): SimulatedProvider {
  const authority = (key: KeyObject, changes: Partial<CertificatePlan>, issuerKey: KeyObject): Uint8Array =>
    writeCertificate({ ...usualPlan(key), extensions: authorityExtensions(), ...changes }, issuerKey);
  const leaf = (key: KeyObject, changes: Partial<CertificatePlan>, issuerKey: KeyObject): Uint8Array =>
    writeCertificate({ ...usualPlan(key), extensions: leafExtensions(), ...changes }, issuerKey);
  const ofFirmware = { issuer: FIRMWARE_ROOT, form: pssForm("sha256", false) };
  const ofAks = { issuer: AK_ROOT, form: ECDSA_SHA256 };
  return {
    keys,
    firmwareRoot: authority(keys.firmwareRoot, { ...ofFirmware, subject: FIRMWARE_ROOT }, keys.firmwareRoot),
    akRoot: authority(keys.akRoot, { ...ofAks, subject: AK_ROOT }, keys.akRoot),
    akIntermediate: authority(keys.akIntermediate, { ...ofAks, subject: AK_INTERMEDIATE }, keys.akRoot),
    firmwareCertificate: (changes = {}, issuerKey = keys.firmwareRoot) =>
      leaf(
        keys.firmwareSigner,
        { ...ofFirmware, subject: nameOf("GCE-uefi-signer (simulated)"), ...changes },
        issuerKey,
      ),
    akCertificate: (key, changes = {}, issuerKey = keys.akIntermediate) =>
      leaf(
        key,
        { ...ofAks, issuer: AK_INTERMEDIATE, subject: nameOf("6524697943022743941"), ...changes },
        issuerKey,
      ),
    akAuthority: (changes) => authority(keys.akRoot, { ...ofAks, subject: AK_ROOT, ...changes }, keys.akRoot),
  };
}

/** ECDSA on P-256 with SHA-256, in DER (RFC 5758). */
const ECDSA_SHA256: SignatureForm = {
  algorithm: sequence(oid("1.2.840.10045.4.3.2")),
  sign: (bytes, key) => Uint8Array.from(sign("sha256", bytes, key)),
};

function usualPlan(key: KeyObject): Omit<CertificatePlan, "extensions"> {
  return {
    serial: 1n,
    issuer: FIRMWARE_ROOT,
    subject: FIRMWARE_ROOT,
    notBefore: MADE_AT,
    notAfter: addSeconds(MADE_AT, 25 * YEAR_SECONDS),
    spki: spkiOf(key),
    hasTrailer: false,
  };
}

function authorityExtensions(): CertificatePlan["extensions"] {
  return [keyUsage(KEY_CERT_SIGN, 2), constraints(), SIMULATOR_MARK];
}

function leafExtensions(): CertificatePlan["extensions"] {
  return [
    keyUsage(DIGITAL_SIGNATURE, 7),
    { oid: "2.5.29.19", isCritical: true, value: sequence() },
    SIMULATOR_MARK,
  ];
}

/** `O=Google LLC, OU=Google Cloud, CN=…`. */
function nameOf(commonName: string): Uint8Array {
  const attribute = (id: string, value: string): Uint8Array =>
    element(TAG.set, sequence(oid(id), text(TAG.utf8String, value)));
  return sequence(
    attribute("2.5.4.10", "Google LLC"),
    attribute("2.5.4.11", "Google Cloud"),
    attribute("2.5.4.3", commonName),
  );
}
