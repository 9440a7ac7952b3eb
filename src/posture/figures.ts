/** How soon is a class of findings seen, and how soon does it end? Counts and times of one window, each as defined in `definitions.ts`. */
import type { Instant } from "../base/time.ts";
import type { ClassFigures, Finding } from "../wire/finding-messages.ts";
import { spreadOf } from "./quantiles.ts";
import { survivalOf } from "./survival.ts";

export interface Window {
  readonly since: Instant;
  readonly until: Instant;
}

/** The figures of these findings under one name. What was detected or ended outside of the window counts only while it is open. */
export function figuresOf(name: string, findings: readonly Finding[], window: Window): ClassFigures {
  const isWithin = (at: Instant): boolean => at >= window.since && at <= window.until;
  const detected = findings.filter(({ detectedAt }) => isWithin(detectedAt));
  const ended = findings.flatMap(({ remediated, detectedAt }) =>
    remediated !== undefined && isWithin(remediated.at) ? [{ ...remediated, detectedAt }] : [],
  );
  const open = findings.filter((one) => one.remediated === undefined && one.detectedAt <= window.until);
  const timeToDetect = spreadOf(detected.flatMap(detectionOf));
  const timeToRemediate = spreadOf(ended.map(({ at, detectedAt }) => between(detectedAt, at)));
  const ageOfOpen = spreadOf(open.map(({ detectedAt }) => between(detectedAt, window.until)));
  const survival = survivalOf(detected.map((one) => followedOf(one, window.until)));
  return {
    class: name,
    detected: detected.length,
    withoutOrigin: detected.filter(({ introducedAt }) => introducedAt === undefined).length,
    ...(timeToDetect === undefined ? {} : { timeToDetect }),
    remediated: ended.length,
    gone: ended.filter(({ how }) => how === "gone").length,
    ...(timeToRemediate === undefined ? {} : { timeToRemediate }),
    open: open.length,
    acknowledged: open.filter(({ acknowledged }) => acknowledged !== undefined).length,
    ...(ageOfOpen === undefined ? {} : { ageOfOpen }),
    ...(survival === undefined ? {} : { survival }),
    recurrences: recurrencesOf(findings, detected),
  };
}

function detectionOf({ introducedAt, detectedAt }: Finding): readonly number[] {
  return introducedAt === undefined ? [] : [between(introducedAt, detectedAt)];
}

/** An origin that lies ahead, by another clock, is no time at all. */
function between(from: Instant, to: Instant): number {
  return Math.max(0, to - from);
}

function followedOf({ detectedAt, remediated }: Finding, until: Instant) {
  const hasEnded = remediated !== undefined && remediated.at <= until;
  return { seconds: between(detectedAt, hasEnded ? remediated.at : until), hasEnded };
}

/** Within a week of its end it is the same spell; later it is another one. */
function recurrencesOf(findings: readonly Finding[], detected: readonly Finding[]): number {
  const reopened = findings.reduce((sum, { recurrences }) => sum + recurrences, 0);
  return reopened + detected.filter(({ episode }) => episode > 1).length;
}
