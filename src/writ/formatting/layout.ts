/** Into which pieces does a source fall that stand on lines of their own? From the tree, with the places of its tokens. */
import type { Span } from "../diagnostics/diagnostic.ts";
import type { EntryItem, Item, Meta, RuleItem, SourceTree, TestItem } from "../syntax/ast.ts";
import { isMark } from "./flat.ts";
import { indexAt, type TokenList, tokensWithin } from "./token-list.ts";

/**
 * A piece. `line`: one line, or broken before each of `breaks` and inside its groups. `block`: head, then pieces between braces;
 * `isShort` may stand on one line. `entry`: a head, then attributes in their order, each on a line.
 */
export type Piece = Span &
  (
    | { readonly kind: "line"; readonly breaks: readonly number[] }
    | {
        readonly kind: "block";
        readonly open: number;
        readonly body: readonly Piece[];
        readonly isShort: boolean;
      }
    | { readonly kind: "entry"; readonly headEnd: number; readonly attributes: readonly Piece[] }
  );

/** The pieces of a file that parsed without a mistake, in order. */
export function piecesOf(tree: SourceTree, text: TokenList): readonly Piece[] {
  const [writ, version] = text;
  const head =
    writ === undefined || version === undefined ? [] : [line({ start: writ.start, end: version.end })];
  const pieces = [
    ...head,
    ...moduleOf(tree, text),
    ...tree.imports.map(({ span }) => line(span)),
    ...tree.items.map((item) => pieceOf(item, text)),
  ];
  return inOrder(pieces);
}

function line({ start, end }: Span, breaks: readonly number[] = []): Piece {
  return { kind: "line", start, end, breaks };
}

function block(
  span: Span,
  body: readonly Piece[],
  parts: { readonly open: number; readonly isShort?: true },
): Piece {
  const { start, end } = span;
  return {
    kind: "block",
    start,
    end,
    open: parts.open,
    body: inOrder(body),
    isShort: parts.isShort === true,
  };
}

function inOrder(pieces: readonly Piece[]): readonly Piece[] {
  return [...pieces].sort((a, b) => a.start - b.start);
}

function pieceOf(item: Item, text: TokenList): Piece {
  const { span } = item;
  switch (item.kind) {
    case "refset":
      return block(span, [...item.meta.map(metaOf), ...item.entries.map((entry) => entryOf(entry, text))], {
        open: braceAfter(item.headSpan.end, text),
      });
    case "floor":
      return block(span, [...item.meta.map(metaOf), ...item.rows.map((row) => line(row.span))], {
        open: braceAfter(item.headSpan.end, text),
      });
    case "policy":
    case "guard":
    case "template":
      return block(
        span,
        item.items.map((rule) => ruleOf(rule, text)),
        {
          open: braceAfter(item.headSpan.end, text),
        },
      );
    case "test":
      return testOf(item, text);
    case "assert":
      return line(span, wordsIn(span, ["allows"], text));
  }
}

function metaOf({ key, value }: Meta): Piece {
  return line({ start: key.span.start, end: value.span.end });
}

const ATTRIBUTES = ["version", "vcpus", "valid", "state", "source"];

function entryOf({ span, value }: EntryItem, text: TokenList): Piece {
  const starts = wordsIn({ start: value.span.end, end: span.end }, ATTRIBUTES, text);
  const attributes = starts.map((start, at) => {
    const next = starts[at + 1];
    const end = next === undefined ? span.end : lastEndBefore(next, text);
    return line({ start, end });
  });
  const headEnd = value.span.end;
  return { kind: "entry", start: span.start, end: span.end, headEnd, attributes: byRank(attributes, text) };
}

function byRank(attributes: readonly Piece[], text: TokenList): readonly Piece[] {
  const rank = ({ start }: Piece): number => ATTRIBUTES.indexOf(text[indexAt(text, start)]?.text ?? "");
  return [...attributes].sort((a, b) => rank(a) - rank(b));
}

function lastEndBefore(offset: number, text: TokenList): number {
  return text[indexAt(text, offset) - 1]?.end ?? offset;
}

function ruleOf(item: RuleItem, text: TokenList): Piece {
  const { span } = item;
  switch (item.kind) {
    case "require":
    case "allow":
    case "deny":
      return line(span, clauseBreaks(item, text));
    case "release": {
      const body = item.obligations.map((one) => line(one.span));
      return block(span, body, { open: braceAfter(span.start, text) });
    }
    case "for":
      return line(
        span,
        item.patterns.slice(1).map((pattern) => pattern.span.start),
      );
    case "meta":
    case "platform":
    case "valid":
    case "use":
      return line(span);
  }
}

type Clause = Extract<RuleItem, { readonly kind: "require" | "allow" | "deny" }>;

/** Where `when`, `else` and `because` stand: the first before the condition, the last right after it. */
function clauseBreaks({ bodySpan, when, reason, kind }: Clause, text: TokenList): readonly number[] {
  const breaks: number[] = [];
  if (kind !== "require" && when !== undefined) {
    breaks.push(text[indexAt(text, when.span.start) - 1]?.start ?? 0);
  }
  if (reason !== undefined) breaks.push(text[indexAt(text, bodySpan.end)]?.start ?? 0);
  return breaks;
}

function testOf({ span, of, expect }: TestItem, text: TokenList): Piece {
  const open = braceAfter(of.at(-1)?.span.end ?? span.start, text);
  const given = text[indexAt(text, open) + 1];
  const start = given?.start ?? open;
  const end = lastEndBefore(expect.span.start, text);
  const expectation = line(expect.span, wordsIn(expect.span, ["with", "because"], text));
  return block(span, [line({ start, end }), expectation], { open });
}

function moduleOf({ module }: SourceTree, text: TokenList): readonly Piece[] {
  if (module === undefined) return [];
  const start = text[indexAt(text, module.name.span.start) - 1]?.start ?? 0;
  const { end } = module.version.span;
  const brace = indexAt(text, end);
  if (!isMark(text[brace], "{")) return [line({ start, end })];
  const body: Piece[] = [];
  let at = brace + 1;
  for (let key = text[at]; key !== undefined && key.kind === "word"; key = text[at]) {
    body.push(line({ start: key.start, end: text[at + 1]?.end ?? key.end }));
    at += 2;
  }
  const span = { start, end: text[at]?.end ?? end };
  const open = text[brace]?.start ?? end;
  return [block(span, body, body.length <= 2 ? { open, isShort: true } : { open })];
}

/** Offsets of these words within a span, outside of every bracket. */
function wordsIn(span: Span, words: readonly string[], text: TokenList): readonly number[] {
  let depth = 0;
  const found: number[] = [];
  for (const token of tokensWithin(text, span)) {
    if (token.kind === "mark" && "{[(".includes(token.text)) depth += 1;
    if (token.kind === "mark" && "}])".includes(token.text)) depth -= 1;
    if (depth === 0 && token.kind === "word" && words.includes(token.text)) found.push(token.start);
  }
  return found;
}

function braceAfter(offset: number, text: TokenList): number {
  let at = indexAt(text, offset);
  while (at < text.length && !isMark(text[at], "{")) at += 1;
  return text[at]?.start ?? offset;
}
