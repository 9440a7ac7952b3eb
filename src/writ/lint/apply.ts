/** What does a source look like when the edits that its warnings offer are made? Only those that cannot let anybody in. */
import type { Diagnostic, Edit } from "../diagnostics/diagnostic.ts";

/** Warnings whose edit takes away what is always true, or nothing at all. */
const HARMLESS: ReadonlySet<string> = new Set(["W0706", "W0750"]);

/** The text with the first edit of each harmless warning, where edits do not touch one another. */
export function applied(text: string, diagnostics: readonly Diagnostic[]): string {
  const edits = diagnostics
    .filter(({ code, severity }) => severity === "warning" && HARMLESS.has(code))
    .flatMap(({ helps }) => helps[0]?.fixes[0] ?? [])
    .toSorted((a, b) => b.span.start - a.span.start);
  let made = text;
  let limit = Number.POSITIVE_INFINITY;
  for (const { span, text: replacement } of edits satisfies readonly Edit[]) {
    if (span.end > limit) continue;
    made = made.slice(0, span.start) + replacement + made.slice(span.end);
    limit = span.start;
  }
  return made;
}
