/** `ostiary policy replay`: what would a candidate have said to the guests of the past? */
import { canonicalJson } from "../../base/canonical-json.ts";
import { type Instant, instant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import { EMPTY_TALLY, joinTallies, type ReplayTally } from "../../policy/replay-tally.ts";
import { MAX_REPLAY_PAGE, type ReplayRequest, tallyJson } from "../../wire/replay.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { momentOf } from "../writ/moment.ts";
import { archiveOf, readCheckout } from "./checkout.ts";
import type { Edges } from "./edges.ts";
import { replayText } from "./replay-text.ts";
import { isDigits, wholeDigest } from "./whole-digest.ts";

const OPTIONS = {
  ...ADMIN_OPTIONS,
  since: { type: "string" },
  until: { type: "string" },
  limit: { type: "string" },
} as const;

/** Status 1 where something would be otherwise, or could not be believed. */
export async function replay(
  args: readonly string[],
  { open, digest, terminal }: Edges,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const word = oneWord(positionals, "CANDIDATE");
  const { since, until } = values;
  const range = {
    ...(since === undefined ? {} : { since: instantOf(since) }),
    ...(until === undefined ? {} : { until: instantOf(until) }),
    limit: limitOf(values.limit),
  };
  const { client } = await open(adminOptionsOf(values));
  const candidate = isDigits(word)
    ? { digest: await wholeDigest(word, client) }
    : { tar: archiveOf(await readCheckout(word, { digest, terminal }), undefined, digest) };
  const { tally, live, digest: judged } = await replayAll({ ...candidate, ...range }, client, terminal);
  terminal.out(
    values.json === true
      ? `${canonicalJson({ candidate: judged, ...(live === undefined ? {} : { live }), ...tallyJson(tally) })}\n`
      : replayText(tally),
  );
  const { gained, lost, changed, tampered, unreproduced } = tally;
  return gained + lost + changed + tampered + unreproduced === 0 ? 0 : 1;
}

function instantOf(text: string): Instant {
  return instant(momentOf(text));
}

const MOST = 10_000_000;

/** All there are, unless it is said. */
function limitOf(text: string | undefined): number {
  if (text === undefined) return MOST;
  const limit = Number(text);
  if (/^\d{1,8}$/.test(text) && limit >= 1) return limit;
  throw new Misuse(`expected --limit with a whole number of decisions, received \`${text}\``);
}

interface Replayed {
  readonly tally: ReplayTally;
  readonly digest: string;
  readonly live: string | undefined;
}

/** Page by page, newest first, with progress on a terminal. Memory stays flat. */
export async function replayAll(
  request: Omit<ReplayRequest, "before">,
  client: Pick<AdminClient, "replay">,
  terminal: Pick<Terminal, "err" | "isTty">,
): Promise<Replayed> {
  let [tally, seen, before]: [ReplayTally, number, number | undefined] = [EMPTY_TALLY, 0, undefined];
  for (;;) {
    const limit = Math.min(MAX_REPLAY_PAGE, request.limit - seen);
    const asked: ReplayRequest = { ...request, limit, ...(before === undefined ? {} : { before }) };
    const page = await client.replay(asked); // in order: a page tells where the next begins
    tally = joinTallies(tally, page.tally);
    seen += limit;
    if (terminal.isTty) terminal.err(`\r${tally.decisions} decisions judged again`);
    if (page.next === undefined || seen >= request.limit) {
      if (terminal.isTty) terminal.err("\n");
      return { tally, digest: page.candidate, live: page.live };
    }
    before = page.next;
  }
}
