/** Which values of a CoRIM become Writ, and is everything else told? */
import { describe, expect, it } from "vitest";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { hexOf } from "../../src/base/bytes.ts";
import { type Cbor, encodeCbor, mapOf } from "../../src/reference/cbor.ts";
import { openCorim } from "../../src/reference/corim.ts";
import { carryCorim } from "../../src/reference/from-corim.ts";
import {
  BY_CHIP,
  corimBytes,
  DIGEST,
  environment,
  launch,
  measured,
  ofModel,
  type Plan,
  triple,
  trusting,
} from "./made-corim.ts";

const OTHER = new Uint8Array(48).fill(0x22);
const raw = (value: Uint8Array): readonly [number, Cbor] => [4, { tag: 560, value }];
const least = (value: bigint): readonly [number, Cbor] => [1, { tag: 553, value }];

async function carry(plan: Plan, options: { anyInstance?: boolean; product?: ProductLine } = {}) {
  const corim = await openCorim(corimBytes(plan), trusting("unsigned"));
  return carryCorim(corim, { anyInstance: options.anyInstance ?? false, product: options.product });
}

describe("values that Writ has", () => {
  it.each([
    ["digests of SHA-384", 641, [2, [[7n, DIGEST]]], "measurement", 48],
    ["digests of `sha-384`", 641, [2, [["sha-384", DIGEST]]], "measurement", 48],
    ["ID keys as digests", 643, [2, [[7n, DIGEST]]], "id_block.id_key", 48],
    ["ID keys as bytes", 643, raw(DIGEST), "id_block.id_key", 48],
    ["author keys", 644, raw(DIGEST), "id_block.author_key", 48],
    ["HOST_DATA", 642, raw(DIGEST.slice(0, 32)), "host_data", 32],
  ] as const)("are sets: %s", async (_name, key, value, field, size) => {
    const { sets, notes } = await carry({ measurements: [measured(key, value)] });
    expect(sets).toMatchObject([{ field, entries: [{ value: hexOf(DIGEST.slice(0, size)), label: "tag" }] }]);
    expect(notes).toEqual([]);
  });

  it("have the label and the number of processors that their maker gave them", async () => {
    const named = measured(
      641,
      [2, [[7n, DIGEST]]],
      [11, "base 1.2.0 / 4 vcpu"],
      [0, mapOf([0, "1.2.0"], [1, 16_384n])],
    );
    const { sets } = await carry({ measurements: [named] });
    expect(sets[0]?.entries).toMatchObject([{ label: "base 1.2.0 / 4 vcpu", vcpus: 4, version: "1.2.0" }]);
  });

  it("stand once for the same bytes, and under a label each", async () => {
    const { sets, notes } = await carry({
      triples: [
        triple([measured(641, [2, [[7n, DIGEST]]], [11, "one"])]),
        triple([measured(641, [2, [[7n, DIGEST]]], [11, "two"])]),
        triple([measured(641, [2, [[7n, OTHER]]], [11, "one"])]),
      ],
    });
    expect(sets[0]?.entries.map(({ label }) => label)).toEqual(["one", "one (2)"]);
    expect(notes.join()).toContain('the label "two"');
  });

  it.each([
    ["Milan", 0xd30e_0000_0000_0003n, { bootloader: 3, tee: 0, snp: 14, microcode: 211 }],
    ["Genoa", 0x5417_0000_0000_000an, { bootloader: 10, tee: 0, snp: 23, microcode: 84 }],
    ["Turin", 0x4b00_0000_0400_0201n, { fmc: 1, bootloader: 2, tee: 0, snp: 4, microcode: 75 }],
  ])("are floors where they are least versions: %s", async (model, level, row) => {
    for (const [key, tcb] of [
      [6, "current"],
      [647, "reported"],
      [3329, "committed"],
      [3968, "launch"],
    ] as const) {
      const { floors, notes } = await carry({
        environment: ofModel(model),
        measurements: [measured(key, least(level))],
      });
      expect(floors).toEqual([{ tcb, rows: new Map([[model.toLowerCase(), row]]) }]);
      expect(notes).toEqual([]);
    }
  });

  it("of two floors for one product keep the higher one, component by component, and tell it", async () => {
    const { floors, notes } = await carry({
      triples: [0xd30e_0000_0000_0003n, 0xd20f_0000_0000_0004n].map((level) =>
        triple([measured(647, least(level))], ofModel("Milan")),
      ),
    });
    expect(floors[0]?.rows.get("milan")).toEqual({ bootloader: 4, tee: 0, snp: 15, microcode: 211 });
    expect(notes.join()).toContain("several least levels");
  });

  it("are conditions where all of them go with one", async () => {
    const { conditions, notes } = await carry({
      measurements: [
        launch(),
        measured(1, least(7n)),
        measured(4, raw(new Uint8Array(16).fill(9))),
        mapOf([1, mapOf([3, mapOf([3, false], [4, true], [5, true], [9, true])])]),
      ],
    });
    expect(conditions).toEqual([
      "id_block.guest_svn >= 7",
      `id_block.image_id == hex"${"09".repeat(16)}"`,
      "not guest.debug",
    ]);
    expect(notes).toEqual([]);
  });

  it("bind nobody by a condition that only some of them have", async () => {
    const { conditions, notes } = await carry({
      triples: [triple([launch(), measured(1, least(7n)), measured(1, least(7n))]), triple([launch(OTHER)])],
    });
    expect(conditions).toEqual([]);
    expect(notes).toEqual(["`id_block.guest_svn >= 7`: 1 of 2 groups of values ask for it"]);
  });

  it("are told to belong together where sets cannot say it", async () => {
    const { notes } = await carry({
      triples: [
        triple([launch(), measured(642, raw(DIGEST.slice(0, 32)))]),
        triple([launch(OTHER), measured(642, raw(OTHER.slice(0, 32)))]),
      ],
    });
    expect(notes).toEqual(["which values of several sets belong together: each set stands for itself"]);
  });
});

describe("values that Writ has not", () => {
  it.each<[string, Plan, string]>([
    [
      "of another profile",
      { corim: [[3, { tag: 32, value: "tag:arm.com,2025:psa#1.0.0" }]] },
      "tag:arm.com,2025:psa#1.0.0",
    ],
    [
      "of the profile of older drafts",
      { corim: [[3, { tag: 32, value: "http://amd.com/please-permalink-me" }]] },
      "please-permalink-me",
    ],
    ["of no profile", { corim: [[3, undefined]] }, "not named"],
    ["of a profile that is an OID", { corim: [[3, { tag: 111, value: DIGEST }]] }, "not named"],
    [
      "of another class",
      { environment: mapOf([0, mapOf([0, { tag: 111, value: Uint8Array.of(43, 6) }])]) },
      "2b06",
    ],
    [
      "of an older draft's class",
      {
        environment: mapOf([
          0,
          mapOf([0, { tag: 111, value: new Uint8Array([43, 6, 1, 4, 1, 156, 120, 2, 1]) }]),
        ]),
      },
      "which is not SEV-SNP's",
    ],
    ["of no class", { environment: mapOf([1, { tag: 560, value: DIGEST }]) }, "no class"],
    ["of a vendor", { environment: mapOf([0, mapOf([0, BY_CHIP], [1, "ACME"])]) }, "class field 1"],
    ["of a group", { environment: environment([2, { tag: 560, value: DIGEST }]) }, "a group"],
    ["of a model that nobody knows", { environment: ofModel("Venice") }, "Venice"],
    ["of one chip", { environment: environment([1, { tag: 560, value: DIGEST }]) }, "--any-instance"],
    ["of an element that has a name", { measurements: [measured("rim", [2, [[7n, DIGEST]]])] }, "rim"],
    [
      "of an element that has an OID",
      { measurements: [measured({ tag: 111, value: DIGEST }, [2, [[7n, DIGEST]]])] },
      "of tag 111",
    ],
    [
      "of a number that the profile does not have",
      { measurements: [measured(9999, [2, [[7n, DIGEST]]])] },
      "9999",
    ],
    ["of SHA-256", { measurements: [measured(641, [2, [[1n, DIGEST.slice(0, 32)]]])] }, "the algorithm 1"],
    ["of some bits", { measurements: [measured(643, raw(DIGEST), [5, DIGEST])] }, "only some bits"],
    ["of POLICY", { measurements: [measured(2, raw(DIGEST.slice(0, 8)))] }, "POLICY"],
    ["of a chip's number", { measurements: [measured(3328, raw(DIGEST))] }, "CHIP_ID"],
    [
      "of exactly one TCB",
      { environment: ofModel("Milan"), measurements: [measured(647, [1, { tag: 552, value: 3n }])] },
      "tcb.reported == { bootloader 3, tee 0, snp 0, microcode 0 }",
    ],
    [
      "of exactly one TCB, without a tag",
      { environment: ofModel("Milan"), measurements: [measured(647, [1, 3n])] },
      "tcb.reported ==",
    ],
    [
      "of a TCB of nobody knows which product",
      { measurements: [measured(647, least(3n))] },
      "--product milan",
    ],
    [
      "of a TCB without a version",
      { environment: ofModel("Milan"), measurements: [measured(647, [11, "x"])] },
      "no security version",
    ],
    [
      "of a flag that asks for debugging",
      { measurements: [mapOf([1, mapOf([3, mapOf([3, true])])])] },
      "the flag 3 as true",
    ],
    ["of another flag", { measurements: [mapOf([1, mapOf([3, mapOf([1, true])])])] }, "the flag 1 as true"],
    ["of fields beside a digest", { measurements: [measured(641, [8, "serial"])] }, "field 8"],
    ["in CoSWID tags", { tags: [{ tag: 505, value: DIGEST }] }, "CoSWID"],
  ])("are told: %s", async (_name, plan, told) => {
    const { sets, floors, conditions, notes } = await carry(plan);
    expect([sets.flatMap(({ entries }) => entries), floors, conditions]).toEqual([[], [], []]);
    expect(notes.join("\n")).toContain(told);
  });

  it.each<[string, Plan, string]>([
    [
      "a version that is none",
      { measurements: [measured(641, [2, [[7n, DIGEST]]], [0, mapOf([0, "v1"])])] },
      'the version "v1"',
    ],
    [
      "by whom evidence is signed",
      { measurements: [mapOf([0, 641n], [1, mapOf([2, [[7n, DIGEST]]])], [2, [DIGEST]])] },
      "by whom",
    ],
    ["links to tags that it replaces", { comid: [[3, [mapOf()]]] }, "which it may replace"],
    ["CoRIMs on which it rests", { corim: [[2, [mapOf()]]] }, "on which it rests"],
    ["a field of the CoRIM", { corim: [[9, 1n]] }, "field 9 of the CoRIM"],
    ["a field of the tag", { comid: [[9, 1n]] }, "field 9 of the tag"],
    ["a product", { environment: ofModel("Genoa") }, "product == genoa"],
    [
      "a provider",
      {
        environment: mapOf([
          0,
          mapOf([
            0,
            { tag: 37, value: Uint8Array.from(Buffer.from("89a7a1f0e7044faaacbd81c86df8a961", "hex")) },
          ]),
        ]),
      },
      "endorsement.kind == vlek",
    ],
  ])("are told beside values that are taken: %s", async (_name, plan, told) => {
    const { sets, notes } = await carry(plan);
    expect(sets[0]?.entries).toHaveLength(1);
    expect(notes.join("\n")).toContain(told);
  });

  it("are told of triples that are no reference values", async () => {
    const tags = [
      { tag: 506, value: encodeCbor(mapOf([1, mapOf([0, "t"])], [4, mapOf([1, []], [3, []], [10, []])])) },
    ];
    const { notes } = await carry({ tags });
    expect(notes).toEqual(["t: endorsed values", "t: attestation keys", "t: conditional endorsements"]);
  });

  it("are taken of one chip where that was said, and told", async () => {
    const { sets, notes } = await carry(
      { environment: environment([1, { tag: 560, value: DIGEST }]) },
      { anyInstance: true },
    );
    expect(sets[0]?.entries).toHaveLength(1);
    expect(notes.join()).toContain("taken for all");
  });

  it("take the product that was said, but for the one that a model names", async () => {
    const measurements = [measured(647, least(0x4b00_0000_0400_0201n))];
    const said = await carry({ measurements }, { product: "turin" });
    expect([...(said.floors[0]?.rows.keys() ?? [])]).toEqual(["turin"]);
    const named = await carry(
      { measurements: [measured(647, least(3n))], environment: ofModel("Milan") },
      { product: "turin" },
    );
    expect([...(named.floors[0]?.rows.keys() ?? [])]).toEqual(["milan"]);
  });

  it("are counted where there are too many to tell", async () => {
    const measurements = Array.from({ length: 300 }, (_, at) => measured(5000 + at, [11, "x"]));
    const { notes } = await carry({ measurements });
    expect(notes).toHaveLength(101);
    expect(notes.at(-1)).toBe("and 200 more");
  });
});
