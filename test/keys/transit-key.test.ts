/** Is a transit key made, brought and named as it should be? */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64UrlOf } from "../../src/base/bytes.ts";
import {
  broughtTransitKey,
  encodeTransitKey,
  makeTransitKey,
  parseTransitKey,
} from "../../src/keys/transit-key.ts";
import { parseTransitText, transitText } from "../../src/keys/transit-text.ts";
import {
  canDo,
  parseTransitType,
  TRANSIT_OPERATIONS,
  TRANSIT_TYPES,
  transitTypeText,
} from "../../src/keys/transit-type.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const random = (size: number): Uint8Array => Uint8Array.from(randomBytes(size));
const maker = { random, primitives: nodePrimitives };
const NONE = new Uint8Array(0);

function pairOf(kind: "ed25519" | "ec", namedCurve = "P-256") {
  const { privateKey, publicKey } =
    kind === "ec" ? generateKeyPairSync("ec", { namedCurve }) : generateKeyPairSync("ed25519");
  return {
    secret: Uint8Array.from(privateKey.export({ format: "der", type: "pkcs8" })),
    publicKey: Uint8Array.from(publicKey.export({ format: "der", type: "spki" })),
  };
}

describe("a transit key that is made", () => {
  it.each([
    ["aes-256-gcm", 32],
    ["hmac-sha256", 32],
    ["hmac-sha384", 48],
  ] as const)("of the type %s has %i random bytes and no public half", async (type, size) => {
    const made = await makeTransitKey(type, maker);
    const key = parseTransitKey(made.plaintext);
    expect(key.secret).toHaveLength(size);
    expect(key.publicKey).toEqual(NONE);
    expect((await makeTransitKey(type, maker)).plaintext).not.toEqual(made.plaintext);
  });

  it("has its public half in the envelope, as OpenSSL finds it in the private one", async () => {
    const { plaintext, publicKey } = await makeTransitKey("ecdsa-p384", maker);
    const key = parseTransitKey(plaintext);
    expect(key.publicKey).toEqual(publicKey);
    const half = createPublicKey(
      createPrivateKey({ key: Buffer.from(key.secret), format: "der", type: "pkcs8" }),
    );
    expect(Uint8Array.from(half.export({ format: "der", type: "spki" }))).toEqual(publicKey);
  });

  it.each([
    ["cut off", (bytes: Uint8Array) => bytes.slice(0, -1)],
    ["longer", (bytes: Uint8Array) => Uint8Array.from([...bytes, 0])],
    ["empty", () => NONE],
  ])("is not read when it is %s", (_, change) => {
    const bytes = encodeTransitKey({ secret: random(32), publicKey: NONE });
    expect(() => parseTransitKey(change(bytes))).toThrow(
      expect.objectContaining({ code: "secret/malformed" }),
    );
  });
});

describe("a transit key that is brought", () => {
  it("is taken where it is one of the type, and overwritten where it came from", async () => {
    const pair = pairOf("ed25519");
    const kept = pair.secret.slice();
    const made = await broughtTransitKey("ed25519", pair, nodePrimitives);
    expect(parseTransitKey(made.plaintext).secret).toEqual(kept);
    expect(pair.secret).toEqual(new Uint8Array(kept.length));
  });

  it.each([
    ["a symmetric key of another size", "aes-256-gcm", () => ({ secret: random(31), publicKey: NONE })],
    ["a longer one", "aes-256-gcm", () => ({ secret: random(33), publicKey: NONE })],
    ["a short key of HMAC", "hmac-sha384", () => ({ secret: random(47), publicKey: NONE })],
    [
      "a symmetric key with a public half",
      "aes-256-gcm",
      () => ({ ...pairOf("ed25519"), secret: random(32) }),
    ],
    ["the public half of another pair", "ed25519", () => ({ ...pairOf("ed25519"), ...half() })],
    ["a pair of another curve", "ecdsa-p256", () => pairOf("ec", "P-384")],
    ["a pair of another kind", "rsa-3072", () => pairOf("ed25519")],
    ["a pair without its public half", "ed25519", () => ({ ...pairOf("ed25519"), publicKey: NONE })],
    ["random bytes", "ed25519", () => ({ ...pairOf("ed25519"), secret: random(48) })],
  ] as const)("is refused when it is %s", async (_, type, brought) => {
    const key = brought();
    await expect(broughtTransitKey(type, key, nodePrimitives)).rejects.toMatchObject({
      code: "request/malformed",
    });
    expect(key.secret.every((byte) => byte === 0)).toBe(true);
  });

  function half() {
    return { publicKey: pairOf("ed25519").publicKey };
  }
});

describe("the name of a type", () => {
  it("is read back, and no other text is one", () => {
    for (const type of TRANSIT_TYPES) expect(parseTransitType(transitTypeText(type))).toBe(type);
    for (const text of ["aes-256-gcm", "transit:", "transit:aes-256", "derived:32:measurement", ""]) {
      expect(parseTransitType(text)).toBeUndefined();
    }
  });

  it("says what its key can do: ciphers encrypt, pairs sign, and each type has its own", () => {
    const of = (type: (typeof TRANSIT_TYPES)[number]) => TRANSIT_OPERATIONS.filter((one) => canDo(type, one));
    expect(of("aes-256-gcm")).toEqual(["encrypt", "decrypt", "datakey", "rewrap"]);
    expect(of("hmac-sha256")).toEqual(["verify", "hmac"]);
    expect(of("rsa-4096")).toEqual(["sign", "verify"]);
  });
});

describe("the text of what a transit key made", () => {
  const version = fc.integer({ min: 1, max: 999_999_999 });
  test.prop([version, fc.uint8Array({ minLength: 1, maxLength: 200 })])("is read back", (number, bytes) => {
    const text = transitText({ version: number, bytes });
    expect(text).toBe(`ostiary:v${number}:${base64UrlOf(bytes)}`);
    expect(parseTransitText(text)).toEqual({ version: number, bytes });
  });

  it.each([
    "ostiary:v0:AAAA",
    "ostiary:v01:AAAA",
    "ostiary:v-1:AAAA",
    "ostiary:v1000000000:AAAA",
    "ostiary:v1:",
    "ostiary:v1:AAAA=",
    "ostiary:v1:AA+A",
    "ostiary:v1:AAB",
    "ostiary:v1:AAAA\n",
    " ostiary:v1:AAAA",
    "vault:v1:AAAA",
    "ostiary:v1:AAAA:AAAA",
    "",
  ])("is not %j", (text) => {
    expect(parseTransitText(text)).toBeUndefined();
  });
});
