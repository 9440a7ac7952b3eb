/** How does one piece fill its lines? Whole where it fits, else broken before its keywords, else with its groups open. */
import type { Span } from "../diagnostics/diagnostic.ts";
import type { Comment, Token } from "../syntax/tokens.ts";
import { flatText, isMark, opensList, widthOf } from "./flat.ts";
import { indexAt, type TokenList, tokensWithin } from "./token-list.ts";

const COLUMNS = 100;
const STEP = 2;

/** A text to be laid out: its tokens, and its comments in order. */
export interface Source {
  readonly text: string;
  readonly tokens: TokenList;
  readonly comments: readonly Comment[];
}

/** The comments within a span. */
export function commentsWithin({ comments }: Source, { start, end }: Span): readonly Comment[] {
  const from = indexAt(comments, start);
  let to = from;
  while (to < comments.length && (comments[to]?.end ?? 0) <= end) to += 1;
  return comments.slice(from, to);
}

/**
 * Lines of one piece, from a column on; comments between the members of a group stand there, any other is hoisted above.
 *
 * @param breaks - Offsets of the keywords that may begin a line, in order.
 */
export function linesOf(
  source: Source,
  span: Span,
  layout: { readonly indent: number; readonly breaks: readonly number[] },
): readonly string[] {
  const { indent, breaks } = layout;
  const margin = " ".repeat(indent);
  const hoisted = looseComments(source, span).map(({ text }) => margin + text);
  const parts = partsOf(span, breaks);
  const isForced = parts.some((part) => groupComments(source, part).length > 0);
  const flat = isForced ? undefined : flatLines(source, parts, indent);
  return [...hoisted, ...(flat ?? openedLines(source, parts, indent))];
}

function partsOf({ start, end }: Span, breaks: readonly number[]): readonly Span[] {
  const starts = [start, ...breaks];
  return starts.map((from, at) => ({ start: from, end: starts[at + 1] ?? end }));
}

/** One line, or as few breaks as do, the last keywords first; `undefined` where some line would still be too long. */
function flatLines(
  { tokens }: Source,
  parts: readonly Span[],
  indent: number,
): readonly string[] | undefined {
  const texts = parts.map((part) => flatText(tokensWithin(tokens, part)));
  for (let kept = texts.length; kept > 0; kept -= 1) {
    const head = " ".repeat(indent) + texts.slice(0, kept).join(" ");
    const rest = texts.slice(kept).map((text) => " ".repeat(indent + STEP) + text);
    const lines = [head, ...rest];
    if (lines.every((line) => widthOf(line) <= COLUMNS)) return lines;
  }
  return undefined;
}

/** Every part with its groups open, each on the line of the one before where that fits. */
function openedLines(source: Source, parts: readonly Span[], indent: number): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const tokens = tokensWithin(source.tokens, part);
    const depth = lines.length === 0 ? indent : indent + STEP;
    const flat = " ".repeat(depth) + flatText(tokens);
    const isWhole = widthOf(flat) <= COLUMNS && groupComments(source, part).length === 0;
    joinOn(lines, isWhole ? [flat] : opened(source, tokens, indent), indent);
  }
  return lines;
}

function joinOn(lines: string[], next: readonly string[], indent: number): void {
  const [first = "", ...rest] = next;
  const last = lines.at(-1);
  const joined = `${last} ${first.trimStart()}`;
  const isClose = /^ *[}\]]/.test(last ?? "") || rest.length > 0;
  if (last !== undefined && isClose && widthOf(joined) <= COLUMNS) lines[lines.length - 1] = joined;
  else lines.push(last === undefined ? first : `${" ".repeat(indent + STEP)}${first.trimStart()}`);
  lines.push(...rest);
}

interface Group {
  /** Indices of the opening and the closing mark. */
  readonly from: number;
  readonly to: number;
}

/** The tokens with their outermost groups open: quantifiers, settings and names first, lists and vectors where there are none. */
function opened(source: Source, tokens: TokenList, indent: number): readonly string[] {
  const groups = groupsOf(tokens);
  const commented = groups.filter((group) => hasComments(source, tokens, group));
  const braces = groups.filter((group) => isMark(tokens[group.from], "{") && !isVector(tokens, group));
  const chosen = commented.length > 0 ? commented : braces.length > 0 ? braces : groups;
  const lines: string[] = [];
  let current: readonly Token[] = [];
  let at = 0;
  for (const group of chosen) {
    current = [...current, ...tokens.slice(at, group.from + 1)];
    lines.push(" ".repeat(indent) + flatText(current));
    lines.push(...membersOf(source, tokens, { group, indent: indent + STEP }));
    current = tokens.slice(group.to, group.to + 1);
    at = group.to + 1;
  }
  lines.push(" ".repeat(indent) + flatText([...current, ...tokens.slice(at)]));
  return lines;
}

/** `{ name 1, name 2 }`: a vector, which stays on a line where it can. */
function isVector(tokens: TokenList, { from }: Group): boolean {
  return tokens[from + 2]?.kind === "int" && tokens[from + 1]?.kind === "word";
}

function groupsOf(tokens: TokenList): readonly Group[] {
  const groups: Group[] = [];
  const open: number[] = [];
  for (const [at, token] of tokens.entries()) {
    if (isMark(token, "{") || isMark(token, "[")) open.push(at);
    if (!isMark(token, "}") && !isMark(token, "]")) continue;
    const from = open.pop() ?? at;
    const isIndex = isMark(token, "]") && !isListAt(tokens, from);
    if (open.length === 0 && !isIndex && at > from + 1) groups.push({ from, to: at });
  }
  return groups;
}

function isListAt(tokens: TokenList, at: number): boolean {
  const token = tokens[at];
  return token !== undefined && opensList(tokens[at - 1], token);
}

interface Opened {
  readonly group: Group;
  readonly indent: number;
}

/** One member a line, each with a comma, and the comments that stand between them. */
function membersOf(source: Source, tokens: TokenList, { group, indent }: Opened): readonly string[] {
  const lines: string[] = [];
  const margin = " ".repeat(indent);
  const before = tokens[group.from - 1];
  const comma = before?.kind === "word" && before.text === "never" ? "" : ","; // the one group that is no list
  let from = group.from + 1;
  let seen = tokens[group.from]?.end ?? 0;
  while (from < group.to) {
    const to = memberEnd(tokens, from, group.to);
    const member = tokens.slice(from, to);
    const span = { start: member[0]?.start ?? 0, end: member.at(-1)?.end ?? 0 };
    attach(lines, commentsWithin(source, { start: seen, end: span.start }), { source, seen, margin });
    const inner = linesOf(source, span, { indent, breaks: [] });
    lines.push(...inner.slice(0, -1), `${inner.at(-1) ?? ""}${comma}`);
    seen = span.end;
    from = to + 1;
  }
  const end = tokens[group.to]?.start ?? seen;
  attach(lines, commentsWithin(source, { start: seen, end }), { source, seen, margin });
  return lines;
}

function memberEnd(tokens: TokenList, from: number, limit: number): number {
  let depth = 0;
  for (let at = from; at < limit; at += 1) {
    const token = tokens[at];
    if (token?.kind !== "mark") continue;
    if ("{[(".includes(token.text)) depth += 1;
    if ("}])".includes(token.text)) depth -= 1;
    if (depth === 0 && token.text === ",") return at;
  }
  return limit;
}

/** A comment on the line of what was before it stays there; every other has a line. */
export function attach(
  lines: string[],
  comments: readonly Comment[],
  place: { readonly source: Source; readonly seen: number; readonly margin: string },
): void {
  let { seen } = place;
  for (const { text, start, end } of comments) {
    const isBeside = lines.length > 0 && !place.source.text.slice(seen, start).includes("\n");
    if (isBeside) lines[lines.length - 1] += ` ${text}`;
    else lines.push(place.margin + text);
    seen = end;
  }
}

function hasComments(source: Source, tokens: TokenList, { from, to }: Group): boolean {
  const span = { start: tokens[from]?.end ?? 0, end: tokens[to]?.start ?? 0 };
  return commentsWithin(source, span).length > 0;
}

/** Comments of a span that stand inside one of its groups. */
function groupComments(source: Source, span: Span): readonly Comment[] {
  const comments = commentsWithin(source, span);
  if (comments.length === 0) return comments;
  const tokens = tokensWithin(source.tokens, span);
  const groups = groupsOf(tokens);
  return comments.filter(({ start }) =>
    groups.some(({ from, to }) => start > (tokens[from]?.start ?? 0) && start < (tokens[to]?.start ?? 0)),
  );
}

/** The others: there is no place for them inside, so they go above. */
function looseComments(source: Source, span: Span): readonly Comment[] {
  const inGroups = new Set(groupComments(source, span));
  return commentsWithin(source, span).filter((comment) => !inGroups.has(comment));
}
