/** Which condition does the text hold? Atoms, `not`, quantifiers, `and` or `or` (WRIT section 4). */

import type { Span } from "../diagnostics/diagnostic.ts";
import { advice, fix, report } from "../diagnostics/findings.ts";
import type { AtomExpression, Expression, FieldName, Literal } from "./ast.ts";
import {
  acceptWord,
  type Cursor,
  expectMark,
  expectWord,
  isMark,
  isWord,
  nested,
  parseList,
  parseName,
  parseText,
  peek,
  spanFrom,
  stopExpecting,
  take,
} from "./cursor.ts";
import {
  acceptRelation,
  expectRelation,
  parseField,
  parseLiteral,
  parseLiteralList,
  parseNameLiteral,
  parseTcb,
} from "./parse-literal.ts";
import type { Token } from "./tokens.ts";

type Joiner = "and" | "or";
const FOREIGN: Readonly<Record<string, Joiner | "not">> = { "&&": "and", "||": "or", "!": "not" };

/** A condition. `and` and `or` do not mix without parentheses (E0107). */
export function parseExpression(cursor: Cursor): Expression {
  const { start } = peek(cursor);
  const first = parseUnary(cursor);
  const kind = acceptJoiner(cursor)?.joiner;
  if (kind === undefined) return first;
  const members = [first, parseUnary(cursor)];
  let isMixed = false;
  for (let next = acceptJoiner(cursor); next !== undefined; next = acceptJoiner(cursor)) {
    if (next.joiner !== kind && !isMixed) {
      reportMixed(cursor, kind, next);
      isMixed = true;
    }
    members.push(parseUnary(cursor));
  }
  const span = spanFrom(cursor, start);
  return isMixed ? { kind: "broken", span } : { kind, members, span };
}

function reportMixed(
  cursor: Cursor,
  first: Joiner,
  next: { readonly joiner: Joiner; readonly span: Span },
): void {
  report(cursor.findings, {
    code: "E0107",
    span: next.span,
    message: "`and` and `or` are mixed without parentheses",
    label: `this \`${next.joiner}\` follows an \`${first}\``,
    helps: advice("add parentheses, or use `all { … }` / `any { … }`"),
  });
}

function acceptJoiner(cursor: Cursor): { readonly joiner: Joiner; readonly span: Span } | undefined {
  const token = peek(cursor);
  const span = { start: token.start, end: token.end };
  if (token.kind === "word" && (token.text === "and" || token.text === "or")) {
    cursor.at += 1;
    return { joiner: token.text, span };
  }
  const meant = token.kind === "mark" ? FOREIGN[token.text] : undefined;
  if (meant === undefined || meant === "not") return undefined;
  reportForeign(cursor, token, meant);
  return { joiner: meant, span };
}

/** `&&`, `||` and `!` are understood, so that what follows can be read, but they are errors. */
function reportForeign(cursor: Cursor, token: Token, meant: string): void {
  cursor.at += 1;
  const span = { start: token.start, end: token.end };
  const message = `\`${token.text}\` is not an operator`;
  const helps = fix(`write \`${meant}\``, span, meant === "not" ? "not " : meant);
  report(cursor.findings, { code: "E0100", span, message, label: `in Writ this is \`${meant}\``, helps });
}

function parseUnary(cursor: Cursor): Expression {
  return nested(cursor, () => parseNested(cursor));
}

function parseNested(cursor: Cursor): Expression {
  const token = peek(cursor);
  if (isMark(token, "!")) {
    reportForeign(cursor, token, "not");
    return negation(cursor, token.start);
  }
  if (isMark(token, "(")) return parseParenthesis(cursor);
  if (isWord(token, "all", "any", "none") && isMark(peek(cursor, 1), "{")) return parseQuantifier(cursor);
  if (peek(cursor, 1).kind === "word") return parsePrefixed(cursor, token);
  if (isWord(token, "not") && isMark(peek(cursor, 1), "(", "!")) return parsePrefixed(cursor, token);
  return parseAtom(cursor);
}

function parsePrefixed(cursor: Cursor, token: Token): Expression {
  if (acceptWord(cursor, "not")) return negation(cursor, token.start);
  if (isWord(token, "has") && !isWord(peek(cursor, 1), "in", "at", "within", "contains")) {
    cursor.at += 1;
    const field = parseField(cursor);
    return { kind: "has", field, span: spanFrom(cursor, token.start) };
  }
  return isWord(token, "approvals") && isWord(peek(cursor, 1), "from")
    ? parseApprovals(cursor, token)
    : parseAtom(cursor);
}

function negation(cursor: Cursor, start: number): Expression {
  const of = parseUnary(cursor);
  return { kind: "not", of, span: spanFrom(cursor, start) };
}

function parseParenthesis(cursor: Cursor): Expression {
  const open = expectMark(cursor, "(");
  const inner = parseExpression(cursor);
  expectMark(cursor, ")");
  return { ...inner, span: spanFrom(cursor, open.start) };
}

function parseQuantifier(cursor: Cursor): Expression {
  const word = take(cursor);
  const kind = word.text === "all" || word.text === "any" ? word.text : "none";
  const open = expectMark(cursor, "{");
  const list = { open, close: "}", what: `this \`${kind}\`` };
  const members = parseList(cursor, list, () => parseExpression(cursor));
  const span = spanFrom(cursor, word.start);
  return members.length === 0 ? { kind: "broken", span } : { kind, members, span };
}

function parseApprovals(cursor: Cursor, word: Token): AtomExpression {
  cursor.at += 2;
  const group = parseText(cursor, "a group, in quotes");
  const text = `approvals:${group.value}`;
  const field = { text, base: text, span: spanFrom(cursor, word.start) };
  const mark = expectRelation(cursor);
  const count = parseLiteral(cursor);
  return { kind: "approvals", field, group, mark, count, span: spanFrom(cursor, word.start) };
}

function parseAtom(cursor: Cursor): Expression {
  const token = peek(cursor);
  if (token.kind !== "word") stopExpecting(cursor, token.kind === "mark" ? "E0101" : "E0102", "a condition");
  const field = parseField(cursor);
  const next = peek(cursor);
  if (isMark(next, "=")) return parseAssignment(cursor, field, next);
  const mark = acceptRelation(cursor);
  if (mark !== undefined) {
    const value = parseLiteral(cursor);
    return { kind: "compare", field, mark, value, span: spanFrom(cursor, token.start) };
  }
  const read = next.kind === "word" ? WORD_OPERATORS.get(next.text) : undefined;
  return read === undefined ? { kind: "flag", field, span: field.span } : read(cursor, field);
}

/** `f = v` is the commonest slip: said once, with what to write, and the atom counts as judged. */
function parseAssignment(cursor: Cursor, field: FieldName, equals: Token): Expression {
  cursor.at += 1;
  const value = parseLiteral(cursor);
  const span = spanFrom(cursor, field.span.start);
  const written = comparisonText(cursor, field, value);
  report(cursor.findings, {
    code: "E0105",
    span: { start: equals.start, end: equals.end },
    message: "`=` is not a comparison",
    label: "assignment is not an expression",
    helps: fix(`write \`${written}\``, span, written),
  });
  return { kind: "broken", span };
}

function comparisonText(cursor: Cursor, field: FieldName, value: Literal): string {
  if (value.kind === "name" && value.text === "true") return field.text;
  if (value.kind === "name" && value.text === "false") return `not ${field.text}`;
  return `${field.text} == ${cursor.text.slice(value.span.start, value.span.end)}`;
}

type OperatorReader = (cursor: Cursor, field: FieldName) => Expression;

const WORD_OPERATORS: ReadonlyMap<string, OperatorReader> = new Map([
  ["at", readAtLeast],
  ["in", readIn],
  ["within", readWithin],
  ["contains", readContains],
]);

function readAtLeast(cursor: Cursor, field: FieldName): Expression {
  cursor.at += 1;
  expectWord(cursor, "least");
  const value = isMark(peek(cursor), "{") ? parseTcb(cursor) : parseNameLiteral(cursor);
  return { kind: "at-least", field, value, span: spanFrom(cursor, field.span.start) };
}

function readWithin(cursor: Cursor, field: FieldName): Expression {
  cursor.at += 1;
  const list = parseLiteralList(cursor);
  return { kind: "within", field, list, span: spanFrom(cursor, field.span.start) };
}

function readIn(cursor: Cursor, field: FieldName): Expression {
  cursor.at += 1;
  const { start } = field.span;
  if (isMark(peek(cursor), "[")) {
    const list = parseLiteralList(cursor);
    return { kind: "in-list", field, list, span: spanFrom(cursor, start) };
  }
  if (peek(cursor).kind === "word" && !isMark(peek(cursor, 1), "..")) return readInSet(cursor, field);
  const from = parseLiteral(cursor);
  expectMark(cursor, "..");
  const to = parseLiteral(cursor);
  return { kind: "in-range", field, from, to, span: spanFrom(cursor, start) };
}

function readInSet(cursor: Cursor, field: FieldName): Expression {
  const set = parseName(cursor, "a reference set");
  const { start } = field.span;
  if (!acceptWord(cursor, "where")) return { kind: "in-set", field, set, span: spanFrom(cursor, start) };
  expectWord(cursor, "version");
  const mark = expectRelation(cursor);
  const token = peek(cursor);
  if (token.kind !== "version") stopExpecting(cursor, "E0102", "a version: `5.1.0`");
  cursor.at += 1;
  const where = { mark, version: token.value, text: token.text };
  return { kind: "in-set", field, set, where, span: spanFrom(cursor, start) };
}

function readContains(cursor: Cursor, field: FieldName): Expression {
  cursor.at += 1;
  const { start } = field.span;
  if (isWord(peek(cursor), "bit")) {
    cursor.at += 1;
    const bits = [parseLiteral(cursor)];
    return { kind: "contains-bits", field, bits, span: spanFrom(cursor, start) };
  }
  if (isWord(peek(cursor), "bits")) {
    cursor.at += 1;
    const bits = parseLiteralList(cursor);
    return { kind: "contains-bits", field, bits, span: spanFrom(cursor, start) };
  }
  const value = parseLiteral(cursor);
  return { kind: "contains", field, value, span: spanFrom(cursor, start) };
}
