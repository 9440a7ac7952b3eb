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
