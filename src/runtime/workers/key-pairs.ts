/** How does a Worker make a key pair? By WebCrypto. */
import type { KeyPair, KeyPairKind } from "../../base/primitives.ts";

type Subtle = typeof globalThis.crypto.subtle;

const PSS = { name: "RSA-PSS", hash: "SHA-384", publicExponent: Uint8Array.of(1, 0, 1) };

const ALGORITHMS = {
  ed25519: { name: "Ed25519" },
  "p-256": { name: "ECDSA", namedCurve: "P-256" },
  "p-384": { name: "ECDSA", namedCurve: "P-384" },
  "rsa-3072": { ...PSS, modulusLength: 3072 },
  "rsa-4096": { ...PSS, modulusLength: 4096 },
} as const satisfies Record<KeyPairKind, unknown>;

export async function generateKeyPair(subtle: Subtle, kind: KeyPairKind): Promise<KeyPair> {
  const pair = await subtle.generateKey(ALGORITHMS[kind], true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new TypeError("expected a pair");
  const pkcs8 = await subtle.exportKey("pkcs8", pair.privateKey);
  const spki = await subtle.exportKey("spki", pair.publicKey);
  return { pkcs8: new Uint8Array(pkcs8), spki: new Uint8Array(spki) };
}
