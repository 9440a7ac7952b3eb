/** How do two texts differ, line by line? In the unified form that `patch` and `git apply` read. */

/** So many lines stand around a change. */
const AROUND = 3;

/** Nothing where they are equal. */
export function lineDiff(path: string, older: string, newer: string): string {
  const rows = rowsOf(linesOf(older), linesOf(newer));
  const hunks = hunksOf(rows);
  if (hunks.length === 0) return "";
  return `--- a/${path}\n+++ b/${path}\n${hunks.map((hunk) => hunkText(rows, hunk)).join("")}`;
}

interface Row {
  readonly mark: " " | "-" | "+";
  readonly text: string;
}

function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** What both begin and end with is set aside, so that the table is as large as the change. */
function rowsOf(older: readonly string[], newer: readonly string[]): readonly Row[] {
  const most = Math.min(older.length, newer.length);
  let head = 0;
  while (head < most && older[head] === newer[head]) head += 1;
  let tail = 0;
  while (tail < most - head && older.at(-1 - tail) === newer.at(-1 - tail)) tail += 1;
  const kept = rowOf(" ");
  return [
    ...older.slice(0, head).map(kept),
    ...middleOf(older.slice(head, older.length - tail), newer.slice(head, newer.length - tail)),
    ...older.slice(older.length - tail).map(kept),
  ];
}

/** Beyond that, all of one is replaced by all of the other: it is as true, and longer. */
const MAX_CELLS = 16_000_000;

/** By a longest common subsequence. */
function middleOf(older: readonly string[], newer: readonly string[]): readonly Row[] {
  const [gone, come] = [rowOf("-"), rowOf("+")];
  if (older.length * newer.length > MAX_CELLS) return [...older.map(gone), ...newer.map(come)];
  const commonFrom = commonTable(older, newer);
  const rows: Row[] = [];
  let [i, j] = [0, 0];
  while (i < older.length && j < newer.length) {
    const [out = "", into = ""] = [older[i], newer[j]];
    const row = stepOf(out, into, commonFrom(i + 1, j) >= commonFrom(i, j + 1));
    rows.push(row);
    if (row.mark !== "+") i += 1;
    if (row.mark !== "-") j += 1;
  }
  return [...rows, ...older.slice(i).map(gone), ...newer.slice(j).map(come)];
}

function stepOf(out: string, into: string, isOutFirst: boolean): Row {
  if (out === into) return { mark: " ", text: out };
  return isOutFirst ? { mark: "-", text: out } : { mark: "+", text: into };
}

function rowOf(mark: Row["mark"]): (text: string) => Row {
  return (text) => ({ mark, text });
}

/** How long the longest one is of what is left from two lines on. */
function commonTable(older: readonly string[], newer: readonly string[]): (i: number, j: number) => number {
  const width = newer.length + 1;
  const common = new Uint32Array((older.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = older.length - 1; i >= 0; i -= 1) {
    for (let j = newer.length - 1; j >= 0; j -= 1) {
      const isSame = older[i] === newer[j];
      common[i * width + j] = isSame ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  return at;
}

interface Hunk {
  readonly from: number;
  readonly to: number;
}

/** Changes that share what stands around them are one. */
function hunksOf(rows: readonly Row[]): readonly Hunk[] {
  const hunks: Hunk[] = [];
  for (const [at, { mark }] of rows.entries()) {
    if (mark === " ") continue;
    const [from, to] = [Math.max(0, at - AROUND), Math.min(rows.length, at + AROUND + 1)];
    const last = hunks.at(-1);
    if (last !== undefined && from <= last.to) hunks[hunks.length - 1] = { from: last.from, to };
    else hunks.push({ from, to });
  }
  return hunks;
}

function hunkText(rows: readonly Row[], { from, to }: Hunk): string {
  const own = rows.slice(from, to);
  const count = (of: readonly Row[], other: Row["mark"]): number =>
    of.filter(({ mark }) => mark !== other).length;
  const place = (other: Row["mark"]): string => {
    const [before, size] = [count(rows.slice(0, from), other), count(own, other)];
    return `${size === 0 ? before : before + 1},${size}`;
  };
  return `@@ -${place("+")} +${place("-")} @@\n${own.map(({ mark, text }) => `${mark}${text}\n`).join("")}`;
}
