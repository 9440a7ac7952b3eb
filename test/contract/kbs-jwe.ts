/** Does a KBS answer open in a stock client? Its way of opening one, a JOSE library's, and answers that another tool computed. */
import { createHash } from "node:crypto";
import { exportJWK, flattenedDecrypt, generateKeyPair, importJWK } from "jose";
import { describe, expect, it } from "vitest";
import { base64UrlOf, parseBase64Url, parseUtf8, utf8 } from "../../src/base/bytes.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { type KbsJwe, sealKbsJwe } from "../../src/channel/kbs-jwe.ts";
import { type KbsPublicKey, kbsKeyOf } from "../../src/channel/kbs-key.ts";
import { codeOfPromise } from "../support/faults.ts";

interface Subject {
  readonly name: string;
  readonly primitives: Primitives;
  readonly hasRsa: boolean;
}

const SECRET = utf8("test content");
const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));

/** Bytes 1, 2, 3 and so on, whoever asks: content key, scalar and IV, in this order. */
function counting(): (size: number) => Uint8Array {
  let next = 1;
  return (size) => Uint8Array.from({ length: size }, () => next++ & 0xff);
}

/**
 * Two recipients, and the SHA-256 of the whole answer for them with the randomness above: computed by pyca/cryptography (its own
 * Concat KDF, key wrap and AES-GCM) from the protocol's text.
 */
const RECIPIENTS = {
  "P-256": {
    jwk: {
      kty: "EC",
      crv: "P-256",
      alg: "ECDH-ES+A256KW",
      x: "Rxw-dYxJBChbun5TEY7Q9SSt6wdX0lvS-Oew1236cUw",
      y: "3VIPesqKi5F6zDf1HejwybvjrYWDgucC3CWhLQn3qFg",
    },
    d: "EjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8",
    answer: "38eca8846a0e4b31e050afcd939031d4fd65317675b836c836a5b8b49a05f952",
  },
  "P-521": {
    jwk: {
      kty: "EC",
      crv: "P-521",
      alg: "ECDH-ES+A256KW",
      x: "ANCzl1rEt5n1vqFtXhPpr5cdXpuYTJ85coteVzlzWiGbl8NWQ2rcbpW7A1L2vmSmwpEtTvLQQzztK2FxZAAS2UYP",
      y: "AVxoImODlW470Gbnl7Yjwnzg6sL1UaEMLHJNmFIHe4ciC2U2xcQIodKuu46G1niuSctXCR9HMilleatE_NF_D8Vq",
    },
    d: "AUW6mahHr0N5P90Ohy5836Fr4w_ceA-XvMw_B4OAIB6cZ31gCzQ3V6O9vyoxY-TC-GnMp0WKpKTv_DEfXLFRaF65",
    answer: "64e5bc1f0779b2a6b9a4d692ca4d0101c1342c2cd16b7978b9763f0331ee8c38",
  },
} as const;

export function describeKbsJwe(subject: Subject): void {
  describe(`KBS answers on ${subject.name}`, () => {
    describeCurves(subject);
    if (subject.hasRsa) describeRsa(subject);
  });
  describe(`KBS keys on ${subject.name}`, () => describeKeys(subject));
}

async function sealedTo(jwk: KbsPublicKey, primitives: Primitives, plaintext = SECRET): Promise<KbsJwe> {
  const key = await kbsKeyOf(jwk, primitives);
  return sealKbsJwe({ key, plaintext, random }, primitives);
}

/** `alg`, `enc`, then the rest by name: how the client's serializer writes the header that it has read. */
function writtenAgain(header: string): string {
  const { alg, enc, ...rest }: Record<string, unknown> = JSON.parse(header);
  return JSON.stringify({ alg, enc, ...Object(inNameOrder(rest)) });
}

function inNameOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, inNameOrder(member)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describeCurves({ primitives }: Subject): void {
  for (const [crv, { jwk, d, answer }] of Object.entries(RECIPIENTS)) {
    it(`on ${crv} are what another tool computed of the protocol's text`, async () => {
      const key = await kbsKeyOf(jwk, primitives);
      const jwe = await sealKbsJwe({ key, plaintext: SECRET, random: counting() }, primitives);
      expect(createHash("sha256").update(JSON.stringify(jwe)).digest("hex")).toBe(answer);
    });

    it(`on ${crv} are opened by a stock JOSE library`, async () => {
      const jwe = await sealedTo(jwk, primitives);
      const opened = await flattenedDecrypt({ ...jwe }, await importJWK({ ...jwk, d }, jwk.alg));
      expect(new Uint8Array(opened.plaintext)).toEqual(SECRET);
    });

    it(`on ${crv} have a header that the client writes again as it came`, async () => {
      const jwe = await sealedTo(jwk, primitives);
      const header = parseUtf8(parseBase64Url(jwe.protected) ?? new Uint8Array(0)) ?? "";
      expect(writtenAgain(header)).toBe(header);
      expect(Object.keys(jwe)).toEqual(["protected", "encrypted_key", "iv", "ciphertext", "tag"]);
    });
  }

  it("are others each time, and hold secrets of any length", async () => {
    const { jwk, d } = RECIPIENTS["P-256"];
    const key = await importJWK({ ...jwk, d }, jwk.alg);
    const ivs = new Set<string>();
    for (const size of [0, 1, 31, 65_536]) {
      const plaintext = new Uint8Array(size).fill(7);
      const jwe = await sealedTo(jwk, primitives, plaintext); // in order: one after the other
      ivs.add(jwe.iv).add(jwe.encrypted_key);
      expect(new Uint8Array((await flattenedDecrypt({ ...jwe }, key)).plaintext)).toEqual(plaintext);
    }
    expect(ivs.size).toBe(8);
  });
}

function describeRsa({ primitives }: Subject): void {
  it.each([2048, 3072])("for RSA of %d bits are opened by a stock JOSE library", async (modulusLength) => {
    const pair = await generateKeyPair("RSA-OAEP-256", { modulusLength, extractable: true });
    const { n = "", e = "" } = await exportJWK(pair.publicKey);
    const jwe = await sealedTo({ kty: "RSA", alg: "RSA-OAEP-256", n, e }, primitives);
    const opened = await flattenedDecrypt({ ...jwe }, pair.privateKey);
    expect(new Uint8Array(opened.plaintext)).toEqual(SECRET);
    expect(opened.protectedHeader).toEqual({ alg: "RSA-OAEP-256", enc: "A256GCM" });
    const header = parseUtf8(parseBase64Url(jwe.protected) ?? new Uint8Array(0)) ?? "";
    expect(writtenAgain(header)).toBe(header);
  });
}

const EC = RECIPIENTS["P-256"].jwk;
const WIDE = RECIPIENTS["P-521"].jwk;
const odd = (size: number): Uint8Array => new Uint8Array(size).fill(0xff);
const RSA = { kty: "RSA", alg: "RSA-OAEP-256", n: base64UrlOf(odd(256)), e: "AQAB" } as const;

const BAD_KEYS: readonly (readonly [name: string, jwk: KbsPublicKey])[] = [
  ["a curve that the protocol names and no client has", { ...EC, crv: "P-384" }],
  ["a curve for signatures", { ...EC, crv: "Ed25519" }],
  ["the other curve's name", { ...EC, crv: "P-521" }],
  ["coordinates of P-521 on P-256", { ...WIDE, crv: "P-256" }],
  ["a point off the curve", { ...EC, y: EC.x }],
  ["a point off the curve P-521", { ...WIDE, y: WIDE.x }],
  ["zeroes", { ...EC, x: base64UrlOf(new Uint8Array(32)), y: base64UrlOf(new Uint8Array(32)) }],
  ["a coordinate of the field's size and more", { ...EC, x: base64UrlOf(odd(32)) }],
  ["a coordinate of 31 bytes", { ...EC, x: base64UrlOf(new Uint8Array(31)) }],
  ["a coordinate in no base64url", { ...EC, x: "=" }],
  ["direct agreement", { ...EC, alg: "ECDH-ES" }],
  ["a weaker key wrap", { ...EC, alg: "ECDH-ES+A128KW" }],
  ["RSA's algorithm on a curve", { ...EC, alg: "RSA-OAEP-256" }],
  ["RSA1_5", { ...RSA, alg: "RSA1_5" }],
  ["OAEP with SHA-1", { ...RSA, alg: "RSA-OAEP" }],
  ["a curve's algorithm with RSA", { ...RSA, alg: "ECDH-ES+A256KW" }],
  ["RSA of 1024 bits", { ...RSA, n: base64UrlOf(odd(128)) }],
  ["RSA of 2047 bits", { ...RSA, n: base64UrlOf(odd(256).with(0, 0x7f)) }],
  ["RSA of 2048 bits behind a zero", { ...RSA, n: base64UrlOf(Uint8Array.from([0, ...odd(256)])) }],
  ["RSA of 16384 bits", { ...RSA, n: base64UrlOf(odd(2048)) }],
  ["an even modulus", { ...RSA, n: base64UrlOf(odd(256).with(255, 0xfe)) }],
  ["no modulus", { ...RSA, n: "" }],
  ["the exponent 1, which leaves what it should hide as it is", { ...RSA, e: "AQ" }],
  ["the exponent 3", { ...RSA, e: "Aw" }],
  ["the exponent 65537 behind a zero", { ...RSA, e: "AAEAAQ" }],
  ["no exponent", { ...RSA, e: "" }],
];

function describeKeys({ primitives }: Subject): void {
  it.each(BAD_KEYS)("are refused: %s", async (_name, jwk) => {
    expect(await codeOfPromise(kbsKeyOf(jwk, primitives))).toBe("channel/bad-key");
  });

  it("are taken on both curves", async () => {
    expect(await codeOfPromise(kbsKeyOf(EC, primitives))).toBeUndefined();
    expect(await codeOfPromise(kbsKeyOf(WIDE, primitives))).toBeUndefined();
  });

  it("are looked at again when something is sealed", async () => {
    const key = await kbsKeyOf(EC, primitives);
    if (key.alg !== "ECDH-ES+A256KW") throw new Error("no key on a curve");
    const bent = { ...key, point: key.point.with(64, (key.point[64] ?? 0) ^ 1) };
    const sealing = sealKbsJwe({ key: bent, plaintext: SECRET, random }, primitives);
    expect(await codeOfPromise(sealing)).toBe("channel/bad-key");
  });
}
