/** Which rules does a policy, guard or template hold? Its items, with recovery at the next one. */

import { fix, isSaturated } from "../diagnostics/findings.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { Meta, Name, RuleItem, RuleSetItem, TemplateItem, Text } from "./ast.ts";
import {
  type Cursor,
  expectMark,
  expectWord,
  isItemWord,
  isMark,
  isWord,
  nameOf,
  parseBlock,
  parseList,
  parseName,
  parsePath,
  parseText,
  peek,
  spanFrom,
  stop,
  stopExpecting,
  take,
} from "./cursor.ts";
import { parseExpression } from "./parse-expression.ts";
import { parseLiteral, parseWindow } from "./parse-literal.ts";
import { parseRelease } from "./parse-release.ts";
import type { Token } from "./tokens.ts";

type Kind = "policy" | "guard" | "template";

const ITEM_WORDS: ReadonlySet<string> = new Set([
  "require",
  "allow",
  "deny",
  "for",
  "on",
  "use",
  "platform",
  "valid",
]);
export const META_WORDS: ReadonlySet<string> = new Set(["owner", "review", "describes"]);

const EXPECTED: Readonly<Record<Kind, string>> = {
  policy: "`for`, `require`, `allow`, `deny` or `on release`",
  guard: "`for`, `require` or `deny`",
  template: "`require`, `deny` or `on release`",
};

const WORDS_OF: Readonly<Record<Kind, readonly string[]>> = {
  policy: [...ITEM_WORDS, "owner", "review", "describes"],
  guard: ["require", "deny", "for", "use", "platform", "valid", "owner", "review", "describes"],
  template: ["require", "deny", "on"],
};

/** What people write by habit, and what it is here. */
const HABITS: ReadonlyMap<string, "allow" | "deny" | "require"> = new Map([
  ["permit", "allow"],
  ["grant", "allow"],
  ["forbid", "deny"],
  ["reject", "deny"],
  ["refuse", "deny"],
  ["must", "require"],
  ["assert", "require"],
]);

/** A policy or guard; the keyword is next. */
export function parseRuleSet(cursor: Cursor): RuleSetItem {
  const word = take(cursor);
  const kind = word.text === "guard" ? "guard" : "policy";
  const name = parsePath(cursor, `the name of the ${kind}`);
  const title = peek(cursor).kind === "string" ? parseText(cursor, "a title") : undefined;
  const headSpan = spanFrom(cursor, word.start);
  const { items, isBroken } = parseItems(cursor, kind);
  const span = spanFrom(cursor, word.start);
  return { kind, name, headSpan, span, items, isBroken, ...(title === undefined ? {} : { title }) };
}

/** A template; the keyword is next. */
export function parseTemplate(cursor: Cursor): TemplateItem {
  const word = take(cursor);
  const name = parseName(cursor, "the name of the template");
  const open = expectMark(cursor, "(");
  const parameters = isMark(peek(cursor), ")")
    ? noValues(cursor)
    : parseList(cursor, { open, close: ")", what: "this list" }, () => parseName(cursor, "a parameter"));
  const headSpan = spanFrom(cursor, word.start);
  const { items, isBroken } = parseItems(cursor, "template");
  return {
    kind: "template",
    name,
    parameters,
    headSpan,
    span: spanFrom(cursor, word.start),
    items,
    isBroken,
  };
}

function noValues(cursor: Cursor): readonly never[] {
  expectMark(cursor, ")");
  return [];
}

/** The items of a platform's text: a template's body without its braces, up to the end. */
export function parsePlatformItems(cursor: Cursor): readonly RuleItem[] {
  const items: RuleItem[] = [];
  while (peek(cursor).kind !== "end") items.push(parseItem(cursor, "template"));
  return items;
}

function parseItems(
  cursor: Cursor,
  kind: Kind,
): { readonly items: readonly RuleItem[]; readonly isBroken: boolean } {
  const items: RuleItem[] = [];
  const isBroken = parseBlock(cursor, {
    item: () => items.push(parseItem(cursor, kind)),
    isItemStart: () => isItemWord(cursor, ITEM_WORDS),
  });
  return { items, isBroken };
}

function parseItem(cursor: Cursor, kind: Kind): RuleItem {
  const token = peek(cursor);
  if (token.kind === "word" && META_WORDS.has(token.text)) {
    const meta = parseMeta(cursor);
    return { kind: "meta", meta, span: spanFrom(cursor, token.start) };
  }
  const read = token.kind === "word" ? ITEM_READERS.get(token.text) : undefined;
  if (read === undefined) stopUnknown(cursor, kind);
  if (kind === "template" && !["require", "deny", "on"].includes(token.text)) stopUnknown(cursor, kind);
  cursor.at += 1;
  return read(cursor, token);
}

function stopUnknown(cursor: Cursor, kind: Kind): never {
  const token = peek(cursor);
  const before = cursor.tokens[cursor.at - 1];
  const isItemPlace = token.startsLine || (before !== undefined && isMark(before, "{", "}"));
  const habit = HABITS.get(token.text);
  const meant =
    habit ??
    (token.kind === "word" && !ITEM_WORDS.has(token.text) && !isSaturated(cursor.findings)
      ? nearest(token.text, WORDS_OF[kind])
      : undefined);
  if (token.kind !== "word" || (!isItemPlace && habit === undefined)) {
    stopExpecting(cursor, "E0100", `${EXPECTED[kind].replace(" or ", ", ")} or \`}\``);
  }
  const span = { start: token.start, end: token.end };
  stop(cursor, {
    code: "E0106",
    span,
    message: `${nameOf(token)} cannot appear in a ${kind}`,
    label: `expected ${EXPECTED[kind]}`,
    helps: meant === undefined ? [] : fix(meantText(meant, habit !== undefined), span, meant),
  });
}

function meantText(meant: string, isHabit: boolean): string {
  const question = `did you mean \`${meant}\`?`;
  return isHabit ? `Writ rules are \`require\`, \`allow\` and \`deny\`; ${question}` : question;
}

type ItemReader = (cursor: Cursor, word: Token) => RuleItem;

const ITEM_READERS: ReadonlyMap<string, ItemReader> = new Map<string, ItemReader>([
  ["for", readScope],
  ["platform", readPlatform],
  ["valid", readValid],
  ["use", readUse],
  ["require", readRequire],
  ["allow", readAllow],
  ["deny", readDeny],
  ["on", readRelease],
]);

/** `owner "…"`, `review "…"` or `describes "…"`. */
export function parseMeta(cursor: Cursor): Meta {
  const key = parseName(cursor, "`owner`, `review` or `describes`");
  return { key, value: parseText(cursor, `the \`${key.text}\`, in quotes`) };
}

function readScope(cursor: Cursor, word: Token): RuleItem {
  expectWord(cursor, "resource");
  const patterns: Text[] = [];
  do {
    patterns.push(parseText(cursor, "a pattern, in quotes"));
  } while (isMark(peek(cursor), ",") && take(cursor));
  return { kind: "for", patterns, span: spanFrom(cursor, word.start) };
}

function readPlatform(cursor: Cursor, word: Token): RuleItem {
  const name: Name = parseName(cursor, "a platform");
  return { kind: "platform", name, span: spanFrom(cursor, word.start) };
}

function readValid(cursor: Cursor, word: Token): RuleItem {
  const window = parseWindow(cursor);
  return { kind: "valid", window, span: spanFrom(cursor, word.start) };
}

function readUse(cursor: Cursor, word: Token): RuleItem {
  const name = parseName(cursor, "a template");
  const open = expectMark(cursor, "(");
  const values = isMark(peek(cursor), ")")
    ? noValues(cursor)
    : parseList(cursor, { open, close: ")", what: "this list" }, () => parseLiteral(cursor));
  return { kind: "use", name, values, span: spanFrom(cursor, word.start) };
}

function readRequire(cursor: Cursor, word: Token): RuleItem {
  const when = parseExpression(cursor);
  const bodySpan = spanFrom(cursor, word.start);
  const reason = isWord(peek(cursor), "else") ? parseTail(cursor) : undefined;
  const span = spanFrom(cursor, word.start);
  return { kind: "require", when, bodySpan, span, ...(reason === undefined ? {} : { reason }) };
}

function readAllow(cursor: Cursor, word: Token): RuleItem {
  return { kind: "allow", ...readLabelled(cursor, word), span: spanFrom(cursor, word.start) };
}

function readDeny(cursor: Cursor, word: Token): RuleItem {
  const body = readLabelled(cursor, word);
  const reason = isWord(peek(cursor), "because") ? parseTail(cursor) : undefined;
  const span = spanFrom(cursor, word.start);
  return { kind: "deny", ...body, span, ...(reason === undefined ? {} : { reason }) };
}

function readLabelled(cursor: Cursor, word: Token) {
  const label = peek(cursor).kind === "string" ? parseText(cursor, "a label") : undefined;
  const when = isWord(peek(cursor), "when") ? parseWhen(cursor) : undefined;
  const bodySpan = spanFrom(cursor, word.start);
  return {
    bodySpan,
    ...(label === undefined ? {} : { label }),
    ...(when === undefined ? {} : { when }),
  };
}

function parseWhen(cursor: Cursor) {
  take(cursor);
  return parseExpression(cursor);
}

function parseTail(cursor: Cursor): Text {
  const word = take(cursor);
  return parseText(cursor, `the text after \`${word.text}\`, in quotes`);
}

function readRelease(cursor: Cursor, word: Token): RuleItem {
  expectWord(cursor, "release");
  return { kind: "release", ...parseRelease(cursor), span: spanFrom(cursor, word.start) };
}
