/** Is a moment the same moment here as in `Date`? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addSeconds,
  formatInstant,
  instant,
  instantOf,
  isBefore,
  parseInstant,
} from "../../src/base/time.ts";

const LAST = 253_402_300_799;
const seconds = fc.integer({ min: 0, max: LAST });
const misuse = expect.objectContaining({ code: "internal/invariant" });

/** What `Date` writes, without its milliseconds. */
function dateText(at: number): string {
  return new Date(at * 1000).toISOString().replace(".000Z", "Z");
}

describe("an instant", () => {
  test.prop([seconds])("is written and read as Date does", (at) => {
    expect(formatInstant(instant(at))).toBe(dateText(at));
    expect(parseInstant(dateText(at))).toBe(at);
  });

  it("is right on every first and last of February and March for 500 years", () => {
    for (let year = 1970; year < 2470; year += 1) {
      for (const day of [`${year}-02-28`, `${year}-03-01`, `${year}-12-31`]) {
        const text = `${day}T23:59:59Z`;
        expect(parseInstant(text)).toBe(Date.parse(text) / 1000);
      }
      const isLeap = new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1;
      expect(parseInstant(`${year}-02-29T00:00:00Z`) !== undefined).toBe(isLeap);
    }
  });

  it.each([-1, 0.5, LAST + 1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("is never %d", (at) => {
    expect(() => instant(at)).toThrow(misuse);
  });

  it("drops a fraction of a second", () => {
    expect(parseInstant("2026-10-01T12:00:30.999999Z")).toBe(Date.parse("2026-10-01T12:00:30Z") / 1000);
  });

  it.each([
    "",
    "2026-10-01",
    "2026-10-01T12:00:30",
    "2026-10-01t12:00:30z",
    "2026-10-01 12:00:30Z",
    "2026-10-01T12:00:30+00:00",
    "2026-10-01T12:00:30.Z",
    "2026-10-01T12:00Z",
    "2026-10-01T24:00:00Z",
    "2026-10-01T23:60:00Z",
    "2026-10-01T23:59:60Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    " 2026-10-01T12:00:30Z",
    "2026-10-01T12:00:30Z\n",
    "٢٠٢٦-10-01T12:00:30Z",
  ])("is not %j", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  test.prop([fc.string()])("is read from any text whatever, or is not there", (text) => {
    const at = parseInstant(text);
    expect(at === undefined || Number.isSafeInteger(at)).toBe(true);
  });

  test.prop([
    fc.record({
      year: fc.integer({ min: 1900, max: 10_100 }),
      month: fc.integer({ min: -1, max: 14 }),
      day: fc.integer({ min: -1, max: 33 }),
      hour: fc.integer({ min: -1, max: 25 }),
      minute: fc.integer({ min: -1, max: 61 }),
      second: fc.integer({ min: -1, max: 61 }),
    }),
  ])("of a civil time exists exactly where the calendar has it", (civil) => {
    const { year, month, day, hour, minute, second } = civil;
    const at = Date.UTC(year, month - 1, day, hour, minute, second);
    const back = new Date(at);
    const isReal =
      year >= 1970 &&
      year <= 9999 &&
      back.getUTCFullYear() === year &&
      back.getUTCMonth() === month - 1 &&
      back.getUTCDate() === day &&
      back.getUTCHours() === hour &&
      back.getUTCMinutes() === minute &&
      back.getUTCSeconds() === second;
    expect(instantOf(civil)).toBe(isReal ? at / 1000 : undefined);
  });
});

describe("moving an instant", () => {
  it("adds and takes away, never before 1970 and never past 9999", () => {
    expect(addSeconds(instant(10), 5)).toBe(15);
    expect(addSeconds(instant(10), -5)).toBe(5);
    expect(addSeconds(instant(10), -50)).toBe(0);
    expect(() => addSeconds(instant(LAST), 1)).toThrow(misuse);
  });

  it("is before only when strictly earlier", () => {
    expect(isBefore(instant(1), instant(2))).toBe(true);
    expect(isBefore(instant(2), instant(2))).toBe(false);
    expect(isBefore(instant(3), instant(2))).toBe(false);
  });
});
