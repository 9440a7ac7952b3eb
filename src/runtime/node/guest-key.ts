/** Which key is a guest's token bound to on Node? A new P-256 key, or one whose public half is in PEM. */
import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from "node:crypto";
import { utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Signer } from "../../base/primitives.ts";
import type { PublicJwk } from "../../wire/messages.ts";
import { createEs256Signer } from "./signers.ts";

/** A new key; `pem` is the private half as PKCS#8, which the caller overwrites. */
export function makeGuestKey(): { readonly jwk: PublicJwk; readonly pem: Uint8Array } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ format: "pem", type: "pkcs8" });
  return { jwk: jwkOf(publicKey), pem: utf8(pem.toString()) };
}

/** A new key that this process alone uses, to prove that a token is its own. */
export function makeGuestSigner(): { readonly jwk: PublicJwk; readonly signer: Signer } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { jwk: jwkOf(publicKey), signer: createEs256Signer("guest", privateKey) };
}

/** A guest's own key, from PKCS#8 PEM. @throws {@link Fault} `config/invalid` for anything but a private key of P-256. */
export function guestSignerOf(pem: string): { readonly jwk: PublicJwk; readonly signer: Signer } {
  const signer = createEs256Signer("guest", pem);
  return { jwk: jwkOf(createPublicKey(pem)), signer };
}

/** @throws {@link Fault} `config/invalid` for anything but a public key of P-256, P-384 or Ed25519: a private key too. */
export function publicJwkOf(pem: string): PublicJwk {
  if (!pem.includes("-----BEGIN PUBLIC KEY-----")) throw unknownKey();
  return jwkOf(publicKeyOf(pem));
}

function publicKeyOf(pem: string): KeyObject {
  try {
    return createPublicKey({ key: pem, format: "pem" });
  } catch {
    throw unknownKey();
  }
}

function jwkOf(key: KeyObject): PublicJwk {
  const { kty, crv, x = "", y = "" }: JsonWebKey = key.export({ format: "jwk" });
  if (kty === "EC" && (crv === "P-256" || crv === "P-384")) return { kty, crv, x, y };
  if (kty === "OKP" && crv === "Ed25519") return { kty, crv, x };
  throw unknownKey();
}

function unknownKey(): Fault {
  return new Fault("config/invalid", "expected a public key of P-256, P-384 or Ed25519, in PEM");
}
