/** How is a source written by everybody alike? One form, without options (WRIT section 15). */
import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import { createFindings, settledFindings } from "../diagnostics/findings.ts";
import { lex } from "../syntax/lexer.ts";
import { parseSource } from "../syntax/parser.ts";
import type { Comment } from "../syntax/tokens.ts";
import { type Piece, piecesOf } from "./layout.ts";
import { attach, commentsWithin, linesOf, type Source } from "./lines.ts";

/** `text` is there exactly when the source has no syntax error. */
export interface Formatted {
  readonly text: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

const STEP = 2;

/**
 * Formats one source. Idempotent; the tree and every comment stay, in their order but for the attributes of reference values.
 * Names and types are not looked at. Total and linear.
 */
export function formatSource(path: string, text: string): Formatted {
  const findings = createFindings(path);
  const tree = parseSource(path, text, findings);
  const diagnostics = settledFindings(findings);
  if (diagnostics.length > 0) return { text: undefined, diagnostics };
  const { tokens, comments } = lex(text, createFindings(path));
  const source = { text, tokens, comments };
  const lines = bodyLines(source, piecesOf(tree, tokens), {
    span: { start: 0, end: text.length },
    indent: 0,
  });
  return { text: `${lines.join("\n")}\n`, diagnostics };
}

interface Body {
  /** What the pieces stand in. */
  readonly span: Span;
  readonly indent: number;
}

/** Pieces one below the other, with the comments between them and at most one empty line. */
function bodyLines(source: Source, pieces: readonly Piece[], { span, indent }: Body): readonly string[] {
  const lines: string[] = [];
  const margin = " ".repeat(indent);
  let seen = span.start;
  const above = (comments: readonly Comment[]): void => {
    for (const comment of comments) {
      const isBeside = lines.length > 0 && !source.text.slice(seen, comment.start).includes("\n");
      if (!isBeside) pushGap(lines, source, { start: seen, end: comment.start });
      attach(lines, [comment], { source, seen, margin });
      seen = comment.end;
    }
  };
  for (const [at, piece] of pieces.entries()) {
    above(commentsWithin(source, { start: seen, end: piece.start }));
    pushGap(lines, source, { start: seen, end: piece.start });
    const after = { start: piece.end, end: pieces[at + 1]?.start ?? span.end };
    const tail = piece.kind === "entry" ? besideOf(source, after) : [];
    lines.push(...pieceLines(source, { piece, tail }, indent));
    seen = tail.at(-1)?.end ?? piece.end;
  }
  above(commentsWithin(source, { start: seen, end: span.end }));
  return lines;
}

/** One empty line where there are some, but none first. */
function pushGap(lines: string[], { text }: Source, { start, end }: Span): void {
  if (lines.length > 0 && /\n[ \t\r]*\n/.test(text.slice(start, end))) lines.push("");
}

/** A piece, and of an entry the comment beside its last line, which goes along with what stands there. */
interface Placed {
  readonly piece: Piece;
  readonly tail: readonly Comment[];
}

function pieceLines(source: Source, { piece, tail }: Placed, indent: number): readonly string[] {
  switch (piece.kind) {
    case "line":
      return linesOf(source, piece, { indent, breaks: piece.breaks });
    case "entry":
      return entryLines(source, { piece, tail }, indent);
    case "block":
      return blockLines(source, piece, indent);
  }
}

type Entry = Extract<Piece, { kind: "entry" }>;

/** A comment goes along with its attribute: above the one that follows, or beside the one on its line. */
function entryLines(
  source: Source,
  { piece, tail }: { readonly piece: Entry; readonly tail: readonly Comment[] },
  indent: number,
): readonly string[] {
  const inOrder = piece.attributes.toSorted((a, b) => a.start - b.start);
  const ends = [piece.headEnd, ...inOrder.map(({ end }) => end)];
  const gaps = new Map(
    inOrder.map((attribute, at) => [attribute, { start: ends[at] ?? 0, end: attribute.start }] as const),
  );
  const besides = new Map(
    inOrder.map((attribute, at) => {
      const next = inOrder[at + 1];
      return [attribute, next === undefined ? tail : besideOf(source, gaps.get(next))] as const;
    }),
  );
  const [first] = inOrder;
  const head = linesOf(source, { start: piece.start, end: piece.headEnd }, { indent, breaks: [] });
  const besideHead = first === undefined ? tail : besideOf(source, gaps.get(first));
  const lines = [...head.slice(0, -1), withBeside(head.at(-1), besideHead)];
  const margin = " ".repeat(indent + STEP);
  for (const attribute of piece.attributes) {
    const gap = gaps.get(attribute) ?? attribute;
    const above = commentsWithin(source, gap).slice(besideOf(source, gap).length);
    lines.push(...above.map(({ text }) => margin + text));
    const own = linesOf(source, attribute, { indent: indent + STEP, breaks: [] });
    lines.push(...own.slice(0, -1), withBeside(own.at(-1), besides.get(attribute)));
  }
  return lines;
}

/** The comments of a gap that stand on the line where it begins: one at most, since a comment ends its line. */
function besideOf(source: Source, gap: Span | undefined): readonly Comment[] {
  const [first] = gap === undefined ? [] : commentsWithin(source, gap);
  if (gap === undefined || first === undefined) return [];
  return source.text.slice(gap.start, first.start).includes("\n") ? [] : [first];
}

function withBeside(line = "", comments: readonly Comment[] = []): string {
  return [line, ...comments.map(({ text }) => text)].join(" ");
}

type Block = Extract<Piece, { kind: "block" }>;

function blockLines(source: Source, piece: Block, indent: number): readonly string[] {
  const inside = { start: piece.open + 1, end: piece.end - 1 };
  const isBare = commentsWithin(source, inside).length === 0;
  if (isBare && (piece.isShort || piece.body.length === 0)) {
    const whole = linesOf(source, piece, { indent, breaks: [] });
    if (piece.body.length === 0 || whole.at(-1)?.endsWith(" }") === true) return whole;
  }
  const head = linesOf(source, { start: piece.start, end: piece.open }, { indent, breaks: [] });
  const body = bodyLines(source, piece.body, { span: inside, indent: indent + STEP });
  return [...head.slice(0, -1), `${head.at(-1) ?? ""} {`, ...body, `${" ".repeat(indent)}}`];
}
