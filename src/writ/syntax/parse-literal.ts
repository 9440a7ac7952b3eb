/** Which constants and field names does the text hold? Literals, `tcb` vectors, windows, fields (WRIT section 4). */

import { fix, report } from "../diagnostics/findings.ts";
import type { Relation } from "../program.ts";
import type {
  BytesLiteral,
  FieldName,
  Literal,
  NameLiteral,
  RelationMark,
  TcbItem,
  TcbLiteral,
  WindowClause,
} from "./ast.ts";
import {
  acceptMark,
  type Cursor,
  expectMark,
  isClauseStart,
  isMark,
  isWord,
  parseList,
  parseName,
  parsePath,
  parseText,
  peek,
  spanFrom,
  stopExpecting,
  take,
} from "./cursor.ts";
import type { Token } from "./tokens.ts";

const RELATIONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** Any constant. Words are names, whatever they mean elsewhere. */
export function parseLiteral(cursor: Cursor): Literal {
  const token = peek(cursor);
  if (isClauseStart(cursor)) stopExpecting(cursor, "E0102", "a value");
  if (token.kind === "word") {
    return isDigestOf(cursor) ? parseDigestOf(cursor) : parseNameLiteral(cursor);
  }
  if (isMark(token, "{")) return parseTcb(cursor);
  return parseConstant(cursor, token);
}

function parseConstant(cursor: Cursor, token: Token): Literal {
  const span = { start: token.start, end: token.end };
  switch (token.kind) {
    case "hex":
      cursor.at += 1;
      return { kind: "bytes", value: token.value, span };
    case "string":
      cursor.at += 1;
      return { kind: "string", value: token.value, span };
    case "int":
    case "duration":
    case "date":
      cursor.at += 1;
      return { kind: token.kind, value: token.value, text: token.text, span };
    case "version":
      cursor.at += 1;
      return { kind: "version", value: token.value, text: token.text, span };
    case "broken":
      cursor.at += 1;
      return { kind: "broken", span };
    case "mark":
    case "end":
    case "word":
      return stopExpecting(cursor, "E0102", "a value");
  }
}

export function parseNameLiteral(cursor: Cursor): NameLiteral {
  const { text, span } = parseName(cursor, "a name");
  return { kind: "name", text, span };
}

function isDigestOf(cursor: Cursor): boolean {
  return isWord(peek(cursor), "sha384", "sha256") && isWord(peek(cursor, 1), "of");
}

function parseDigestOf(cursor: Cursor): BytesLiteral {
  const word = take(cursor);
  take(cursor);
  const path = parseText(cursor, "the path of a file, in quotes");
  const algorithm = word.text === "sha256" ? "sha256" : "sha384";
  return { kind: "digest", algorithm, path, span: spanFrom(cursor, word.start) };
}

/** `hex"…"`, or the digest of a file. */
export function parseBytes(cursor: Cursor): BytesLiteral {
  return isDigestOf(cursor) ? parseDigestOf(cursor) : parseHex(cursor);
}

/** `hex"…"` alone: what an import pins has to stand in the text. */
export function parseHex(cursor: Cursor): BytesLiteral {
  const token = peek(cursor);
  if (token.kind !== "hex" && token.kind !== "broken") stopExpecting(cursor, "E0102", 'bytes: `hex"…"`');
  cursor.at += 1;
  const span = { start: token.start, end: token.end };
  return token.kind === "hex" ? { kind: "bytes", value: token.value, span } : { kind: "broken", span };
}

/** `{ name 23, other 72 }`. */
export function parseTcb(cursor: Cursor): TcbLiteral {
  const open = expectMark(cursor, "{");
  const items = parseList(cursor, { open, close: "}", what: "this vector" }, () => parseTcbItem(cursor));
  return { kind: "tcb", items, span: spanFrom(cursor, open.start) };
}

function parseTcbItem(cursor: Cursor): TcbItem {
  const component = parseName(cursor, "a component");
  const token = peek(cursor);
  if (token.kind !== "int") stopExpecting(cursor, "E0102", `the level of \`${component.text}\``);
  cursor.at += 1;
  return { component, level: token.value, levelSpan: { start: token.start, end: token.end } };
}

/** `name.name[3]`. */
export function parseField(cursor: Cursor): FieldName {
  const path = parsePath(cursor, "a field");
  if (!acceptMark(cursor, "[")) return { ...path, base: path.text };
  const token = peek(cursor);
  if (token.kind !== "int") stopExpecting(cursor, "E0102", "an index");
  cursor.at += 1;
  expectMark(cursor, "]");
  const text = `${path.text}[${token.value}]`;
  return { text, base: path.text, index: token.value, span: spanFrom(cursor, path.span.start) };
}

/** The next token as a relation, if it is one. A lone `=` is reported and read as `==` by the caller. */
export function acceptRelation(cursor: Cursor): RelationMark | undefined {
  const token = peek(cursor);
  const relation = token.kind === "mark" ? relationOf(token.text) : undefined;
  if (relation === undefined) return undefined;
  cursor.at += 1;
  return { relation, span: { start: token.start, end: token.end } };
}

function relationOf(text: string): Relation | undefined {
  return isRelation(text) ? text : undefined;
}

function isRelation(text: string): text is Relation {
  return RELATIONS.has(text);
}

export function expectRelation(cursor: Cursor): RelationMark {
  const token = peek(cursor);
  if (isMark(token, "=")) {
    cursor.at += 1;
    const span = { start: token.start, end: token.end };
    const helps = fix("write `==`", span, "==");
    const label = "assignment is not an expression";
    report(cursor.findings, { code: "E0105", span, message: "`=` is not a comparison", label, helps });
    return { relation: "==", span };
  }
  return acceptRelation(cursor) ?? stopExpecting(cursor, "E0100", "a comparison");
}

/** `[a, b]`. */
export function parseLiteralList(cursor: Cursor): readonly Literal[] {
  const open = expectMark(cursor, "[");
  return parseList(cursor, { open, close: "]", what: "this list" }, () => parseLiteral(cursor));
}

/** `2026-09-01 .. 2027-01-01`; the end may be left out. */
export function parseWindow(cursor: Cursor): WindowClause {
  const first = peek(cursor);
  const from = expectDate(cursor);
  expectMark(cursor, "..");
  const hasEnd = peek(cursor).kind === "date" || peek(cursor).kind === "broken";
  const to = hasEnd ? expectDate(cursor) : undefined;
  const span = spanFrom(cursor, first.start);
  if (to === undefined) return { span, from };
  if (to <= from) reportEmptyWindow(cursor, span);
  return { span, from, to };
}

function reportEmptyWindow(cursor: Cursor, span: { readonly start: number; readonly end: number }): void {
  const message = "this window is empty: it ends before it begins";
  report(cursor.findings, { code: "E0205", span, message, label: "windows are half open, [from, to)" });
}

function expectDate(cursor: Cursor): number {
  const token = peek(cursor);
  if (token.kind !== "date") stopExpecting(cursor, "E0102", "a date: `2026-10-01` or `2026-10-01T12:00Z`");
  cursor.at += 1;
  return token.value;
}
