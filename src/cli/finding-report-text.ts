/** How are the figures of findings shown? As text, Markdown or rows for a spreadsheet; what each figure is stands beside it. */
import { formatInstant } from "../base/time.ts";
import type {
  ClassFigures,
  FindingReport,
  Guardrail,
  ScanSummary,
  Spread,
  Survival,
} from "../wire/finding-messages.ts";
import { csvOf } from "./csv.ts";
import { durationText } from "./duration-text.ts";
import { tableOf } from "./table.ts";

interface Figure {
  readonly name: string;
  /** Which definition it goes with. */
  readonly definition: string;
  readonly text: string;
}

/** Every figure of a class, in the order of a finding's life. */
function figuresIn(figures: ClassFigures): readonly Figure[] {
  const { timeToDetect, timeToRemediate, ageOfOpen, survival } = figures;
  return [
    figure("detected", "", String(figures.detected)),
    figure("without origin", "withoutOrigin", String(figures.withoutOrigin)),
    figure("MTTD", "timeToDetect", spreadText(timeToDetect)),
    figure("ended", "", String(figures.remediated)),
    figure("of these gone", "gone", String(figures.gone)),
    figure("MTTR", "timeToRemediate", spreadText(timeToRemediate)),
    figure("MTTR with open ones", "survival", survivalText(survival)),
    figure("open", "open", `${figures.open} (${figures.acknowledged} acknowledged)`),
    figure("age of open", "ageOfOpen", spreadText(ageOfOpen)),
    figure("recurrences", "recurrences", String(figures.recurrences)),
  ];
}

function figure(name: string, definition: string, text: string): Figure {
  return { name, definition, text };
}

function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return "nothing to measure";
  const { count, mean, p50, p90 } = spread;
  return `mean ${durationText(mean)}, p50 ${durationText(p50)}, p90 ${durationText(p90)} (of ${count})`;
}

function survivalText(survival: Survival | undefined): string {
  if (survival === undefined) return "nothing to measure";
  const { p50, p90, count, open } = survival;
  const text = (seconds: number | undefined): string =>
    seconds === undefined ? "not reached" : durationText(seconds);
  return `p50 ${text(p50)}, p90 ${text(p90)} (of ${count}, ${open} open)`;
}

// ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export function reportText(report: FindingReport): string {
  const { since, until, all, classes, drills, scans, guardrails } = report;
  const window = `findings from ${formatInstant(since)} to ${formatInstant(until)}\n`;
  const parts = [
    window,
    sectionText("all classes", all, report.definitions),
    ...classes.map((figures) => sectionText(figures.class, figures)),
    ...drills.map((figures) => sectionText(`${figures.class} (drills, in no figure above)`, figures)),
    `scans: ${report.definitions["scans"] ?? ""}\n${scans.length === 0 ? "  none has had its turn\n" : tableOf(scans.map(scanRow))}`,
    ...guardrails.map(guardrailText),
    `${report.definitions["p50"] ?? ""}\n`,
  ];
  return parts.join("\n");
}

function sectionText(
  title: string,
  figures: ClassFigures,
  definitions: FindingReport["definitions"] = {},
): string {
  const rows = figuresIn(figures).map(({ name, definition, text }) => [
    `  ${name}`,
    text,
    definitions[definition] ?? "",
  ]);
  return `${title}\n${tableOf(rows)}`;
}

function scanRow(scan: ScanSummary): readonly string[] {
  const { name, at, runs, everySeconds, subjects, blind, findings, trouble } = scan;
  const seen =
    trouble === undefined
      ? `${subjects} looked at, ${blind} not to be seen, ${findings} not good`
      : `could not look: ${trouble}`;
  return [
    `  ${name}`,
    `every ${durationText(everySeconds)}`,
    `${runs} turns`,
    `last ${formatInstant(at)}`,
    seen,
  ];
}

function guardrailText({ class: name, because, stages = [], instead, replay }: Guardrail): string {
  const lines = stages.map(({ stage, how, writ }) => `  ${stage}: ${how}\n\n${indented(writ)}`);
  const said = replay === undefined ? "" : `  replay: ${replaySentence(replay)}\n`;
  const other = instead === undefined ? "" : `  no policy can see it; instead: ${instead}\n`;
  return `proposed guard against ${name}: ${because}\n${said}${other}${lines.join("\n")}`;
}

function replaySentence({ decisions, refused, examples }: NonNullable<Guardrail["replay"]>): string {
  const some = examples.length === 0 ? "" : `, the newest ${examples.join(", ")}`;
  return `of ${decisions} stored decisions that allowed, it would have refused ${refused}${some}`;
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "    ");
}

// ── Markdown ────────────────────────────────────────────────────────────────────────────────────────────────────────

export function reportMarkdown(report: FindingReport): string {
  const { since, until, all, classes, drills, scans, guardrails, definitions } = report;
  const drilled = drills.map((figures) => ({ ...figures, class: `drill: ${figures.class}` }));
  const shown = [all, ...classes, ...drilled];
  const names = figuresIn(all).map(({ name }) => name);
  const rows = shown.map((figures) => [figures.class, ...figuresIn(figures).map(({ text }) => text)]);
  const said = figuresIn(all).flatMap(({ name, definition }) =>
    definitions[definition] === undefined ? [] : [`- **${name}**: ${definitions[definition]}\n`],
  );
  return [
    `# Findings from ${formatInstant(since)} to ${formatInstant(until)}\n`,
    `${markdownTable(["class", ...names], rows)}`,
    `## What the figures are\n\n${said.join("")}- ${definitions["p50"] ?? ""}\n`,
    `## Scans\n\n${definitions["scans"] ?? ""}\n\n${markdownTable(["scan", "every", "turns", "last", "saw"], scans.map(scanRow))}`,
    ...guardrails.map(guardrailMarkdown),
  ].join("\n");
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownCell).join(" | ")} |\n`;
  return `${line(head)}|${head.map(() => "---|").join("")}\n${rows.map(line).join("")}`;
}

function markdownCell(text: string): string {
  return text
    .trim()
    .replaceAll(/[\\|<>`*_[\]]/g, "\\$&")
    .replaceAll(/\p{Cc}/gu, "?");
}

function guardrailMarkdown({ class: name, because, stages = [], instead, replay }: Guardrail): string {
  const steps = stages.map(({ stage, how, writ }) => `${stage}: ${how}\n\n\`\`\`writ\n${writ}\`\`\`\n`);
  const said = replay === undefined ? "" : `Replay: ${replaySentence(replay)}.\n\n`;
  const other = instead === undefined ? "" : `No policy can see it; instead: ${instead}.\n`;
  return `## Proposed guard against ${name}\n\nBecause ${because}.\n\n${said}${other}${steps.join("\n")}`;
}

// ── CSV ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One row a class; times in seconds, empty where there is nothing to measure. */
export function reportCsv({ all, classes, drills, since, until, definitions }: FindingReport): string {
  const rows = [
    ...[all, ...classes].map((figures) => csvRow(figures, "")),
    ...drills.map((figures) => csvRow(figures, "drill")),
  ];
  const notes = Object.entries(definitions).map(([name, text]) => ["definition", name, text]);
  const head = ["class", "drill", ...csvCells(all).map(([name]) => name)];
  const window = ["window", formatInstant(since), formatInstant(until)];
  return csvOf([head, ...rows, window, ...notes]);
}

function csvRow(figures: ClassFigures, drill: string): readonly string[] {
  return [
    figures.class,
    drill,
    ...csvCells(figures).map(([, value]) => (value === undefined ? "" : String(value))),
  ];
}

function csvCells(figures: ClassFigures): readonly (readonly [string, number | undefined])[] {
  const { timeToDetect: ttd, timeToRemediate: ttr, ageOfOpen: age, survival } = figures;
  return [
    ["detected", figures.detected],
    ["without_origin", figures.withoutOrigin],
    ["ttd_count", ttd?.count],
    ["mttd_seconds", ttd?.mean],
    ["ttd_p50_seconds", ttd?.p50],
    ["ttd_p90_seconds", ttd?.p90],
    ["remediated", figures.remediated],
    ["gone", figures.gone],
    ["mttr_seconds", ttr?.mean],
    ["ttr_p50_seconds", ttr?.p50],
    ["ttr_p90_seconds", ttr?.p90],
    ["ttr_estimated_p50_seconds", survival?.p50],
    ["ttr_estimated_p90_seconds", survival?.p90],
    ["open", figures.open],
    ["acknowledged", figures.acknowledged],
    ["open_age_p50_seconds", age?.p50],
    ["open_age_p90_seconds", age?.p90],
    ["recurrences", figures.recurrences],
  ];
}
