/** Where does the parser stand? A place in the tokens, what it expects there, and how it goes on after a mistake. */

import type { Span } from "../diagnostics/diagnostic.ts";
import { type Draft, type Findings, fix, report } from "../diagnostics/findings.ts";
import type { Name, Text } from "./ast.ts";
import { CAPS, type Token } from "./tokens.ts";

export interface Cursor {
  readonly tokens: readonly Token[];
  readonly text: string;
  readonly findings: Findings;
  at: number;
  depth: number;
}

/** Thrown by {@link stop} and caught by the nearest block; never leaves the parser. */
const SYNTAX_STOP = Symbol("syntax stop");

/** The words that begin a declaration. At the start of a line they end whatever was left open. */
export const DECLARATIONS = new Set(["policy", "guard", "refset", "floor", "template", "test", "assert"]);
const BEFORE_VALUE = new Set(["==", "!=", "<", "<=", ">", ">=", "[", ",", "..", "=", "."]);
const CLAUSE_TAILS = new Set(["else", "when", "because", "and", "or"]);

export function peek(cursor: Cursor, ahead = 0): Token {
  const token = cursor.tokens[Math.min(cursor.at + ahead, cursor.tokens.length - 1)];
  if (token === undefined) throw SYNTAX_STOP;
  return token;
}

export function take(cursor: Cursor): Token {
  const token = peek(cursor);
  if (token.kind !== "end") cursor.at += 1;
  return token;
}

/** The end of the last token taken. */
function endOf(cursor: Cursor): number {
  return cursor.tokens[cursor.at - 1]?.end ?? 0;
}

export function spanFrom(cursor: Cursor, start: number): Span {
  return { start, end: Math.max(start, endOf(cursor)) };
}

export function isWord(token: Token, ...words: readonly string[]): boolean {
  return token.kind === "word" && words.includes(token.text);
}

export function isMark(token: Token, ...marks: readonly string[]): boolean {
  return token.kind === "mark" && marks.includes(token.text);
}

export function acceptMark(cursor: Cursor, mark: string): boolean {
  const isThere = isMark(peek(cursor), mark);
  if (isThere) cursor.at += 1;
  return isThere;
}

export function acceptWord(cursor: Cursor, word: string): boolean {
  const isThere = isWord(peek(cursor), word);
  if (isThere) cursor.at += 1;
  return isThere;
}

/** Reports and gives up on the item at hand; the block around it goes on. */
export function stop(cursor: Cursor, draft: Draft): never {
  report(cursor.findings, draft);
  throw SYNTAX_STOP;
}

/** Reports that something else was expected at the next token. A token that the lexer reported is not reported again. */
export function stopExpecting(cursor: Cursor, code: string, expected: string): never {
  const token = peek(cursor);
  if (token.kind === "broken") throw SYNTAX_STOP;
  stop(cursor, {
    code,
    span: { start: token.start, end: token.end },
    message: `expected ${expected}, found ${nameOf(token)}`,
    label: `expected ${expected}`,
  });
}

/** A token as messages call it. */
export function nameOf(token: Token): string {
  if (token.kind === "end") return "the end of the file";
  if (token.kind === "string") return "a string";
  if (token.kind === "hex") return "a byte constant";
  return `\`${token.text.length > 40 ? `${token.text.slice(0, 40)}…` : token.text}\``;
}

export function expectMark(cursor: Cursor, mark: string): Token {
  return isMark(peek(cursor), mark) ? take(cursor) : stopExpecting(cursor, "E0100", `\`${mark}\``);
}

export function expectWord(cursor: Cursor, word: string): Token {
  return isWord(peek(cursor), word) ? take(cursor) : stopExpecting(cursor, "E0100", `\`${word}\``);
}

export function parseName(cursor: Cursor, what: string): Name {
  const token = peek(cursor);
  if (token.kind !== "word") stopExpecting(cursor, "E0101", what);
  cursor.at += 1;
  return { text: token.text, span: { start: token.start, end: token.end } };
}

/** Names joined by dots. */
export function parsePath(cursor: Cursor, what: string): Name {
  const first = parseName(cursor, what);
  let text = first.text;
  while (isMark(peek(cursor), ".")) {
    cursor.at += 1;
    text = `${text}.${parseName(cursor, "a name after the dot").text}`;
  }
  return { text, span: spanFrom(cursor, first.span.start) };
}

export function parseText(cursor: Cursor, what: string): Text {
  const token = peek(cursor);
  if (token.kind !== "string") stopExpecting(cursor, "E0102", what);
  cursor.at += 1;
  return { value: token.value, span: { start: token.start, end: token.end } };
}

/** Goes one level deeper for the time of `inner`. */
export function nested<T>(cursor: Cursor, inner: () => T): T {
  if (cursor.depth >= CAPS.nesting) {
    const { start, end } = peek(cursor);
    const message = `conditions nest at most ${CAPS.nesting} deep`;
    stop(cursor, { code: "E0011", span: { start, end }, message, label: "too deep" });
  }
  cursor.depth += 1;
  const result = inner();
  cursor.depth -= 1;
  return result;
}

/** Elements between commas, up to `close`; a last comma is fine, none at all is E0104. The opening mark is taken already. */
export function parseList<T>(
  cursor: Cursor,
  list: { readonly open: Token; readonly close: string; readonly what: string },
  element: () => T,
): readonly T[] {
  const elements: T[] = [];
  while (!acceptMark(cursor, list.close)) {
    if (isClauseStart(cursor)) stopExpecting(cursor, "E0100", `\`${list.close}\``);
    elements.push(element());
    if (acceptMark(cursor, ",") || isMark(peek(cursor), list.close)) continue;
    reportMissingComma(cursor, list.close);
  }
  if (elements.length === 0) {
    const span = spanFrom(cursor, list.open.start);
    report(cursor.findings, {
      code: "E0104",
      span,
      message: `${list.what} is empty`,
      label: "nothing in here",
    });
  }
  return elements;
}

/** Whether the next line looks like a new clause, so that a list was left open or a value left out. */
export function isClauseStart(cursor: Cursor): boolean {
  const token = peek(cursor);
  const isFollowed = ["word", "string"].includes(peek(cursor, 1).kind);
  return token.startsLine && isFollowed && isWord(token, "require", "allow", "deny", "on", "for", "else");
}

function reportMissingComma(cursor: Cursor, close: string): void {
  const token = peek(cursor);
  const isElement = !["mark", "end"].includes(token.kind) || isMark(token, "(", "{");
  const isTail = token.kind === "word" && (CLAUSE_TAILS.has(token.text) || isItemWord(cursor, DECLARATIONS));
  if (!isElement || isTail || token.startsLine) stopExpecting(cursor, "E0100", `\`,\` or \`${close}\``);
  const at = endOf(cursor);
  report(cursor.findings, {
    code: "E0103",
    span: { start: token.start, end: token.end },
    message: `a comma is missing before ${nameOf(token)}`,
    label: "this is the next element",
    helps: fix("separate them with `,`", { start: at, end: at }, ","),
  });
}

/** Whether the next token is one of `words` where an item may begin: not where a value is expected, not inside a path. */
export function isItemWord(cursor: Cursor, words: ReadonlySet<string>): boolean {
  const token = peek(cursor);
  if (token.kind !== "word" || !words.has(token.text)) return false;
  const before = cursor.tokens[cursor.at - 1];
  return before === undefined || before.kind !== "mark" || !BEFORE_VALUE.has(before.text);
}

function isDeclarationStart(cursor: Cursor): boolean {
  return peek(cursor).startsLine && isItemWord(cursor, DECLARATIONS);
}

export interface Block {
  /** Parses one item; it takes at least one token or stops. */
  readonly item: () => void;
  /** Whether an item can begin at the next token: where to go on after a mistake. */
  readonly isItemStart: () => boolean;
}

/** Parses `{ item … }`. Goes on after a mistake; answers whether there was one. */
export function parseBlock(cursor: Cursor, block: Block): boolean {
  expectMark(cursor, "{");
  let isBroken = false;
  while (!acceptMark(cursor, "}")) {
    if (peek(cursor).kind === "end" || isDeclarationStart(cursor)) {
      if (!isBroken) reportOpen(cursor);
      return true;
    }
    isBroken = !attempt(cursor, block.item, block.isItemStart) || isBroken;
  }
  return isBroken;
}

function reportOpen(cursor: Cursor): void {
  const { start, end } = peek(cursor);
  const message = "a `}` is missing before this";
  report(cursor.findings, {
    code: "E0100",
    span: { start, end },
    message,
    label: "the block before is still open",
  });
}

/** Parses one item. After a mistake the cursor stands at the next place where an item can begin, or at the end of the block. */
export function attempt(cursor: Cursor, item: () => void, isItemStart: () => boolean): boolean {
  const from = cursor.at;
  const { depth } = cursor;
  try {
    item();
    return true;
  } catch (thrown) {
    if (thrown !== SYNTAX_STOP) throw thrown;
    cursor.depth = depth;
    recover(cursor, from, isItemStart);
    return false;
  }
}

function recover(cursor: Cursor, from: number, isItemStart: () => boolean): void {
  let open = openBraces(cursor, from);
  if (cursor.at === from && !isMark(peek(cursor), "}")) open += braceStep(take(cursor));
  while (peek(cursor).kind !== "end") {
    if (isDeclarationStart(cursor) || isItemStart()) return;
    if (isMark(peek(cursor), "}") && open <= 0) return;
    open += braceStep(take(cursor));
  }
}

function openBraces(cursor: Cursor, from: number): number {
  let open = 0;
  for (let i = from; i < cursor.at; i += 1) {
    const token = cursor.tokens[i];
    if (token !== undefined) open += braceStep(token);
  }
  return open;
}

function braceStep(token: Token): number {
  if (isMark(token, "{")) return 1;
  return isMark(token, "}") ? -1 : 0;
}
