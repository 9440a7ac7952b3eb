/** What is not good about what a guest says of itself? That a check fails, that one is worse than it was, and that it says nothing. */
import { formatInstant } from "../../base/time.ts";
import type { CheckChange } from "../../wire/fleet-messages.ts";
import { type Fault, isCurrent, type Judged, type Rule } from "./rule.ts";
import { stateOf } from "./word.ts";

export const WORD_RULES: readonly Rule[] = [
  { class: "posture-failing", concerns: isCurrent, judge: failing },
  { class: "posture-worsened", concerns: isCurrent, judge: worsened },
  { class: "posture-missing", concerns: isCurrent, judge: missing },
];

function failing({ guest }: Judged): Fault | undefined {
  const { failing: checks = [] } = guest;
  if (checks.length === 0) return undefined;
  return {
    severity: "medium",
    sentence: `a guest that comes for ${guest.cameFor} says of itself that ${namesOf(checks)} fail`,
    advice: "`ostiary agent doctor` on that machine says what was seen and what to do",
    introducedAt: earliestOf(checks),
    evidence: evidenceOf(checks, ({ at }) => `fails since ${formatInstant(at)}`),
  };
}

function worsened({ guest }: Judged): Fault | undefined {
  const { worsened: checks = [] } = guest;
  if (checks.length === 0) return undefined;
  const isBad = checks.some(({ check }) => stateOf(guest.posture, check) !== "warned");
  return {
    severity: isBad ? "medium" : "low",
    sentence: `what comes for ${guest.cameFor} says of itself that it is worse than it was: ${namesOf(checks)}`,
    advice: "find out who changed the machine, and start it from its image",
    introducedAt: earliestOf(checks),
    evidence: evidenceOf(
      checks,
      ({ check, was, at, before }) =>
        `${was} at ${before}, ${stateOf(guest.posture, check)} since ${formatInstant(at)}`,
    ),
  };
}

/** An agent that was told to say nothing looks like one that has nothing to hide. */
function missing({ guest, sayBy, live }: Judged): Fault | undefined {
  const { postureLost: lost, posture } = guest;
  if (lost !== undefined) {
    return {
      severity: "high",
      sentence: `a guest that comes for ${guest.cameFor} says nothing of itself any more`,
      advice: "look whether its agent still runs with `--posture`, and who changed that",
      introducedAt: lost.at,
      evidence: { before: lost.before, image: guest.measurement },
    };
  }
  if (posture !== undefined || sayBy === undefined) return undefined;
  const isOther = live !== undefined && guest.policy !== live.digest;
  return {
    severity: "medium",
    sentence: `a guest that comes for ${guest.cameFor} says nothing of itself, and ${
      sayBy === "policy" ? "the policy asks for it" : "others of its image do"
    }`,
    advice: "start its agent with `--posture`, or `posture = true` under `[evidence]` of its file",
    introducedAt: sayBy === "policy" && isOther ? live.at : guest.firstAt,
    evidence: { by: sayBy, image: guest.measurement },
  };
}

/** So many are named: a sentence is read, and what a guest calls its checks is its own choice. */
const NAMED = 5;

function namesOf(checks: readonly CheckChange[]): string {
  const names = checks.slice(0, NAMED).map(({ check }) => check);
  const more = checks.length - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function evidenceOf<C extends CheckChange>(
  checks: readonly C[],
  text: (change: C) => string,
): Fault["evidence"] {
  return Object.fromEntries(checks.slice(0, NAMED).map((change) => [`check ${change.check}`, text(change)]));
}

function earliestOf(checks: readonly CheckChange[]) {
  return checks.map(({ at }) => at).toSorted((a, b) => a - b)[0];
}
