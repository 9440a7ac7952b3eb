/** Does suite 3 give what RFC 7518 printed, and does a stock JOSE library read and write the same? */
import { CompactEncrypt, compactDecrypt, importJWK } from "jose";
import { describe, expect, it } from "vitest";
import { base64UrlOf, concatBytes, parseBase64Url, parseUtf8, utf8 } from "../../src/base/bytes.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { concatKdf, JWE_P256 } from "../../src/channel/jwe.ts";
import { codeOfPromise } from "../support/faults.ts";

/** RFC 7518 appendix C: Alice's ephemeral key and Bob's. */
const ALICE = {
  x: "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
  y: "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
  d: "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
};
const BOB = {
  x: "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
  y: "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
  d: "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
};

const AAD = utf8('{"header":"of a release"}');
const BINDER = Uint8Array.from({ length: 64 }, (_, i) => i);
const SECRET = utf8("a data key");

const bytesOf = (text: string): Uint8Array => parseBase64Url(text) ?? new Uint8Array(0);
const pointOf = ({ x, y }: { readonly x: string; readonly y: string }): Uint8Array =>
  concatBytes(Uint8Array.of(4), bytesOf(x), bytesOf(y));
const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));

interface Subject {
  readonly name: string;
  readonly primitives: Primitives;
}

export function describeJwe({ name, primitives }: Subject): void {
  describe(`RFC 7518 appendix C on ${name}`, () => {
    it("agrees on the key that Alice and Bob have there", async () => {
      for (const [own, peer] of [[ALICE, BOB] as const, [BOB, ALICE] as const]) {
        expect(await primitives.publicKeyOf("p256", bytesOf(own.d))).toEqual(pointOf(own)); // in order: two rows
        const shared = await primitives.agree("p256", bytesOf(own.d), pointOf(peer));
        const parties = { apu: utf8("Alice"), apv: utf8("Bob") };
        const key = concatKdf({ shared, algorithm: "A128GCM", ...parties, bits: 128 }, primitives);
        expect(base64UrlOf(key)).toBe("VqqN6vgjbSBcIijNcacQGg");
      }
    });
  });
  describe(`suite 3 on ${name}`, () => describeSuite(primitives));
  describe(`suite 3 on ${name} refuses`, () => describeHostile(primitives));
}

const sealedTo = (recipient: Uint8Array, primitives: Primitives) =>
  JWE_P256.seal({ recipient, binder: BINDER, aad: AAD, plaintext: SECRET, random }, primitives);

const openedBy = (
  ct: Uint8Array,
  primitives: Primitives,
  other: { aad?: Uint8Array; binder?: Uint8Array } = {},
) =>
  JWE_P256.open(
    { privateKey: bytesOf(BOB.d), enc: new Uint8Array(0), ct, binder: BINDER, aad: AAD, ...other },
    primitives,
  );

/** What a stock library writes for Bob, with header members and parties of one's own. */
async function josesOwn(header: object = {}, parties: { apu?: Uint8Array; apv?: Uint8Array } = {}) {
  const apu = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(AAD)));
  const key = await importJWK({ kty: "EC", crv: "P-256", x: BOB.x, y: BOB.y }, "ECDH-ES");
  const jwe = await new CompactEncrypt(SECRET)
    .setProtectedHeader({ alg: "ECDH-ES", enc: "A256GCM", ...header })
    .setKeyManagementParameters({ apu, apv: BINDER, ...parties })
    .encrypt(key);
  return utf8(jwe);
}

function describeSuite(primitives: Primitives): void {
  it("is opened by a stock JOSE library", async () => {
    const { enc, ct } = await sealedTo(pointOf(BOB), primitives);
    expect(enc.length).toBe(0);
    const key = await importJWK({ kty: "EC", crv: "P-256", ...BOB }, "ECDH-ES");
    const opened = await compactDecrypt(parseUtf8(ct) ?? "", key);
    expect(new Uint8Array(opened.plaintext)).toEqual(SECRET);
    expect(opened.protectedHeader).toMatchObject({
      alg: "ECDH-ES",
      enc: "A256GCM",
      apv: base64UrlOf(BINDER),
    });
  });

  it("opens what a stock JOSE library sealed", async () => {
    expect(await openedBy(await josesOwn(), primitives)).toEqual(SECRET);
  });

  it("opens what it sealed, anew each time", async () => {
    const [one, two] = [await sealedTo(pointOf(BOB), primitives), await sealedTo(pointOf(BOB), primitives)];
    expect(one.ct).not.toEqual(two.ct);
    expect(await openedBy(one.ct, primitives)).toEqual(SECRET);
  });

  it("tells a point from what is none by one look", async () => {
    expect(await JWE_P256.isHopeless(pointOf(BOB), primitives)).toBe(false);
    for (const [, bad] of BAD_POINTS) expect(await JWE_P256.isHopeless(bad, primitives)).toBe(true); // in order
  });
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

const BAD_POINTS: readonly (readonly [string, Uint8Array])[] = [
  ["a point off the curve", flipped(pointOf(BOB), 64)],
  ["a point whose coordinates are zero", Uint8Array.from([4, ...new Uint8Array(64)])],
  ["a coordinate of the field's size and more", Uint8Array.from([4, ...new Uint8Array(64).fill(0xff)])],
  ["the point at infinity", Uint8Array.of(0)],
  ["a compressed point", concatBytes(Uint8Array.of(3), bytesOf(BOB.x))],
  ["a compressed point, filled up", concatBytes(Uint8Array.of(3), pointOf(BOB).slice(1))],
  ["a hybrid point", concatBytes(Uint8Array.of(7), pointOf(BOB).slice(1))],
  ["a byte too many", concatBytes(pointOf(BOB), Uint8Array.of(0))],
  ["nothing", new Uint8Array(0)],
];

function describeHostile(primitives: Primitives): void {
  it.each(BAD_POINTS)("to seal to %s", async (_name, point) => {
    expect(await codeOfPromise(sealedTo(point, primitives))).toBe("channel/bad-key");
  });

  it("what is for another exchange or another header", async () => {
    const { ct } = await sealedTo(pointOf(BOB), primitives);
    expect(await openedBy(ct, primitives, { binder: flipped(BINDER, 63) })).toBeUndefined();
    expect(await openedBy(ct, primitives, { aad: flipped(AAD, 0) })).toBeUndefined();
  });

  it("a stock library's JWE with other parties, other members or another algorithm", async () => {
    const others = [
      await josesOwn({}, { apu: utf8("another header") }),
      await josesOwn({}, { apv: utf8("another exchange") }),
      await josesOwn({ kid: "bob" }),
      await josesOwn({ alg: "ECDH-ES+A256KW" }),
      await josesOwn({ enc: "A128GCM" }),
    ];
    for (const other of others) expect(await openedBy(other, primitives)).toBeUndefined(); // in order
  });

  it("a changed character anywhere", async () => {
    const { ct } = await sealedTo(pointOf(BOB), primitives);
    for (let at = 0; at < ct.length; at += 1) {
      expect(await openedBy(flipped(ct, at), primitives)).toBeUndefined(); // in order: character by character
    }
  });

  it("an encapsulated key beside it, more parts, fewer, and no text at all", async () => {
    const { ct } = await sealedTo(pointOf(BOB), primitives);
    const plan = { privateKey: bytesOf(BOB.d), ct, binder: BINDER, aad: AAD };
    expect(await JWE_P256.open({ ...plan, enc: Uint8Array.of(1) }, primitives)).toBeUndefined();
    const [header = "", , ...rest] = (parseUtf8(ct) ?? "").split(".");
    const texts = [[header, "AA", ...rest], [header, "", ...rest, ""], [header, "", ...rest.slice(1)], [""]];
    for (const parts of texts) expect(await openedBy(utf8(parts.join(".")), primitives)).toBeUndefined();
    expect(await openedBy(Uint8Array.of(0xff, 0xfe), primitives)).toBeUndefined();
  });

  it("a sender's key that is off the curve", async () => {
    const { ct } = await sealedTo(pointOf(BOB), primitives);
    const [header = "", ...rest] = (parseUtf8(ct) ?? "").split(".");
    const parsed = JSON.parse(parseUtf8(bytesOf(header)) ?? "");
    parsed.epk.y = parsed.epk.x;
    const forged = [base64UrlOf(utf8(JSON.stringify(parsed))), ...rest].join(".");
    expect(await openedBy(utf8(forged), primitives)).toBeUndefined();
  });
}
