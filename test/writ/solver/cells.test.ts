/** Into which cells do constants cut a dimension? Each set of values is some cells exactly, each value is in one, no cell is empty. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Axiom } from "../../../src/writ/axiom.ts";
import { type Axis, absentCellOf, axisOf, runsOf } from "../../../src/writ/solver/axis.ts";
import { calendarAxes } from "../../../src/writ/solver/calendar.ts";
import type { Dimension, Domain, Value } from "../../../src/writ/solver/dimension.ts";
import type { Values } from "../../../src/writ/solver/shape.ts";

function dimension(domain: Domain, isOptional = false): Dimension {
  return { name: "x", source: { key: "x", type: { kind: "str" } }, domain, isOptional };
}

function words(...list: readonly string[]): Values {
  return { kind: "words", words: list };
}

function ranges(...list: readonly (readonly [number, number])[]): Values {
  return { kind: "ranges", ranges: list.map(([least, most]) => [BigInt(least), BigInt(most)] as const) };
}

const ABSENT: Values = { kind: "absent" };
const TO_9: Domain = { kind: "ordered", ranges: [[0n, 9n]] };
const ANY_WORD: Domain = { kind: "open", make: (n) => (n < 3 ? `any${n}` : undefined) };

function samples({ cells }: Axis): readonly (Value | undefined)[] {
  return cells.map(({ sample }) => sample);
}

/** Whether a selection holds a cell. */
function holds(axis: Axis, values: Values, value: Value | undefined): boolean | undefined {
  const cell = axis.cellOf(value);
  return axis.select(values)?.some(([first, last]) => cell !== undefined && cell >= first && cell <= last);
}

describe("words", () => {
  const closed = dimension({ kind: "closed", words: ["a", "b", "c", "d"] });

  it("that are in the same sets share a cell", () => {
    const axis = axisOf(closed, [words("a", "b"), words("b")]);
    expect(samples(axis)).toEqual(["a", "b", "c"]);
    expect(["a", "b", "c", "d"].map((word) => axis.cellOf(word))).toEqual([0, 1, 2, 2]);
    expect(axis.select(words("a", "b"))).toEqual([[0, 1]]);
    expect(axis.select(words("c", "d", "a"))).toEqual([
      [0, 0],
      [2, 2],
    ]);
    expect(axis.select(words())).toEqual([]);
    expect(axis.cells.some(({ isOther }) => isOther)).toBe(false);
  });

  it("no set cuts a cell that it was not cut for", () => {
    const axis = axisOf(closed, [words("a", "b")]);
    expect(axis.select(words("a"))).toBeUndefined();
    expect(axis.select(words("e"))).toBeUndefined();
    expect(axis.select(ranges([0, 1]))).toBeUndefined();
    expect(axis.cellOf("e")).toBeUndefined();
    expect(axis.cellOf(undefined)).toBeUndefined();
    expect(axis.select(ABSENT)).toEqual([]);
    expect(absentCellOf(axis)).toBeUndefined();
  });

  it("a word that a closed type does not have makes no cell; a word named twice counts once", () => {
    expect(samples(axisOf(closed, [words("a", "a", "e")]))).toEqual(["a", "b"]);
    expect(axisOf(closed, [words("a")]).select(words("a", "a"))).toEqual([[0, 0]]);
  });

  it("absence is a cell of its own, the last", () => {
    const axis = axisOf(dimension({ kind: "closed", words: ["a"] }, true), []);
    expect(samples(axis)).toEqual(["a", undefined]);
    expect([axis.cellOf("a"), axis.cellOf(undefined), absentCellOf(axis)]).toEqual([0, 1, 1]);
    expect(axis.select(ABSENT)).toEqual([[1, 1]]);
  });

  it("beside those that somebody named there is any other, shown by an example that nobody named", () => {
    const axis = axisOf(dimension(ANY_WORD, true), [words("any0", "x"), words("x")]);
    expect(axis.cells).toEqual([
      { sample: "any0", isOther: false },
      { sample: "x", isOther: false },
      { sample: "any1", isOther: true },
      { sample: undefined, isOther: false },
    ]);
    expect(["any0", "x", "any1", "who", undefined].map((one) => axis.cellOf(one))).toEqual([0, 1, 2, 2, 3]);
    expect(axis.select(words("x", "any0"))).toEqual([[0, 1]]);
    expect(axis.select(words("who"))).toBeUndefined();
  });

  it("there is no other where all that there are were named", () => {
    const axis = axisOf(dimension(ANY_WORD), [words("any0", "any1", "any2")]);
    expect(samples(axis)).toEqual(["any0"]);
    expect(axis.cellOf("any2")).toBe(0);
    expect(axis.cellOf("any3")).toBeUndefined();
  });
});

describe("numbers", () => {
  it("are cut where a set begins or has ended", () => {
    const axis = axisOf(dimension(TO_9, true), [ranges([2, 4], [7, 9]), ranges([4, 20]), words("x")]);
    expect(axis.cells.map(({ range }) => range)).toEqual([
      [0n, 1n],
      [2n, 3n],
      [4n, 4n],
      [5n, 6n],
      [7n, 9n],
      undefined,
    ]);
    expect(samples(axis)).toEqual([0n, 2n, 4n, 5n, 7n, undefined]);
    expect(axis.cells.some(({ isOther }) => isOther)).toBe(false);
    expect([0n, 1n, 2n, 3n, 4n, 6n, 9n, undefined].map((one) => axis.cellOf(one))).toEqual([
      0, 0, 1, 1, 2, 3, 4, 5,
    ]);
    expect([10n, -1n, "2"].map((one) => axis.cellOf(one))).toEqual([undefined, undefined, undefined]);
    expect(axis.select(ranges([2, 4], [7, 9]))).toEqual([
      [1, 2],
      [4, 4],
    ]);
    expect(axis.select(ranges([4, 20]))).toEqual([[2, 4]]);
    expect(axis.select(ranges())).toEqual([]);
    expect(axis.select(ranges([12, 15]))).toEqual([]);
    expect(axis.select(ABSENT)).toEqual([[5, 5]]);
    expect(absentCellOf(axis)).toBe(5);
  });

  it("no range cuts a cell that it was not cut for", () => {
    const axis = axisOf(dimension(TO_9), [ranges([2, 4])]);
    for (const [least, most] of [
      [1, 4],
      [2, 3],
      [3, 4],
      [2, 5],
    ] as const) {
      expect(axis.select(ranges([least, most]))).toBeUndefined();
      expect(axis.select(ranges([2, 4], [least, most]))).toBeUndefined();
    }
    expect(axis.select(words("x"))).toBeUndefined();
    expect(axis.select(ABSENT)).toEqual([]);
    expect(axis.cellOf(undefined)).toBeUndefined();
  });

  it("lie in a domain with a hole as outside of it", () => {
    const domain: Domain = {
      kind: "ordered",
      ranges: [
        [0n, 3n],
        [6n, 9n],
      ],
    };
    const axis = axisOf(dimension(domain), [ranges([2, 6])]);
    expect(axis.cells.map(({ range }) => range)).toEqual([
      [0n, 1n],
      [2n, 3n],
      [6n, 6n],
      [7n, 9n],
    ]);
    expect([4n, 5n, 6n].map((one) => axis.cellOf(one))).toEqual([undefined, undefined, 2]);
    expect(axis.select(ranges([2, 6]))).toEqual([[1, 2]]);
    expect(axis.select(ranges([4, 5]))).toEqual([]);
  });

  const range = fc.tuple(fc.nat(12), fc.nat(12)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const cut = fc.array(range, { maxLength: 3 }).map((list) => ranges(...list));
  test.prop([fc.array(cut, { minLength: 1, maxLength: 4 })])(
    "each set selects its values and no others",
    (cuts) => {
      const axis = axisOf(dimension(TO_9), cuts);
      for (const values of cuts) {
        for (let value = 0n; value <= 9n; value += 1n) {
          const isIn = values.kind === "ranges" && values.ranges.some(([a, b]) => value >= a && value <= b);
          expect(holds(axis, values, value)).toBe(isIn);
        }
      }
    },
  );
});

test.prop([fc.uniqueArray(fc.nat(30))])("runs hold their cells, ascend and stand apart", (cells) => {
  const runs = runsOf(cells);
  const held = runs.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, at) => first + at),
  );
  expect(held).toEqual(cells.toSorted((a, b) => a - b));
  expect(runs.slice(1).every(([first], at) => first > (runs[at]?.[1] ?? 0) + 1)).toBe(true);
});

describe("the calendar", () => {
  const at = (text: string): number => Date.parse(text) / 1000;
  const axiom: Extract<Axiom, { readonly kind: "calendar" }> = {
    kind: "calendar",
    text: "",
    weekday: "day",
    hour: "hour",
    days: ["thu", "fri", "sat", "sun", "mon", "tue", "wed"],
  };
  const always = dimension({ kind: "ordered", ranges: [[0n, BigInt(at("2100-01-01"))]] });
  const week = ranges([at("2026-11-16"), at("2026-11-23") - 1]);
  const WEEKEND = words("sat", "sun");
  const OFFICE = ranges([9, 17]);
  const axes = calendarAxes(always, [week], { axiom, weekdays: [WEEKEND], hours: [OFFICE] });

  /** By Date, which knows nothing of cells. */
  function expected(moment: number) {
    const date = new Date(moment * 1000);
    return {
      isIn: moment >= at("2026-11-16") && moment < at("2026-11-23"),
      isWeekend: [0, 6].includes(date.getUTCDay()),
      isOffice: date.getUTCHours() >= 9 && date.getUTCHours() <= 17,
    };
  }

  function told(moment: number) {
    const cell = axes?.time.cellOf(BigInt(moment));
    const isOn = (runs: readonly (readonly [number, number])[] | undefined): boolean | undefined =>
      runs?.some(([first, last]) => cell !== undefined && cell >= first && cell <= last);
    return {
      isIn: isOn(axes?.time.select(week)),
      isWeekend: isOn(axes?.weekday(WEEKEND)),
      isOffice: isOn(axes?.hour(OFFICE)),
    };
  }

  test.prop([fc.integer({ min: at("2026-11-14"), max: at("2026-11-26") })])(
    "knows day and hour of a moment",
    (moment) => {
      expect(told(moment)).toEqual(expected(moment));
    },
  );

  it("has an edge at every change", () => {
    for (const text of [
      "2026-11-16T00:00Z",
      "2026-11-21T00:00Z",
      "2026-11-20T09:00Z",
      "2026-11-20T18:00Z",
      "2026-11-23T00:00Z",
    ]) {
      expect(told(at(text))).toEqual(expected(at(text)));
      expect(told(at(text) - 1)).toEqual(expected(at(text) - 1));
    }
  });

  it("has one cell for each kind of hour of a piece, none empty", () => {
    const cells = axes?.time.cells ?? [];
    expect(cells).toHaveLength(12);
    expect(cells.map(({ sample }, cell) => axes?.time.cellOf(sample) === cell)).toEqual(
      cells.map(() => true),
    );
    expect(cells.every(({ range, isOther }) => range === undefined && !isOther)).toBe(true);
  });

  it("keeps its pieces whole where nobody asks for days or hours", () => {
    const plain = calendarAxes(always, [week], { axiom, weekdays: [], hours: [] });
    expect(plain?.time.cells.map(({ range }) => range?.[0])).toEqual([
      0n,
      BigInt(at("2026-11-16")),
      BigInt(at("2026-11-23")),
    ]);
  });

  it("has only what a short stretch has", () => {
    const short = dimension({
      kind: "ordered",
      ranges: [[BigInt(at("2026-11-20T08:30Z")), BigInt(at("2026-11-20T09:29Z"))]],
    });
    const found = calendarAxes(short, [], { axiom, weekdays: [WEEKEND], hours: [OFFICE] });
    expect(found?.time.cells.map(({ sample }) => sample)).toEqual(
      [at("2026-11-20T08:30Z"), at("2026-11-20T09:00Z")].map(BigInt),
    );
    expect(found?.weekday(WEEKEND)).toEqual([]);
    expect(found?.hour(OFFICE)).toEqual([[1, 1]]);
  });

  it("selects nothing by what is not its own, and nothing across an edge", () => {
    expect(axes?.weekday(OFFICE)).toEqual([]);
    expect(axes?.hour(WEEKEND)).toEqual([]);
    expect(axes?.time.select(ABSENT)).toEqual([]);
    expect(axes?.time.select(WEEKEND)).toBeUndefined();
    expect(axes?.time.select(ranges([at("2026-11-17"), at("2026-11-18")]))).toBeUndefined();
    expect(axes?.time.cellOf("2026")).toBeUndefined();
    expect(axes?.time.cellOf(undefined)).toBeUndefined();
    expect(axes?.time.cellOf(-1n)).toBeUndefined();
  });

  it("takes up to 4,096 cells", () => {
    const days = (count: number) =>
      Array.from({ length: count }, (_, day) =>
        ranges([at("2026-11-16") + day * 86_400, at("2026-11-16") + day * 86_400 + 86_399]),
      );
    const hours = Array.from({ length: 24 }, (_, hour) => ranges([hour, hour]));
    const size = (count: number): number | undefined =>
      calendarAxes(always, days(count), { axiom, weekdays: [], hours })?.time.cells.length;
    expect(size(168)).toBe(170 * 24);
    expect(size(169)).toBeUndefined();
  });
});
