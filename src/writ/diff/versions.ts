/** May a version number go with this change? What patch, minor and major promise (WRIT section 8.1). */
import type { Module } from "../program.ts";
import type { Verdict } from "./diff.ts";

export type Step = "first" | "same" | "patch" | "minor" | "major" | "back";

/** What happened to one module. */
export interface ModuleChange {
  readonly module: string;
  readonly older: string | undefined;
  readonly newer: string | undefined;
  readonly step: Step;
  readonly widening: Module["widening"];
  readonly verdict: Verdict;
  /** What is wrong with the number, or what it needs, as a sentence; `undefined` where all is well. */
  readonly objection: string | undefined;
  /** Whether access widens and nothing but an approval makes that right (E0801). */
  readonly needsApproval: boolean;
}

/** What changes of a module are judged by. `isWidening` also where obligations were loosened, or nothing was decided. */
export interface ChangeOutcome {
  readonly verdict: Verdict;
  readonly isWidening: boolean;
}

/** @param older - Missing for a module that was not there: its first version widens from "nothing allowed". */
export function moduleChange(
  older: Module | undefined,
  newer: Module,
  { verdict, isWidening }: ChangeOutcome,
): ModuleChange {
  const step = stepOf(older?.version, newer.version);
  const isEased = older?.widening === "review" && newer.widening === "major";
  const isExcused = (older ?? newer).widening === "major" && step === "major";
  return {
    module: newer.name,
    older: older?.version,
    newer: newer.version,
    step,
    widening: (older ?? newer).widening,
    verdict,
    objection: isEased
      ? "a change from `widening review` to `widening major` needs an approval itself"
      : objectionTo(step, { verdict, isWidening }),
    needsApproval: isEased || (isWidening && !isExcused),
  };
}

function stepOf(older: string | undefined, newer: string | undefined): Step {
  if (older === undefined || newer === undefined) return older === newer ? "same" : "first";
  const [a, b] = [partsOf(older), partsOf(newer)];
  const steps = ["major", "minor", "patch"] as const;
  for (const [at, step] of steps.entries()) {
    const difference = (b[at] ?? 0) - (a[at] ?? 0);
    if (difference !== 0) return difference > 0 ? step : "back";
  }
  return "same";
}

function partsOf(version: string): readonly number[] {
  return version.split(".").map(Number);
}

function objectionTo(step: Step, { verdict, isWidening }: ChangeOutcome): string | undefined {
  if (step === "first") return undefined;
  if (step === "back") return "the number goes back: a rollback is a new version";
  if (step === "major") return undefined;
  if (isWidening) return `${ARTICLES[step]} may not widen: that is a major version`;
  if (step === "minor" || verdict === "equivalent") return undefined;
  return `${ARTICLES[step]} may not narrow: that is a minor version`;
}

const ARTICLES: Readonly<Record<"same" | "patch" | "minor", string>> = {
  same: "an unchanged number",
  patch: "a patch",
  minor: "a minor version",
};
