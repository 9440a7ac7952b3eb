/** Which fields does a vocabulary have? A table by name, components and families included. */

import type { FieldRef } from "../program.ts";
import type { FieldName } from "../syntax/ast.ts";
import type { Absence, Component, Field, FieldType, Vocabulary } from "../vocabulary.ts";

/** A field as the checker sees it. */
export interface KnownField {
  readonly ref: FieldRef;
  readonly absence?: Absence;
}

interface Family {
  readonly field: Field;
  readonly from: number;
  readonly to: number;
}

export interface FieldTable {
  readonly vocabulary: Vocabulary;
  readonly single: ReadonlyMap<string, KnownField>;
  readonly families: ReadonlyMap<string, Family>;
  readonly components: ReadonlyMap<string, Component>;
  /** Every name that may be written, families without an index. */
  readonly names: readonly string[];
}

export function fieldTableOf(vocabulary: Vocabulary): FieldTable {
  const single = new Map<string, KnownField>();
  const families = new Map<string, Family>();
  for (const field of vocabulary.fields) {
    if (field.index !== undefined) families.set(field.name, { field, ...field.index });
    else single.set(field.name, knownFieldOf(field, field.name));
    if (field.type.kind === "tcb") addComponents(single, field, vocabulary.components);
  }
  const components = new Map(vocabulary.components.map((component) => [component.name, component]));
  return { vocabulary, single, families, components, names: [...single.keys(), ...families.keys()] };
}

function knownFieldOf(field: Field, name: string): KnownField {
  const { type, absence } = field;
  if (absence === undefined) return { ref: { name, key: name, type } };
  return { ref: { name, key: name, type, absentWhere: absence.where }, absence };
}

function addComponents(
  single: Map<string, KnownField>,
  field: Field,
  components: readonly Component[],
): void {
  for (const component of components)
    single.set(`${field.name}.${component.name}`, componentOf(field, component));
}

function componentOf(field: Field, component: Component): KnownField {
  const bits = component.max > 0xffff ? 32 : component.max > 0xff ? 16 : 8;
  const name = `${field.name}.${component.name}`;
  const ref: FieldRef = { name, key: field.name, component: component.name, type: { kind: "uint", bits } };
  const absence = component.absence ?? field.absence;
  return absence === undefined ? { ref } : { ref: { ...ref, absentWhere: absence.where }, absence };
}

/** What a written field stands for. */
export type FieldLookup =
  | { readonly kind: "known"; readonly field: KnownField }
  | { readonly kind: "unknown" | "not-indexed" }
  | { readonly kind: "needs-index" | "index-range"; readonly from: number; readonly to: number };

export function lookUpField(table: FieldTable, written: FieldName): FieldLookup {
  const family = table.families.get(written.base);
  if (family === undefined) {
    const field = table.single.get(written.base);
    if (field === undefined) return { kind: "unknown" };
    return written.index === undefined ? { kind: "known", field } : { kind: "not-indexed" };
  }
  const { from, to } = family;
  if (written.index === undefined) return { kind: "needs-index", from, to };
  if (written.index < from || written.index > to) return { kind: "index-range", from, to };
  return { kind: "known", field: knownFieldOf(family.field, written.text) };
}

/** A type in words, with its article. */
export function typeWords(type: FieldType, vocabulary: Vocabulary): string {
  switch (type.kind) {
    case "bytes":
      return type.noun ?? `a ${type.size}-byte value`;
    case "flag":
      return "a flag";
    case "uint":
      return "a number";
    case "tcb":
      return `a ${vocabulary.vector} vector`;
    case "version":
      return "a version";
    case "bits":
      return "a set of bits";
    case "enum":
      return "one of a few words";
    case "duration":
      return "a duration";
    case "time":
      return "a time";
    case "str":
      return "a string";
    case "set":
      return "a set of strings";
    case "cidr":
      return "an address";
    case "path":
      return "a resource path";
  }
}
