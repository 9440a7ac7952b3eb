/** How does Node make a key pair? On its thread pool, so that RSA holds up nobody. */
import { generateKeyPair as generate, type KeyPairKeyObjectResult } from "node:crypto";
import { promisify } from "node:util";
import type { KeyPair, KeyPairKind } from "../../base/primitives.ts";

const make = promisify(generate);

const MAKERS: Readonly<Record<KeyPairKind, () => Promise<KeyPairKeyObjectResult>>> = {
  ed25519: () => make("ed25519"),
  "p-256": () => make("ec", { namedCurve: "P-256" }),
  "p-384": () => make("ec", { namedCurve: "P-384" }),
  "rsa-3072": () => make("rsa", { modulusLength: 3072 }),
  "rsa-4096": () => make("rsa", { modulusLength: 4096 }),
};

export async function generateKeyPair(kind: KeyPairKind): Promise<KeyPair> {
  const { publicKey, privateKey } = await MAKERS[kind]();
  const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
  try {
    return {
      pkcs8: Uint8Array.from(pkcs8),
      spki: Uint8Array.from(publicKey.export({ type: "spki", format: "der" })),
    };
  } finally {
    pkcs8.fill(0);
  }
}
