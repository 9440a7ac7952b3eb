/** How are findings told to an admin, and how does one say that they are known? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { countField, instantField, instantText, jsonObjectField, textField } from "./fields.ts";
import {
  type Finding,
  type FindingPage,
  type FindingPlace,
  REMEDIES,
  type ScanSummary,
  SEVERITIES,
} from "./finding-messages.ts";

const MAX_SENTENCE = 2000;
const MAX_NOTE = 500;

function findingIdField() {
  return v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
}

const FINDING = v.object({
  id: findingIdField(),
  episode: countField(1),
  class: textField(64),
  subject: textField(1024),
  severity: v.picklist(SEVERITIES),
  owner: v.pipe(v.string(), v.maxLength(256)),
  sentence: textField(MAX_SENTENCE),
  advice: textField(MAX_SENTENCE),
  evidence: jsonObjectField(),
  drill: v.exactOptional(textField(64)),
  introducedAt: v.exactOptional(instantField()),
  detectedAt: instantField(),
  seenAt: instantField(),
  acknowledged: v.exactOptional(
    v.object({ at: instantField(), by: textField(128), note: v.pipe(v.string(), v.maxLength(MAX_NOTE)) }),
  ),
  remediated: v.exactOptional(v.object({ at: instantField(), how: v.picklist(REMEDIES) })),
  recurrences: countField(0),
});

const PLACE = v.object({ id: findingIdField(), episode: countField(1) });

export const FINDING_PAGE = v.object({ findings: v.array(FINDING), next: v.exactOptional(PLACE) });

export const SCAN_LIST = v.object({
  scans: v.array(
    v.object({
      name: textField(64),
      at: instantField(),
      runs: countField(1),
      everySeconds: countField(1),
      subjects: countField(0),
      blind: countField(0),
      findings: countField(0),
      trouble: v.exactOptional(textField(64)),
    }),
  ),
});

export const FINDING_ACKNOWLEDGEMENT = v.strictObject({
  note: v.exactOptional(textField(MAX_NOTE)),
});

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeFindingPage(bytes: Uint8Array): FindingPage {
  const { findings, ...rest } = decode(FINDING_PAGE, bytes, ANSWER);
  return { ...rest, findings: findings.map(({ introducedAt, ...read }) => ({ ...read, introducedAt })) };
}

export function encodeFindingPage({ findings, next }: FindingPage): string {
  return encode({ findings: findings.map(writtenFinding), next: next && placeOf(next) });
}

function writtenFinding(finding: Finding): JsonObject {
  const { introducedAt, detectedAt, seenAt, acknowledged, remediated, ...rest } = finding;
  return {
    ...rest,
    introducedAt: introducedAt && instantText(introducedAt),
    detectedAt: instantText(detectedAt),
    seenAt: instantText(seenAt),
    acknowledged: acknowledged && { ...acknowledged, at: instantText(acknowledged.at) },
    remediated: remediated && { ...remediated, at: instantText(remediated.at) },
  };
}

function placeOf({ id, episode }: FindingPlace): JsonObject {
  return { id, episode };
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeScanList(bytes: Uint8Array): readonly ScanSummary[] {
  return decode(SCAN_LIST, bytes, ANSWER).scans;
}

export function encodeScanList(scans: readonly ScanSummary[]): string {
  return encode({ scans: scans.map(writtenScan) });
}

export function writtenScan({ at, ...rest }: ScanSummary): JsonObject {
  return { ...rest, at: instantText(at) };
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeAcknowledgement(bytes: Uint8Array): { readonly note: string } {
  return { note: decode(FINDING_ACKNOWLEDGEMENT, bytes, REQUEST).note ?? "" };
}

export function encodeAcknowledgement(note: string | undefined): string {
  return encode({ note });
}
