/** How are the diagnostics of one file gathered? In any order, bounded; given out by place, one error per token, at most 100. */
import type { Diagnostic, Edit, Help, Mark, Severity, Span } from "./diagnostic.ts";

const MAX_SHOWN = 100;
/** How many of each severity are kept at all: memory stays bounded whatever the text holds. */
const MAX_KEPT = 2000;
const MAX_WARNINGS = 1000;

/** A collector for one file. */
export interface Findings {
  readonly file: string;
  readonly kept: Diagnostic[];
  /** How many errors were found beyond those kept. */
  dropped: number;
  /** Errors kept so far. */
  errors: number;
  /** Warnings and notes found so far, kept or not. */
  warnings: number;
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
  return { file, kept: [], dropped: 0, errors: 0, warnings: 0 };
}

/** Adds one finding. */
export function report(findings: Findings, draft: Draft): void {
  const severity = draft.severity ?? "error";
  if (!hasRoom(findings, severity)) return;
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

/** Counts a finding, and tells whether it is kept. */
function hasRoom(findings: Findings, severity: Severity): boolean {
  if (severity !== "error") {
    findings.warnings += 1;
    return findings.warnings <= MAX_WARNINGS;
  }
  if (findings.errors >= MAX_KEPT) findings.dropped += 1;
  else findings.errors += 1;
  return findings.dropped === 0;
}

/** Whether more errors would not be shown anyway, so that costly advice can be saved. */
export function isSaturated(findings: Findings): boolean {
  return findings.errors > MAX_SHOWN;
}

/**
 * The findings as they are shown: sorted by place; of errors at most one per token, and of warnings one per token and code; at
 * most 100 errors and 1000 warnings, and then one line that says how many more.
 */
export function settledFindings(findings: Findings): readonly Diagnostic[] {
  const sorted = [...findings.kept].sort((a, b) => byPlace(a, b) || byCode(a, b));
  const errors = sorted.filter(isError);
  const single = errors.filter((one, at) => startOf(errors[at - 1]) !== startOf(one));
  const warnings = new Map(
    sorted.filter((one) => !isError(one)).map((one) => [`${startOf(one)} ${one.code}`, one]),
  );
  const shown = [
    ...withMore(single, { limit: MAX_SHOWN, more: single.length - MAX_SHOWN + findings.dropped }),
    ...withMore([...warnings.values()], { limit: MAX_WARNINGS, more: findings.warnings - MAX_WARNINGS }),
  ];
  return shown.sort(byPlace);
}

function isError({ severity }: Diagnostic): boolean {
  return severity === "error";
}

function startOf(diagnostic: Diagnostic | undefined): number | undefined {
  return diagnostic?.primary.span.start;
}

const RANKS: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** By place, then errors first. */
function byPlace(a: Diagnostic, b: Diagnostic): number {
  return a.primary.span.start - b.primary.span.start || RANKS[a.severity] - RANKS[b.severity];
}

function byCode(a: Diagnostic, b: Diagnostic): number {
  return a.code < b.code ? -1 : Number(a.code > b.code);
}

function withMore(
  all: readonly Diagnostic[],
  { limit, more }: { readonly limit: number; readonly more: number },
): readonly Diagnostic[] {
  const last = all[Math.min(limit, all.length) - 1];
  return more <= 0 || last === undefined ? all : [...all.slice(0, limit), moreLine(last, more)];
}

function moreLine(last: Diagnostic, more: number): Diagnostic {
  const what = isError(last) ? "error" : "warning";
  return {
    ...last,
    code: "E0015",
    severity: what,
    message: `this file has ${more} more ${more === 1 ? what : `${what}s`}`,
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
