/** How is a fact written? As a source would say it; what is long is cut, what is known by name is named. */
import { formatInstant, instant } from "../../base/time.ts";
import { type FactValue, isVector, isVersion } from "../facts.ts";
import type { Refset } from "../program.ts";
import type { FieldType } from "../vocabulary.ts";

const SHOWN_DIGITS = 8;
const DAY_MS = 86_400_000;
const UNITS = [
  ["d", DAY_MS],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** In the largest unit that holds it whole; a day is 24h. */
export function durationText(ms: number): string {
  const [unit, size] = UNITS.find(
    ([, size]) => ms > 0 && ms % size === 0 && !(ms === DAY_MS && size === DAY_MS),
  ) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

/** Without seconds where there are none. */
export function timeText(seconds: number): string {
  return formatInstant(instant(seconds)).replace(/:00Z$/, "Z");
}

/** @param refsets - Where the name of a digest is looked up. */
export function valueText(
  field: { readonly name: string; readonly type: FieldType },
  value: FactValue,
  refsets: readonly Refset[],
): string {
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (isVersion(value) && field.type.kind === "version") return value.join(".");
  if (isVector(value)) return vectorText(value);
  if (Array.isArray(value)) return `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
  switch (field.type.kind) {
    case "time":
      return timeText(Number(value));
    case "duration":
      return durationText(Number(value));
    case "bytes":
      return bytesText(field.name, String(value), refsets);
    case "str":
    case "cidr":
      return JSON.stringify(value);
    default:
      return String(value);
  }
}

function vectorText(value: Readonly<Record<string, number>>): string {
  const parts = Object.entries(value).map(([part, level]) => `${part} ${level}`);
  return parts.length === 0 ? "{ }" : `{ ${parts.join(", ")} }`;
}

function bytesText(field: string, hex: string, refsets: readonly Refset[]): string {
  const shown = hex.length > 2 * SHOWN_DIGITS ? `${hex.slice(0, SHOWN_DIGITS)}…` : hex;
  const entry = refsets
    .flatMap((set) => (set.field === field ? set.entries : []))
    .find(({ value }) => value === hex);
  return entry === undefined ? shown : `${shown} (${JSON.stringify(entry.label)})`;
}
