/** How does each signature scheme look to `node:crypto`, and how is one made? ECDSA goes in and out as DER: OpenSSL's own form. */
import { constants, createPrivateKey, type KeyObject, sign as signBytes } from "node:crypto";
import { derOfP1363, p1363OfDer } from "../../base/ecdsa-signature.ts";
import { Fault } from "../../base/fault.ts";
import type { SignatureScheme } from "../../base/primitives.ts";

interface NodeScheme {
  readonly hash: string | null;
  /** Of RSA only. */
  readonly padding?: { readonly padding: number; readonly saltLength?: number };
  /** What `asymmetricKeyType` and the details say of a private key of the scheme. */
  readonly isOf: (key: KeyObject) => boolean;
  /** From the port's form to OpenSSL's: less CPU than node's own conversion. */
  readonly toNative: (signature: Uint8Array) => Uint8Array;
  readonly ofNative: (signature: Uint8Array) => Uint8Array | undefined;
}

export const NODE_SCHEMES: Readonly<Record<SignatureScheme, NodeScheme>> = {
  "ecdsa-p384-sha384": ecdsa("sha384", "secp384r1", 48),
  "ecdsa-p256-sha256": ecdsa("sha256", "prime256v1", 32),
  ed25519: { hash: null, isOf: (key) => key.asymmetricKeyType === "ed25519", ...asItIs() },
  "rsa-pss-sha384": rsa("sha384", 4096, pss(48)),
  "rsa-2048-pkcs1-sha256": rsa("sha256", 2048, { padding: constants.RSA_PKCS1_PADDING }),
  "rsa-3072-pss-sha256": rsa("sha256", 3072, pss(32)),
  "rsa-3072-pkcs1-sha256": rsa("sha256", 3072, { padding: constants.RSA_PKCS1_PADDING }),
  "rsa-4096-pss-sha256": rsa("sha256", 4096, pss(32)),
  "rsa-4096-pkcs1-sha256": rsa("sha256", 4096, { padding: constants.RSA_PKCS1_PADDING }),
};

/** On the thread pool, so that RSA holds up nobody. */
export function sign(
  scheme: SignatureScheme,
  pkcs8: Uint8Array,
  bytes: Uint8Array,
): Promise<Uint8Array | undefined> {
  const { hash, padding, isOf, ofNative } = NODE_SCHEMES[scheme];
  const key = privateKeyOf(pkcs8);
  if (key === undefined || !isOf(key)) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    signBytes(hash, bytes, keyed(key, padding), (error, signature) => {
      // INVARIANT: the cause is dropped, it may tell of the key.
      if (error !== null)
        reject(new Fault("internal/invariant", "node could not sign with a key of the scheme"));
      else resolve(ofNative(new Uint8Array(signature)));
    });
  });
}

/** A key without a record around it, where that says nothing: Node tells a record from a key by throwing twice. */
export function keyed(key: KeyObject, padding: NodeScheme["padding"]) {
  return padding === undefined ? key : { key, ...padding };
}

function privateKeyOf(pkcs8: Uint8Array): KeyObject | undefined {
  const key = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.byteLength);
  try {
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  } catch {
    return undefined;
  }
}

function ecdsa(hash: string, curve: string, half: number): NodeScheme {
  return {
    hash,
    isOf: (key) => key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === curve,
    toNative: derOfP1363,
    ofNative: (signature) => p1363OfDer(signature, half),
  };
}

function rsa(hash: string, bits: number, padding: NonNullable<NodeScheme["padding"]>): NodeScheme {
  const isOf = (key: KeyObject): boolean =>
    key.asymmetricKeyType === "rsa" && key.asymmetricKeyDetails?.modulusLength === bits;
  return { hash, padding, isOf, ...asItIs() };
}

function pss(saltLength: number) {
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}

function asItIs() {
  const same = (signature: Uint8Array): Uint8Array => signature;
  return { toNative: same, ofNative: same };
}
