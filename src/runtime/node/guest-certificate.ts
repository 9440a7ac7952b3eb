/** How does a guest get a certificate that holds its evidence? A key that stays in this process, and the X.509 library around it. */
import "reflect-metadata"; // the library demands it, first
import { webcrypto } from "node:crypto";
import { Extension, X509CertificateGenerator } from "@peculiar/x509";
import type { GuestLeaf } from "../../agent/ra-tls-channel.ts";
import type { Instant } from "../../base/time.ts";
import { CMW_OID, cmwExtensionOf } from "../../channel/ra-tls.ts";

const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const SERIAL_BYTES = 16;
/** Longer than any nonce lives, so that a guest whose clock is wrong makes certificates that are valid for the broker. */
const VALID_SECONDS = 180;

/** Makes a P-256 key. It is written nowhere, and ends with the process. */
export async function makeGuestLeaf(): Promise<GuestLeaf> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const [spki, pkcs8] = await Promise.all([
    webcrypto.subtle.exportKey("spki", keys.publicKey),
    webcrypto.subtle.exportKey("pkcs8", keys.privateKey),
  ]);
  const key = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(pkcs8).toString("base64")}\n-----END PRIVATE KEY-----\n`;
  const certify = async (body: Uint8Array, until: Instant) => ({
    certificate: await certificateOf(keys, body, until),
    key,
  });
  return { spki: new Uint8Array(spki), certify };
}

/** Both ends are of the broker's clock, which gave the nonce. */
async function certificateOf(
  keys: webcrypto.CryptoKeyPair,
  body: Uint8Array,
  until: Instant,
): Promise<string> {
  const serial = Buffer.from(webcrypto.getRandomValues(new Uint8Array(SERIAL_BYTES)));
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: `00${serial.toString("hex")}`,
      name: "CN=Ostiary guest",
      notBefore: new Date((until - VALID_SECONDS) * 1000),
      notAfter: new Date(until * 1000),
      keys,
      signingAlgorithm: P256,
      extensions: [new Extension(CMW_OID, false, Uint8Array.from(cmwExtensionOf(body)))],
    },
    webcrypto,
  );
  return certificate.toString("pem");
}
