/** Which tokens does a text hold? One pass, linear, total (WRIT section 3). */
import type { Span } from "../diagnostics/diagnostic.ts";
import { advice, type Findings, fix, report } from "../diagnostics/findings.ts";
import { readNumber } from "./numbers.ts";
import { readString } from "./strings.ts";
import { CAPS, type Comment, type Token, type Tokens } from "./tokens.ts";

const BLANKS = /(?:[ \t\n]|\r\n)+/y;
const COMMENT = /#[^\n]*/y;
const WORD = /[A-Za-z](?:[A-Za-z0-9_]|-[A-Za-z0-9])*/y;
const NUMBER = /\d[A-Za-z0-9_]*(?:[.:-][A-Za-z0-9_]+)*/y;
const HEX = /hex"([^"]*)"/y;
const MARK = /==|!=|<=|>=|\.\.|&&|\|\||[{}()[\],.<>=!]/y;
/** One run of anything that no token begins with is one mistake. */
const BAD_RUN = /[^\s\x21-\x7e]+|[\s\S]/y;
const UNSEEN =
  /[\ufeff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

interface Scan {
  readonly text: string;
  readonly findings: Findings;
  readonly tokens: Token[];
  readonly comments: Comment[];
  at: number;
  startsLine: boolean;
}

/** Splits a text into tokens and comments. Always ends with an `end` token; what is bad is reported and left out. */
export function lex(text: string, findings: Findings): Tokens {
  reportUnseen(text, findings);
  const scan: Scan = { text, findings, tokens: [], comments: [], at: 0, startsLine: true };
  while (scan.at < text.length) step(scan);
  scan.tokens.push({ kind: "end", text: "", start: text.length, end: text.length, startsLine: true });
  return { tokens: scan.tokens, comments: scan.comments };
}

/** Characters that a reader cannot see or that turn the text round are refused everywhere, comments included. */
function reportUnseen(text: string, findings: Findings): void {
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    const span = { start: nul, end: nul + 1 };
    report(findings, { code: "E0001", span, message: "U+0000 is not allowed in a source" });
  }
  for (const { 0: character, index } of text.matchAll(UNSEEN)) {
    const span = { start: index, end: index + 1 };
    const code = character.charCodeAt(0);
    const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    if (code >= 0xd800 && code <= 0xdfff) {
      report(findings, { code: "E0002", span, message: `half a surrogate pair (${name}) in the source` });
    } else if (code === 0xfeff) {
      report(findings, { code: "E0001", span, message: `${name} is not allowed in a source` });
    } else {
      const message = `${name} changes the direction of text and is not allowed, not even in comments`;
      report(findings, { code: "E0003", span, message, helps: fix("delete it", span, "") });
    }
  }
}

function step(scan: Scan): void {
  if (skipBlanks(scan) || comment(scan)) return;
  const code = scan.text.charCodeAt(scan.at);
  if (code === 0x22) string(scan);
  else if (code >= 0x30 && code <= 0x39) number(scan);
  else if (!hex(scan) && !word(scan) && !mark(scan)) badRun(scan);
  scan.startsLine = false;
}

function matchAt(scan: Scan, form: RegExp): RegExpExecArray | undefined {
  form.lastIndex = scan.at;
  return form.exec(scan.text) ?? undefined;
}

/** Moves past `length` characters and says where they are. */
function advance(scan: Scan, length: number): Span & { readonly startsLine: boolean } {
  const start = scan.at;
  scan.at += length;
  return { start, end: scan.at, startsLine: scan.startsLine };
}

function skipBlanks(scan: Scan): boolean {
  const blanks = matchAt(scan, BLANKS)?.[0];
  if (blanks === undefined) return false;
  scan.at += blanks.length;
  if (blanks.includes("\n")) scan.startsLine = true;
  return true;
}

function comment(scan: Scan): boolean {
  const text = matchAt(scan, COMMENT)?.[0];
  if (text === undefined) return false;
  const trimmed = text.endsWith("\r") ? text.slice(0, -1) : text;
  scan.comments.push({ ...advance(scan, trimmed.length), text: trimmed });
  return true;
}

function word(scan: Scan): boolean {
  const text = matchAt(scan, WORD)?.[0];
  if (text === undefined) return false;
  const place = advance(scan, text.length);
  if (text.length > CAPS.nameLength) {
    const message = `a name has at most ${CAPS.nameLength} characters, this one has ${text.length}`;
    report(scan.findings, { code: "E0013", span: place, message });
  }
  scan.tokens.push({ kind: "word", text, ...place });
  return true;
}

function mark(scan: Scan): boolean {
  const text = matchAt(scan, MARK)?.[0];
  if (text === undefined) return false;
  scan.tokens.push({ kind: "mark", text, ...advance(scan, text.length) });
  return true;
}

function number(scan: Scan): void {
  const text = matchAt(scan, NUMBER)?.[0] ?? "0";
  const reading = readNumber(text);
  const place = advance(scan, text.length);
  if (reading.kind !== "bad") {
    scan.tokens.push({ ...reading, text, ...place });
    return;
  }
  report(scan.findings, { ...reading, span: place });
  scan.tokens.push({ kind: "broken", text, ...place });
}

function hex(scan: Scan): boolean {
  const match = matchAt(scan, HEX);
  if (match === undefined) return false;
  const [text, inner = ""] = match;
  const place = advance(scan, text.length);
  const digits = inner.replaceAll(/[_ \t\r\n]/g, "").toLowerCase();
  if (/^(?:[0-9a-f]{2})*$/.test(digits)) {
    scan.tokens.push({ kind: "hex", text, value: digits, ...place });
    return true;
  }
  reportHex(scan, { inner, digits, place });
  scan.tokens.push({ kind: "broken", text, ...place });
  return true;
}

function reportHex(
  scan: Scan,
  { inner, digits, place }: { readonly inner: string; readonly digits: string; readonly place: Span },
): void {
  const stray = inner.search(/[^0-9a-fA-F_ \t\r\n]/);
  if (stray >= 0) {
    const start = place.start + 4 + stray;
    const message = "only hex digits, `_` and blanks stand in a byte constant";
    report(scan.findings, {
      code: "E0001",
      span: { start, end: start + 1 },
      message,
      label: "not a hex digit",
    });
    return;
  }
  const message = "a byte constant has two hex digits per byte";
  const label = `${digits.length} hex digits: one too many or too few`;
  report(scan.findings, { code: "E0203", span: place, message, label });
}

function string(scan: Scan): void {
  const reading = readString(scan.text, scan.at);
  const place = advance(scan, reading.length);
  const text = scan.text.slice(place.start, place.end);
  for (const fault of reading.faults) report(scan.findings, fault);
  if (reading.value.length > CAPS.stringLength) {
    const message = `a string has at most ${CAPS.stringLength} characters, this one has ${reading.value.length}`;
    report(scan.findings, { code: "E0014", span: place, message });
  }
  scan.tokens.push(
    reading.isClosed
      ? { kind: "string", text, value: reading.value, ...place }
      : { kind: "broken", text, ...place },
  );
}

const BAD_HINTS: Readonly<Record<string, string>> = {
  ";": "items need nothing between them",
  "'": 'strings are written with double quotes: `"…"`',
  "`": 'strings are written with double quotes: `"…"`',
  "/": "comments begin with `#`",
  "-": "there is no minus",
  "+": "there is no arithmetic: every condition compares one field with constants",
  "*": 'patterns are strings: `"prod/*"`',
};

function badRun(scan: Scan): void {
  const text = matchAt(scan, BAD_RUN)?.[0] ?? "?";
  const place = advance(scan, text.length);
  const shown = /^[\x21-\x7e]$/.test(text) ? `\`${text}\`` : codePointsOf(text);
  const hint = BAD_HINTS[text];
  report(scan.findings, {
    code: "E0001",
    span: place,
    message: `${shown} cannot stand here`,
    label: "outside strings and comments Writ is plain ASCII words, numbers and marks",
    helps: hint === undefined ? [] : advice(hint),
  });
  scan.tokens.push({ kind: "broken", text, ...place });
}

function codePointsOf(text: string): string {
  const code = (text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return text.length > 2 ? `U+${code} and what follows` : `U+${code}`;
}
