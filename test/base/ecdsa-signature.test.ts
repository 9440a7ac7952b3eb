/** Is there one DER form for one ECDSA signature? */
import { test } from "@fast-check/vitest";
import { p384 } from "@noble/curves/nist.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexOf, parseHex } from "../../src/base/bytes.ts";
import { derOfP1363, p1363OfDer } from "../../src/base/ecdsa-signature.ts";

const half = fc.constantFrom(32, 48, 66);

describe("an ECDSA signature", () => {
  test.prop([half, fc.infiniteStream(fc.integer({ min: 0, max: 255 }))])(
    "is the same there and back",
    (size, stream) => {
      const signature = Uint8Array.from(stream.take(2 * size));
      expect(p1363OfDer(derOfP1363(signature), size)).toEqual(signature);
    },
  );

  test.prop([fc.nat(47), fc.nat(47)])(
    "keeps leading zeros of r and s apart from the numbers",
    (zerosR, zerosS) => {
      const signature = new Uint8Array(96).fill(0xff);
      signature.fill(0, 0, zerosR).fill(0, 48, 48 + zerosS);
      expect(p1363OfDer(derOfP1363(signature), 48)).toEqual(signature);
    },
  );

  it("has the DER that another implementation writes", () => {
    const { secretKey } = p384.keygen();
    for (let i = 0; i < 20; i += 1) {
      const compact = p384.sign(Uint8Array.of(i), secretKey);
      const der = p384.Signature.fromBytes(compact, "compact").toBytes("der");
      expect(derOfP1363(compact)).toEqual(der);
      expect(p1363OfDer(der, 48)).toEqual(compact);
    }
  });

  it.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["another tag", "3106020101020101"],
    ["an empty sequence", "3000"],
    ["one integer", "3003020101"],
    ["three integers", "3009020101020101020101"],
    ["something after the sequence", "300602010102010100"],
    ["a sequence past its end", "3007020101020101"],
    ["a sequence shorter than its content", "3005020101020101"],
    ["a long length that could be short", "308106020101020101"],
    ["a length of two bytes", "30820006020101020101"],
    ["an indefinite length", "30800201010201010000"],
    ["an integer of no bytes", "30050200020101"],
    ["a negative r", "3006020180020101"],
    ["a negative s", "30060201010201ff"],
    ["a needless zero", "300702020001020101"],
    ["a bit string for r", "3006030101020101"],
    ["an r longer than the field", `3026022101${"00".repeat(32)}020101`],
    ["an integer past the end", "3006020101020501"],
  ])("is not %s", (_name, hex) => {
    expect(p1363OfDer(parseHex(hex) ?? new Uint8Array(0), 32)).toBeUndefined();
  });

  test.prop([fc.uint8Array({ maxLength: 80 }), fc.boolean()])(
    "of any bytes whatever is none, or has one form",
    (bytes, isNear) => {
      const der = isNear ? Uint8Array.from([0x30, bytes.length & 127, 2, ...bytes]) : bytes;
      const signature = p1363OfDer(der, 32);
      if (signature !== undefined) expect(hexOf(derOfP1363(signature))).toBe(hexOf(der));
    },
  );
});
