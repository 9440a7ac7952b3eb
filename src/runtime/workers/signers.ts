/** How does the broker sign with keys of its own in a Worker? ES256 and Ed25519 from PKCS #8, by WebCrypto. */
import { parseBase64 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Signer } from "../../base/primitives.ts";

type Subtle = typeof globalThis.crypto.subtle;

const KINDS = {
  ES256: {
    is: "a P-256 private key",
    key: { name: "ECDSA", namedCurve: "P-256" },
    use: { name: "ECDSA", hash: "SHA-256" },
  },
  Ed25519: { is: "an Ed25519 private key", key: { name: "Ed25519" }, use: { name: "Ed25519" } },
} as const satisfies Partial<Record<Signer["algorithm"], unknown>>;

/**
 * Makes a signer of a private key.
 *
 * @param pkcs8 - DER. Stays with the caller, who may overwrite it afterwards.
 * @throws {@link Fault} `config/invalid` for anything but a key of this kind; the message never quotes it.
 */
export async function createSigner(
  subtle: Subtle,
  algorithm: keyof typeof KINDS,
  { kid, pkcs8 }: { readonly kid: string; readonly pkcs8: Uint8Array },
): Promise<Signer> {
  const kind = KINDS[algorithm];
  const owned = new Uint8Array(pkcs8);
  try {
    const key = await subtle.importKey("pkcs8", owned, kind.key, false, ["sign"]);
    const sign = async (bytes: Uint8Array): Promise<Uint8Array> =>
      new Uint8Array(await subtle.sign(kind.use, key, new Uint8Array(bytes)));
    return { kid, algorithm, spki: await spkiOf(subtle, owned, kind.key), sign };
  } catch {
    throw new Fault("config/invalid", `expected ${kind.is} as PKCS #8 for \`${kid}\``, { kid });
  } finally {
    owned.fill(0);
  }
}

/** WebCrypto gives a public half only by way of the whole pair. */
async function spkiOf(
  subtle: Subtle,
  pkcs8: Uint8Array<ArrayBuffer>,
  algorithm: (typeof KINDS)[keyof typeof KINDS]["key"],
): Promise<Uint8Array> {
  const pair = await subtle.exportKey(
    "jwk",
    await subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]),
  );
  const { d: _, ...half } = pair;
  const key = await subtle.importKey("jwk", { ...half, key_ops: ["verify"] }, algorithm, true, ["verify"]);
  return new Uint8Array(await subtle.exportKey("spki", key));
}

const PEM = /^\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*$/;

/**
 * The DER of a private key in PEM (RFC 7468), as `ostiary init` writes it.
 *
 * @param name - The secret that holds it, for the sentence.
 * @throws {@link Fault} `config/invalid`; the message never quotes the text.
 */
export function pkcs8OfPem(name: string, text: unknown): Uint8Array {
  const body = typeof text === "string" ? PEM.exec(text)?.[1] : undefined;
  const der = body === undefined ? undefined : parseBase64(body.replaceAll(/\s/g, ""));
  if (der === undefined)
    throw new Fault("config/invalid", `expected a private key as PKCS #8 PEM in the secret \`${name}\``, {
      name,
    });
  return der;
}
