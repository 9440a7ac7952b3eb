/** Into which cells do constants cut one dimension? Every literal is constant on a cell, and every cell is inhabited. */
import type { Dimension, Value } from "./dimension.ts";
import type { Range, Values } from "./shape.ts";

export interface Cell {
  /** A value of the cell; `undefined` where the field is absent. */
  readonly sample: Value | undefined;
  /** Whether the sample is a value that nobody wrote: it is never shown. */
  readonly isOther: boolean;
  /** Of numbers: the whole cell. */
  readonly range?: Range;
}

export interface Axis {
  readonly dimension: Dimension;
  readonly cells: readonly Cell[];
  /** The cell of a value; `undefined` for a value that the dimension cannot have. */
  readonly cellOf: (value: Value | undefined) => number | undefined;
  /** The cells that hold exactly these values; `undefined` where the axis was not cut for them. */
  readonly select: (values: Values) => Selection | undefined;
}

/** Runs of cells, first and last, ascending and apart. */
export type Selection = readonly (readonly [first: number, last: number])[];

const ABSENT: Cell = { sample: undefined, isOther: false };

/** The axis of a dimension, cut for all of these sets of values. */
export function axisOf(dimension: Dimension, cuts: readonly Values[]): Axis {
  return dimension.domain.kind === "ordered"
    ? orderedAxis(dimension, dimension.domain.ranges, cuts)
    : wordAxis(dimension, cuts);
}

/** The cell of an absent value, where there is one: always the last. */
export function absentCellOf({ dimension, cells }: Axis): number | undefined {
  return dimension.isOptional ? cells.length - 1 : undefined;
}

// ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Words that are in the same sets share a cell. */
function wordAxis(dimension: Dimension, cuts: readonly Values[]): Axis {
  const classes = wordClasses(dimension, cuts);
  const index = new Map(classes.flatMap((words, cell) => words.map((word) => [word, cell] as const)));
  const cells: Cell[] = classes.map(([sample]) => ({ sample, isOther: false }));
  const other = otherSample(dimension, index);
  const otherCell = other === undefined ? undefined : cells.push({ sample: other, isOther: true }) - 1;
  const absent = dimension.isOptional ? cells.push(ABSENT) - 1 : undefined;
  return {
    dimension,
    cells,
    cellOf: (value) => (value === undefined ? absent : (index.get(String(value)) ?? otherCell)),
    select: (values) => {
      if (values.kind === "absent") return absent === undefined ? [] : [[absent, absent]];
      return values.kind === "words" ? wordCells(values.words, index, classes) : undefined;
    },
  };
}

function wordClasses({ domain }: Dimension, cuts: readonly Values[]): readonly (readonly string[])[] {
  const marks = new Map<string, number[]>();
  if (domain.kind === "closed") for (const word of domain.words) marks.set(word, []);
  const lists = new Set(cuts.flatMap((values) => (values.kind === "words" ? [values.words] : [])));
  for (const [mark, words] of [...lists].entries()) {
    for (const word of new Set(words)) {
      const known = marks.get(word);
      if (known !== undefined) known.push(mark);
      else if (domain.kind === "open") marks.set(word, [mark]);
    }
  }
  const byMarks = Map.groupBy(marks, ([, of]) => of.join(" "));
  return [...byMarks.values()].map((group) => group.map(([word]) => word));
}

function otherSample({ domain }: Dimension, index: ReadonlyMap<string, number>): string | undefined {
  if (domain.kind !== "open") return undefined;
  for (let n = 0; n <= index.size; n += 1) {
    const word = domain.make(n);
    if (word === undefined || !index.has(word)) return word;
  }
  return undefined;
}

function wordCells(
  words: readonly string[],
  index: ReadonlyMap<string, number>,
  classes: readonly (readonly string[])[],
): Selection | undefined {
  const distinct = new Set(words);
  const cells = new Set<number>();
  for (const word of distinct) {
    const cell = index.get(word);
    if (cell === undefined) return undefined;
    cells.add(cell);
  }
  const sizes = [...cells].map((cell) => classes[cell]?.length ?? 0);
  const held = sizes.reduce((sum, size) => sum + size, 0);
  return held === distinct.size ? runsOf([...cells]) : undefined;
}

/** Cells in any order, as runs. */
export function runsOf(cells: readonly number[]): Selection {
  const runs: [number, number][] = [];
  for (const cell of cells.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === cell - 1) last[1] = cell;
    else runs.push([cell, cell]);
  }
  return runs;
}

// ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function orderedAxis(dimension: Dimension, domain: readonly Range[], cuts: readonly Values[]): Axis {
  const pieces = cutRanges(domain, cuts);
  const cells: Cell[] = pieces.map((range) => ({ sample: range[0], isOther: false, range }));
  const absent = dimension.isOptional ? cells.push(ABSENT) - 1 : undefined;
  return {
    dimension,
    cells,
    cellOf: (value) => (value === undefined ? absent : cellOfNumber(pieces, value)),
    select: (values) => {
      if (values.kind === "absent") return absent === undefined ? [] : [[absent, absent]];
      return values.kind === "ranges" ? rangeCells(pieces, values.ranges) : undefined;
    },
  };
}

/** The ranges of a domain, cut where any of these sets begins or has ended. */
export function cutRanges(domain: readonly Range[], cuts: readonly Values[]): readonly Range[] {
  const starts = new Set<bigint>();
  for (const values of cuts) {
    if (values.kind !== "ranges") continue;
    for (const [least, most] of values.ranges) starts.add(least).add(most + 1n);
  }
  const sorted = [...starts].sort(byValue);
  return domain.flatMap(([least, most]) => {
    const inside = sorted.filter((start) => start > least && start <= most);
    const from = [least, ...inside];
    return from.map((start, at): Range => [start, (from[at + 1] ?? most + 1n) - 1n]);
  });
}

function byValue(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

function cellOfNumber(pieces: readonly Range[], value: Value): number | undefined {
  if (typeof value !== "bigint") return undefined;
  const cell = firstUpTo(pieces, value);
  const [least, most] = pieces[cell] ?? [1n, 0n];
  return value >= least && value <= most ? cell : undefined;
}

/** The first piece that does not end before a value. */
function firstUpTo(pieces: readonly Range[], value: bigint): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.[1] ?? 0n) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The pieces that lie in these ranges; `undefined` when one lies across an edge. */
export function rangeCells(pieces: readonly Range[], ranges: readonly Range[]): Selection | undefined {
  const found = ranges.map((range) => runOf(pieces, range));
  const [only] = found;
  if (found.includes(undefined)) return undefined;
  if (only !== undefined && found.length === 1) return only[0] > only[1] ? [] : [only];
  const cells = new Set<number>();
  for (const [first, last] of found.flatMap((run) => (run === undefined ? [] : [run]))) {
    for (let cell = first; cell <= last; cell += 1) cells.add(cell);
  }
  return runsOf([...cells]);
}

/** First and last piece of a range, the last before the first where there is none; `undefined` across an edge. */
function runOf(pieces: readonly Range[], [least, most]: Range): readonly [number, number] | undefined {
  const first = firstUpTo(pieces, least);
  const last = firstUpTo(pieces, most + 1n) - 1;
  const [begins = least, after = most + 1n] = [pieces[first]?.[0], pieces[last + 1]?.[0]];
  return begins < least || after <= most ? undefined : [first, last];
}
