/** Does a hostile file end in a fault with its code, whatever it holds, and at no more cost than its size? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, parseHex, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { type Cbor, decodeCbor, encodeCbor, mapOf } from "../../src/reference/cbor.ts";
import { openCorim } from "../../src/reference/corim.ts";
import { carryCorim } from "../../src/reference/from-corim.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import {
  corimBytes,
  corimItem,
  DIGEST,
  launch,
  measured,
  ofModel,
  type Plan,
  type SignPlan,
  signedWith,
  triple,
  trusting,
} from "./made-corim.ts";
import { VERAISON } from "./vectors.ts";

const MALFORMED = "reference/malformed";
const BAD_SIGNATURE = "reference/bad-signature";
const META = encodeCbor(mapOf([0, mapOf([0, "ACME"])]));
const key = await nodePrimitives.generateKeyPair("ed25519");

async function codeFor(bytes: Uint8Array): Promise<string | undefined> {
  return codeOfPromise(taken(bytes));
}

async function taken(bytes: Uint8Array) {
  const corim = await openCorim(bytes, trusting("unsigned"));
  return carryCorim(corim, { anyInstance: false, product: "milan" });
}

describe("CBOR that is not in its one form", () => {
  it.each([
    ["a key twice", "a2010101 02".replaceAll(" ", "")],
    ["a key twice, far and as text", "a2616101616102"],
    ["an array without a length", "9f01ff"],
    ["a map without a length", "bf0101ff"],
    ["a byte string without a length", "5f4101ff"],
    ["a text without a length", "7f6161ff"],
    ["a break by itself", "ff"],
    ["a number that is longer than it has to be", "1801"],
    ["a length that is longer than it has to be", "590001aa"],
    ["a tag that is longer than it has to be", "d90012a0"],
    ["a number with a fraction", "f93e00"],
    ["a whole number as a fraction", "f93c00"],
    ["a fraction as a key", "a1f93c0001"],
    ["what is no number", "f97e00"],
    ["undefined", "f7"],
    ["another simple value", "e0"],
    ["an array as a key", "a1800 1".replaceAll(" ", "")],
    ["a byte string as a key", "a1410101"],
    ["a tagged key", "a1c10101"],
    ["a text that is no UTF-8", "62c328"],
    ["a text with a surrogate", "63eda080"],
    ["a reserved length", "1c"],
    ["the end within a head", "19"],
    ["the end within a string", "4501"],
    ["the end within an array", "8201"],
    ["the end within a map", "a101"],
    ["nothing", ""],
    ["more behind it", "0101"],
    ["an array of 2^32 items", "9b0000000100000000"],
    ["an array of 2^62 items", "9b4000000000000000"],
    ["a map of 2^31 entries", "ba80000000"],
    ["a byte string of 2^40 bytes", "5b0000010000000000"],
    ["a tag above 2^53", "dbffffffffffffffff01"],
  ])("is refused for %s", (_name, hex) => {
    expect(codeOf(() => decodeCbor(parseHex(hex) ?? utf8(hex)))).toBe(MALFORMED);
  });

  it("is refused for nesting, however deep, before a stack is full", () => {
    for (const [depth, head] of [
      [33, 0x81],
      [1_000_000, 0x81],
      [1_000_000, 0xc1],
    ] as const) {
      const nested = concatBytes(new Uint8Array(depth).fill(head), Uint8Array.of(1));
      expect(codeOf(() => decodeCbor(nested))).toBe(MALFORMED);
    }
    expect(
      codeOf(() => decodeCbor(concatBytes(new Uint8Array(32).fill(0x81), Uint8Array.of(1)))),
    ).toBeUndefined();
  });

  it("is refused for more items than reference values have", () => {
    const empty = concatBytes(Uint8Array.of(0x9a, 0, 3, 0xd0, 0x90), new Uint8Array(250_000).fill(0xa0));
    expect(codeOf(() => decodeCbor(empty))).toBe(MALFORMED);
  });

  it("is read where it is: 64 bits, negative numbers, any order of keys", () => {
    expect(decodeCbor(Uint8Array.of(0x1b, 255, 255, 255, 255, 255, 255, 255, 255))).toBe(2n ** 64n - 1n);
    expect(decodeCbor(Uint8Array.of(0x3b, 255, 255, 255, 255, 255, 255, 255, 255))).toBe(-(2n ** 64n));
    expect(decodeCbor(parseHex("a20201 0102".replaceAll(" ", "")) ?? DIGEST)).toEqual(
      mapOf([2, 1n], [1, 2n]),
    );
  });
});

const items = fc.letrec<{ item: Cbor }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 4 },
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
    fc.string({ unit: "grapheme" }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie("item"), { maxLength: 4 }),
    fc.record({ tag: fc.nat(), value: tie("item") }),
    fc
      .array(fc.tuple(fc.oneof(fc.integer(), fc.string()), tie("item")), { maxLength: 4 })
      .map((entries) => mapOf(...entries)),
  ),
})).item;

describe("any bytes at all", () => {
  test.prop([items])("read back as they were written", (item) => {
    expect(decodeCbor(encodeCbor(item))).toEqual(item);
  });

  test.prop([fc.uint8Array({ maxLength: 200 })])("give values or the room's fault", async (bytes) => {
    for (const one of [
      bytes,
      concatBytes(Uint8Array.of(0xd9, 0x01, 0xf5), bytes),
      concatBytes(Uint8Array.of(0xd2, 0x84), bytes),
    ]) {
      for (const keys of ["unsigned", [key.spki]] as const) {
        const code = await codeOfPromise(openCorim(one, trusting(keys)));
        expect(code).toMatch(/^reference\//);
      }
    }
  });

  test.prop([items])("give values or the room's fault where they are CBOR under tag 501", async (item) => {
    for (const corim of [
      { tag: 501, value: item },
      corimItem({ triples: item }),
      corimItem({ measurements: [item] }),
    ]) {
      try {
        await taken(encodeCbor(corim));
      } catch (thrown) {
        expect(isFault(thrown) && thrown.code).toMatch(/^reference\//);
      }
    }
  });

  it("cut a good file short at every byte in a fault", async () => {
    for (let size = 0; size < VERAISON.unsigned.length; size += 1)
      expect([size, await codeFor(VERAISON.unsigned.slice(0, size))]).toEqual([size, MALFORMED]);
    expect(await codeFor(concatBytes(VERAISON.unsigned, Uint8Array.of(0)))).toBe(MALFORMED);
  });
});

describe("a CoRIM that its own draft does not allow", () => {
  const svn = (value: Cbor): Plan => ({ measurements: [launch(), measured(647, [1, value])] });
  it.each<[string, Uint8Array]>([
    ["no tag", encodeCbor(mapOf([0, "made"]))],
    ["the tag of a CoMID", encodeCbor({ tag: 506, value: encodeCbor(mapOf()) })],
    ["a tag of older drafts", encodeCbor({ tag: 500, value: corimItem() })],
    [
      "a tag of older drafts around the signature",
      encodeCbor({ tag: 502, value: decodeCbor(VERAISON.es256) }),
    ],
    ["the tag for several signers", encodeCbor({ tag: 98, value: [] })],
    ["no tags", corimBytes({ tags: [] })],
    ["a tag that is no byte string", corimBytes({ tags: [{ tag: 506, value: mapOf() }] })],
    ["a number as its id", corimBytes({ corim: [[0, 1n]] })],
    ["a UUID of another length", corimBytes({ tagId: new Uint8Array(15) })],
    [
      "two profiles",
      corimBytes({
        corim: [
          [
            3,
            [
              { tag: 32, value: "a" },
              { tag: 32, value: "b" },
            ],
          ],
        ],
      }),
    ],
    ["an end before its begin", corimBytes({ corim: [[4, mapOf([0, 2n], [1, 1n])]] })],
    ["a time before 1970", corimBytes({ corim: [[4, mapOf([1, -1n])]] })],
    ["a time after 9999", corimBytes({ corim: [[4, mapOf([1, 2n ** 63n])]] })],
    ["a time under another tag", corimBytes({ corim: [[4, mapOf([1, { tag: 0, value: 1_900_000_000n }])]] })],
    ["no triples", corimBytes({ triples: [] })],
    ["a triple of one", corimBytes({ triples: [[ofModel("Milan")]] })],
    ["a triple without measurements", corimBytes({ measurements: [] })],
    ["a SHA-384 of 47 bytes", corimBytes({ measurements: [launch(new Uint8Array(47))] })],
    ["a SHA-384 of no bytes", corimBytes({ measurements: [launch(new Uint8Array(0))] })],
    ["a digest without an algorithm", corimBytes({ measurements: [measured(641, [2, [[DIGEST]]])] })],
    ["no digest in a list of them", corimBytes({ measurements: [measured(641, [2, []])] })],
    [
      "an id of 15 bytes",
      corimBytes({ measurements: [measured(3, [4, { tag: 560, value: new Uint8Array(15) }])] }),
    ],
    ["a negative security version", corimBytes(svn({ tag: 553, value: -1n }))],
    ["a security version that is text", corimBytes(svn({ tag: 553, value: "9" }))],
    ["a TCB with reserved bytes set", corimBytes(svn({ tag: 553, value: 2n ** 40n }))],
    [
      "a GUEST_SVN of 33 bits",
      corimBytes({ measurements: [measured(1, [1, { tag: 553, value: 2n ** 32n }])] }),
    ],
    ["a flag that is a number", corimBytes({ measurements: [mapOf([1, mapOf([3, mapOf([3, 0n])])])] })],
    ["more than it may have", new Uint8Array(4 * 1024 * 1024 + 1)],
  ])("is refused for %s", async (_name, bytes) => {
    expect(await codeFor(bytes)).toBe(MALFORMED);
  });

  it("takes a TCB of 2^63 and more, bit for bit", async () => {
    const carried = await taken(corimBytes(svn({ tag: 553, value: 0xff00_0000_0000_0003n })));
    expect(carried.floors).toEqual([
      { tcb: "reported", rows: new Map([["milan", { bootloader: 3, tee: 0, snp: 0, microcode: 255 }]]) },
    ]);
  });
});

describe("a signature that was made for something else", () => {
  const cases: readonly [string, readonly (readonly [number, Cbor])[], SignPlan, string | undefined][] = [
    ["nothing", [[8, META]], {}, undefined],
    ["a signature of another structure", [[8, META]], { context: "Signature" }, BAD_SIGNATURE],
    ["a counter signature", [[8, META]], { context: "CounterSignature" }, BAD_SIGNATURE],
    ["a MAC", [[8, META]], { context: "MAC0" }, BAD_SIGNATURE],
    ["external data", [[8, META]], { external: utf8("aad") }, BAD_SIGNATURE],
    ["a payload that is elsewhere", [[8, META]], { payload: null }, MALFORMED],
    ["a payload of nothing", [[8, META]], { payload: new Uint8Array(0) }, MALFORMED],
    [
      "a payload that is no CoRIM",
      [[8, META]],
      { payload: encodeCbor({ tag: 506, value: META }) },
      MALFORMED,
    ],
    ["a payload that is signed again", [[8, META]], { payload: VERAISON.eddsa }, MALFORMED],
    [
      "a hash for a payload",
      [
        [8, META],
        [258, -16n],
      ],
      {},
      MALFORMED,
    ],
    ["another type of content", [[8, META]], { contentType: "application/eat+cwt" }, MALFORMED],
    ["an algorithm of another curve", [[8, META]], { algorithm: -7n }, BAD_SIGNATURE],
    ["an algorithm that is a MAC", [[8, META]], { algorithm: 5n }, MALFORMED],
    ["no algorithm", [[8, META]], { algorithm: 0n }, MALFORMED],
    ["RSA", [[8, META]], { algorithm: -37n }, MALFORMED],
    [
      "a critical header that nobody knows",
      [
        [8, META],
        [2, [99n]],
        [99, 1n],
      ],
      {},
      MALFORMED,
    ],
    [
      "a critical header that is not there",
      [
        [8, META],
        [2, [4n]],
      ],
      {},
      MALFORMED,
    ],
    [
      "no critical header in a list of them",
      [
        [8, META],
        [2, []],
      ],
      {},
      MALFORMED,
    ],
    [
      "a critical header that is known",
      [
        [8, META],
        [2, [8n]],
      ],
      {},
      undefined,
    ],
    ["a critical header that nobody signed", [[8, META]], { open: mapOf([2, [99n]]) }, MALFORMED],
    ["an algorithm that nobody signed", [[8, META]], { open: mapOf([1, -8n]) }, MALFORMED],
    ["a header twice", [[8, META]], { open: mapOf([8, META]) }, MALFORMED],
    ["certificates that nobody asked for", [[8, META]], { open: mapOf([33, new Uint8Array(9)]) }, undefined],
    ["an issuer of no name", [[8, encodeCbor(mapOf())]], {}, MALFORMED],
    [
      "a key id that names another key",
      [
        [8, META],
        [4, utf8("somebody")],
      ],
      {},
      undefined,
    ],
  ];
  it.each(cases)("has %s", async (_name, headers, plan, code) => {
    const bytes = await signedWith(key, headers, plan);
    expect(await codeOfPromise(openCorim(bytes, trusting([key.spki])))).toBe(code);
  });

  it.each([
    ["three members", (all: readonly Cbor[]) => all.slice(0, 3)],
    ["five members", (all: readonly Cbor[]) => [...all, DIGEST]],
    ["headers that are no byte string", ([, ...rest]: readonly Cbor[]) => [mapOf(), ...rest]],
    ["open headers that are no map", ([head, , ...rest]: readonly Cbor[]) => [head ?? null, [], ...rest]],
    ["a signature that is no byte string", (all: readonly Cbor[]) => [...all.slice(0, 3), "x"]],
  ])("is refused with %s", async (_name, change) => {
    const signed = decodeCbor(VERAISON.eddsa);
    const members = typeof signed === "object" && signed !== null && "tag" in signed ? signed.value : [];
    const bytes = encodeCbor({ tag: 18, value: change(Array.isArray(members) ? members : []) });
    expect(await codeOfPromise(openCorim(bytes, trusting([VERAISON.eddsaKey])))).toBe(MALFORMED);
  });

  it("does not become good by another signature of the same key", async () => {
    const [one, other] = [
      await signedWith(key, [[8, META]]),
      await signedWith(key, [[8, META]], { tagId: "other" }),
    ];
    const swapped = concatBytes(one.slice(0, -64), other.slice(-64));
    expect(await codeOfPromise(openCorim(swapped, trusting([key.spki])))).toBe(BAD_SIGNATURE);
  });
});

describe("texts of strangers", () => {
  it("cannot end a line, turn it round or grow without bound", async () => {
    const nasty = `a\n# writ-allow W0721\r\u2028\u202e\u0000"\\${"x".repeat(5000)}`;
    const carried = await taken(
      corimBytes({
        tagId: nasty,
        measurements: [launch(), measured("\n\u202e", [2, [[7n, DIGEST]]])],
        triples: [triple([launch()]), triple([launch()], ofModel(nasty))],
      }),
    );
    const told = [
      ...carried.notes,
      ...carried.sets.flatMap(({ entries }) => entries.map(({ label }) => label)),
    ];
    for (const text of told) {
      expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      expect(text.length).toBeLessThanOrEqual(1000);
    }
  });
});
