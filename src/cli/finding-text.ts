/** How are findings shown to people, and to a spreadsheet? */
import { canonicalJson } from "../base/canonical-json.ts";
import { formatInstant } from "../base/time.ts";
import { type Finding, SEVERITIES } from "../wire/finding-messages.ts";
import { csvOf } from "./csv.ts";
import { tableOf } from "./table.ts";

/** The most pressing first, then the oldest. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || a.detectedAt - b.detectedAt,
  );
}

/** One line each. */
export function listText(findings: readonly Finding[]): string {
  const head = ["SEVERITY", "CLASS", "SUBJECT", "STATE", "DETECTED", "OWNER", "ID"];
  const rows = inOrder(findings).map((one) => [
    one.severity,
    one.class,
    one.subject,
    stateOf(one),
    formatInstant(one.detectedAt),
    one.owner === "" ? "nobody" : one.owner,
    one.id,
  ]);
  return findings.length === 0 ? "no findings\n" : tableOf([head, ...rows]);
}

function stateOf({ drill, remediated, acknowledged, recurrences }: Finding): string {
  const state = remediated === undefined ? (acknowledged === undefined ? "open" : "known") : "ended";
  const again = recurrences > 0 ? ` (again, ${recurrences} times)` : "";
  return `${drill === undefined ? "" : "drill, "}${state}${again}`;
}

/** One spell in full. */
export function findingText(finding: Finding): string {
  const { acknowledged, remediated, introducedAt, evidence } = finding;
  const facts = Object.entries(evidence).map(([name, value]) => [
    `  ${name}`,
    typeof value === "string" ? value : canonicalJson(value ?? null),
  ]);
  return tableOf([
    ["finding", finding.id],
    ["class", finding.class],
    ["subject", finding.subject],
    ["severity", finding.severity],
    ["state", stateOf(finding)],
    ...(finding.drill === undefined ? [] : [["planted by drill", finding.drill]]),
    ["owner", finding.owner === "" ? "nobody" : finding.owner],
    ["what is wrong", finding.sentence],
    ["what to do", finding.advice],
    ["came to be", introducedAt === undefined ? "nothing says when" : formatInstant(introducedAt)],
    ["detected", formatInstant(finding.detectedAt)],
    ["seen last", formatInstant(finding.seenAt)],
    ...(acknowledged === undefined
      ? []
      : [["acknowledged", `${formatInstant(acknowledged.at)} by ${acknowledged.by} ${acknowledged.note}`]]),
    ...(remediated === undefined
      ? []
      : [["ended", `${formatInstant(remediated.at)}, its subject ${REMEDY_TEXT[remediated.how]}`]]),
    ...(facts.length === 0 ? [] : [["evidence", ""], ...facts]),
  ]);
}

const REMEDY_TEXT = { passed: "was looked at and is good", gone: "is no more" } as const;

/** Every column, one row a spell. */
export function findingsCsv(findings: readonly Finding[]): string {
  const moment = (at: Finding["introducedAt"]): string => (at === undefined ? "" : formatInstant(at));
  const rows = inOrder(findings).map((one) => [
    one.id,
    String(one.episode),
    one.class,
    one.subject,
    one.severity,
    one.owner,
    one.sentence,
    one.advice,
    one.drill ?? "",
    moment(one.introducedAt),
    moment(one.detectedAt),
    moment(one.seenAt),
    moment(one.acknowledged?.at),
    one.acknowledged?.by ?? "",
    one.acknowledged?.note ?? "",
    moment(one.remediated?.at),
    one.remediated?.how ?? "",
    String(one.recurrences),
  ]);
  return csvOf([COLUMNS, ...rows]);
}

const COLUMNS = [
  ...[
    "id",
    "episode",
    "class",
    "subject",
    "severity",
    "owner",
    "sentence",
    "advice",
    "drill",
    "introduced_at",
  ],
  ...["detected_at", "seen_at", "acknowledged_at", "acknowledged_by", "note", "remediated_at", "remedy"],
  "recurrences",
];
