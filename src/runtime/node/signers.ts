/** How does the broker sign with keys of its own on Node? ES256 and Ed25519 from PKCS#8 PEM. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, KeyObject, sign } from "node:crypto";
import { p1363OfDer } from "../../base/ecdsa-signature.ts";
import { Fault } from "../../base/fault.ts";
import type { SignatureScheme, Signer } from "../../base/primitives.ts";
import { bareKeyOf } from "../../base/spki.ts";

/**
 * A signer with ECDSA P-256 and SHA-256.
 *
 * @param key - The private key as PKCS#8 PEM, or parsed already.
 * @returns A {@link Signer} whose signatures are 64 bytes `r ‖ s`.
 * @throws {@link Fault} `config/invalid` for anything but a P-256 private key.
 */
export function createEs256Signer(kid: string, key: string | KeyObject): Signer {
  const privateKey = privateKeyOf(kid, key);
  const spki = spkiFor("ecdsa-p256-sha256", kid, privateKey);
  return {
    kid,
    algorithm: "ES256",
    spki,
    // DER and a conversion of our own: half as much CPU as asking node for P1363.
    sign: async (bytes) => {
      const signature = p1363OfDer(sign("sha256", bytes, privateKey), 32);
      if (signature === undefined) throw new Fault("internal/invariant", "node gave no DER signature");
      return signature;
    },
  };
}

/**
 * A signer with Ed25519.
 *
 * @param key - The private key as PKCS#8 PEM, or parsed already.
 * @throws {@link Fault} `config/invalid` for anything but an Ed25519 private key.
 */
export function createEd25519Signer(kid: string, key: string | KeyObject): Signer {
  const privateKey = privateKeyOf(kid, key);
  const spki = spkiFor("ed25519", kid, privateKey);
  return {
    kid,
    algorithm: "Ed25519",
    spki,
    sign: async (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
  };
}

/** A new ECDSA P-256 private key as PKCS#8 PEM. */
export function generateEs256Pem(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

/** A new Ed25519 private key as PKCS#8 PEM. */
export function generateEd25519Pem(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

/**
 * The SubjectPublicKeyInfo of a private key in PEM, to print or to pin.
 *
 * @throws {@link Fault} `config/invalid` for no private key.
 */
export function spkiOfPem(pem: string): Uint8Array {
  return publicHalfOf(privateKeyOf("this file", pem));
}

/**
 * The SubjectPublicKeyInfo of a public key in PEM.
 *
 * @throws {@link Fault} `config/invalid` for no public key.
 */
export function spkiOfPublicPem(pem: string): Uint8Array {
  try {
    return new Uint8Array(
      createPublicKey({ key: pem, format: "pem" }).export({ format: "der", type: "spki" }),
    );
  } catch {
    throw new Fault("config/invalid", "expected a public key in PEM");
  }
}

function publicHalfOf(privateKey: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(privateKey).export({ format: "der", type: "spki" }));
}

function privateKeyOf(kid: string, key: string | KeyObject): KeyObject {
  if (key instanceof KeyObject) return key;
  try {
    return createPrivateKey({ key, format: "pem" });
  } catch {
    // INVARIANT: the cause is dropped, it may quote the key.
    throw new Fault("config/invalid", `expected a private key as PKCS#8 PEM for \`${kid}\``, { kid });
  }
}

function spkiFor(scheme: SignatureScheme, kid: string, privateKey: KeyObject): Uint8Array {
  if (privateKey.type !== "private") {
    throw new Fault("config/invalid", `expected a private key for \`${kid}\``, { kid });
  }
  const spki = publicHalfOf(privateKey);
  if (bareKeyOf(scheme, spki) === undefined) {
    throw new Fault("config/invalid", `expected a key for ${scheme} for \`${kid}\``, { kid });
  }
  return spki;
}
