/** What would the vTPM of an SVSM be in software? Two keys and registers: it opens a credential that was made for both keys, and quotes. */
import {
  constants,
  createDecipheriv,
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
} from "node:crypto";
import type { VtpmKeys } from "../attestation/provider.ts";
import type { CarriedSvsmVtpm } from "../attestation/svsm/vtpm.ts";
import { credentialProof, svsmVtpmBinder } from "../attestation/svsm/vtpm-binder.ts";
import { readSized, sized } from "../attestation/tpm/command.ts";
import { kdfa } from "../attestation/tpm/kdf.ts";
import type { Credential } from "../attestation/tpm/make-credential.ts";
import { nameOf } from "../attestation/tpm/object-name.ts";
import { AK_TEMPLATE, EK_TEMPLATE } from "../attestation/tpm/svsm-templates.ts";
import { concatBytes, equalBytes, utf8 } from "../base/bytes.ts";
import { Reader } from "../base/reader.ts";
import { createSimulatedVtpm, type QuotePlan } from "./vtpm.ts";

export interface SimulatedSvsmVtpm {
  /** TPMT_PUBLIC of the endorsement key: what the SVSM's manifest says of it. */
  readonly ek: Uint8Array;
  /** TPMT_PUBLIC of the attestation key. */
  readonly ak: Uint8Array;
  readonly keys: VtpmKeys;
  /** The secret; `undefined` where a TPM would refuse. */
  readonly activate: (credential: Credential) => Uint8Array | undefined;
  /** Everything that goes beside a report; a credential of somebody else gives a proof of nothing. */
  readonly quoteFor: (
    reportData: Uint8Array,
    credential: Credential,
    plan?: Partial<QuotePlan>,
  ) => CarriedSvsmVtpm;
}

export interface SvsmVtpmKeyPairs {
  /** RSA, 2048 bits. */
  readonly ek: KeyObject;
  /** P-256. */
  readonly ak: KeyObject;
}

const NOTHING = new Uint8Array(0);
/** What a template ends in, and a key has of its own instead. */
const [EK_UNIQUE, AK_UNIQUE] = [2 + 256, 2 + 7 + 2];

export function generateSvsmVtpmKeys(): SvsmVtpmKeyPairs {
  return {
    ek: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
    ak: generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey,
  };
}

/** @param values - Registers by their number; the others are ordinary. */
export function createSimulatedSvsmVtpm(
  pairs: SvsmVtpmKeyPairs,
  values: Readonly<Record<number, Uint8Array>> = {},
): SimulatedSvsmVtpm {
  const vtpm = createSimulatedVtpm(pairs.ak, values);
  const ek = concatBytes(EK_TEMPLATE.slice(0, -EK_UNIQUE), sized(numberOf(pairs.ek, "n")));
  const [x, y] = [numberOf(pairs.ak, "x"), numberOf(pairs.ak, "y")];
  const ak = concatBytes(AK_TEMPLATE.slice(0, -AK_UNIQUE), sized(x), sized(y));
  const akName = nameOf(ak, { digest });
  const activate = (credential: Credential) => activatedBy(pairs.ek, akName, credential);
  return {
    ek,
    ak,
    keys: { ek, akName },
    activate,
    quoteFor: (reportData, credential, plan) => ({
      ak,
      ...vtpm.quote({ qualifyingData: svsmVtpmBinder(reportData, { digest }), ...plan }),
      proof: credentialProof(activate(credential) ?? NOTHING, reportData, { hmac }),
    }),
  };
}

/** TPM2_ActivateCredential (TPM 2.0 Part 1, section 24): integrity before anything is decrypted. */
function activatedBy(
  ek: KeyObject,
  akName: Uint8Array,
  { idObject, encryptedSecret }: Credential,
): Uint8Array | undefined {
  const seed = seedIn(ek, encryptedSecret);
  if (seed === undefined) return undefined;
  const reader = new Reader(idObject, "tpm/malformed");
  const mac = readSized(reader);
  const identity = reader.bytes(reader.left);
  const integrity = { label: "INTEGRITY", contextU: NOTHING, contextV: NOTHING, bits: 256 };
  const macKey = kdfa(seed, integrity, { hmac });
  if (!equalBytes(mac, hmac("sha256", macKey, concatBytes(identity, akName)))) return undefined;
  const storage = { label: "STORAGE", contextU: akName, contextV: NOTHING, bits: 128 };
  const key = kdfa(seed, storage, { hmac });
  const plain = createDecipheriv("aes-128-cfb", key, new Uint8Array(16)).update(identity);
  return readSized(new Reader(Uint8Array.from(plain), "tpm/malformed"));
}

function seedIn(ek: KeyObject, encryptedSecret: Uint8Array): Uint8Array | undefined {
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
  try {
    return Uint8Array.from(
      privateDecrypt({ key: ek, ...oaep, oaepLabel: utf8("IDENTITY\0") }, encryptedSecret),
    );
  } catch {
    return undefined;
  }
}

function numberOf(key: KeyObject, member: "n" | "x" | "y"): Uint8Array {
  return Uint8Array.from(Buffer.from(key.export({ format: "jwk" })[member] ?? "", "base64url"));
}

function digest(algorithm: string, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash(algorithm).update(bytes).digest());
}

function hmac(algorithm: string, key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHmac(algorithm, key).update(bytes).digest());
}
