/** What would a careful reviewer say about these sources? Every warning, together with the guards over each policy. */
import type { Compilation } from "../compile.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { lintClauses } from "./clauses.ts";
import { findingsFor, type LintDesk, settled, warn } from "./desk.ts";
import { lintFloors } from "./floors.ts";
import { lintNever } from "./never.ts";
import { lintTerms, lintUndecided, lintWraps } from "./overlaps.ts";
import { lintPaths } from "./paths.ts";
import { lintPlatforms } from "./platforms.ts";
import { lintPolicy, lintScopes } from "./policies.ts";
import { lintShadows } from "./shadows.ts";
import { type Silencer, silence } from "./silencers.ts";
import { lintSource } from "./sources.ts";
import { type Budget, type Study, studyOf } from "./study.ts";

export interface LintOptions {
  readonly vocabulary: Vocabulary;
  /** Unix seconds: what windows and silencers are held against. */
  readonly now: number;
  /** Resources that exist, where the caller knows them. */
  readonly resources?: readonly string[];
  readonly budget?: Budget;
}

/**
 * Lints a compilation: its own diagnostics, and everything of WRIT section 12 that is legal and yet deserves a look.
 *
 * Total, and bounded by counts. Where the sources have errors, only those are told, and the checker's warnings.
 *
 * @returns By file and place; without what is silenced in writing.
 */
export function lintSources(compilation: Compilation, options: LintOptions): readonly Diagnostic[] {
  const { program, trees, diagnostics } = compilation;
  if (program === undefined) return silence(diagnostics, trees, options.now).told;
  const { vocabulary, now, resources } = options;
  const findings = findingsFor(compilation.sources);
  const desk: LintDesk = { program, vocabulary, now, trees, resources, findings };
  for (const tree of trees) {
    lintSource(desk, tree);
    lintScopes(desk, tree);
  }
  for (const declaration of program.declarations) lintPolicy(desk, declaration);
  lintStudied(desk, studyOf(program, vocabulary, options.budget));
  const { told, idle } = silence([...diagnostics, ...settled(desk)], trees, now);
  return inOrder([...told, ...idleFindings(compilation, idle)], trees);
}

/** Everything that the solver is asked. */
function lintStudied(desk: LintDesk, study: Study): void {
  for (const one of study.policies) {
    if (!lintNever(desk, study, one)) continue;
    lintClauses(desk, study, one);
    lintShadows(desk, study, one);
    lintPaths(desk, study, one);
    lintPlatforms(desk, study, one);
  }
  lintFloors(desk, study);
  lintWraps(desk, study);
  lintTerms(desk, study);
  lintUndecided(desk, study);
}

/**
 * The errors of a sound compilation that only the solver finds: a policy that can never allow, wraps that cannot both be met.
 *
 * @returns By file and place. None where something was not decided: a lint says that.
 */
export function solverErrors(
  { program, trees, sources }: Compilation,
  vocabulary: Vocabulary,
  budget: Budget = {},
): readonly Diagnostic[] {
  if (program === undefined) return [];
  const findings = findingsFor(sources);
  const desk: LintDesk = { program, vocabulary, now: 0, trees, resources: undefined, findings };
  const study = studyOf(program, vocabulary, budget);
  for (const one of study.policies) lintNever(desk, study, one);
  lintWraps(desk, study);
  return inOrder(settled(desk), trees);
}

/** W0750. */
function idleFindings({ sources }: Compilation, idle: readonly Silencer[]): readonly Diagnostic[] {
  const findings = findingsFor(sources);
  for (const { file, comment, code, fault } of idle) {
    const message = fault === undefined ? `this silences nothing` : `this silencer is not in force`;
    const span = { start: comment.start, end: comment.end };
    warn(
      { findings },
      { file, span },
      {
        code: "W0750",
        message,
        label: fault ?? `there is no ${code} here`,
        helps: [{ text: "take the comment away", fixes: fault === undefined ? [[{ span, text: "" }]] : [] }],
      },
    );
  }
  return settled({ findings });
}

function inOrder(diagnostics: readonly Diagnostic[], trees: Compilation["trees"]): readonly Diagnostic[] {
  const rank = new Map(trees.map(({ path }, at) => [path, at]));
  const rankOf = ({ file }: Diagnostic): number => rank.get(file) ?? 0;
  return diagnostics.toSorted((a, b) => rankOf(a) - rankOf(b) || a.primary.span.start - b.primary.span.start);
}
