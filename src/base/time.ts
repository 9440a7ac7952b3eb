/** What is a moment, and how is it written? Whole Unix seconds, RFC 3339 in UTC. */
import type { Brand } from "./brand.ts";
import { Fault } from "./fault.ts";

/** Whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted. */
export type Instant = Brand<number, "instant">;

const SECONDS_PER_DAY = 86_400;
const MAX_SECONDS = 253_402_300_799; // 9999-12-31T23:59:59Z
const RFC3339_UTC = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?Z$/;

/**
 * Makes an instant from whole Unix seconds.
 *
 * @throws {@link Fault} `internal/invariant` outside 1970 to 9999, or with a fraction.
 */
export function instant(seconds: number): Instant {
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) {
    throw new Fault("internal/invariant", "an instant is a whole number of seconds between 1970 and 9999");
  }
  return seconds as Instant;
}

/** Moves an instant by whole seconds; a negative count moves it back, never before 1970. */
export function addSeconds(at: Instant, seconds: number): Instant {
  return instant(Math.max(0, at + seconds));
}

/** Whether `a` is strictly earlier than `b`. */
export function isBefore(a: Instant, b: Instant): boolean {
  return a < b;
}

/** Writes an instant as `2026-10-01T12:00:30Z` (RFC 3339, UTC). */
export function formatInstant(at: Instant): string {
  const { year, month, day } = civilOf(Math.floor(at / SECONDS_PER_DAY));
  const rest = at % SECONDS_PER_DAY;
  const clock = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60].map(two).join(":");
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${clock}Z`;
}

/** Reads RFC 3339 in UTC (`Z`), real dates only; a fraction of a second is dropped. Anything else is `undefined`. */
export function parseInstant(text: string): Instant | undefined {
  const match = RFC3339_UTC.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return instantOf({ year, month, day, hour, minute, second });
}

/** A civil date and time in UTC; months and days count from 1. */
export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** The instant of a civil time in UTC; `undefined` when no such date or time exists, or it lies outside 1970 to 9999. */
export function instantOf(civil: CivilTime): Instant | undefined {
  const { year, month, day, hour, minute, second } = civil;
  const isDate = isWithin(year, 1970, 9999) && isWithin(month, 1, 12) && isWithin(day, 1, 31);
  const isClock = isWithin(hour, 0, 23) && isWithin(minute, 0, 59) && isWithin(second, 0, 59);
  if (!isDate || !isClock) return undefined;
  const days = daysOf(year, month, day);
  const back = civilOf(days);
  if (back.month !== month || back.day !== day) return undefined;
  return instant(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second);
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** Days since 1970-01-01 of a proleptic Gregorian date (eras of 400 years that begin in March). */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
