/** Where does a text stop being the JSON we read, and what was expected there? Asked only of a text that is refused already. */

/** Whether a reader keeps a number as it is, of which it is given how it stood. */
export type IsFitNumber = (value: number, source: string) => boolean;

interface Cursor {
  readonly text: string;
  readonly maxDepth: number;
  readonly isFit: IsFitNumber;
  at: number;
}

/** What was expected; `undefined` where everything is as it should be. */
type Mistake = string | undefined;

/** Says in one sentence what is wrong with a refused text. Quotes nothing of it: it may hold a secret. */
export function mistakeIn(text: string, maxDepth: number, isFit: IsFitNumber): string {
  const cursor: Cursor = { text, maxDepth, isFit, at: 0 };
  const mistake = valueMistake(cursor, 1) ?? (cursor.at === text.length ? undefined : at(cursor, "the end"));
  return mistake ?? "expected strict JSON";
}

/** Whether JSON carries a number as it is: finite, and no integer beyond 2^53. */
export function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

const WHITE_SPACE = /[ \t\n\r]*/y;
const QUOTED = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

function valueMistake(cursor: Cursor, depth: number): Mistake {
  if (depth > cursor.maxDepth) return `expected JSON nested at most ${cursor.maxDepth} deep`;
  take(cursor, WHITE_SPACE);
  const mistake = bareValueMistake(cursor, depth);
  take(cursor, WHITE_SPACE);
  return mistake;
}

function bareValueMistake(cursor: Cursor, depth: number): Mistake {
  const first = cursor.text[cursor.at];
  if (first === "{") return membersMistake(cursor, depth);
  if (first === "[") return elementsMistake(cursor, depth);
  if (first === '"') return stringOf(cursor) === undefined ? at(cursor, "a well-formed string") : undefined;
  if (take(cursor, WORD) !== undefined) return undefined;
  const digits = take(cursor, NUMBER);
  if (digits === undefined) return at(cursor, "a value");
  return cursor.isFit(Number(digits), digits) ? undefined : at(cursor, "a number within 2^53");
}

function membersMistake(cursor: Cursor, depth: number): Mistake {
  const names = new Set<string>();
  cursor.at += 1;
  take(cursor, WHITE_SPACE);
  if (skip(cursor, "}")) return undefined;
  do {
    const mistake = memberMistake(cursor, depth, names);
    if (mistake !== undefined) return mistake;
  } while (skip(cursor, ","));
  return skip(cursor, "}") ? undefined : at(cursor, "`,` or `}`");
}

function memberMistake(cursor: Cursor, depth: number, names: Set<string>): Mistake {
  take(cursor, WHITE_SPACE);
  const name = stringOf(cursor);
  if (name === undefined) return at(cursor, "a well-formed string");
  if (names.has(name) || name === "__proto__") return at(cursor, "each member once");
  names.add(name);
  take(cursor, WHITE_SPACE);
  return skip(cursor, ":") ? valueMistake(cursor, depth + 1) : at(cursor, "`:`");
}

function elementsMistake(cursor: Cursor, depth: number): Mistake {
  cursor.at += 1;
  take(cursor, WHITE_SPACE);
  if (skip(cursor, "]")) return undefined;
  do {
    const mistake = valueMistake(cursor, depth + 1);
    if (mistake !== undefined) return mistake;
  } while (skip(cursor, ","));
  return skip(cursor, "]") ? undefined : at(cursor, "`,` or `]`");
}

/** A well-formed string; `undefined` for none. `JSON.parse` knows the escapes and refuses raw control characters. */
function stringOf(cursor: Cursor): string | undefined {
  const quoted = take(cursor, QUOTED);
  if (quoted === undefined) return undefined;
  try {
    const text: unknown = JSON.parse(quoted);
    return typeof text === "string" && text.isWellFormed() ? text : undefined;
  } catch {
    return undefined;
  }
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match === null) return undefined;
  cursor.at = pattern.lastIndex;
  return match[0];
}

function skip(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function at(cursor: Cursor, expected: string): string {
  return `expected ${expected} at character ${cursor.at} of the JSON text`;
}
