/** Which certificates carry a request? The carrier checks of PROTOCOL section 5, step 3, one deviation at a time (A30). */
import "reflect-metadata";
import { execFileSync } from "node:child_process";
import { webcrypto } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Extension, X509Certificate, X509CertificateGenerator } from "@peculiar/x509";
import fc from "fast-check";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { type Carried, CMW_OID, cmwExtensionOf, refuseBadCarrier } from "../../src/channel/ra-tls.ts";
import { makeGuestLeaf } from "../../src/runtime/node/guest-certificate.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const P384 = { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" } as const;
const NOW = instant(1_790_000_000);
const BODY = utf8('{"v":1,"binding":1}');
const DICE_OID = "2.23.133.5.4.9";

let keys: webcrypto.CryptoKeyPair;

beforeAll(async () => {
  keys = await webcrypto.subtle.generateKey(P256, true, ["sign", "verify"]);
});

interface Plan {
  readonly extensions?: readonly Extension[];
  readonly from?: number;
  readonly until?: number;
  readonly algorithm?: webcrypto.EcKeyAlgorithm & webcrypto.EcdsaParams;
  readonly keys?: webcrypto.CryptoKeyPair;
  readonly signedBy?: webcrypto.CryptoKey;
  readonly issuer?: string;
}

function extension(oid: string, value: Uint8Array, isCritical = false): Extension {
  return new Extension(oid, isCritical, Uint8Array.from(value));
}

/** A good certificate but for its plan. */
async function certificate(plan: Plan = {}): Promise<Uint8Array> {
  const own = plan.keys ?? keys;
  const made = await X509CertificateGenerator.create(
    {
      serialNumber: "0101",
      subject: "CN=guest",
      issuer: plan.issuer ?? "CN=guest",
      notBefore: new Date((NOW + (plan.from ?? -60)) * 1000),
      notAfter: new Date((NOW + (plan.until ?? 60)) * 1000),
      publicKey: own.publicKey,
      signingKey: plan.signedBy ?? own.privateKey,
      signingAlgorithm: plan.algorithm ?? P256,
      extensions: [...(plan.extensions ?? [extension(CMW_OID, cmwExtensionOf(BODY))])],
    },
    webcrypto,
  );
  return new Uint8Array(made.rawData);
}

async function spkiOf(pair = keys): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.exportKey("spki", pair.publicKey));
}

async function verdictOn(der: Uint8Array | undefined, change: Partial<Carried> = {}): Promise<string> {
  const carried = { certificate: der, spki: await spkiOf(), body: BODY, now: NOW, ...change };
  try {
    await refuseBadCarrier(carried, nodePrimitives);
    return "carries it";
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "channel/bad-carrier" });
    return thrown instanceof Error ? thrown.message : "?";
  }
}

describe("a certificate that carries a request", () => {
  it("is a self-signed one with the body as a CMW, whether its extension is critical or not", async () => {
    expect(await verdictOn(await certificate())).toBe("carries it");
    const critical = extension(CMW_OID, cmwExtensionOf(BODY), true);
    expect(await verdictOn(await certificate({ extensions: [critical] }))).toBe("carries it");
  });

  it("may be of P-384, with its own hash", async () => {
    const pair = await webcrypto.subtle.generateKey(P384, true, ["sign", "verify"]);
    const der = await certificate({ keys: pair, algorithm: P384 });
    expect(await verdictOn(der, { spki: await spkiOf(pair) })).toBe("carries it");
  });

  it("is what the agent makes, until the nonce ends and five seconds on", async () => {
    const leaf = await makeGuestLeaf();
    const { certificate: pem } = await leaf.certify(BODY, NOW);
    const der = new Uint8Array(new X509Certificate(pem).rawData);
    const at = (seconds: number) => verdictOn(der, { spki: leaf.spki, now: instant(NOW + seconds) });
    expect([await at(0), await at(5), await at(-120)]).toEqual(["carries it", "carries it", "carries it"]);
    expect(await at(6)).toMatch(/valid now/);
  });

  it("may have the evidence under the DICE name, as a SEQUENCE of one OCTET STRING", async () => {
    const record = cmwExtensionOf(BODY);
    const text = record.slice(record.indexOf(0x5b)); // from its `[` on
    const dice = Uint8Array.from([0x30, text.length + 2, 0x04, text.length, ...text]);
    expect(await verdictOn(await certificate({ extensions: [extension(DICE_OID, dice)] }))).toBe(
      "carries it",
    );
    const both = [extension(DICE_OID, dice), extension(CMW_OID, record)];
    expect(await verdictOn(await certificate({ extensions: both }))).toMatch(/one extension/);
  });
});

describe("the extension", () => {
  it("is the JSON record of RFC 9999, with a UTF8String's DER at every size", () => {
    const sizeOf = (bytes: number) => [...cmwExtensionOf(new Uint8Array(bytes)).slice(0, 4)];
    const text = Buffer.from(cmwExtensionOf(BODY).slice(2)).toString();
    const encoded = Buffer.from(BODY).toString("base64url");
    expect(JSON.parse(text)).toEqual(["application/vnd.ostiary.evidence+json", encoded, 4]);
    expect(sizeOf(100)).toEqual([0x0c, 0x81, 180, 0x5b]);
    expect(sizeOf(3000).slice(0, 2)).toEqual([0x0c, 0x82]);
    expect(sizeOf(60_000).slice(0, 2)).toEqual([0x0c, 0x83]);
  });

  it("is read by OpenSSL as what it is", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-leaf-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "leaf.der");
    writeFileSync(file, await certificate());
    const shown = execFileSync("openssl", ["asn1parse", "-inform", "DER", "-in", file]).toString();
    expect(shown).toContain(CMW_OID);
    execFileSync("openssl", ["x509", "-inform", "DER", "-in", file, "-out", join(folder, "leaf.pem")]);
    const trusted = ["-check_ss_sig", "-CAfile", join(folder, "leaf.pem"), "-no_check_time"];
    const verified = execFileSync("openssl", ["verify", ...trusted, join(folder, "leaf.pem")]).toString();
    expect(verified).toContain("OK");
    expect(readFileSync(file).length).toBeLessThan(1000);
  });
});

describe("no carrier (A30)", () => {
  const record = () => extension(CMW_OID, cmwExtensionOf(BODY));

  it.each<readonly [string, RegExp, () => Plan | Promise<Plan>]>([
    ["none with evidence", /one extension/, () => ({ extensions: [] })],
    ["the extension twice", /once/, () => ({ extensions: [record(), record()] })],
    [
      "an unknown critical extension",
      /no other critical/,
      () => ({ extensions: [record(), extension("1.2.3.4", Uint8Array.of(5, 0), true)] }),
    ],
    [
      "a critical constraint, which nobody here weighs",
      /no other critical/,
      () => ({ extensions: [record(), extension("2.5.29.19", Uint8Array.of(0x30, 0), true)] }),
    ],
    ["one that is over", /valid now/, () => ({ from: -120, until: -6 })],
    ["one that is not valid yet", /valid now/, () => ({ from: 6, until: 60 })],
    ["another issuer's name", /signed by its own key/, () => ({ issuer: "CN=other" })],
    [
      "another key's signature",
      /signed by its own key/,
      async () => ({ signedBy: (await webcrypto.subtle.generateKey(P256, true, ["sign"])).privateKey }),
    ],
    [
      "the hash of the other curve",
      /signed by its own key/,
      () => ({ algorithm: { ...P256, hash: "SHA-384" } }),
    ],
    ["a hash of no curve", /SHA-256 or SHA-384/, () => ({ algorithm: { ...P256, hash: "SHA-512" } })],
  ])("is %s", async (_name, expected, planOf) => {
    expect(await verdictOn(await certificate(await planOf()))).toMatch(expected);
  });

  it("is a key of another curve", async () => {
    const P521 = { name: "ECDSA", namedCurve: "P-521", hash: "SHA-256" } as const;
    const pair = await webcrypto.subtle.generateKey(P521, true, ["sign", "verify"]);
    const der = await certificate({ keys: pair, algorithm: P521 });
    expect(await verdictOn(der, { spki: await spkiOf(pair) })).toMatch(/signed by its own key/);
  });

  it("is nothing, another key than the connection's, or another body", async () => {
    const der = await certificate();
    expect(await verdictOn(undefined)).toMatch(/on this connection/);
    const other = await webcrypto.subtle.generateKey(P256, true, ["sign", "verify"]);
    expect(await verdictOn(der, { spki: await spkiOf(other) })).toMatch(/one encoding/);
    expect(await verdictOn(der, { spki: undefined })).toMatch(/one encoding/);
    expect(await verdictOn(der, { body: utf8('{"v":1,"binding":1} ') })).toMatch(/byte for byte/);
  });

  it("is any one byte changed, or bytes that are no certificate", async () => {
    const der = await certificate();
    const flips = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(flips, async ([at, mask]) => {
        const changed = der.with(at, (der[at] ?? 0) ^ mask);
        expect(await verdictOn(changed)).not.toBe("carries it");
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await verdictOn(bytes)).not.toBe("carries it");
      }),
    );
  });
});
