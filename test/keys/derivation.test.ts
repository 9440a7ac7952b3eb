/** Is a derived key HKDF of the root over the guest's own words, as another implementation computes it? */
import { hkdfSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CONTEXT_FIELDS,
  derivationInfo,
  derivationOf,
  derivationText,
  derivedKey,
  parseDerivation,
  seatOf,
} from "../../src/keys/derivation.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const SEAT = { path: "prod/disk", version: 3 };
const FACTS = new Map([
  ["report.chip_id", "ab".repeat(64)],
  ["measurement", "cd".repeat(48)],
]);
const factOf = (field: string) => FACTS.get(field);

/** Length as four bytes, then the bytes: written here once more, by node's own means. */
function prefixed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

describe("a derived key", () => {
  it("is what node's own HKDF gives", () => {
    const version = Buffer.from([0, 0, 0, 3]);
    const info = Buffer.concat([
      prefixed(Buffer.from("ostiary/derived/v1")),
      prefixed(Buffer.from("prod/disk")),
      version,
      prefixed(Buffer.from("report.chip_id")),
      prefixed(Buffer.from("ab".repeat(64), "hex")),
      prefixed(Buffer.from("measurement")),
      prefixed(Buffer.from("cd".repeat(48), "hex")),
    ]);
    const root = new Uint8Array(32).map((_, i) => i);
    const derivation = derivationOf(64, ["measurement", "report.chip_id"]);
    const ours = derivationInfo(SEAT, derivation, factOf) ?? new Uint8Array(0);
    expect(Buffer.from(ours)).toEqual(info);
    const key = derivedKey(root, { size: derivation.size, info: ours }, nodePrimitives);
    expect(Buffer.from(key)).toEqual(Buffer.from(hkdfSync("sha256", root, new Uint8Array(0), info, 64)));
  });

  it.each([
    ["absent", undefined],
    ["all zero", "00".repeat(48)],
    ["empty", ""],
    ["no hex", "xy"],
  ])("is not made where a field is %s", (_, value) => {
    const by = derivationOf(32, ["measurement", "report.chip_id"]);
    expect(
      derivationInfo(SEAT, by, (field) => (field === "measurement" ? value : factOf(field))),
    ).toBeUndefined();
  });
});

describe("derivationOf", () => {
  it.each([
    ["no field", 32, []],
    ["a field twice", 32, ["measurement", "measurement"]],
    ["too few bytes", 15, ["measurement"]],
    ["too many bytes", 1025, ["measurement"]],
    ["half a byte", 16.5, ["measurement"]],
  ] as const)("refuses %s", (_, size, by) => {
    expect(() => derivationOf(size, by)).toThrow(expect.objectContaining({ code: "request/malformed" }));
  });
});

describe("parseDerivation", () => {
  it("reads what derivationText writes, in one order whatever the order of the wish", () => {
    const wishes = fc.tuple(
      fc.integer({ min: 16, max: 1024 }),
      fc.shuffledSubarray([...CONTEXT_FIELDS], { minLength: 1 }),
    );
    fc.assert(
      fc.property(wishes, ([size, by]) => {
        const derivation = derivationOf(size, by);
        expect(parseDerivation(derivationText(derivation))).toEqual(derivation);
      }),
    );
  });

  it.each([
    "",
    "derived:32:",
    "derived:32:report.id",
    "derived:8:measurement",
    "derived:2000:measurement",
    "derived:032:measurement",
    "derived:32:measurement,report.chip_id",
    "derived:32:measurement,measurement",
    "bytes:32",
  ])("reads nothing in `%s`", (text) => expect(parseDerivation(text)).toBeUndefined());
});

describe("the seat of a derived version", () => {
  it("is another for each recipe and kind, and no path's own", () => {
    const at = (kind: string, make: string) => seatOf({ ...SEAT, kind, make }).path;
    const seats = [
      at("static", ""),
      at("derived", "derived:32:measurement"),
      at("derived", "derived:32:report.chip_id"),
      at("derived", ""),
    ];
    expect(new Set(seats).size).toBe(4);
    expect(seats[0]).toBe("prod/disk");
  });
});
