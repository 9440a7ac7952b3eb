/** How is a diagnostic printed? One way, to the byte (MESSAGES.md): place, source with marks, notes, helps. */
import { type Diagnostic, type Lines, lineIndexOf, linesOf, type Mark, placeOf } from "./diagnostic.ts";

const LONG_LITERAL = 16;
const SHOWN_DIGITS = 8;
const LONG_LINE = 400;
const BEFORE_MARK = 120;

/**
 * Prints one diagnostic, ending with one newline.
 *
 * @param text - The source of `diagnostic.file`; the same that was compiled.
 */
export function renderDiagnostic(diagnostic: Diagnostic, text: string): string {
  const lines = linesOf(text);
  const { line, column } = placeOf(lines, diagnostic.primary.span.start);
  const rows = markedRows(diagnostic, { text, lines });
  const width = String(Math.max(line, ...rows.map(({ number }) => number))).length;
  const bar = `${" ".repeat(width)} |`;
  const head = [
    `${diagnostic.severity}[${diagnostic.code}]: ${diagnostic.message}`,
    `${" ".repeat(width)}--> ${diagnostic.file}:${line}:${column}`,
    bar,
    ...sourceLines(rows, width),
  ];
  const advice = [
    ...diagnostic.notes.map((note) => `${" ".repeat(width)} = note: ${note}`),
    ...diagnostic.helps.map((help) => `${" ".repeat(width)} = help: ${help.text}`),
  ];
  const all = advice.length === 0 ? head : [...head, bar, ...advice];
  return `${all.map((one) => visible(one).trimEnd()).join("\n")}\n`;
}

/** A source may hold, in comments and escapes, what would move a terminal's cursor or turn its text round; it is shown as one strange character. */
export function visible(line: string): string {
  return line.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

interface Source {
  readonly text: string;
  readonly lines: Lines;
}

interface Underline {
  /** Code points before the mark in the shown line, and in it. */
  readonly from: number;
  readonly length: number;
  readonly sign: "^" | "-";
  readonly label: string;
}

interface Row {
  readonly number: number;
  readonly shown: string;
  readonly underlines: readonly Underline[];
}

interface SignedMark extends Mark {
  readonly sign: "^" | "-";
}

function markedRows(diagnostic: Diagnostic, source: Source): readonly Row[] {
  const marks: readonly SignedMark[] = [
    { ...diagnostic.primary, sign: "^" },
    ...diagnostic.secondary.map((mark) => ({ ...mark, sign: "-" as const })),
  ];
  const byLine = Map.groupBy(marks, ({ span }) => lineIndexOf(source.lines, span.start));
  return [...byLine].sort(([a], [b]) => a - b).map(([index, ofLine]) => rowOf(source, index, ofLine));
}

function rowOf(source: Source, index: number, marks: readonly SignedMark[]): Row {
  const start = source.lines.starts[index] ?? 0;
  const next = source.lines.starts[index + 1];
  const line = source.text.slice(start, next === undefined ? undefined : next - 1).replace(/\r$/, "");
  const cuts = cutsOf(line, start, marks);
  const underlines = marks.map((mark): Underline => {
    const from = Math.min(mark.span.start - start, line.length);
    const to = Math.min(Math.max(mark.span.end - start, from), line.length);
    const length = Math.max(1, codePoints(shownRange(line, cuts, { from, to })));
    const before = codePoints(shownRange(line, cuts, { from: 0, to: from }));
    return { from: before, length, sign: mark.sign, label: mark.text };
  });
  return clipped({
    number: index + 1,
    shown: shownRange(line, cuts, { from: 0, to: line.length }),
    underlines,
  });
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** The digits to leave out of long byte literals; a literal that a mark is, or that a mark cuts through, stays whole. */
function cutsOf(line: string, start: number, marks: readonly SignedMark[]): readonly Range[] {
  const cuts: Range[] = [];
  for (const { 0: literal, 1: inner = "", index } of line.matchAll(/hex"([0-9a-fA-F_ ]*)"/g)) {
    if (inner.replaceAll(/[_ ]/g, "").length <= LONG_LITERAL) continue;
    const span = { start: start + index, end: start + index + literal.length };
    if (marks.some((mark) => keepsWhole(mark, span))) continue;
    const from = index + 'hex"'.length + SHOWN_DIGITS;
    cuts.push({ from, to: index + literal.length - 1 });
  }
  return cuts;
}

function keepsWhole({ span }: Mark, literal: { readonly start: number; readonly end: number }): boolean {
  const isApart = span.end <= literal.start || span.start >= literal.end;
  const isAround = span.start <= literal.start && span.end >= literal.end;
  const isSame = span.start === literal.start && span.end === literal.end;
  return isSame || !(isApart || isAround);
}

function shownRange(line: string, cuts: readonly Range[], { from, to }: Range): string {
  let shown = "";
  let at = from;
  for (const cut of cuts) {
    if (cut.from < from || cut.to > to) continue;
    shown += `${line.slice(at, cut.from)}…`;
    at = cut.to;
  }
  return (shown + line.slice(at, to)).replaceAll("\t", " ");
}

function codePoints(text: string): number {
  return [...text].length;
}

/** Of a very long line only the part around the first mark is shown. */
function clipped(row: Row): Row {
  const points = [...row.shown];
  if (points.length <= LONG_LINE) return row;
  const from = Math.max(0, (row.underlines[0]?.from ?? 0) - BEFORE_MARK);
  const head = from > 0 ? "…" : "";
  const shown = points.slice(from, from + LONG_LINE);
  const shift = from - head.length;
  const underlines = row.underlines.map((underline) => {
    const start = Math.min(Math.max(0, underline.from - shift), LONG_LINE);
    return { ...underline, from: start, length: Math.max(1, Math.min(underline.length, LONG_LINE - start)) };
  });
  const tail = from + LONG_LINE < points.length ? "…" : "";
  return { ...row, shown: `${head}${shown.join("")}${tail}`, underlines };
}

function sourceLines(rows: readonly Row[], width: number): readonly string[] {
  return rows.flatMap((row, at) => {
    const before = rows[at - 1];
    const gap = before !== undefined && before.number + 1 < row.number ? ["..."] : [];
    return [
      ...gap,
      `${String(row.number).padStart(width)} | ${row.shown}`,
      ...row.underlines.map(
        ({ from, length, sign, label }) =>
          `${" ".repeat(width)} | ${" ".repeat(from)}${sign.repeat(length)} ${label}`,
      ),
    ];
  });
}
