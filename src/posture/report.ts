/** What do the findings of a window come to? Figures of each class with what they are, drills apart, and guards that would help. */
import type { Finding, FindingReport, Guardrail, ScanSummary } from "../wire/finding-messages.ts";
import { DEFINITIONS } from "./definitions.ts";
import { figuresOf, type Window } from "./figures.ts";
import { guardrailOf } from "./guardrails.ts";

/** The name under which all classes stand together. */
const ALL = "all";

export function reportOf(
  findings: readonly Finding[],
  scans: readonly ScanSummary[],
  window: Window,
): FindingReport {
  const real = findings.filter(({ drill }) => drill === undefined);
  const planted = findings.filter(({ drill }) => drill !== undefined);
  const classes = byClass(real, window);
  const guardrails = classes.flatMap((figures): readonly Guardrail[] => {
    const guardrail = guardrailOf(figures, window.until);
    return guardrail === undefined ? [] : [guardrail];
  });
  return {
    ...window,
    definitions: DEFINITIONS,
    scans,
    all: figuresOf(ALL, real, window),
    classes,
    drills: byClass(planted, window),
    guardrails,
  };
}

function byClass(findings: readonly Finding[], window: Window) {
  const groups = Map.groupBy(findings, (finding) => finding.class);
  return [...groups.keys()].sort().map((name) => figuresOf(name, groups.get(name) ?? [], window));
}
