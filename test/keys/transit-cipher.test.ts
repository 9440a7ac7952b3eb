/** Does a transit key open what it made, and nothing else? Layout and derivation are computed here a second time, by node:crypto. */
import { createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { decryptBy, encryptBy, type TransitCipher } from "../../src/keys/transit-cipher.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const random = (size: number): Uint8Array => Uint8Array.from(randomBytes(size));
const KEY = random(32);
const CIPHER: TransitCipher = { path: "prod/cards", version: 3, key: KEY };
const MESSAGE = { plaintext: utf8("4111 1111 1111 1111"), context: utf8("row 7"), salt: random(32) };

const lp = (bytes: Uint8Array): Buffer => Buffer.concat([u32(bytes.length), bytes]);
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

describe("what a transit key encrypts", () => {
  it("is AES-256-GCM under a key that HKDF makes of the salt, as its format says", async () => {
    const made = Buffer.from(await encryptBy(CIPHER, MESSAGE, nodePrimitives));
    expect(made[0]).toBe(1);
    expect(hexOf(made.subarray(1, 33))).toBe(hexOf(MESSAGE.salt));
    const seat = Buffer.concat([lp(utf8("ostiary/transit-cipher/v1")), lp(utf8("prod/cards")), u32(3)]);
    const keys = Buffer.from(hkdfSync("sha256", KEY, MESSAGE.salt, seat, 44));
    const decipher = createDecipheriv("aes-256-gcm", keys.subarray(0, 32), keys.subarray(32));
    decipher.setAAD(Buffer.concat([Buffer.of(1), seat, lp(MESSAGE.context)]));
    decipher.setAuthTag(made.subarray(-16));
    const plaintext = Buffer.concat([decipher.update(made.subarray(33, -16)), decipher.final()]);
    expect(plaintext.toString()).toBe("4111 1111 1111 1111");
  });

  const bytes = fc.uint8Array({ maxLength: 300 });
  test.prop([bytes, bytes], { numRuns: 40 })("opens again, whatever it is", async (plaintext, context) => {
    const made = await encryptBy(CIPHER, { plaintext, context, salt: random(32) }, nodePrimitives);
    expect(await decryptBy(CIPHER, { bytes: made, context }, nodePrimitives)).toEqual(plaintext);
  });

  it.each<readonly [string, Partial<TransitCipher>, Uint8Array]>([
    ["another key", { key: random(32) }, MESSAGE.context],
    ["the key of another path", { path: "prod/card" }, MESSAGE.context],
    ["another version", { version: 4 }, MESSAGE.context],
    ["another context", {}, utf8("row 8")],
    ["no context", {}, new Uint8Array(0)],
  ])("does not open by %s", async (_, other, context) => {
    const bytes = await encryptBy(CIPHER, MESSAGE, nodePrimitives);
    const cipher = { ...CIPHER, ...other };
    expect(await decryptBy(cipher, { bytes, context }, nodePrimitives)).toBeUndefined();
  });

  it("does not open with any bit flipped, cut off or added", async () => {
    const made = await encryptBy(CIPHER, MESSAGE, nodePrimitives);
    const { context } = MESSAGE;
    for (let at = 0; at < made.length; at += 1) {
      const flipped = made.slice();
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      expect(await decryptBy(CIPHER, { bytes: flipped, context }, nodePrimitives)).toBeUndefined();
      const cut = made.slice(0, at);
      expect(await decryptBy(CIPHER, { bytes: cut, context }, nodePrimitives)).toBeUndefined();
    }
    const longer = Uint8Array.from([...made, 0]);
    expect(await decryptBy(CIPHER, { bytes: longer, context }, nodePrimitives)).toBeUndefined();
  });
});
