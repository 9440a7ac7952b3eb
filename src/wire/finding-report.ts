/** How are the figures of findings told, each with what it is? */
import * as v from "valibot";
import { ANSWER, decode, encode } from "./codec.ts";
import { countField, decisionIdField, instantField, instantText, textField } from "./fields.ts";
import type { FindingReport } from "./finding-messages.ts";
import { SCAN_LIST, writtenScan } from "./findings.ts";

const SECONDS = v.pipe(v.number(), v.minValue(0));

const SPREAD = v.object({ count: countField(1), mean: SECONDS, p50: SECONDS, p90: SECONDS });

const FIGURES = v.object({
  class: textField(64),
  detected: countField(0),
  withoutOrigin: countField(0),
  timeToDetect: v.exactOptional(SPREAD),
  remediated: countField(0),
  gone: countField(0),
  timeToRemediate: v.exactOptional(SPREAD),
  open: countField(0),
  acknowledged: countField(0),
  ageOfOpen: v.exactOptional(SPREAD),
  survival: v.exactOptional(
    v.object({
      count: countField(1),
      ended: countField(0),
      open: countField(0),
      p50: v.exactOptional(SECONDS),
      p90: v.exactOptional(SECONDS),
    }),
  ),
  recurrences: countField(0),
});

const GUARDRAIL = v.object({
  class: textField(64),
  because: textField(1000),
  stages: v.exactOptional(
    v.array(
      v.object({
        stage: v.picklist(["observe", "warn", "enforce"]),
        how: textField(1000),
        writ: v.pipe(v.string(), v.maxLength(10_000)),
      }),
    ),
  ),
  instead: v.exactOptional(textField(1000)),
  replay: v.exactOptional(
    v.object({ decisions: countField(0), refused: countField(0), examples: v.array(decisionIdField()) }),
  ),
});

export const FINDING_REPORT = v.object({
  since: instantField(),
  until: instantField(),
  definitions: v.record(v.string(), v.string()),
  scans: SCAN_LIST.entries.scans,
  all: FIGURES,
  classes: v.array(FIGURES),
  drills: v.array(FIGURES),
  guardrails: v.array(GUARDRAIL),
});

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeFindingReport(bytes: Uint8Array): FindingReport {
  return decode(FINDING_REPORT, bytes, ANSWER);
}

export function encodeFindingReport(report: FindingReport): string {
  const { since, until, scans, ...figures } = report;
  return encode({
    since: instantText(since),
    until: instantText(until),
    scans: scans.map(writtenScan),
    ...figures,
  });
}
