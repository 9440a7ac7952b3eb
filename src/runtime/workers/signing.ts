/** How does each signature scheme look to WebCrypto, and how is one made? */
import type { SignatureScheme } from "../../base/primitives.ts";
import { signatureSizeOf } from "../../base/spki.ts";

type Subtle = typeof globalThis.crypto.subtle;

const PSS_256 = {
  key: { name: "RSA-PSS", hash: "SHA-256" },
  use: { name: "RSA-PSS", saltLength: 32 },
} as const;

const PKCS1_256 = {
  key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  use: { name: "RSASSA-PKCS1-v1_5" },
} as const;

/** `key` imports, `use` signs and verifies. How many bits an RSA key has, the size of its signatures tells. */
export const WEB_SCHEMES = {
  "ecdsa-p384-sha384": {
    key: { name: "ECDSA", namedCurve: "P-384" },
    use: { name: "ECDSA", hash: "SHA-384" },
  },
  "ecdsa-p256-sha256": {
    key: { name: "ECDSA", namedCurve: "P-256" },
    use: { name: "ECDSA", hash: "SHA-256" },
  },
  ed25519: { key: { name: "Ed25519" }, use: { name: "Ed25519" } },
  "rsa-pss-sha384": {
    key: { name: "RSA-PSS", hash: "SHA-384" },
    use: { name: "RSA-PSS", saltLength: 48 },
  },
  "rsa-2048-pkcs1-sha256": PKCS1_256,
  "rsa-3072-pss-sha256": PSS_256,
  "rsa-3072-pkcs1-sha256": PKCS1_256,
  "rsa-4096-pss-sha256": PSS_256,
  "rsa-4096-pkcs1-sha256": PKCS1_256,
} as const satisfies Record<SignatureScheme, unknown>;

/** Signs by a private key in PKCS#8 DER; `undefined` for what is no key of the scheme. */
export async function sign(
  subtle: Subtle,
  scheme: SignatureScheme,
  by: { readonly pkcs8: Uint8Array; readonly bytes: Uint8Array },
): Promise<Uint8Array | undefined> {
  const { key: kind, use } = WEB_SCHEMES[scheme];
  const owned = new Uint8Array(by.pkcs8);
  try {
    const key = await subtle.importKey("pkcs8", owned, kind, false, ["sign"]);
    const signature = new Uint8Array(await subtle.sign(use, key, new Uint8Array(by.bytes)));
    return signature.length === signatureSizeOf(scheme) ? signature : undefined;
  } catch {
    return undefined;
  } finally {
    owned.fill(0);
  }
}
