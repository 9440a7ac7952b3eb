/** What does a lint look at, and whom does it tell? The program with its trees, and one bounded collector per file. */
import type { Compilation } from "../compile.ts";
import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import {
  createFindings,
  type Draft,
  type Findings,
  report,
  settledFindings,
} from "../diagnostics/findings.ts";
import type { Origin, Program } from "../program.ts";
import type { SourceTree } from "../syntax/ast.ts";
import type { Vocabulary } from "../vocabulary.ts";

export interface LintDesk {
  readonly program: Program;
  readonly vocabulary: Vocabulary;
  /** Unix seconds. */
  readonly now: number;
  readonly trees: readonly SourceTree[];
  /** Resources that exist; scopes are held against them where they are known. */
  readonly resources: readonly string[] | undefined;
  /** One per source, by path. */
  readonly findings: ReadonlyMap<string, Findings>;
}

/** A place that a finding is about. */
export type Place = Pick<Origin, "file" | "span">;

/** A finding before it has its place. */
export type Told = Omit<Draft, "span">;

export function findingsFor(sources: Compilation["sources"]): ReadonlyMap<string, Findings> {
  return new Map([...sources.keys()].map((path) => [path, createFindings(path)]));
}

/** Reports a warning, unless another severity is given. What stands in no source (a built-in guard) is not told. */
export function warn({ findings }: Pick<LintDesk, "findings">, place: Place, told: Told): void {
  const file = findings.get(place.file);
  if (file !== undefined) report(file, { severity: "warning", ...told, span: place.span });
}

export function settled({ findings }: Pick<LintDesk, "findings">): readonly Diagnostic[] {
  return [...findings.values()].flatMap(settledFindings);
}

/** The further places of a finding that lie in the same file, as marks; the others, in words. */
export function besides(
  place: Place,
  others: readonly { readonly place: Place; readonly at: string; readonly text: string }[],
): {
  readonly secondary: readonly { readonly span: Span; readonly text: string }[];
  readonly notes: readonly string[];
} {
  const isHere = (one: Place): boolean => one.file === place.file && one.span.start !== place.span.start;
  return {
    secondary: others.filter((one) => isHere(one.place)).map(({ place: { span }, text }) => ({ span, text })),
    notes: others.filter((one) => !isHere(one.place)).map(({ at, text }) => `${at}: ${text}`),
  };
}
