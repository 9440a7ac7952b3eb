/** Does AES-GCM-SIV do what RFC 8452 says, and refuse what it should? */
import { describe, expect, it } from "vitest";
import { hexOf, parseHex } from "../../src/base/bytes.ts";
import { sivOpen, sivSeal } from "../../src/keys/siv.ts";
import { describeSiv } from "../contract/siv.ts";
import { cryptoVector } from "../support/crypto-vectors.ts";

describeSiv(cryptoVector);

describe("AES-256-GCM-SIV", () => {
  const hex = (text: string): Uint8Array => parseHex(text) ?? new Uint8Array(0);
  const key = hex(`01${"00".repeat(31)}`);
  const nonce = hex(`03${"00".repeat(11)}`);
  const none = new Uint8Array(0);

  it("gives the tag and ciphertext of RFC 8452 appendix C.2", () => {
    expect(hexOf(sivSeal(key, nonce, none, none))).toBe("07f5f4169bbf55a8400cd47ea6fd400f");
    expect(hexOf(sivSeal(key, nonce, none, hex("0100000000000000")))).toBe(
      "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28",
    );
  });

  it("opens nothing that is shorter than a tag", () => {
    for (let size = 0; size < 16; size += 1) {
      expect(sivOpen(key, nonce, none, new Uint8Array(size))).toBeUndefined();
    }
  });

  it("calls keys and nonces of another size misuse", () => {
    const misuse = expect.objectContaining({ code: "internal/invariant" });
    for (const size of [0, 15, 24, 31, 33]) {
      expect(() => sivSeal(new Uint8Array(size), nonce, none, none)).toThrow(misuse);
      expect(() => sivOpen(new Uint8Array(size), nonce, none, new Uint8Array(16))).toThrow(misuse);
    }
    for (const size of [0, 8, 11, 13, 16]) {
      expect(() => sivSeal(key, new Uint8Array(size), none, none)).toThrow(misuse);
      expect(() => sivOpen(key, new Uint8Array(size), none, new Uint8Array(16))).toThrow(misuse);
    }
  });
});
