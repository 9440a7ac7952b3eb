/**
 * What does a screen need of the language? Parse, check, format, evaluate, diff: without a Node module and without a
 * vocabulary, which is data and comes from outside. `scripts/browser.mjs` bundles it and holds it to its size.
 */
import type { Compared } from "./browser-diff.ts";
import { type Compilation, compileSources } from "./compile.ts";
import type { Decision } from "./decision.ts";
import type { Diagnostic } from "./diagnostics/diagnostic.ts";
import { createFindings, settledFindings } from "./diagnostics/findings.ts";
import { renderDiagnostic } from "./diagnostics/render.ts";
import type { DiffOptions } from "./diff/diff.ts";
import type { Sides } from "./diff/example.ts";
import { evaluate as decide } from "./evaluation/evaluator.ts";
import { explainTrace } from "./evaluation/explain.ts";
import type { Facts } from "./facts.ts";
import { type Formatted, formatSource } from "./formatting/format.ts";
import type { Program } from "./program.ts";
import type { CompileOptions, SourceFile } from "./sources.ts";
import type { SourceTree } from "./syntax/ast.ts";
import { parseSource } from "./syntax/parser.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The tree of a source, as far as it could be understood, and what is wrong with its grammar. */
export interface Parsed {
  readonly tree: SourceTree;
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses one source. Names and types are not looked at. Total. */
export function parse(path: string, text: string): Parsed {
  const findings = createFindings(path);
  const tree = parseSource(path, text, findings);
  return { tree, diagnostics: settledFindings(findings) };
}

/** A compilation, with its diagnostics also as a terminal would show them. */
export interface Checked extends Compilation {
  readonly rendered: string;
}

/** Compiles a set of sources: {@link compileSources}, whose contract it keeps. */
export function check(files: readonly SourceFile[], options: CompileOptions): Checked {
  const compilation = compileSources(files, options);
  const { diagnostics, sources } = compilation;
  const rendered = diagnostics.map((one) => renderDiagnostic(one, sources.get(one.file) ?? "")).join("\n");
  return { ...compilation, rendered };
}

/** Writes one source in the one form (WRIT section 15): {@link formatSource}. */
export function format(path: string, text: string): Formatted {
  return formatSource(path, text);
}

/** A decision, with its trace also as sentences. */
export interface Evaluated {
  readonly decision: Decision;
  readonly explained: string;
}

/** Decides one request. Total. */
export function evaluate(program: Program, facts: Facts): Evaluated {
  const decision = decide(program, facts);
  return { decision, explained: explainTrace(decision.trace) };
}

/**
 * Compares two programs over all requests. The solver is loaded when this is asked for the first time: who only writes never
 * waits for it. Rejects only where its file cannot be loaded.
 */
export async function diff(
  sides: Sides,
  vocabulary: Vocabulary,
  options: DiffOptions = {},
): Promise<Compared> {
  const { compare } = await import("./browser-diff.ts");
  return compare(sides, vocabulary, options);
}
