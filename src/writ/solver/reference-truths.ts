/** When does a field meet reference values? Floors by silicon and product, entries in their windows, labels (WRIT section 7). */
import type { Entry, FieldRef, FloorRow, Interval, Test, Window } from "../program.ts";
import {
  type Desk,
  gated,
  type Labels,
  presenceOf,
  rangeOf,
  ranges,
  vectorTruth,
  words,
} from "./literals.ts";
import { ALWAYS_TRUE, allOf, anyOf, both, either, NEVER_TRUE, type Shape, type Truth } from "./shape.ts";

/** The row of the silicon if there is one, else of the product; no row, or `refuse`: false (WRIT section 5.3). */
export function floorTruth(desk: Desk, field: FieldRef, rows: readonly FloorRow[]): Truth {
  const { products, siliconField, productField } = desk.vocabulary;
  const byName = new Map(rows.map((row) => [row.name, row]));
  const lines = products.flatMap(({ silicon }) => silicon).filter((name) => byName.has(name));
  const silicon = rowChoice(desk, siliconField, lines);
  const product = rowChoice(desk, productField, [...byName.keys()]);
  const cases = [
    ...silicon.cases.map(({ row, when }) => ({ row, when })),
    ...product.cases.map(({ row, when }) => ({ row, when: both([silicon.otherwise, when]) })),
  ];
  const judged = cases.map(({ row, when }) => {
    const least = byName.get(row)?.least;
    const truth = least === undefined ? FAILS : vectorTruth(desk, field, { levels: least, isExact: false });
    return { yes: both([when, truth.yes]), no: both([when, truth.no]) };
  });
  const nowhere = both([silicon.otherwise, product.otherwise]);
  return gated(desk, field, {
    yes: either(judged.map(({ yes }) => yes)),
    no: either([...judged.map(({ no }) => no), nowhere]),
  });
}

const FAILS: Truth = { yes: NEVER_TRUE, no: ALWAYS_TRUE };

interface RowChoice {
  readonly cases: readonly { readonly row: string; readonly when: Shape }[];
  readonly otherwise: Shape;
}

/** Which of these rows a field names, and when it names none. An absent field names none. */
function rowChoice(desk: Desk, name: string | undefined, rows: readonly string[]): RowChoice {
  const field = name === undefined ? undefined : desk.table.single.get(name)?.ref;
  if (field?.type.kind !== "enum") return { cases: [], otherwise: ALWAYS_TRUE };
  const { values } = field.type;
  const known = rows.filter((row) => values.includes(row));
  const { no } = words(desk, field, known);
  const { no: absent } = presenceOf(desk, field);
  return {
    cases: known.map((row) => ({ row, when: words(desk, field, [row]).yes })),
    otherwise: known.length === 0 ? ALWAYS_TRUE : either([no, absent]),
  };
}

/** `or` over live entries of value and window (rule 7). */
export function memberTruth(desk: Desk, field: FieldRef, entries: readonly Entry[]): Truth {
  const live = entries.filter(({ state }) => state !== "revoked");
  const byWindow = Map.groupBy(live, ({ valid }) => (valid === undefined ? "" : `${valid.from} ${valid.to}`));
  const parts = [...byWindow.values()].map((group) =>
    allOf([
      words(
        desk,
        field,
        group.map(({ value }) => value),
      ),
      windowTruth(desk, group[0]?.valid),
    ]),
  );
  return gated(desk, field, anyOf(parts));
}

/** Half open, of the time field, which is always there. */
export function windowTruth(desk: Desk, window: Window | undefined): Truth {
  const now = desk.table.single.get(desk.vocabulary.timeField)?.ref;
  if (window === undefined || now === undefined) return { yes: ALWAYS_TRUE, no: NEVER_TRUE };
  return ranges(desk, now, [rangeOf(desk, now, intervalOf(window))]);
}

function intervalOf({ from, to }: Window): Interval {
  return to === undefined ? { least: from } : { least: from, most: to - 1 };
}

/** The values that these entries revoke. */
export function revokedTruth(desk: Desk, field: FieldRef, entries: readonly Entry[]): Truth {
  return words(
    desk,
    field,
    entries.flatMap(({ state, value }) => (state === "revoked" ? [value] : [])),
  );
}

/** A label is a function of another field, so a test of it is a test of that field. */
export function labelTruth(
  desk: Desk,
  { field, of }: Desk["labelled"][number],
  { test, labels }: { readonly test: Test; readonly labels: Labels },
): Truth {
  const ref = desk.table.single.get(of)?.ref;
  if (ref === undefined) return { yes: NEVER_TRUE, no: NEVER_TRUE };
  const entries = [...(labels.get(field) ?? [])];
  const where = (holds: (label: number) => boolean): Shape =>
    words(
      desk,
      ref,
      entries.flatMap(([value, label]) => (holds(label) ? [value] : [])),
    ).yes;
  if (test.kind === "has") {
    const { yes, no } = words(
      desk,
      ref,
      entries.map(([value]) => value),
    );
    return { yes, no: either([no, presenceOf(desk, ref).no]) };
  }
  const intervals = test.kind === "interval" ? test.intervals : [];
  const isIn = (label: number): boolean =>
    intervals.some(({ least = -Infinity, most = Infinity }) => label >= least && label <= most);
  return { yes: where(isIn), no: where((label) => !isIn(label)) };
}
