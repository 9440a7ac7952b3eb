/** `ostiary decision export`: decisions with what they saw, one a line, to be judged again elsewhere. */
import { encodeDecisionDetail } from "../wire/decision.ts";
import { ADMIN_OPTIONS, adminOptionsOf, type OpenAdminSession } from "./admin-session.ts";
import { noWords, parseArguments } from "./arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "./command.ts";
import { momentOf } from "./writ/moment.ts";

const OPTIONS = {
  ...ADMIN_OPTIONS,
  since: { type: "string" },
  until: { type: "string" },
  limit: { type: "string" },
} as const;

const PAGE = 50;

/** Newest first. Written as it arrives: memory stays flat. */
export async function exportDecisions(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  noWords(positionals);
  const since = values.since === undefined ? 0 : momentOf(values.since);
  const until = values.until === undefined ? Infinity : momentOf(values.until);
  let left = limitOf(values.limit);
  const { client } = await open(adminOptionsOf(values));
  for (let before: number | undefined; left > 0; ) {
    const page = await client.decisionsBefore(before, PAGE); // in order: a page tells where the next begins
    const wanted = page.decisions.filter(({ at }) => at >= since && at < until).slice(0, left);
    terminal.out(wanted.map((one) => `${encodeDecisionDetail(one)}\n`).join(""));
    left -= wanted.length;
    if (page.next === undefined || page.decisions.some(({ at }) => at < since)) break;
    before = page.next;
  }
  return 0;
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (/^[1-9]\d{0,7}$/.test(text)) return Number(text);
  throw new Misuse(`expected --limit with a whole number of decisions, received \`${text}\``);
}
