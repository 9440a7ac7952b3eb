/** How does a new broker get a TLS certificate? From an authority of its own, made once: for first use, and for networks without another. */
import "reflect-metadata"; // the library demands it, first
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { Fault } from "../../base/fault.ts";

/** PEM texts. The authority's key is not among them: it signs once and is forgotten. */
export interface TlsMaterial {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 825;
const SERIAL_BYTES = 16;

/**
 * Makes an authority and a certificate for one host name or address, both P-256.
 *
 * @param now - Milliseconds; both are valid from a day before, so that clocks may differ.
 * @throws {@link Fault} `config/invalid` for a name that no certificate can carry.
 */
export async function makeTlsMaterial(name: string, now: number): Promise<TlsMaterial> {
  if (isIP(name) === 0 && !/^(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/.test(name)) {
    throw new Fault(
      "config/invalid",
      `expected a host name in lower case or an address, received \`${name}\``,
    );
  }
  const [root, leaf] = await Promise.all([pair(), pair()]);
  const authority = await X509CertificateGenerator.createSelfSigned(
    {
      ...valid(now, AUTHORITY_DAYS),
      serialNumber: serial(),
      name: `CN=Ostiary authority of ${name}`,
      keys: root,
      signingAlgorithm: P256,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      ],
    },
    webcrypto,
  );
  const certificate = await leafOf(name, { ...valid(now, LEAF_DAYS), authority, root, leaf });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", leaf.privateKey));
  return {
    authority: `${authority.toString("pem")}\n`,
    certificate: `${certificate.toString("pem")}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${linesOf(pkcs8)}\n-----END PRIVATE KEY-----\n`,
  };
}

interface LeafParts {
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly authority: X509Certificate;
  readonly root: webcrypto.CryptoKeyPair;
  readonly leaf: webcrypto.CryptoKeyPair;
}

function leafOf(
  name: string,
  { notBefore, notAfter, authority, root, leaf }: LeafParts,
): Promise<X509Certificate> {
  return X509CertificateGenerator.create(
    {
      notBefore,
      notAfter,
      serialNumber: serial(),
      subject: `CN=${name}`,
      issuer: authority.subject,
      publicKey: leaf.publicKey,
      signingKey: root.privateKey,
      signingAlgorithm: P256,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type: isIP(name) === 0 ? "dns" : "ip", value: name }]),
      ],
    },
    webcrypto,
  );
}

function pair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(P256, true, ["sign", "verify"]);
}

function valid(now: number, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + days * DAY_MS) };
}

function serial(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(SERIAL_BYTES)));
  return `00${bytes.toString("hex")}`;
}

function linesOf(bytes: Buffer): string {
  return (bytes.toString("base64").match(/.{1,64}/g) ?? []).join("\n");
}
