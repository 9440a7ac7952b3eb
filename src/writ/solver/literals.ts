/** Which dimension does a field name, and which of its values? What conditions are translated with. */
import type { Axiom } from "../axiom.ts";
import { type FieldTable, fieldTableOf } from "../checking/fields.ts";
import type { TcbFact } from "../facts.ts";
import type { FieldRef, Interval } from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { type Dimension, domainOf, type Source } from "./dimension.ts";
import { ALWAYS_TRUE, allOf, both, literal, NEVER_TRUE, negated, type Range, type Truth } from "./shape.ts";

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
export function presenceOf(desk: Desk, field: FieldRef): Truth {
  if (field.absentWhere === undefined) return { yes: ALWAYS_TRUE, no: NEVER_TRUE };
  return negated(literal(dimensionOf(desk, field), { kind: "absent" }));
}

/** A test on parts of a field: unknown where the field is absent. */
export function gated(desk: Desk, field: FieldRef, { yes, no }: Truth): Truth {
  const { yes: isThere } = presenceOf(desk, field);
  return { yes: both([isThere, yes]), no: both([isThere, no]) };
}

export function words(desk: Desk, field: FieldRef, list: readonly string[]): Truth {
  return literal(dimensionOf(desk, field), { kind: "words", words: list });
}

export function ranges(desk: Desk, field: FieldRef, list: readonly Range[]): Truth {
  const real = list.filter(([least, most]) => least <= most);
  return literal(dimensionOf(desk, field), { kind: "ranges", ranges: real });
}

export function rangeOf(desk: Desk, field: FieldRef, { least, most }: Interval): Range {
  const domain = desk.dimensions.get(dimensionOf(desk, field))?.domain;
  const top = domain?.kind === "ordered" ? (domain.ranges.at(-1)?.[1] ?? 0n) : 0n;
  return [least === undefined ? 0n : BigInt(least), most === undefined ? top : BigInt(most)];
}

export function vectorTruth(
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
