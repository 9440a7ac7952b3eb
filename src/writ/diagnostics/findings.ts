/** How are the diagnostics of one file gathered? In any order, bounded; given out by place, one per token, at most 100. */
import type { Diagnostic, Edit, Help, Mark, Severity, Span } from "./diagnostic.ts";

const MAX_SHOWN = 100;
/** How many are kept at all: memory stays bounded whatever the text holds. */
const MAX_KEPT = 2000;

/** A collector for one file. */
export interface Findings {
  readonly file: string;
  readonly kept: Diagnostic[];
  /** How many errors were found beyond those kept. */
  dropped: number;
  /** Errors kept so far. */
  errors: number;
}

/** A diagnostic in the words of whoever reports it; what is left out is empty. */
export interface Draft {
  readonly code: string;
  readonly severity?: Severity;
  readonly span: Span;
  readonly message: string;
  readonly label?: string;
  readonly secondary?: readonly Mark[];
  readonly notes?: readonly string[];
  readonly helps?: readonly Help[];
}

export function createFindings(file: string): Findings {
  return { file, kept: [], dropped: 0, errors: 0 };
}

/** Adds one finding. */
export function report(findings: Findings, draft: Draft): void {
  const severity = draft.severity ?? "error";
  if (findings.kept.length >= MAX_KEPT) {
    findings.dropped += severity === "error" ? 1 : 0;
    return;
  }
  if (severity === "error") findings.errors += 1;
  findings.kept.push({
    code: draft.code,
    severity,
    file: findings.file,
    message: draft.message,
    primary: { span: draft.span, text: draft.label ?? "" },
    secondary: draft.secondary ?? [],
    notes: draft.notes ?? [],
    helps: draft.helps ?? [],
  });
}

/** Whether more errors would not be shown anyway, so that costly advice can be saved. */
export function isSaturated(findings: Findings): boolean {
  return findings.errors > MAX_SHOWN;
}

/** The findings as they are shown: sorted by place, at most one per token, at most 100 and then one line that says how many more. */
export function settledFindings(findings: Findings): readonly Diagnostic[] {
  const sorted = [...findings.kept].sort(
    (a, b) => a.primary.span.start - b.primary.span.start || severityRank(a) - severityRank(b),
  );
  const single = sorted.filter((one, at) => sorted[at - 1]?.primary.span.start !== one.primary.span.start);
  const more = single.length - MAX_SHOWN + findings.dropped;
  const last = single[MAX_SHOWN - 1];
  if (more <= 0 || last === undefined) return single;
  return [...single.slice(0, MAX_SHOWN), moreLine(last, more)];
}

function severityRank(diagnostic: Diagnostic): number {
  return diagnostic.severity === "error" ? 0 : 1;
}

function moreLine(last: Diagnostic, more: number): Diagnostic {
  return {
    ...last,
    code: "E0015",
    severity: "error",
    message: `this file has ${more} more ${more === 1 ? "error" : "errors"}`,
    primary: { span: last.primary.span, text: "the last one shown is here" },
    secondary: [],
    notes: [],
    helps: [],
  };
}

/** Advice without a machine-applicable edit. */
export function advice(text: string): readonly Help[] {
  return [{ text, fixes: [] }];
}

/** Advice with one edit. */
export function fix(text: string, span: Span, replacement: string): readonly Help[] {
  return [{ text, fixes: [[{ span, text: replacement }]] }];
}

/** Advice with edits of which one has to be chosen. */
export function choice(text: string, edits: readonly Edit[]): readonly Help[] {
  return [{ text, fixes: edits.map((edit) => [edit]) }];
}
