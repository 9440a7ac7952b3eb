/** `ostiary drill`: plants something that is not good, and measures how soon the broker finds it. */
import { formatInstant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import { DRILL_KINDS, type DrillKind, type DrillSummary } from "../../wire/drill-messages.ts";
import { encodeDrillList } from "../../wire/drills.ts";
import type { Finding } from "../../wire/finding-messages.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { noWords, oneWord, parseArguments, secondsOf } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { durationText } from "../duration-text.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary drill [KIND…] [--for 30m]    plants one of each kind (${DRILL_KINDS.join(", ")}), and waits until it is found
ostiary drill list                   what is planted now
ostiary drill end ID                 takes it away before its time

What is planted has a label, is in no figure of real findings, touches nothing that serves, and is gone after its time,
whatever becomes of this program or the broker. Status 1 where something was not found in that time.

${ADMIN_USAGE}`;

const OPTIONS = { ...ADMIN_OPTIONS, for: { type: "string" } } as const;
const POLL_MS = 1000;

export interface DrillEdges {
  readonly open: OpenAdminSession;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

export function createDrillCommand({ open, sleep }: DrillEdges): Command {
  return {
    name: "drill",
    summary: "plant something that is not good, and measure how soon it is found",
    usage: USAGE,
    run: async (words, terminal) => {
      const { values, positionals } = parseArguments(words, OPTIONS);
      const [verb, ...rest] = positionals;
      const { client } = await open(adminOptionsOf(values));
      const isJson = values.json === true;
      if (verb === "list") return list(rest, { client, isJson, terminal });
      if (verb === "end") {
        await client.endDrill(oneWord(rest, "ID"));
        return 0;
      }
      const seconds = secondsOf(values.for ?? "30m", "--for");
      const planted: DrillSummary[] = [];
      for (const kind of kindsOf(positionals)) planted.push(await client.plantDrill({ kind, seconds })); // in order
      return untilFound(planted, { client, isJson, terminal, sleep });
    },
  };
}

interface Out {
  readonly client: AdminClient;
  readonly isJson: boolean;
  readonly terminal: Terminal;
}

async function list(words: readonly string[], { client, isJson, terminal }: Out): Promise<ExitStatus> {
  noWords(words);
  const drills = await client.listDrills();
  const head = ["ID", "KIND", "PLANTED", "ENDS", "BY"];
  const rows = drills.map(({ id, kind, plantedAt, endsAt, plantedBy }) => [
    id,
    kind,
    formatInstant(plantedAt),
    formatInstant(endsAt),
    plantedBy,
  ]);
  const text = drills.length === 0 ? "no drills\n" : tableOf([head, ...rows]);
  terminal.out(isJson ? `${encodeDrillList(drills)}\n` : text);
  return 0;
}

function kindsOf(words: readonly string[]): readonly DrillKind[] {
  const kinds = words.map((word) => DRILL_KINDS.find((kind) => kind === word));
  const known = kinds.filter((kind) => kind !== undefined);
  if (known.length < words.length) throw new Misuse(`expected kinds out of ${DRILL_KINDS.join(", ")}`);
  return known.length === 0 ? DRILL_KINDS : known;
}

/** By the broker's own clock, and the scans it has anyway. What was found is taken away again. */
async function untilFound(
  planted: readonly DrillSummary[],
  { client, isJson, terminal, sleep }: Out & Pick<DrillEdges, "sleep">,
): Promise<ExitStatus> {
  let found: ReadonlyMap<string, Finding> = new Map();
  for (;;) {
    const findings = await client.listFindings(undefined); // in order: again and again
    found = new Map(findings.flatMap((one) => (one.drill === undefined ? [] : [[one.drill, one] as const])));
    const running = new Set((await client.listDrills()).map(({ id }) => id));
    if (planted.every(({ id }) => found.has(id) || !running.has(id))) break;
    await sleep(POLL_MS);
  }
  const running = new Set((await client.listDrills()).map(({ id }) => id));
  for (const { id } of planted) if (running.has(id)) await client.endDrill(id);
  const results = planted.map((drill) => ({ ...drill, finding: found.get(drill.id) }));
  terminal.out(
    isJson ? `${JSON.stringify({ drills: results.map(jsonOf) })}\n` : results.map(textOf).join(""),
  );
  return results.every(({ finding }) => finding !== undefined) ? 0 : 1;
}

type Result = DrillSummary & { readonly finding: Finding | undefined };

function secondsUntil({ plantedAt, finding }: Result): number | undefined {
  return finding === undefined ? undefined : Math.max(0, finding.detectedAt - plantedAt);
}

function jsonOf(result: Result) {
  const { id, kind, finding } = result;
  return { id, kind, found: finding !== undefined, seconds: secondsUntil(result), finding: finding?.id };
}

function textOf(result: Result): string {
  const seconds = secondsUntil(result);
  if (seconds === undefined || result.finding === undefined) return `${result.kind}: not found in its time\n`;
  return `${result.kind}: found after ${durationText(seconds)}, as ${result.finding.class} ${result.finding.id}\n`;
}
