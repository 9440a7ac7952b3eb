/** What is a finding? Something that is wrong with a subject, since when, and how far it has come. */
import type { JsonObject } from "../base/canonical-json.ts";
import type { Instant } from "../base/time.ts";

/** The most pressing first. */
export const SEVERITIES = ["critical", "high", "medium", "low"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** How a finding ended: its subject was looked at and is good, or is there no more. */
export const REMEDIES = ["passed", "gone"] as const;
export type Remedy = (typeof REMEDIES)[number];

/** What a scan says of one subject that is not good. Class and subject are its identity. */
export interface Sighting {
  readonly class: string;
  readonly subject: string;
  readonly severity: Severity;
  readonly owner: string;
  /** What is wrong, and what breaks by it. */
  readonly sentence: string;
  /** What to do about it. */
  readonly advice: string;
  readonly evidence: JsonObject;
  /** When it came to be, from the change, certificate, bulletin or evidence itself; `undefined` where nothing says so. */
  readonly introducedAt: Instant | undefined;
  /** The drill that planted it; it counts in no figure of real ones. */
  readonly drill?: string;
}

/** One spell of a finding: from the scan that first saw it to the one that saw it end. */
export interface Finding extends Sighting {
  /** 32 hex digits of class and subject. */
  readonly id: string;
  /** 1 for the first spell; another begins where the last one ended more than a week before. */
  readonly episode: number;
  readonly detectedAt: Instant;
  /** By the newest scan that saw it. */
  readonly seenAt: Instant;
  readonly acknowledged?: Acknowledgement;
  readonly remediated?: { readonly at: Instant; readonly how: Remedy };
  /** How often it was there again within a week of its end; the clock runs on then. */
  readonly recurrences: number;
}

/** Somebody knows of it. It stays open, and is counted and shown as before. */
export interface Acknowledgement {
  readonly at: Instant;
  readonly by: string;
  readonly note: string;
}

/** Where a page of findings ended. */
export interface FindingPlace {
  readonly id: string;
  readonly episode: number;
}

export interface FindingPage {
  readonly findings: readonly Finding[];
  /** Where the next page begins, if there is one. */
  readonly next?: FindingPlace;
}

/** How the newest turn of a scan went, and how many turns it had. */
export interface ScanSummary {
  readonly name: string;
  readonly at: Instant;
  readonly runs: number;
  readonly everySeconds: number;
  readonly subjects: number;
  readonly blind: number;
  readonly findings: number;
  /** Why it could not look at all; absent where it could. */
  readonly trouble?: string;
}

// ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of how many durations; in seconds. */
export type Spread = {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
};

/** What is estimated of times to an end where not all have ended (Kaplan and Meier, 1958); absent is not reached. */
export type Survival = {
  readonly count: number;
  readonly ended: number;
  readonly open: number;
  readonly p50?: number;
  readonly p90?: number;
};

/** The figures of one class of findings, or of all. */
export type ClassFigures = {
  readonly class: string;
  readonly detected: number;
  /** Of those detected, how many say when they came to be by nothing: they are in no time to detect. */
  readonly withoutOrigin: number;
  readonly timeToDetect?: Spread;
  readonly remediated: number;
  /** Of those, whose subject is no more. */
  readonly gone: number;
  readonly timeToRemediate?: Spread;
  readonly open: number;
  readonly acknowledged: number;
  readonly ageOfOpen?: Spread;
  /** Of all that were detected, open ones as far as they have come. */
  readonly survival?: Survival;
  readonly recurrences: number;
};

/** A guard that would have stopped a class of findings, and how it comes into force step by step. */
export type Guardrail = {
  readonly class: string;
  readonly because: string;
  /** Absent where no policy can see such a thing: then `instead` says what to do. */
  readonly stages?: readonly GuardrailStage[];
  readonly instead?: string;
  readonly replay?: GuardrailReplay;
};

export type GuardrailStage = {
  readonly stage: "observe" | "warn" | "enforce";
  readonly how: string;
  readonly writ: string;
};

/** What the guard would have said of stored decisions that allowed something. */
export type GuardrailReplay = {
  readonly decisions: number;
  readonly refused: number;
  /** The newest of those, at most ten. */
  readonly examples: readonly string[];
};

export interface FindingReport {
  readonly since: Instant;
  readonly until: Instant;
  /** What each figure is, by its name. */
  readonly definitions: Readonly<Record<string, string>>;
  readonly scans: readonly ScanSummary[];
  readonly all: ClassFigures;
  readonly classes: readonly ClassFigures[];
  /** Planted ones, in no figure above. */
  readonly drills: readonly ClassFigures[];
  readonly guardrails: readonly Guardrail[];
}
