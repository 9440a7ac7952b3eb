/** What number does a run of digits and letters stand for? Integers, durations, dates and versions. */
import { instantOf } from "../../base/time.ts";
import type { VersionFact } from "../facts.ts";

/** A constant, or what is wrong with it. */
export type NumberReading =
  | { readonly kind: "int" | "duration" | "date"; readonly value: number }
  | { readonly kind: "version"; readonly value: VersionFact }
  | { readonly kind: "bad"; readonly code: string; readonly message: string; readonly label: string };

/** What each unit of a duration stands for. */
export const MS_OF_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2}))?Z)?$/;
const MAX_UINT32 = 0xffff_ffff;

const FORMS: readonly {
  readonly form: RegExp;
  readonly read: (match: RegExpExecArray) => NumberReading;
}[] = [
  { form: /^(?:0|[1-9]\d*)$/, read: ([text]) => ({ kind: "int", value: saturated(text) }) },
  { form: /^0x[0-9a-fA-F]+$/, read: ([text]) => ({ kind: "int", value: saturated(text) }) },
  { form: /^(0|[1-9]\d*)(ms|s|m|h|d)$/, read: ([, count, unit]) => durationOf(count, unit) },
  { form: DATE, read: dateOf },
  { form: /^\d+\.\d+(?:\.\d+)?$/, read: ([text]) => versionOf(text) },
];

/** Reads a number as it stands in a source. */
export function readNumber(text: string): NumberReading {
  for (const { form, read } of FORMS) {
    const match = form.exec(text);
    if (match !== null) return read(match);
  }
  const label = /^0\d+$/.test(text)
    ? "leading zeros are not allowed"
    : "expected a number, duration, date or version";
  return { kind: "bad", code: "E0102", message: `\`${clipped(text)}\` is not a value`, label };
}

function clipped(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}

function saturated(text: string): number {
  const value = text.length > 20 ? Number.POSITIVE_INFINITY : Number(text);
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

function outOfRange(message: string, label: string): NumberReading {
  return { kind: "bad", code: "E0204", message, label };
}

function durationOf(count = "", unit = ""): NumberReading {
  const value = saturated(count) * (MS_OF_UNIT[unit] ?? 1);
  if (value > Number.MAX_SAFE_INTEGER) return outOfRange("this duration is too long", "out of range");
  return { kind: "duration", value };
}

function dateOf(match: RegExpExecArray): NumberReading {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const at = instantOf({ year, month, day, hour, minute, second });
  if (at === undefined) return outOfRange(`there is no date \`${match[0]}\``, "not a real date");
  return { kind: "date", value: at };
}

function versionOf(text: string): NumberReading {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map(saturated);
  if (Math.max(major, minor, patch) > MAX_UINT32) {
    return outOfRange("a part of this version is larger than 4294967295", "out of range");
  }
  return { kind: "version", value: [major, minor, patch] };
}
