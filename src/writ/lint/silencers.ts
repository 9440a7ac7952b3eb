/** Which warnings did somebody excuse in writing? `# writ-allow CODE: reason until DATE`, and what is wrong with one (WRIT section 12). */
import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import { lineIndexOf, linesOf } from "../diagnostics/diagnostic.ts";
import type { SourceTree } from "../syntax/ast.ts";
import { readNumber } from "../syntax/numbers.ts";
import type { Comment } from "../syntax/tokens.ts";
import { spansOf } from "./items.ts";

const YEAR = 366 * 86_400;
const MARK = /^#+\s*writ-allow\b/;
const FORM = /^#+\s*writ-allow\s+([A-Z]\d{4})\s*:\s*(.*?)\s*\buntil\s+(\S+)\s*$/;

/** A comment that excuses one code within one stretch of its file, or why it cannot. */
export interface Silencer {
  readonly file: string;
  readonly comment: Comment;
  readonly code: string;
  /** Where a finding has to begin. */
  readonly covers: Span;
  readonly fault: string | undefined;
}

export interface Silenced {
  /** What nobody excused. */
  readonly told: readonly Diagnostic[];
  /** Silencers that excuse nothing, or are no longer, or not yet, allowed to. */
  readonly idle: readonly Silencer[];
}

/** Takes the warnings and notes away that a silencer in force covers. Errors stay. */
export function silence(
  diagnostics: readonly Diagnostic[],
  trees: readonly SourceTree[],
  now: number,
): Silenced {
  const silencers = trees.flatMap((tree) => silencersOf(tree, now));
  const byCode = Map.groupBy(silencers, ({ file, code }) => `${file} ${code}`);
  const used = new Set<Silencer>();
  const told = diagnostics.filter((one) => {
    const fitting = (byCode.get(`${one.file} ${one.code}`) ?? []).filter((silencer) => covers(silencer, one));
    for (const silencer of fitting) used.add(silencer);
    return fitting.length === 0;
  });
  return { told, idle: silencers.filter((silencer) => !used.has(silencer)) };
}

function covers({ covers: { start, end }, fault }: Silencer, { severity, primary }: Diagnostic): boolean {
  const at = primary.span.start;
  return fault === undefined && severity !== "error" && at >= start && at < end;
}

function silencersOf(tree: SourceTree, now: number): readonly Silencer[] {
  const comments = tree.comments.filter(({ text }) => MARK.test(text));
  if (comments.length === 0) return [];
  const lines = linesOf(tree.text);
  const items = spansOf(tree);
  const lineAt = (offset: number): Span => {
    const index = lineIndexOf(lines, offset);
    return { start: lines.starts[index] ?? 0, end: lines.starts[index + 1] ?? tree.text.length + 1 };
  };
  return comments.map((comment) => {
    const [, code = "", reason = "", date = ""] = FORM.exec(comment.text) ?? [];
    const next = nextText(tree, comment.end);
    const below = items.get(next) ?? lineAt(next);
    const fault = faultOf({ code, reason, date }, now);
    return {
      file: tree.path,
      comment,
      code,
      covers: comment.startsLine ? below : lineAt(comment.start),
      fault,
    };
  });
}

/** Where the first thing after a comment begins that is neither blank nor a comment. */
function nextText({ text, comments }: SourceTree, offset: number): number {
  const byStart = new Map(comments.map(({ start, end }) => [start, end]));
  const blank = /\s*/y;
  for (let at = offset; ; ) {
    blank.lastIndex = at;
    at += blank.exec(text)?.[0].length ?? 0;
    const end = byStart.get(at);
    if (end === undefined) return at;
    at = end;
  }
}

function faultOf(
  { code, reason, date }: { readonly code: string; readonly reason: string; readonly date: string },
  now: number,
): string | undefined {
  if (code === "") return "write `# writ-allow CODE: reason until YYYY-MM-DD`";
  if (!code.startsWith("W")) return "errors cannot be silenced";
  if (code === "W0750") return "a silencer cannot excuse another";
  if (reason === "") return "the reason is missing";
  const reading = readNumber(date);
  if (reading.kind !== "date") return `\`${date.slice(0, 40)}\` is not a date`;
  if (reading.value <= now) return `it expired on ${date}`;
  return reading.value > now + YEAR ? "at most one year ahead" : undefined;
}
