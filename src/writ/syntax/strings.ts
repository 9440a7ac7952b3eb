/** What does a quoted string stand for? Escapes, and everything that can be wrong inside quotes. */
import { advice, type Draft } from "../diagnostics/findings.ts";

export interface StringReading {
  /** Characters of the source, quotes included; without a closing quote, up to the end of the line. */
  readonly length: number;
  readonly value: string;
  readonly isClosed: boolean;
  readonly faults: readonly Draft[];
}

const PLAIN = /[^"\\\n]+/y;
const ESCAPE = /\\(?:(["\\nt])|u\{([0-9a-fA-F]{1,6})\})/y;
const ESCAPED: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", n: "\n", t: "\t" };
const CONTROL = /(?!\t)\p{Cc}/u;
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Reads the string whose opening quote is at `from`. */
export function readString(text: string, from: number): StringReading {
  const parts: string[] = [];
  const faults: Draft[] = [];
  let at = from + 1;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') return { length: at + 1 - from, value: parts.join(""), isClosed: true, faults };
    if (character === "\n") break;
    const piece = character === "\\" ? escapeAt(text, at) : plainAt(text, at);
    if (piece.fault !== undefined && faults.length < 3) faults.push(piece.fault);
    parts.push(piece.value);
    at += piece.length;
  }
  const end = text[at - 1] === "\r" ? at - 1 : at;
  faults.push({
    code: "E0100",
    span: { start: from, end },
    message: "this string has no closing quote",
    label: "a string ends on the line it begins on",
    helps: advice("a line break inside a string is `\\n`"),
  });
  return { length: end - from, value: parts.join(""), isClosed: false, faults };
}

interface Piece {
  readonly length: number;
  readonly value: string;
  readonly fault?: Draft;
}

function plainAt(text: string, at: number): Piece {
  PLAIN.lastIndex = at;
  const value = PLAIN.exec(text)?.[0] ?? "";
  const bad = value.replace(/\r$/, "").search(CONTROL);
  if (bad < 0) return { length: value.length, value };
  const span = { start: at + bad, end: at + bad + 1 };
  const message = "a control character cannot stand in a string";
  return { length: value.length, value, fault: { code: "E0001", span, message } };
}

function escapeAt(text: string, at: number): Piece {
  ESCAPE.lastIndex = at;
  const match = ESCAPE.exec(text);
  if (match === null) return badEscape(text, at);
  const [whole, simple, digits] = match;
  if (simple !== undefined) return { length: whole.length, value: ESCAPED[simple] ?? "" };
  const code = Number.parseInt(digits ?? "0", 16);
  const isScalar = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  const span = { start: at, end: at + whole.length };
  if (!isScalar) {
    const message = `\`${whole}\` is not a character`;
    return { length: whole.length, value: "", fault: { code: "E0001", span, message } };
  }
  const value = String.fromCodePoint(code);
  if (!TURNING.test(value)) return { length: whole.length, value };
  const message = `\`${whole}\` changes the direction of text and is not allowed`;
  return { length: whole.length, value, fault: { code: "E0003", span, message } };
}

function badEscape(text: string, at: number): Piece {
  const next = text[at + 1];
  const length = next === undefined || next === "\n" || next === "\r" ? 1 : 2;
  const fault: Draft = {
    code: "E0001",
    span: { start: at, end: at + length },
    message: "unknown escape in a string",
    helps: advice('escapes are `\\"`, `\\\\`, `\\n`, `\\t` and `\\u{X}`'),
  };
  return { length, value: "", fault };
}
