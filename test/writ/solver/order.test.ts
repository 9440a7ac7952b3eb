/** In which order are fields asked for? By what they are; among the many flags, those of one clause lie together. */
import { describe, expect, it } from "vitest";
import { type Dimension, domainOf, type Source } from "../../../src/writ/solver/dimension.ts";
import { orderedDimensions } from "../../../src/writ/solver/order.ts";
import { literal, type Shape } from "../../../src/writ/solver/shape.ts";
import type { FieldType, Vocabulary } from "../../../src/writ/vocabulary.ts";
import { TOY } from "../toy.ts";

const DOC = "";
const FLAGS = ["f0", "f1", "f2", "f3", "f4", "f5"];
const ENUM: FieldType = { kind: "enum", values: ["a", "b"] };
const TYPES: Readonly<Record<string, FieldType>> = {
  ...Object.fromEntries(FLAGS.map((name) => [name, { kind: "flag" }])),
  bits: { kind: "bits", bits: 8 },
  names: { kind: "set" },
  now: { kind: "time" },
  "pcr[7]": { kind: "bytes", size: 2 },
  mark: { kind: "bytes", size: 2 },
  late: ENUM,
  early: ENUM,
  silicon: ENUM,
  product: ENUM,
  "request.resource": { kind: "str" },
};

/** Fields in the order of the vocabulary, which is not that of their names. */
const NAMES = [
  "early",
  "late",
  "mark",
  "pcr",
  "names",
  "bits",
  "z.tcb",
  "a.tcb",
  "now",
  "silicon",
  "product",
  "request.resource",
];

const VOCABULARY: Vocabulary = {
  ...TOY,
  fields: [...NAMES, ...FLAGS].map((name) => ({ name, type: ENUM, doc: DOC })),
  components: [
    { name: "snp", max: 255 },
    { name: "boot", max: 255 },
  ],
  productField: "product",
  siliconField: "silicon",
  axioms: [
    { kind: "alias", text: "", field: "f5", of: "f4" },
    {
      kind: "implies",
      text: "",
      when: [
        { kind: "present", field: "f0" },
        { kind: "one-of", field: "late", values: ["a"] },
      ],
      follows: [{ kind: "one-of", field: "f1", values: ["a"] }],
    },
    { kind: "implies", text: "", when: [{ kind: "one-of", field: "early", values: ["a"] }], follows: [] },
  ],
};

function dimension(name: string, source: Source): Dimension {
  return { name, source, domain: domainOf(source), isOptional: false };
}

function plain(name: string): Dimension {
  return dimension(name, { key: name, type: TYPES[name] ?? { kind: "flag" } });
}

function part(key: string, component: string): Dimension {
  return dimension(`${key}.${component}`, { key, type: { kind: "uint", bits: 8 }, component });
}

function orderOf(dimensions: readonly Dimension[], shapes: readonly Shape[] = []): readonly string[] {
  return orderedDimensions(dimensions, shapes, VOCABULARY).map(({ name }) => name);
}

const RANKED = [
  "request.resource",
  "product",
  "silicon",
  "early",
  "late",
  "mark",
  "pcr[7]",
  "now",
  "names",
  "bits",
  "f0",
  "f1",
  "z.tcb.snp",
  "a.tcb.snp",
  "z.tcb.boot",
  "a.tcb.boot",
];

const ALL: readonly Dimension[] = RANKED.map((name) => {
  const [, key = "", component = ""] = /^([az]\.tcb)\.(.*)$/.exec(name) ?? [];
  return key === "" ? plain(name) : part(key, component);
});

describe("fields are asked for", () => {
  it("resource, product, silicon, what decides on others, digests, time, presence, flags, components", () => {
    expect(orderOf(ALL)).toEqual(RANKED);
    expect(orderOf(ALL.toReversed())).toEqual(RANKED);
    expect(orderOf(ALL.toSorted((a, b) => (a.name < b.name ? -1 : 1)))).toEqual(RANKED);
  });

  it("each component of all vectors together: they are compared", () => {
    const vectors = ALL.filter(({ source }) => source.component !== undefined);
    expect(orderOf(vectors.toReversed())).toEqual(["z.tcb.snp", "a.tcb.snp", "z.tcb.boot", "a.tcb.boot"]);
  });

  it("in the order of their names where nothing else tells them apart", () => {
    const members = [2, 1, 3].map((bit) => dimension(`f0#${bit}`, { key: "f0", type: ENUM, bit }));
    expect(orderOf(members)).toEqual(["f0#1", "f0#2", "f0#3"]);
  });
});

describe("flags of one clause", () => {
  const clause = (kind: "and" | "or", ...names: readonly string[]): Shape => ({
    kind,
    of: names.map((name) => literal(name, { kind: "words", words: ["true"] }).yes),
  });
  const flags = FLAGS.map(plain);
  const drawn = ["f0", "f2", "f4", "f1", "f3", "f5"];

  it("are drawn together, from both sides", () => {
    expect(orderOf(flags, [clause("or", "f0", "f4"), clause("or", "f1", "f5")])).toEqual(drawn);
    expect(orderOf(flags.toReversed(), [clause("and", "f5", "f1"), clause("and", "f4", "f0")])).toEqual(
      drawn,
    );
  });

  it("are drawn however deep the clause lies", () => {
    const nested: Shape = {
      kind: "and",
      of: [{ kind: "or", of: [clause("and", "f0", "f4"), clause("and", "f1", "f5")] }, { kind: "always" }],
    };
    expect(orderOf(flags, [nested])).toEqual(drawn);
  });

  it("are drawn round after round, until nothing moves", () => {
    const pairs = [
      ["f0", "f5"],
      ["f5", "f1"],
      ["f1", "f4"],
    ] as const;
    const order = orderOf(
      flags,
      pairs.map(([a, b]) => clause("or", a, b)),
    );
    const span = pairs.reduce((sum, [a, b]) => sum + Math.abs(order.indexOf(a) - order.indexOf(b)), 0);
    expect(order.toSorted()).toEqual(FLAGS);
    expect(span).toBeLessThanOrEqual(5);
  });

  it("stay where they are when no clause joins two of them", () => {
    const alone = [clause("or", "f5"), clause("or", "f4", "f4"), clause("or", "mark", "f3")];
    expect(orderOf(flags, alone)).toEqual(FLAGS);
    expect(orderOf(flags, [])).toEqual(FLAGS);
  });

  it("move among themselves only", () => {
    const order = orderOf(
      [part("a.tcb", "snp"), ...flags, plain("mark")],
      [clause("or", "f0", "f4", "mark")],
    );
    expect(order).toEqual(["mark", "f1", "f0", "f2", "f4", "f3", "f5", "a.tcb.snp"]);
  });
});
