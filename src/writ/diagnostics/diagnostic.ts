/** What is wrong with a text, where, and what would mend it? Diagnostics as data, and their places. `render.ts` prints them. */

export type Severity = "error" | "warning" | "note";

/** Half-open range of UTF-16 code units in a source text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One replacement in the file of its diagnostic. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** Advice. Each of `fixes` mends the fault by itself; more than one means that a person has to choose. */
export interface Help {
  readonly text: string;
  readonly fixes: readonly (readonly Edit[])[];
}

/** A marked stretch of the source with what to say beside it. */
export interface Mark {
  readonly span: Span;
  readonly text: string;
}

/** One finding about one place of one file. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly file: string;
  readonly message: string;
  readonly primary: Mark;
  /** Further places in the same file that the finding is about. */
  readonly secondary: readonly Mark[];
  readonly notes: readonly string[];
  readonly helps: readonly Help[];
}

/** A place as people count: lines and code points from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where lines begin and which characters are two UTF-16 units long: what places are counted with. */
export interface Lines {
  readonly starts: readonly number[];
  /** Offsets of surrogate pairs. */
  readonly pairs: readonly number[];
}

/** The lines of a text; they end with LF. */
export function linesOf(text: string): Lines {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const pairs: number[] = [];
  for (const { index } of text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g)) pairs.push(index);
  return { starts, pairs };
}

/** The line, from 0, that holds an offset. */
export function lineIndexOf({ starts }: Lines, offset: number): number {
  return countUpTo(starts, offset) - 1;
}

/** Line and column of an offset; a tab is one column. */
export function placeOf(lines: Lines, offset: number): Place {
  const index = lineIndexOf(lines, offset);
  const start = lines.starts[index] ?? 0;
  const doubles = countUpTo(lines.pairs, offset - 1) - countUpTo(lines.pairs, start - 1);
  return { line: index + 1, column: offset - start - doubles + 1 };
}

/** How many of these ascending numbers are at most `limit`. */
function countUpTo(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
