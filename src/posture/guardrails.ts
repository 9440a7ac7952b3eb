/** Which guard would have stopped a class of findings that comes back, or is slow to end? Writ text in three steps, each ready to be proposed. */
import { addSeconds, formatInstant, type Instant } from "../base/time.ts";
import type { ClassFigures, Guardrail, GuardrailStage } from "../wire/finding-messages.ts";
import { rowOf } from "./classes.ts";

/** As often as this in one window, and a class comes back. */
export const RECURS_AT = 3;
const OBSERVE_DAYS = 7;
const WARN_DAYS = 14;
const DAY_SECONDS = 86_400;

/** `undefined` for a class that neither comes back nor is slow. */
export function guardrailOf(figures: ClassFigures, now: Instant): Guardrail | undefined {
  const because = reasonOf(figures);
  if (because === undefined) return undefined;
  const { class: name } = figures;
  const row = rowOf(name);
  if (row?.guard !== undefined) return { class: name, because, stages: stagesOf(name, row.guard, now) };
  return { class: name, because, instead: row?.instead ?? "no guard is known for this class" };
}

function reasonOf({ class: name, recurrences, survival }: ClassFigures): string | undefined {
  if (recurrences >= RECURS_AT) return `it was there again ${recurrences} times`;
  const target = rowOf(name)?.targetSeconds;
  if (target === undefined || survival === undefined) return undefined;
  const isSlow = survival.p50 === undefined ? survival.ended > 0 : survival.p50 > target;
  if (!isSlow) return undefined;
  const half = survival.p50 === undefined ? "not half of them ended" : `half of them took ${survival.p50} s`;
  return `${half}, and ${target} s is the aim`;
}

interface Guard {
  readonly require: string;
  readonly reason: string;
}

/**
 * A guard of the language only refuses; there is none that warns. So it is observed as a shadow, which decides nothing; then it is
 * live with a day from which on it binds, which everybody can read; then it binds.
 */
function stagesOf(name: string, guard: Guard, now: Instant): readonly GuardrailStage[] {
  const first = formatInstant(addSeconds(now, (OBSERVE_DAYS + WARN_DAYS) * DAY_SECONDS)).slice(0, 10);
  return [
    {
      stage: "observe",
      how: `load it as a shadow for ${OBSERVE_DAYS} days: nobody is refused, and what it would have refused is recorded`,
      writ: sourceOf(name, guard),
    },
    {
      stage: "warn",
      how: `activate it with a first day, ${first}: it binds nobody before, and who would be refused has until then`,
      writ: sourceOf(name, guard, first),
    },
    {
      stage: "enforce",
      how: "activate it without that day: it binds from now on",
      writ: sourceOf(name, guard),
    },
  ];
}

function sourceOf(name: string, { require, reason }: Guard, first?: string): string {
  const valid = first === undefined ? "" : `  valid ${first} ..\n`;
  return `writ 1
module guardrails.${name} version 1.0.0 { owner "guardrails" }

guard guardrail-${name} "Proposed by findings of the class ${name}" {
  for resource "**"
${valid}
  require ${require} else "${reason}"
}
`;
}
