/** Is our DER what others read? Against the reader of the verifier, and by the examples of X.690. */
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { DER, elementsOf, parseDer } from "../../src/attestation/endorsement/der.ts";
import { hexOf } from "../../src/base/bytes.ts";
import { bitString, element, integer, oid, sequence, TAG, text, time } from "../../src/simulator/der.ts";

describe("DER as it is written", () => {
  it.each([
    ["zero", integer(0), "020100"],
    ["a number below 128", integer(127), "02017f"],
    ["128, with a zero before it", integer(128), "02020080"],
    ["a serial of AMD's", integer(0x020001n), "0203020001"],
    ["an object identifier", oid("1.2.840.113549.1.1.10"), "06092a864886f70d01010a"],
    ["AMD's arc", oid("1.3.6.1.4.1.3704.1.3.8"), "060a2b060104019c78010308"],
    ["a bit string", bitString(Uint8Array.of(0x06), 1), "03020106"],
    ["a time before 2050", time(1_704_067_200), "170d3234303130313030303030305a"],
    ["a time from 2050 on", time(2_524_608_000), "180f32303530303130313030303030305a"],
    ["text in UTF-8", text(TAG.utf8String, "ü"), "0c02c3bc"],
  ])("has %s", (_name, bytes, hex) => {
    expect(hexOf(bytes)).toBe(hex);
  });

  property.prop([fc.uint8Array({ maxLength: 70_000 }), fc.constantFrom(...Object.values(TAG))], {
    numRuns: 60,
  })("holds any content under any tag, at any length", (content, tag) => {
    expect(parseDer(element(tag, content), tag).content).toEqual(content);
  });

  property.prop([fc.bigInt({ min: 0n, max: 1n << 200n })])("holds any number, minimal", (number) => {
    const { content } = parseDer(integer(number), DER.integer);
    expect(BigInt(`0x${hexOf(content)}`)).toBe(number);
    expect((content[0] ?? 0) < 0x80).toBe(true);
    expect(content.length === 1 || content[0] !== 0 || (content[1] ?? 0) >= 0x80).toBe(true);
  });

  property.prop([fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })])(
    "keeps the members of a sequence in order",
    (parts) => {
      const members = parts.map((part) => element(TAG.octetString, part));
      const { content } = parseDer(sequence(...members), DER.sequence);
      expect(elementsOf(content).map(({ whole }) => whole)).toEqual(members);
    },
  );
});
