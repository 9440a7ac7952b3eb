/** Which bytes are a protobuf message? Those of one encoding, within bounds, and nothing that merely could be. */
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parseLaunchEndorsement } from "../../src/attestation/gcp/launch-endorsement.ts";
import { protobufFields } from "../../src/attestation/gcp/protobuf.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { delimited, number, varint } from "../../src/simulator/launch-endorsement.ts";
import { codeOf } from "../support/faults.ts";

describe("a protobuf message", () => {
  const read = (...parts: readonly Uint8Array[]) => protobufFields(concatBytes(...parts), 8);
  const bytes = (...list: readonly number[]) => Uint8Array.from(list);

  it("has fields in their order", () => {
    expect(read(number(1, 150n), delimited(2, bytes(7)), bytes(0x1d, 0, 0, 0, 0))).toEqual([
      { number: 1, value: 150n },
      { number: 2, value: bytes(7) },
      { number: 3, value: undefined },
    ]);
  });

  it.each([
    ["a varint of eleven bytes", bytes(0x08, ...Array(10).fill(0x80), 0x01)],
    ["a varint above 64 bits", bytes(0x08, ...Array(9).fill(0xff), 0x02)],
    ["a varint longer than it needs to be", bytes(0x08, 0x80, 0x00)],
    ["a varint that does not end", bytes(0x08, 0x80)],
    ["a tag without a value", bytes(0x08)],
    ["field number 0", bytes(0x00, 0x01)],
    ["a field number above 2^29 - 1", concatBytes(varint((1n << 29n) * 8n), bytes(1))],
    ["a length past its end", bytes(0x0a, 0x02, 0x00)],
    ["a length of 2^64 - 1", concatBytes(bytes(0x0a), varint((1n << 64n) - 1n), bytes(0))],
    ["a length of 2^53 + 1", concatBytes(bytes(0x0a), varint((1n << 53n) + 1n), bytes(0))],
    ["a group", bytes(0x0b, 0x0c)],
    ["wire type 7", bytes(0x0f, 0x00)],
    ["half a fixed number", bytes(0x09, 0, 0, 0)],
    ["more fields than it may", concatBytes(...Array.from({ length: 9 }, () => number(1, 1n)))],
  ])("is refused with %s", (_name, message) => {
    expect(codeOf(() => protobufFields(message, 8))).toBe("endorsement/firmware-malformed");
  });

  property.prop([
    fc.array(
      fc.tuple(fc.integer({ min: 1, max: 536_870_911 }), fc.bigInt({ min: 1n, max: (1n << 64n) - 1n })),
      { maxLength: 8 },
    ),
  ])("gives back every number that was written", (fields) => {
    const message = concatBytes(...fields.map(([field, value]) => number(field, value)));
    expect(protobufFields(message, 8)).toEqual(fields.map(([field, value]) => ({ number: field, value })));
  });

  property.prop([fc.uint8Array({ maxLength: 200 })])("is read or refused, whatever the bytes", (message) => {
    for (const parse of [() => protobufFields(message, 8), () => parseLaunchEndorsement(message)]) {
      try {
        parse();
      } catch (thrown) {
        expect(isFault(thrown)).toBe(true);
      }
    }
  });
});
