/** When is a condition surely true, and when surely false? Atoms become literals over dimensions (WRIT section 11). */
import type { Atom, Block, Condition, FieldRef, Group, Relation, Test } from "../program.ts";
import { addressNumber, versionNumber } from "./dimension.ts";
import {
  type Desk,
  dimensionOf,
  gated,
  type Labels,
  presenceOf,
  rangeOf,
  ranges,
  vectorTruth,
  words,
} from "./literals.ts";
import { floorTruth, labelTruth, memberTruth } from "./reference-truths.ts";
import { allOf, anyOf, literal, negated, type Range, type Truth } from "./shape.ts";

export function truthOf(desk: Desk, condition: Condition, labels: Labels): Truth {
  return condition.kind === "atom" ? atomTruth(desk, condition, labels) : groupTruth(desk, condition, labels);
}

const COMBINE: Readonly<Record<Group["kind"], (truths: readonly Truth[]) => Truth>> = {
  and: allOf,
  all: allOf,
  or: anyOf,
  any: anyOf,
  none: (truths) => negated(anyOf(truths)),
  not: (truths) => negated(anyOf(truths)),
};

function groupTruth(desk: Desk, { kind, members }: Group, labels: Labels): Truth {
  return COMBINE[kind](members.map((member) => truthOf(desk, member, labels)));
}

function atomTruth(desk: Desk, { field, test, isNegated }: Atom, labels: Labels): Truth {
  const axiom = desk.labelled.find((one) => one.field === field.key);
  const truth =
    axiom === undefined ? testTruth(desk, field, test) : labelTruth(desk, axiom, { test, labels });
  return isNegated ? negated(truth) : truth;
}

function testTruth(desk: Desk, field: FieldRef, test: Test): Truth {
  switch (test.kind) {
    case "has":
      return presenceOf(desk, field);
    case "flag":
      return words(desk, field, ["true"]);
    case "one-of":
      return words(desk, field, test.values);
    case "interval":
      return ranges(
        desk,
        field,
        test.intervals.map((interval) => rangeOf(desk, field, interval)),
      );
    case "version":
      return versionTruth(desk, field, test);
    case "version-range":
      return ranges(desk, field, [[versionNumber(test.from), versionNumber(test.to)]]);
    case "vector-equals":
      return vectorTruth(desk, field, { levels: test.value, isExact: true });
    case "vector-least":
      return vectorTruth(desk, field, { levels: test.least, isExact: false });
    case "floor":
      return onceFor(desk, test.rows, field, () => floorTruth(desk, field, test.rows));
    case "member":
      return onceFor(desk, test.entries, field, () => memberTruth(desk, field, test.entries));
    case "bits":
      return gated(desk, field, bitsTruth(desk, field, test.mask));
    case "contains":
      return gated(desk, field, literal(dimensionOf(desk, field, { member: test.value }), IS_TRUE));
    case "within":
      return ranges(desk, field, test.blocks.map(blockRange));
  }
}

const IS_TRUE = { kind: "words", words: ["true"] } as const;

function versionTruth(
  desk: Desk,
  field: FieldRef,
  { relation, value }: Extract<Test, { readonly kind: "version" }>,
): Truth {
  const at = versionNumber(value);
  if (relation === "!=") return negated(ranges(desk, field, [[at, at]]));
  return ranges(desk, field, [VERSION_RANGES[relation](at)]);
}

const LAST_VERSION = (1n << 96n) - 1n;
const VERSION_RANGES: Readonly<Record<Exclude<Relation, "!=">, (at: bigint) => Range>> = {
  "==": (at) => [at, at],
  "<": (at) => [0n, at - 1n],
  "<=": (at) => [0n, at],
  ">": (at) => [at + 1n, LAST_VERSION],
  ">=": (at) => [at, LAST_VERSION],
};

const ADDRESS_BITS = { 4: 32n, 6: 128n } as const;

function blockRange({ family, base, prefix }: Block): Range {
  const size = 1n << (ADDRESS_BITS[family] - BigInt(prefix));
  return [addressNumber({ family, value: base }), addressNumber({ family, value: base + size - 1n })];
}

function bitsTruth(desk: Desk, field: FieldRef, mask: bigint): Truth {
  const bits = Array.from(mask.toString(2)).reverse();
  return allOf(
    bits.flatMap((digit, bit) =>
      digit === "1" ? [literal(dimensionOf(desk, field, { bit }), IS_TRUE)] : [],
    ),
  );
}

function onceFor(desk: Desk, key: object, field: FieldRef, make: () => Truth): Truth {
  const byField = desk.known.get(key) ?? new Map<string, Truth>();
  desk.known.set(key, byField);
  const truth = byField.get(field.key) ?? make();
  byField.set(field.key, truth);
  return truth;
}
