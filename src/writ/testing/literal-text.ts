/** How is a fact set in a test? As the source of a value that reads back as the same fact. */
import { formatInstant, instant } from "../../base/time.ts";
import { durationText } from "../diff/value-text.ts";
import { type FactValue, isVector, isVersion } from "../facts.ts";
import type { Refset } from "../program.ts";
import type { FieldType } from "../vocabulary.ts";

/** `undefined` for what no test can say. `sets` are those that the file may name. */
export function literalText(
  field: { readonly name: string; readonly type: FieldType },
  value: FactValue,
  sets: readonly Refset[],
): string | undefined {
  switch (field.type.kind) {
    case "bytes":
      return entryText(field.name, String(value), sets) ?? `hex"${String(value)}"`;
    case "flag":
    case "uint":
    case "enum":
      return String(value);
    case "str":
    case "path":
    case "cidr":
      return quoted(String(value));
    case "time":
      return formatInstant(instant(Number(value))).replace(/:00Z$/, "Z");
    case "duration":
      return durationText(Number(value));
    case "version":
      return isVersion(value) ? value.join(".") : undefined;
    case "tcb":
      return isVector(value) ? vectorText(value) : undefined;
    case "bits":
      return typeof value === "bigint" ? bitsText(value) : undefined;
    case "set":
      return Array.isArray(value) ? `[${value.map((one) => quoted(String(one))).join(", ")}]` : undefined;
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;
}

function entryText(field: string, value: string, sets: readonly Refset[]): string | undefined {
  for (const { name, field: of, entries } of sets) {
    const entry = of === field ? entries.find((one) => one.value === value) : undefined;
    if (entry !== undefined) return `${name}[${quoted(entry.label)}]`;
  }
  return undefined;
}

function vectorText(value: Readonly<Record<string, number>>): string {
  return `{ ${Object.entries(value)
    .map(([part, level]) => `${part} ${level}`)
    .join(", ")} }`;
}

function bitsText(mask: bigint): string {
  const bits = Array.from({ length: 64 }, (_, bit) => bit).filter(
    (bit) => ((mask >> BigInt(bit)) & 1n) === 1n,
  );
  return `[${bits.join(", ")}]`;
}
