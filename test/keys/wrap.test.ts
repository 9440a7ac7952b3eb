/** Does a wrapped key come back only under the same key, for the same use? */
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { sivSeal } from "../../src/keys/siv.ts";
import { unwrapUnder, wrapUnder } from "../../src/keys/wrap.ts";
import { zeroize } from "../../src/keys/zeroize.ts";

const key = new Uint8Array(32).fill(1);
const nonce = new Uint8Array(12).fill(2);
const [aad, plaintext] = [utf8("use"), utf8("a key")];

describe("a wrapped key", () => {
  it("is version, nonce, ciphertext and tag, and comes back", () => {
    const wrapped = wrapUnder(key, { nonce, aad, plaintext });
    expect(wrapped.slice(0, 13)).toEqual(concatBytes(Uint8Array.of(1), nonce));
    expect(wrapped.length).toBe(1 + 12 + plaintext.length + 16);
    expect(unwrapUnder(key, wrapped, aad)).toEqual(plaintext);
  });

  it("does not come back when its version byte is not authenticated or not known", () => {
    const unauthenticated = concatBytes(Uint8Array.of(1), nonce, sivSeal(key, nonce, aad, plaintext));
    expect(unwrapUnder(key, unauthenticated, aad)).toBeUndefined();
    const version2 = concatBytes(
      Uint8Array.of(2),
      nonce,
      sivSeal(key, nonce, concatBytes(Uint8Array.of(2), aad), plaintext),
    );
    expect(unwrapUnder(key, version2, aad)).toBeUndefined();
  });

  it("needs a key of 32 bytes", () => {
    const misuse = expect.objectContaining({ code: "internal/invariant" });
    const wrapped = wrapUnder(key, { nonce, aad, plaintext });
    for (const size of [0, 16, 31, 33]) {
      expect(() => wrapUnder(new Uint8Array(size), { nonce, aad, plaintext })).toThrow(misuse);
      expect(() => unwrapUnder(new Uint8Array(size), wrapped, aad)).toThrow(misuse);
    }
  });
});

describe("zeroize", () => {
  it("overwrites every array it is given", () => {
    const arrays = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    zeroize(...arrays);
    expect(arrays).toEqual([Uint8Array.of(0, 0), Uint8Array.of(0)]);
  });
});
