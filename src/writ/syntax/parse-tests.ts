/** What do `test` and `assert` blocks say? Parsed here; run and proved elsewhere. */
import type {
  AssertItem,
  Expectation,
  Literal,
  Name,
  ObligationItem,
  Setting,
  TestItem,
  Text,
} from "./ast.ts";
import {
  acceptMark,
  acceptWord,
  type Cursor,
  expectMark,
  expectWord,
  isMark,
  isWord,
  parseList,
  parseName,
  parseText,
  peek,
  spanFrom,
  stopExpecting,
  take,
} from "./cursor.ts";
import { parseExpression } from "./parse-expression.ts";
import { parseField, parseLiteral, parseLiteralList } from "./parse-literal.ts";
import { parseObligation } from "./parse-release.ts";

/** A test; the keyword is next. */
export function parseTest(cursor: Cursor): TestItem {
  const word = take(cursor);
  const title = parseText(cursor, "the title of the test, in quotes");
  expectWord(cursor, "of");
  const of: Name[] = [];
  do {
    of.push(parseName(cursor, "a policy or guard"));
  } while (acceptMark(cursor, ","));
  expectMark(cursor, "{");
  expectWord(cursor, "given");
  const start = parseStart(cursor);
  const settings = isMark(peek(cursor), "{") ? parseSettings(cursor) : [];
  const expect = parseExpectation(cursor);
  expectMark(cursor, "}");
  const span = spanFrom(cursor, word.start);
  return { kind: "test", title, of, settings, expect, span, ...(start === undefined ? {} : { start }) };
}

function parseStart(cursor: Cursor): TestItem["start"] {
  if (acceptWord(cursor, "ordinary")) return { kind: "ordinary", product: parseName(cursor, "a product") };
  if (acceptWord(cursor, "report")) return { kind: "report", from: parseText(cursor, "a file, in quotes") };
  if (acceptWord(cursor, "like")) return { kind: "like", from: parseText(cursor, "a test, in quotes") };
  return undefined;
}

function parseSettings(cursor: Cursor): readonly Setting[] {
  const open = expectMark(cursor, "{");
  return parseList(cursor, { open, close: "}", what: "this block" }, () => parseSetting(cursor));
}

function parseSetting(cursor: Cursor): Setting {
  const { start } = peek(cursor);
  const target = parseTarget(cursor);
  expectMark(cursor, "=");
  const value = parseSettingValue(cursor);
  return { target, value, span: spanFrom(cursor, start) };
}

function parseTarget(cursor: Cursor): Setting["target"] {
  if (!isWord(peek(cursor), "approvals") || !isWord(peek(cursor, 1), "from")) return parseField(cursor);
  cursor.at += 2;
  return { approvals: parseText(cursor, "a group, in quotes") };
}

function parseSettingValue(cursor: Cursor): Setting["value"] {
  const token = peek(cursor);
  if (isMark(token, "[")) {
    const list: readonly Literal[] = parseLiteralList(cursor);
    return { kind: "list", list, span: spanFrom(cursor, token.start) };
  }
  if (token.kind === "word" && isMark(peek(cursor, 1), "[")) {
    const set = parseName(cursor, "a reference set");
    const label = parseLabel(cursor);
    return { kind: "reference", set, label, span: spanFrom(cursor, token.start) };
  }
  if (acceptWord(cursor, "absent")) return { kind: "absent", span: spanFrom(cursor, token.start) };
  return parseLiteral(cursor);
}

function parseLabel(cursor: Cursor): Text {
  expectMark(cursor, "[");
  const label = parseText(cursor, "the label of an entry, in quotes");
  expectMark(cursor, "]");
  return label;
}

function parseExpectation(cursor: Cursor): Expectation {
  const word = expectWord(cursor, "expect");
  if (acceptWord(cursor, "allow")) {
    const by = acceptWord(cursor, "by") ? parseText(cursor, "the label of an allow, in quotes") : undefined;
    const obligations: ObligationItem[] = [];
    while (acceptWord(cursor, "with")) obligations.push(parseObligation(cursor));
    const span = spanFrom(cursor, word.start);
    return { kind: "allow", obligations, span, ...(by === undefined ? {} : { by }) };
  }
  if (!acceptWord(cursor, "deny")) stopExpecting(cursor, "E0100", "`allow` or `deny`");
  const because = acceptWord(cursor, "because") ? parseBecause(cursor) : undefined;
  const span = spanFrom(cursor, word.start);
  return { kind: "deny", span, ...(because === undefined ? {} : { because }) };
}

function parseBecause(
  cursor: Cursor,
): Text | { readonly code: Name; readonly set?: Name; readonly label?: Text } {
  if (peek(cursor).kind === "string") return parseText(cursor, "a text");
  const code = parseName(cursor, "a text in quotes, or a code");
  if (peek(cursor).kind !== "word" || !isMark(peek(cursor, 1), "[")) return { code };
  const set = parseName(cursor, "a reference set");
  return { code, set, label: parseLabel(cursor) };
}

/** An assertion; the keyword is next. */
export function parseAssert(cursor: Cursor): AssertItem {
  const word = take(cursor);
  if (isWord(peek(cursor), "never") && isMark(peek(cursor, 1), "{")) {
    cursor.at += 2;
    const condition = parseExpression(cursor);
    expectMark(cursor, "}");
    expectWord(cursor, "allows");
    const pattern = parseText(cursor, "a pattern, in quotes");
    return { kind: "assert", claim: "never", condition, pattern, span: spanFrom(cursor, word.start) };
  }
  const left = parseName(cursor, "`never`, or a policy or guard");
  if (acceptWord(cursor, "satisfiable")) {
    return { kind: "assert", claim: "satisfiable", left, span: spanFrom(cursor, word.start) };
  }
  const { text } = peek(cursor);
  if (text !== "implies" && text !== "equivalent") {
    stopExpecting(cursor, "E0100", "`implies`, `equivalent` or `satisfiable`");
  }
  cursor.at += 1;
  const right = parseName(cursor, "a policy or guard");
  return { kind: "assert", claim: text, left, right, span: spanFrom(cursor, word.start) };
}
