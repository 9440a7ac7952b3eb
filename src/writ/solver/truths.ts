/** When is a condition surely true, and when surely false? Atoms become literals over dimensions (WRIT section 11). */
import type { Axiom } from "../axiom.ts";
import { type FieldTable, fieldTableOf } from "../checking/fields.ts";
import type { TcbFact } from "../facts.ts";
import type {
  Atom,
  Block,
  Condition,
  Entry,
  FieldRef,
  FloorRow,
  Group,
  Interval,
  Relation,
  Test,
  Window,
} from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { addressNumber, type Dimension, domainOf, type Source, versionNumber } from "./dimension.ts";
import {
  ALWAYS_TRUE,
  allOf,
  anyOf,
  both,
  either,
  literal,
  NEVER_TRUE,
  negated,
  type Range,
  type Shape,
  type Truth,
} from "./shape.ts";

/** What atoms are translated with. `dimensions` fills while they are. */
export interface Desk {
  readonly vocabulary: Vocabulary;
  readonly table: FieldTable;
  readonly dimensions: Map<string, Dimension>;
  /** Other name → the field that stands for both. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly labelled: readonly Extract<Axiom, { readonly kind: "labelled" }>[];
  /** Truths of floors and sets that many atoms name. */
  readonly known: Map<object, Map<string, Truth>>;
}

export function createDesk(vocabulary: Vocabulary): Desk {
  const aliases = vocabulary.axioms.flatMap((axiom) =>
    axiom.kind === "alias" ? [[axiom.field, axiom.of] as const] : [],
  );
  const labelled = vocabulary.axioms.filter((axiom) => axiom.kind === "labelled");
  const table = fieldTableOf(vocabulary);
  return { vocabulary, table, dimensions: new Map(), aliases: new Map(aliases), labelled, known: new Map() };
}

/** Field → value → label, by the reference values of the program that a condition stands in. */
export type Labels = ReadonlyMap<string, ReadonlyMap<string, number>>;

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

// ── dimensions ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The name of a field's dimension, which is there from now on. */
export function dimensionOf(desk: Desk, field: FieldRef, part: Pick<Source, "bit" | "member"> = {}): string {
  const key = desk.aliases.get(field.key) ?? field.key;
  const suffix =
    part.bit === undefined ? (part.member === undefined ? "" : `#${part.member}`) : `#${part.bit}`;
  const name = `${field.component === undefined ? key : `${key}.${field.component}`}${suffix}`;
  if (desk.dimensions.has(name)) return name;
  const source = {
    key,
    type: field.type,
    ...(field.component === undefined ? {} : { component: field.component }),
    ...(field.fallback === undefined ? {} : { fallback: field.fallback }),
    ...part,
  };
  const max = desk.vocabulary.components.find((one) => one.name === field.component)?.max;
  const isOptional = suffix === "" && field.absentWhere !== undefined;
  desk.dimensions.set(name, { name, source, domain: domainOf(source, max), isOptional });
  return name;
}

/** A field of the vocabulary, or a member of a family, by its name. */
export function fieldNamed({ table }: Desk, name: string): FieldRef | undefined {
  const family = table.families.get(name.replace(/\[\d+\]$/, ""))?.field;
  if (family === undefined) return table.single.get(name)?.ref;
  const ref = { name, key: name, type: family.type };
  return family.absence === undefined ? ref : { ...ref, absentWhere: family.absence.where };
}

/** The dimension of a component of a vector. */
function componentOf(desk: Desk, field: FieldRef, component: string): FieldRef | undefined {
  return desk.table.single.get(`${desk.aliases.get(field.key) ?? field.key}.${component}`)?.ref;
}

/** Presence of a vector, of bits or of a set is a dimension beside its parts. */
function presenceOf(desk: Desk, field: FieldRef): Truth {
  if (field.absentWhere === undefined) return { yes: ALWAYS_TRUE, no: NEVER_TRUE };
  return negated(literal(dimensionOf(desk, field), { kind: "absent" }));
}

/** A test on parts of a field: unknown where the field is absent. */
function gated(desk: Desk, field: FieldRef, { yes, no }: Truth): Truth {
  const { yes: isThere } = presenceOf(desk, field);
  return { yes: both([isThere, yes]), no: both([isThere, no]) };
}

// ── tests ───────────────────────────────────────────────────────────────────────────────────────────────────────────

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

function words(desk: Desk, field: FieldRef, list: readonly string[]): Truth {
  return literal(dimensionOf(desk, field), { kind: "words", words: list });
}

function ranges(desk: Desk, field: FieldRef, list: readonly Range[]): Truth {
  const real = list.filter(([least, most]) => least <= most);
  return literal(dimensionOf(desk, field), { kind: "ranges", ranges: real });
}

function rangeOf(desk: Desk, field: FieldRef, { least, most }: Interval): Range {
  const domain = desk.dimensions.get(dimensionOf(desk, field))?.domain;
  const top = domain?.kind === "ordered" ? (domain.ranges.at(-1)?.[1] ?? 0n) : 0n;
  return [least === undefined ? 0n : BigInt(least), most === undefined ? top : BigInt(most)];
}

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

function vectorTruth(
  desk: Desk,
  field: FieldRef,
  { levels, isExact }: { readonly levels: TcbFact; readonly isExact: boolean },
): Truth {
  const parts = Object.entries(levels).flatMap(([name, level]) => {
    const ref = componentOf(desk, field, name);
    if (ref === undefined) return [];
    return [
      ranges(desk, ref, [rangeOf(desk, ref, isExact ? { least: level, most: level } : { least: level })]),
    ];
  });
  return gated(desk, field, allOf(isExact ? [...parts, ...absences(desk, field, levels)] : parts));
}

/** Equality is of whole vectors: what the constant does not name must not be there. */
function absences(desk: Desk, field: FieldRef, levels: TcbFact): readonly Truth[] {
  return desk.vocabulary.components.flatMap(({ name }) => {
    const ref = levels[name] === undefined ? componentOf(desk, field, name) : undefined;
    return ref === undefined ? [] : [negated(presenceOf(desk, ref))];
  });
}

/** The row of the silicon if there is one, else of the product; no row, or `refuse`: false (WRIT section 5.3). */
function floorTruth(desk: Desk, field: FieldRef, rows: readonly FloorRow[]): Truth {
  const { products, siliconField, productField } = desk.vocabulary;
  const byName = new Map(rows.map((row) => [row.name, row]));
  const lines = products.flatMap(({ silicon }) => silicon).filter((name) => byName.has(name));
  const silicon = rowChoice(desk, siliconField, lines);
  const product = rowChoice(desk, productField, [...byName.keys()]);
  const cases = [
    ...silicon.cases.map(({ row, when }) => ({ row, when })),
    ...product.cases.map(({ row, when }) => ({ row, when: both([silicon.otherwise, when]) })),
  ];
  const judged = cases.map(({ row, when }) => {
    const least = byName.get(row)?.least;
    const truth = least === undefined ? FAILS : vectorTruth(desk, field, { levels: least, isExact: false });
    return { yes: both([when, truth.yes]), no: both([when, truth.no]) };
  });
  const nowhere = both([silicon.otherwise, product.otherwise]);
  return gated(desk, field, {
    yes: either(judged.map(({ yes }) => yes)),
    no: either([...judged.map(({ no }) => no), nowhere]),
  });
}

const FAILS: Truth = { yes: NEVER_TRUE, no: ALWAYS_TRUE };

interface RowChoice {
  readonly cases: readonly { readonly row: string; readonly when: Shape }[];
  readonly otherwise: Shape;
}

/** Which of these rows a field names, and when it names none. An absent field names none. */
function rowChoice(desk: Desk, name: string | undefined, rows: readonly string[]): RowChoice {
  const field = name === undefined ? undefined : desk.table.single.get(name)?.ref;
  if (field?.type.kind !== "enum") return { cases: [], otherwise: ALWAYS_TRUE };
  const { values } = field.type;
  const known = rows.filter((row) => values.includes(row));
  const { no } = words(desk, field, known);
  const { no: absent } = presenceOf(desk, field);
  return {
    cases: known.map((row) => ({ row, when: words(desk, field, [row]).yes })),
    otherwise: known.length === 0 ? ALWAYS_TRUE : either([no, absent]),
  };
}

/** `or` over live entries of value and window (rule 7). */
function memberTruth(desk: Desk, field: FieldRef, entries: readonly Entry[]): Truth {
  const live = entries.filter(({ state }) => state !== "revoked");
  const byWindow = Map.groupBy(live, ({ valid }) => (valid === undefined ? "" : `${valid.from} ${valid.to}`));
  const parts = [...byWindow.values()].map((group) =>
    allOf([
      words(
        desk,
        field,
        group.map(({ value }) => value),
      ),
      windowTruth(desk, group[0]?.valid),
    ]),
  );
  return gated(desk, field, anyOf(parts));
}

/** Half open, of the time field, which is always there. */
export function windowTruth(desk: Desk, window: Window | undefined): Truth {
  const now = desk.table.single.get(desk.vocabulary.timeField)?.ref;
  if (window === undefined || now === undefined) return { yes: ALWAYS_TRUE, no: NEVER_TRUE };
  return ranges(desk, now, [rangeOf(desk, now, intervalOf(window))]);
}

function intervalOf({ from, to }: Window): Interval {
  return to === undefined ? { least: from } : { least: from, most: to - 1 };
}

/** The values that these entries revoke. */
export function revokedTruth(desk: Desk, field: FieldRef, entries: readonly Entry[]): Truth {
  return words(
    desk,
    field,
    entries.flatMap(({ state, value }) => (state === "revoked" ? [value] : [])),
  );
}

/** A label is a function of another field, so a test of it is a test of that field. */
function labelTruth(
  desk: Desk,
  { field, of }: Desk["labelled"][number],
  { test, labels }: { readonly test: Test; readonly labels: Labels },
): Truth {
  const ref = desk.table.single.get(of)?.ref;
  if (ref === undefined) return { yes: NEVER_TRUE, no: NEVER_TRUE };
  const entries = [...(labels.get(field) ?? [])];
  const where = (holds: (label: number) => boolean): Shape =>
    words(
      desk,
      ref,
      entries.flatMap(([value, label]) => (holds(label) ? [value] : [])),
    ).yes;
  if (test.kind === "has") {
    const { yes, no } = words(
      desk,
      ref,
      entries.map(([value]) => value),
    );
    return { yes, no: either([no, presenceOf(desk, ref).no]) };
  }
  const intervals = test.kind === "interval" ? test.intervals : [];
  const isIn = (label: number): boolean =>
    intervals.some(({ least = -Infinity, most = Infinity }) => label >= least && label <= most);
  return { yes: where(isIn), no: where((label) => !isIn(label)) };
}

function onceFor(desk: Desk, key: object, field: FieldRef, make: () => Truth): Truth {
  const byField = desk.known.get(key) ?? new Map<string, Truth>();
  desk.known.set(key, byField);
  const truth = byField.get(field.key) ?? make();
  byField.set(field.key, truth);
  return truth;
}
