/** `ostiary findings …`: what is not good, who knows of it, and how soon such things are seen and end. */
import { addSeconds, type Instant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import type { Finding, ScanSummary } from "../../wire/finding-messages.ts";
import { encodeFindingReport } from "../../wire/finding-report.ts";
import { encodeFindingPage, encodeScanList } from "../../wire/findings.ts";
import {
  ADMIN_OPTIONS,
  ADMIN_USAGE,
  type AdminOptions,
  adminOptionsOf,
  type OpenAdminSession,
} from "../admin-session.ts";
import { noWords, oneWord, parseArguments, secondsOf } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { reportCsv, reportMarkdown, reportText } from "../finding-report-text.ts";
import { findingsCsv, findingText, inOrder, listText } from "../finding-text.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary findings list [--since 30d] [--ended] [--class NAME] [--format text|json|csv]
                                   what is open, the most pressing first; with --ended what ended since, too
ostiary findings show ID           one finding in full, each spell of it
ostiary findings ack ID [--note TEXT]
                                   you know of it, which the log says; it stays open until a scan sees it good
ostiary findings report [--since 30d] [--format text|json|markdown|csv]
                                   how soon they are seen and end, with what each figure is; guards that would help
ostiary findings scan              look now; without it each scan has its turn by itself

ID is what \`list\` shows, or its first eight digits or more.

${ADMIN_USAGE}`;

const OPTIONS = {
  ...ADMIN_OPTIONS,
  since: { type: "string" },
  format: { type: "string" },
  class: { type: "string" },
  ended: { type: "boolean" },
  note: { type: "string" },
} as const;

export interface FindingEdges {
  readonly open: OpenAdminSession;
  readonly now: () => Instant;
}

type Verb = (asked: Asked) => Promise<string>;

interface Asked {
  readonly client: AdminClient;
  readonly words: readonly string[];
  readonly values: {
    readonly class?: string;
    readonly ended?: boolean;
    readonly note?: string;
  };
  readonly format: string;
  readonly since: Instant | undefined;
}

const VERBS: Readonly<Record<string, { readonly run: Verb; readonly formats: readonly string[] }>> = {
  list: { run: list, formats: ["text", "json", "csv"] },
  show: { run: show, formats: ["text", "json"] },
  ack: { run: acknowledge, formats: ["text", "json"] },
  report: { run: report, formats: ["text", "json", "markdown", "csv"] },
  scan: { run: scan, formats: ["text", "json"] },
};

export function createFindingsCommand({ open, now }: FindingEdges): Command {
  return {
    name: "findings",
    summary: "what is not good: list, show, ack, report, scan",
    usage: USAGE,
    run: async ([name = "", ...rest], terminal) => {
      const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
      if (verb === undefined) throw new Misuse("expected list, show, ack, report or scan after `findings`");
      const { values, positionals: words } = parseArguments(rest, OPTIONS);
      const format = formatOf(values, verb.formats);
      const since = values.since && addSeconds(now(), -secondsOf(values.since, "--since"));
      const { client } = await open(adminOptionsOf(values));
      return printed(await verb.run({ client, words, values, format, since: since || undefined }), terminal);
    },
  };
}

function printed(text: string, terminal: Terminal): ExitStatus {
  terminal.out(text);
  return 0;
}

function formatOf(
  { format, json }: AdminOptions & { readonly format?: string; readonly json?: boolean },
  known: readonly string[],
): string {
  const wanted = format ?? (json === true ? "json" : "text");
  if (known.includes(wanted) && !(json === true && wanted !== "json")) return wanted;
  throw new Misuse(`expected --format to be one of ${known.join(", ")}`);
}

async function list({ client, words, values, format, since }: Asked): Promise<string> {
  noWords(words);
  const all = await client.listFindings(since);
  const isWanted = (one: Finding): boolean =>
    (values.ended === true || one.remediated === undefined) &&
    (values.class === undefined || one.class === values.class);
  const findings = inOrder(all.filter(isWanted));
  if (format === "json") return `${encodeFindingPage({ findings })}\n`;
  return format === "csv" ? findingsCsv(findings) : listText(findings);
}

async function show({ client, words, format }: Asked): Promise<string> {
  return spellsText(await client.showFinding(await idOf(words, client)), format);
}

async function acknowledge({ client, words, values, format }: Asked): Promise<string> {
  return spellsText(await client.acknowledgeFinding(await idOf(words, client), values.note), format);
}

function spellsText(findings: readonly Finding[], format: string): string {
  return format === "json" ? `${encodeFindingPage({ findings })}\n` : findings.map(findingText).join("\n");
}

const WHOLE_ID = /^[0-9a-f]{32}$/;

/** A shorter one has to be of one finding alone. */
async function idOf(words: readonly string[], client: AdminClient): Promise<string> {
  const word = oneWord(words, "ID");
  if (WHOLE_ID.test(word)) return word;
  if (!/^[0-9a-f]{8,31}$/.test(word)) throw new Misuse("expected ID as 8 to 32 hex digits");
  const ids = new Set((await client.listFindings(undefined)).map(({ id }) => id));
  const [id, ...more] = [...ids].filter((known) => known.startsWith(word));
  if (id !== undefined && more.length === 0) return id;
  throw new Misuse(
    `expected the id of one finding, received \`${word}\`, which begins ${more.length === 0 ? "none" : "several"}`,
  );
}

async function report({ client, words, format, since }: Asked): Promise<string> {
  noWords(words);
  const made = await client.findingReport(since);
  if (format === "json") return `${encodeFindingReport(made)}\n`;
  if (format === "markdown") return reportMarkdown(made);
  return format === "csv" ? reportCsv(made) : reportText(made);
}

async function scan({ client, words, format }: Asked): Promise<string> {
  noWords(words);
  const scans = await client.scanNow();
  return format === "json" ? `${encodeScanList(scans)}\n` : scansText(scans);
}

function scansText(scans: readonly ScanSummary[]): string {
  const head = ["SCAN", "LOOKED AT", "NOT TO BE SEEN", "NOT GOOD", "TROUBLE"];
  const rows = scans.map(({ name, subjects, blind, findings, trouble }) => [
    name,
    String(subjects),
    String(blind),
    String(findings),
    trouble ?? "none",
  ]);
  return tableOf([head, ...rows]);
}
