/** Which days and hours can a stretch of time have? Cells of the time field that know their weekday and hour. */
import type { Axiom } from "../axiom.ts";
import { type Axis, type Cell, cutRanges, rangeCells, runsOf, type Selection } from "./axis.ts";
import { hourOf, weekdayOf } from "./calendar-of.ts";
import type { Dimension } from "./dimension.ts";
import type { Range, Values } from "./shape.ts";

type Calendar = Extract<Axiom, { readonly kind: "calendar" }>;

/** What of the calendar a program asks for. */
export interface CalendarCuts {
  readonly axiom: Calendar;
  readonly weekdays: readonly Values[];
  readonly hours: readonly Values[];
}

/** The time axis, and what weekday and hour are on it. */
export interface CalendarAxes {
  readonly time: Axis;
  readonly weekday: Axis["select"];
  readonly hour: Axis["select"];
}

interface Moment {
  readonly piece: number;
  readonly sample: number;
  readonly weekday: string;
  readonly hour: number;
}

const HOUR = 3600;
const HOURS_PER_WEEK = 168;
const MAX_CELLS = 4096;

/**
 * The axis of the time field, each of its pieces split by weekday and hour where conditions ask for them: exact.
 *
 * @returns `undefined` when that takes more than 4,096 cells.
 */
export function calendarAxes(
  dimension: Dimension,
  cuts: readonly Values[],
  calendar: CalendarCuts,
): CalendarAxes | undefined {
  const domain = dimension.domain.kind === "ordered" ? dimension.domain.ranges : [];
  const pieces = cutRanges(domain, cuts);
  const moments: Moment[] = [];
  for (const [piece, range] of pieces.entries()) {
    moments.push(...momentsOf(piece, range, calendar));
    if (moments.length > MAX_CELLS) return undefined;
  }
  return {
    time: timeAxis(dimension, { pieces, moments, calendar }),
    weekday: (values) =>
      values.kind === "words" ? cellsWhere(moments, ({ weekday }) => values.words.includes(weekday)) : [],
    hour: (values) =>
      values.kind === "ranges" ? cellsWhere(moments, ({ hour }) => isInside(values, hour)) : [],
  };
}

function cellsWhere(moments: readonly Moment[], holds: (moment: Moment) => boolean): Selection {
  return runsOf([...moments.entries()].flatMap(([cell, moment]) => (holds(moment) ? [cell] : [])));
}

/** One moment for each kind of hour that a piece has, the earliest. */
function momentsOf(piece: number, [least, most]: Range, calendar: CalendarCuts): readonly Moment[] {
  const byKind = new Map<string, Moment>();
  let at = Number(least);
  for (let hours = 0; hours <= HOURS_PER_WEEK && at <= Number(most); hours += 1) {
    const moment = momentAt(piece, at, calendar);
    const kind = kindOf(moment, calendar);
    if (!byKind.has(kind)) byKind.set(kind, moment);
    at = (Math.floor(at / HOUR) + 1) * HOUR;
  }
  return [...byKind.values()];
}

function momentAt(piece: number, at: number, { axiom }: CalendarCuts): Moment {
  return { piece, sample: at, weekday: weekdayOf(at, axiom.days) ?? "", hour: hourOf(at) };
}

function kindOf({ weekday, hour }: Moment, { weekdays, hours }: CalendarCuts): string {
  const days = weekdays.map((values) => Number(values.kind === "words" && values.words.includes(weekday)));
  const times = hours.map((values) => Number(isInside(values, hour)));
  return `${days.join("")} ${times.join("")}`;
}

function isInside(values: Values, hour: number): boolean {
  return values.kind === "ranges" && values.ranges.some(([least, most]) => hour >= least && hour <= most);
}

interface TimeCells {
  readonly pieces: readonly Range[];
  readonly moments: readonly Moment[];
  readonly calendar: CalendarCuts;
}

function timeAxis(dimension: Dimension, { pieces, moments, calendar }: TimeCells): Axis {
  const cells = moments.map(
    ({ piece, sample }): Cell => ({
      sample: BigInt(sample),
      isOther: false,
      ...(moments.length === pieces.length ? { range: pieces[piece] ?? [0n, 0n] } : {}),
    }),
  );
  const index = new Map(moments.map((moment, cell) => [`${moment.piece} ${kindOf(moment, calendar)}`, cell]));
  return {
    dimension,
    cells,
    cellOf: (value) => {
      if (typeof value !== "bigint") return undefined;
      const piece = pieces.findIndex(([from, to]) => value >= from && value <= to);
      return index.get(`${piece} ${kindOf(momentAt(0, Number(value), calendar), calendar)}`);
    },
    select: (values) => {
      const selected = values.kind === "ranges" ? rangeCells(pieces, values.ranges) : undefined;
      if (selected === undefined) return values.kind === "absent" ? [] : undefined;
      return cellsWhere(moments, ({ piece }) =>
        selected.some(([first, last]) => piece >= first && piece <= last),
      );
    },
  };
}
