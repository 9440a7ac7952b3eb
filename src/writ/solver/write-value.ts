/** How does a value of a dimension become a fact? The way back from cells to requests. */
import { type Address, formatAddress } from "../addresses.ts";
import { type Facts, type FactValue, isVector, type TcbFact } from "../facts.ts";
import type { FieldType } from "../vocabulary.ts";
import type { Source, Value } from "./dimension.ts";

const V6 = 1n << 32n;

/** Sets a dimension among the facts; `undefined` takes it away. */
export function writeValue(facts: Map<string, FactValue>, source: Source, value: Value | undefined): void {
  if (source.component !== undefined) writeComponent(facts, source, value);
  else if (source.bit !== undefined) writeBit(facts, source, value === "true");
  else if (source.member !== undefined) writeMember(facts, source, value === "true");
  else if (value === undefined) facts.delete(source.key);
  else if (value !== "there" || source.type.kind === "str")
    facts.set(source.key, plainFact(source.type, value));
  else if (!facts.has(source.key)) facts.set(source.key, exampleOf(source.type));
}

function writeComponent(
  facts: Map<string, FactValue>,
  { key, component = "" }: Source,
  value: Value | undefined,
): void {
  const { [component]: _, ...rest } = vectorOf(facts, key);
  facts.set(key, value === undefined ? rest : { ...rest, [component]: Number(value) });
}

function vectorOf(facts: Facts, key: string): TcbFact {
  const value = facts.get(key);
  return isVector(value) ? value : {};
}

function writeBit(facts: Map<string, FactValue>, { key, bit = 0 }: Source, isSet: boolean): void {
  const known = facts.get(key);
  const before = typeof known === "bigint" ? known : 0n;
  const mask = 1n << BigInt(bit);
  facts.set(key, isSet ? before | mask : before & ~mask);
}

function writeMember(facts: Map<string, FactValue>, { key, member = "" }: Source, isIn: boolean): void {
  const known = facts.get(key);
  const before: readonly string[] = Array.isArray(known)
    ? known.map(String).filter((one) => one !== member)
    : [];
  facts.set(key, isIn ? [...before, member] : before);
}

function plainFact({ kind }: FieldType, value: Value): FactValue {
  if (kind === "flag") return value === "true";
  if (typeof value === "string") return value;
  if (kind === "version") {
    const part = (shift: bigint): number => Number((value >> shift) & 0xffff_ffffn);
    return [part(64n), part(32n), part(0n)];
  }
  if (kind === "cidr") return formatAddress(addressOf(value));
  return Number(value);
}

function addressOf(value: bigint): Address {
  return value < V6 ? { family: 4, value } : { family: 6, value: value - V6 };
}

/** Some value of a type, for a field that nobody asks about. */
export function exampleOf(type: FieldType): FactValue {
  switch (type.kind) {
    case "bytes":
      return "00".repeat(type.size);
    case "flag":
      return false;
    case "uint":
    case "duration":
    case "time":
      return 0;
    case "tcb":
      return {};
    case "version":
      return [0, 0, 0];
    case "bits":
      return 0n;
    case "enum":
      return type.values[0] ?? "";
    case "str":
      return "any";
    case "set":
      return [];
    case "cidr":
      return "192.0.2.1";
    case "path":
      return "any";
  }
}
