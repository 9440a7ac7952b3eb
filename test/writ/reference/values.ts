/** Which values does a field take at random? Few of each type, so that constants and requests meet often. */
import type { Facts, FactValue, TcbFact } from "../../../src/writ/facts.ts";
import type { FieldType } from "../../../src/writ/vocabulary.ts";
import type { Dice } from "./dice.ts";

/** Moments that windows begin and end at, in Unix seconds: a Thursday, an hour later, a day, a month, a year. */
export const MOMENTS: readonly number[] = [
  1_790_812_800, 1_790_816_400, 1_790_899_200, 1_793_491_200, 1_822_348_800,
];
const TEXTS = ["test", "aws", "blue", "eu-1", "CN=cc-us-east-1.amazonaws.com"] as const;
const ADDRESSES = [
  "192.0.2.1",
  "192.0.2.128",
  "10.0.0.1",
  "10.255.255.255",
  "11.0.0.0",
  "2001:db8::1",
  "2001:db9::",
];
export const BLOCKS = [
  "192.0.2.0/25",
  "192.0.2.0/24",
  "10.0.0.0/8",
  "2001:db8::/32",
  "::ffff:10.0.0.0/104",
  "0.0.0.0/0",
];
export const GROUPS = ["ops", "security"] as const;
export const SEGMENTS = ["prod", "test", "web", "db", "a.b"] as const;

export function randomValue(dice: Dice, type: FieldType): FactValue {
  switch (type.kind) {
    case "bytes":
      return dice.pick(["00", "01", "02", "03", "ff"]).repeat(type.size);
    case "flag":
      return dice.chance(50);
    case "uint":
      return dice.pick([0, 1, 2, 3, 17, 2 ** type.bits - 1]);
    case "tcb":
      return randomVector(dice, dice.chance(30));
    case "version":
      return [dice.roll(2), dice.pick([54, 55, 56]), dice.roll(3)];
    case "bits":
      return BigInt(dice.roll(8)) | (dice.chance(20) ? 1n << 63n : 0n);
    case "enum":
      return dice.pick(type.values);
    case "duration":
      return dice.pick([0, 999, 1000, 60_000, 3_600_000, 86_400_000]);
    case "time":
      return dice.pick(MOMENTS) + dice.pick([-1, 0, 0, 1, 1800]);
    case "str":
      return dice.pick(TEXTS);
    case "set":
      return dice.some(TEXTS, dice.roll(3));
    case "cidr":
      return dice.pick(ADDRESSES);
    case "path":
      return Array.from({ length: 1 + dice.roll(3) }, () => dice.pick(SEGMENTS)).join("/");
  }
}

export function randomVector(dice: Dice, hasFmc: boolean): TcbFact {
  const level = (): number => dice.pick([0, 3, 4, 23, 24, 255]);
  const classic = { bootloader: level(), tee: level(), snp: level(), microcode: level() };
  return hasFmc ? { fmc: level(), ...classic } : classic;
}

/** The value itself or the next one to either side. */
export function nearby(dice: Dice, value: FactValue): FactValue {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return Math.max(0, value + dice.pick([-1, 0, 1]));
  if (typeof value === "bigint") return value ^ (1n << BigInt(dice.roll(4)));
  if (typeof value === "string") return value;
  if (isVersion(value)) {
    const at = dice.roll(3);
    const step = dice.pick([-1, 0, 1]);
    const [major, minor, patch] = value.map((part, index) =>
      index === at ? Math.max(0, part + step) : part,
    );
    return [major ?? 0, minor ?? 0, patch ?? 0];
  }
  if (isTexts(value)) return value.slice(1);
  const name = dice.pick(Object.keys(value));
  return { ...value, [name]: Math.min(255, Math.max(0, (value[name] ?? 0) + dice.pick([-1, 1]))) };
}

function isVersion(value: FactValue): value is readonly [number, number, number] {
  return Array.isArray(value) && typeof value[0] === "number";
}

function isTexts(value: FactValue): value is readonly string[] {
  return Array.isArray(value);
}

/** A value as a policy writes it. */
export function written(type: FieldType, value: FactValue): string {
  switch (type.kind) {
    case "bytes":
      return `hex"${String(value)}"`;
    case "duration":
      return `${String(value)}ms`;
    case "time":
      return moment(Number(value));
    case "version":
      return Array.isArray(value) ? value.join(".") : String(value);
    case "tcb":
      return vectorText(value);
    case "str":
    case "set":
    case "cidr":
    case "path":
      return JSON.stringify(value);
    default:
      return String(value);
  }
}

export function vectorText(value: FactValue): string {
  return `{ ${Object.entries(value)
    .map(([name, level]) => `${name} ${String(level)}`)
    .join(", ")} }`;
}

export function moment(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** The facts with one field set, or taken away. */
export function withFact(facts: Facts, key: string, value: FactValue | undefined): Facts {
  const changed = new Map(facts);
  if (value === undefined) changed.delete(key);
  else changed.set(key, value);
  return changed;
}
