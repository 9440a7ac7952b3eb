/** Which axes does a question have, in which order? Every dimension that it names, cut at all of its constants. */
import type { Axiom } from "../axiom.ts";
import type { Pattern } from "../program.ts";
import { type Axis, axisOf } from "./axis.ts";
import { type CalendarAxes, calendarAxes } from "./calendar.ts";
import type { Correlations } from "./correlations.ts";
import type { Dimension } from "./dimension.ts";
import { type Desk, dimensionOf } from "./literals.ts";
import { orderedDimensions } from "./order.ts";
import { resourceAxis } from "./resources.ts";
import type { Literal, Range, Shape, Values } from "./shape.ts";

/** Axes by level, and where each dimension is found. */
export interface Grid {
  readonly axes: readonly Axis[];
  /** Dimension → its level and how it selects cells there. Weekday and hour may be read from the time's axis. */
  readonly places: ReadonlyMap<string, Place>;
  /** How a cell of the resource axis may be shown. */
  readonly resources: readonly string[];
}

export interface Place {
  readonly level: number;
  readonly select: Axis["select"];
}

export interface GridQuestion {
  readonly shapes: readonly Shape[];
  readonly literals: readonly Literal[];
  readonly correlations: Correlations;
  readonly patterns: readonly Pattern[];
  /** The moments that are looked at; all, if not given. */
  readonly time: Range | undefined;
}

const MAX_KINDS_OF_RESOURCE = 100_000;
/** Diagrams are walked field by field, one call inside the other. */
const MAX_DIMENSIONS = 1500;

export function gridOf(desk: Desk, question: GridQuestion): Grid {
  const cuts = cutsOf(question);
  const calendar = calendarOf(desk, cuts, question.time);
  const skipped = calendar === undefined ? [] : [calendar.axiom.weekday, calendar.axiom.hour];
  const all = [...desk.dimensions.values()].filter(({ name }) => !skipped.includes(name));
  const ordered = orderedDimensions(all, question.shapes, desk.vocabulary).slice(0, MAX_DIMENSIONS - 1);
  const resource = resourceAxis(resourceDimension(desk), question.patterns, MAX_KINDS_OF_RESOURCE);
  const plain = ordered.map((dimension) =>
    dimension.name === desk.vocabulary.timeField && calendar !== undefined
      ? calendar.axes.time
      : axisOf(timed(desk, dimension, question.time), cuts.get(dimension.name) ?? []),
  );
  const axes = [...(resource === undefined ? [] : [resource.axis]), ...plain];
  const places = new Map(
    axes.map(({ dimension, select }, level): [string, Place] => [dimension.name, { level, select }]),
  );
  const time = places.get(desk.vocabulary.timeField);
  if (calendar !== undefined && time !== undefined) {
    const { axiom, axes: on } = calendar;
    places.set(axiom.weekday, { level: time.level, select: on.weekday });
    places.set(axiom.hour, { level: time.level, select: on.hour });
  }
  return { axes, places, resources: resource?.shown ?? [] };
}

function resourceDimension({ vocabulary }: Desk): Dimension {
  const name = vocabulary.resourceField;
  const source = { key: name, type: { kind: "path" } } as const;
  return { name, source, domain: { kind: "closed", words: [] }, isOptional: false };
}

function timed({ vocabulary }: Desk, dimension: Dimension, time: Range | undefined): Dimension {
  if (time === undefined || dimension.name !== vocabulary.timeField) return dimension;
  return { ...dimension, domain: { kind: "ordered", ranges: [time] } };
}

/** Dimension → every set of its values that is asked for. Dimensions that are compared are cut at the same points. */
function cutsOf({ literals, correlations }: GridQuestion): ReadonlyMap<string, readonly Values[]> {
  const cuts = new Map<string, Values[]>();
  for (const { dimension, values } of literals) {
    const known = cuts.get(dimension);
    if (known === undefined) cuts.set(dimension, [values]);
    else known.push(values);
  }
  const pairs = [
    ...correlations.relations.map(({ left, right }) => [left, right] as const),
    ...correlations.distinctions.flatMap((one) => one.pairs),
  ];
  const groups = new Map<string, Set<string>>();
  for (const [left, right] of pairs) {
    const group = new Set([left, right, ...(groups.get(left) ?? []), ...(groups.get(right) ?? [])]);
    for (const name of group) groups.set(name, group);
  }
  for (const group of new Set(groups.values())) {
    const shared = [...group].flatMap((name) => cuts.get(name) ?? []);
    for (const name of group) cuts.set(name, shared);
  }
  return cuts;
}

interface UsedCalendar {
  readonly axiom: Extract<Axiom, { readonly kind: "calendar" }>;
  readonly axes: CalendarAxes;
}

function calendarOf(
  desk: Desk,
  cuts: ReadonlyMap<string, readonly Values[]>,
  moments: Range | undefined,
): UsedCalendar | undefined {
  const axiom = desk.vocabulary.axioms.find((one) => one.kind === "calendar");
  const time = desk.table.single.get(desk.vocabulary.timeField)?.ref;
  if (axiom === undefined || time === undefined) return undefined;
  const { weekday, hour } = axiom;
  if (!desk.dimensions.has(weekday) && !desk.dimensions.has(hour)) return undefined;
  const dimension = timed(
    desk,
    desk.dimensions.get(dimensionOf(desk, time)) ?? resourceDimension(desk),
    moments,
  );
  const asked = { axiom, weekdays: cuts.get(weekday) ?? [], hours: cuts.get(hour) ?? [] };
  const axes = calendarAxes(dimension, cuts.get(dimension.name) ?? [], asked);
  return axes === undefined ? undefined : { axiom, axes };
}
