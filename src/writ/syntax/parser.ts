/** Which tree does a source make? Recursive descent that goes on after every mistake (WRIT sections 4 and 12). */

import type { Help, Span } from "../diagnostics/diagnostic.ts";
import { advice, type Findings, fix, isSaturated, report } from "../diagnostics/findings.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { ImportItem, Item, Meta, ModuleLine, RuleItem, SourceTree } from "./ast.ts";
import {
  acceptWord,
  attempt,
  type Cursor,
  DECLARATIONS,
  expectMark,
  expectWord,
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
import { lex } from "./lexer.ts";
import { parseHex } from "./parse-literal.ts";
import { parseFloor, parseRefset } from "./parse-references.ts";
import { META_WORDS, parseMeta, parsePlatformItems, parseRuleSet, parseTemplate } from "./parse-rules.ts";
import { parseAssert, parseTest } from "./parse-tests.ts";
import type { Comment, Token } from "./tokens.ts";

const LANGUAGE_VERSION = 1;

/** Parses one source. Total: mistakes go to `findings`, and the tree holds what could be understood. */
export function parseSource(path: string, text: string, findings: Findings): SourceTree {
  const { cursor, comments } = open(text, findings);
  const parts: Parts = { imports: [], items: [] };
  const isReadable = attempt(
    cursor,
    () => parseHead(cursor),
    () => isTopStart(cursor),
  );
  if (isReadable || findings.kept.every(({ code }) => code !== "E0110")) parseParts(cursor, parts);
  return { path, text, comments, ...parts };
}

/** Parses what a vocabulary says a platform adds: the body of a template without braces. */
export function parsePlatform(text: string, findings: Findings): readonly RuleItem[] {
  const { cursor } = open(text, findings);
  let items: readonly RuleItem[] = [];
  attempt(
    cursor,
    () => {
      items = parsePlatformItems(cursor);
    },
    () => false,
  );
  return items;
}

/** Parses declarations without the line that names the language. */
export function parseDeclarations(path: string, text: string, findings: Findings): SourceTree {
  const { cursor, comments } = open(text, findings);
  const parts: Parts = { imports: [], items: [] };
  parseParts(cursor, parts);
  return { path, text, comments, ...parts };
}

interface Parts {
  module?: ModuleLine;
  readonly imports: ImportItem[];
  readonly items: Item[];
}

function open(
  text: string,
  findings: Findings,
): { readonly cursor: Cursor; readonly comments: readonly Comment[] } {
  const { tokens, comments } = lex(text, findings);
  return { cursor: { tokens, text, findings, at: 0, depth: 0 }, comments };
}

function parseHead(cursor: Cursor): void {
  expectWord(cursor, "writ");
  const token = peek(cursor);
  if (token.kind !== "int") stopExpecting(cursor, "E0102", "the version of the language: `writ 1`");
  cursor.at += 1;
  if (token.value === LANGUAGE_VERSION) return;
  stop(cursor, {
    code: "E0110",
    span: { start: token.start, end: token.end },
    message: `language version ${token.text} is not supported`,
    label: `this program reads version ${LANGUAGE_VERSION}`,
  });
}

function isTopStart(cursor: Cursor): boolean {
  return peek(cursor).startsLine && isWord(peek(cursor), "module", "import", ...DECLARATIONS);
}

function parseParts(cursor: Cursor, parts: Parts): void {
  while (peek(cursor).kind !== "end") {
    attempt(
      cursor,
      () => parsePart(cursor, parts),
      () => isTopStart(cursor),
    );
    while (isMark(peek(cursor), "}")) reportStray(cursor);
  }
}

/** After a mistake a brace may be left over; it is reported unless something before it was. */
function reportStray(cursor: Cursor): void {
  const token = take(cursor);
  if (cursor.findings.errors > 0) return;
  const span = { start: token.start, end: token.end };
  report(cursor.findings, {
    code: "E0100",
    span,
    message: "this `}` closes nothing",
    label: "no block is open",
  });
}

function parsePart(cursor: Cursor, parts: Parts): void {
  const token = peek(cursor);
  if (isWord(token, "module")) {
    const module = parseModule(cursor);
    if (parts.module !== undefined) stopTwice(cursor, module);
    parts.module = module;
  } else if (isWord(token, "import")) {
    parts.imports.push(parseImport(cursor));
  } else {
    parts.items.push(parseItem(cursor));
  }
}

function stopTwice(cursor: Cursor, { name }: ModuleLine): never {
  const message = "a file has one `module` line";
  return stop(cursor, { code: "E0405", span: name.span, message, label: "a second one" });
}

function parseItem(cursor: Cursor): Item {
  const token = peek(cursor);
  switch (token.kind === "word" ? token.text : "") {
    case "refset":
      return parseRefset(cursor);
    case "floor":
      return parseFloor(cursor);
    case "policy":
    case "guard":
      return parseRuleSet(cursor);
    case "template":
      return parseTemplate(cursor);
    case "test":
      return parseTest(cursor);
    case "assert":
      return parseAssert(cursor);
    default:
      return stopUnknown(cursor);
  }
}

function stopUnknown(cursor: Cursor): never {
  const token = peek(cursor);
  if (token.kind !== "word") stopExpecting(cursor, "E0100", "a declaration");
  stop(cursor, {
    code: "E0106",
    span: { start: token.start, end: token.end },
    message: `${nameOf(token)} cannot appear here`,
    label: "expected `import`, `refset`, `floor`, `policy`, `guard`, `template`, `test` or `assert`",
    helps: helpsFor(cursor, token),
  });
}

function helpsFor(cursor: Cursor, token: Token): readonly Help[] {
  if (isWord(token, "require", "allow", "deny")) return advice("rules stand inside a `policy` or `guard`");
  const meant = isSaturated(cursor.findings)
    ? undefined
    : nearest(token.text, [...DECLARATIONS, "import", "module"]);
  return meant === undefined
    ? []
    : fix(`did you mean \`${meant}\`?`, { start: token.start, end: token.end }, meant);
}

function parseModule(cursor: Cursor): ModuleLine {
  take(cursor);
  const name = parsePath(cursor, "the name of the module");
  expectWord(cursor, "version");
  const token = peek(cursor);
  if (token.kind !== "version") stopExpecting(cursor, "E0102", "a version: `1.0.0`");
  cursor.at += 1;
  const version = { text: token.text, span: { start: token.start, end: token.end } };
  const meta: Meta[] = [];
  let widening: ModuleLine["widening"] = "review";
  let wideningSpan: Span | undefined;
  const item = (): void => {
    const { start } = peek(cursor);
    if (acceptWord(cursor, "widening")) {
      widening = parseWidening(cursor);
      wideningSpan = spanFrom(cursor, start);
    } else if (META_WORDS.has(peek(cursor).text)) meta.push(parseMeta(cursor));
    else stopExpecting(cursor, "E0100", "`owner`, `review`, `describes` or `widening`");
  };
  if (isMark(peek(cursor), "{")) parseBlock(cursor, { item, isItemStart: () => false });
  return { name, version, meta, widening, ...(wideningSpan === undefined ? {} : { wideningSpan }) };
}

function parseWidening(cursor: Cursor): ModuleLine["widening"] {
  if (!isWord(peek(cursor), "review", "major")) stopExpecting(cursor, "E0102", "`review` or `major`");
  return take(cursor).text === "major" ? "major" : "review";
}

function parseImport(cursor: Cursor): ImportItem {
  const word = take(cursor);
  const path = parseText(cursor, "the path of a file, in quotes");
  const digest = acceptWord(cursor, "digest") ? parseHex(cursor) : undefined;
  const opening = expectMark(cursor, "{");
  const list = { open: opening, close: "}", what: "this import" };
  const names = parseList(cursor, list, () => parseName(cursor, "a name to import"));
  const span = spanFrom(cursor, word.start);
  return { path, names, span, ...(digest === undefined ? {} : { digest }) };
}
