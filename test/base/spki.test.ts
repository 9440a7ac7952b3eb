/** Is each kind of public key known by its one encoding? */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { SignatureScheme } from "../../src/base/primitives.ts";
import { bareKeyOf, signatureSizeOf, spkiOf } from "../../src/base/spki.ts";

const der = (key: KeyObject): Uint8Array => Uint8Array.from(key.export({ format: "der", type: "spki" }));

const RSA_2048 = der(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey);
const RSA_3072 = der(generateKeyPairSync("rsa", { modulusLength: 3072 }).publicKey);
const RSA_4096 = der(generateKeyPairSync("rsa", { modulusLength: 4096 }).publicKey);

const KEYS: Readonly<Record<SignatureScheme, Uint8Array>> = {
  "ecdsa-p384-sha384": der(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey),
  "ecdsa-p256-sha256": der(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey),
  ed25519: der(generateKeyPairSync("ed25519").publicKey),
  "rsa-pss-sha384": RSA_4096,
  "rsa-2048-pkcs1-sha256": RSA_2048,
  "rsa-3072-pss-sha256": RSA_3072,
  "rsa-3072-pkcs1-sha256": RSA_3072,
  "rsa-4096-pss-sha256": RSA_4096,
  "rsa-4096-pkcs1-sha256": RSA_4096,
};
/** One scheme of each kind of key. */
const SCHEMES = [
  "ecdsa-p384-sha384",
  "ecdsa-p256-sha256",
  "ed25519",
  "rsa-pss-sha384",
  "rsa-2048-pkcs1-sha256",
  "rsa-3072-pss-sha256",
] as const;

describe.each(SCHEMES)("a public key for %s", (scheme) => {
  const spki = KEYS[scheme];

  it("is taken apart and put together", () => {
    const bare = bareKeyOf(scheme, spki);
    expect(bare && spkiOf(scheme, bare)).toEqual(spki);
  });

  it("is no key for another scheme", () => {
    for (const other of SCHEMES.filter((name) => name !== scheme)) {
      expect(bareKeyOf(other, spki)).toBeUndefined();
    }
  });

  it("is refused when shorter, longer, or of another head", () => {
    expect(bareKeyOf(scheme, spki.slice(0, -1))).toBeUndefined();
    expect(bareKeyOf(scheme, Uint8Array.from([...spki, 0]))).toBeUndefined();
    for (let at = 0; at < 12; at += 1) {
      const changed = spki.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(bareKeyOf(scheme, changed)).toBeUndefined();
    }
  });

  it("is made from a bare key of its size only", () => {
    const bare = bareKeyOf(scheme, spki) ?? new Uint8Array(0);
    expect(() => spkiOf(scheme, bare.slice(1))).toThrow(
      expect.objectContaining({ code: "internal/invariant" }),
    );
  });
});

describe("a public key", () => {
  it.each([
    ["RSA of 1024 bits", generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey],
    [
      "RSA with the exponent 3",
      generateKeyPairSync("rsa", { modulusLength: 4096, publicExponent: 3 }).publicKey,
    ],
    ["on another curve", generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey],
    [
      "with its curve written out",
      generateKeyPairSync("ec", { namedCurve: "P-384", paramEncoding: "explicit" }).publicKey,
    ],
    ["for X25519", generateKeyPairSync("x25519").publicKey],
  ])("%s is refused under every scheme", (_name, key) => {
    for (const scheme of SCHEMES) expect(bareKeyOf(scheme, der(key))).toBeUndefined();
  });

  it("tells how long its signatures are", () => {
    expect(SCHEMES.map(signatureSizeOf)).toEqual([96, 64, 64, 512, 256, 384]);
  });
});
