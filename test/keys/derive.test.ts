/** Does HKDF give what RFC 5869 says, and each purpose its own key? */
import { hkdf as nobleHkdf } from "@noble/hashes/hkdf.js";
import { sha384 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { DERIVATIONS, deriveKey, hkdf, hkdfExpand, hkdfExtract } from "../../src/keys/derive.ts";
import { noblePrimitives } from "../support/noble-primitives.ts";

const bytes = (size: number, from: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => from + i);

describe("HKDF", () => {
  it("gives the pseudorandom key and output of RFC 5869, A.1", () => {
    const [ikm, salt, info] = [new Uint8Array(22).fill(0x0b), bytes(13, 0), bytes(10, 0xf0)];
    const prk = hkdfExtract(noblePrimitives, { hash: "sha256", salt, ikm });
    expect(hexOf(prk)).toBe("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    expect(hexOf(hkdfExpand(noblePrimitives, { hash: "sha256", prk, info, length: 42 }))).toBe(
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
  });

  it("agrees with another implementation at every length, with SHA-384", () => {
    const [ikm, salt, info] = [bytes(48, 1), bytes(48, 60), utf8("info")];
    for (let length = 0; length <= 150; length += 7) {
      const okm = hkdf(noblePrimitives, { hash: "sha384", ikm, salt, info, length });
      expect(hexOf(okm)).toBe(length === 0 ? "" : hexOf(nobleHkdf(sha384, ikm, salt, info, length)));
    }
  });

  it.each([-1, 0.5, Number.NaN, 255 * 32 + 1, Number.POSITIVE_INFINITY])(
    "calls a length of %d misuse",
    (length) => {
      const input = { hash: "sha256", prk: bytes(32, 0), info: utf8(""), length } as const;
      expect(() => hkdfExpand(noblePrimitives, input)).toThrow(
        expect.objectContaining({ code: "internal/invariant" }),
      );
    },
  );
});

describe("a derived key", () => {
  it("is another for each purpose and each key it comes from", () => {
    const purposes = ["nonceMac", "credentialMac", "kekWrap", "kekId", "diskMarker"] as const;
    expect(Object.keys(DERIVATIONS).sort()).toEqual([...purposes].sort());
    const keys = [bytes(32, 1), bytes(32, 2)].flatMap((ikm) =>
      purposes.map((purpose) => hexOf(deriveKey(noblePrimitives, purpose, ikm))),
    );
    expect(new Set(keys).size).toBe(10);
    expect(keys.every((key) => key.length === 64)).toBe(true);
  });

  it("for nonces is that of PROTOCOL section 3", () => {
    const ikm = bytes(32, 5);
    const salt = new Uint8Array(0);
    const info = utf8("ostiary/nonce-mac/v1");
    expect(deriveKey(noblePrimitives, "nonceMac", ikm)).toEqual(
      hkdf(noblePrimitives, { hash: "sha256", ikm, salt, info, length: 32 }),
    );
  });
});
