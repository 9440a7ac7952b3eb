/** How are diagnostics told to an editor? As data: places as people count, offsets, and edits that can be applied. */
import type { JsonObject } from "../../base/canonical-json.ts";
import {
  type Diagnostic,
  type Help,
  type Lines,
  linesOf,
  type Mark,
  placeOf,
  type Span,
} from "./diagnostic.ts";

/** Diagnostics, and the texts that they point into, by path. */
export interface Told {
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
}

/** Counts the lines of each text once. */
export function linesByFile(sources: ReadonlyMap<string, string>): (file: string) => Lines {
  const known = new Map<string, Lines>();
  return (file) => {
    const lines = known.get(file) ?? linesOf(sources.get(file) ?? "");
    known.set(file, lines);
    return lines;
  };
}

/**
 * One object per diagnostic, in their order. `from` and `to` are lines and columns (code points from 1), `start` and `end` offsets in
 * UTF-16 code units; `to` and `end` are the first place after. Each list of `fixes` mends the fault by itself.
 */
export function diagnosticsJson({ diagnostics, sources }: Told): readonly JsonObject[] {
  const lines = linesByFile(sources);
  return diagnostics.map((one) => diagnosticJson(one, lines(one.file)));
}

function diagnosticJson(diagnostic: Diagnostic, lines: Lines): JsonObject {
  const { code, severity, file, message, primary, secondary, notes, helps } = diagnostic;
  return {
    code,
    severity,
    file,
    message,
    ...markJson(primary, lines),
    marks: secondary.map((mark) => markJson(mark, lines)),
    notes,
    helps: helps.map((help) => helpJson(help, lines)),
  };
}

function markJson({ span, text }: Mark, lines: Lines): JsonObject {
  return { label: text, ...spanJson(span, lines) };
}

function helpJson({ text, fixes }: Help, lines: Lines): JsonObject {
  const edits = fixes.map((fix) => fix.map((edit) => ({ text: edit.text, ...spanJson(edit.span, lines) })));
  return { text, fixes: edits };
}

function spanJson({ start, end }: Span, lines: Lines): JsonObject {
  return { start, end, from: { ...placeOf(lines, start) }, to: { ...placeOf(lines, end) } };
}
