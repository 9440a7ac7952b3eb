/** `ostiary policy narrow`: what of the live policy did nobody use, and what would it be without that? Nothing is activated. */
import { parseUtf8 } from "../../base/bytes.ts";
import { canonicalJson, type JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { addSeconds, formatInstant, type Instant, instant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import type { Seen } from "../../policy/appraise.ts";
import { type Bundle, loadBundle } from "../../policy/bundle.ts";
import { type Narrowed, narrowed } from "../../policy/narrow.ts";
import type { ReplayTally } from "../../policy/replay-tally.ts";
import { signBundle } from "../../policy/signatures.ts";
import { toldItems } from "../../policy/told-decision.ts";
import { type Unused, useOf } from "../../policy/use.ts";
import { tallyJson } from "../../wire/replay.ts";
import { ADMIN_OPTIONS, type AdminSession, adminOptionsOf } from "../admin-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import type { ExitStatus, Terminal } from "../command.ts";
import { lineDiff } from "../line-diff.ts";
import { momentOf } from "../writ/moment.ts";
import { fetchedBundle } from "./bundles.ts";
import type { Edges } from "./edges.ts";
import { replayAll } from "./replay.ts";
import { replayText } from "./replay-text.ts";

const OPTIONS = {
  ...ADMIN_OPTIONS,
  since: { type: "string" },
  propose: { type: "boolean" },
} as const;

/** What nobody used in a quarter of a year was not used at the end of a quarter either. */
const DEFAULT_SECONDS = 92 * 86_400;
const PAGE = 50;
const ALL = 10_000_000;

/** Ends with 1 where something could go, with 0 where all is in use. */
export async function narrow(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  noWords(positionals);
  const session = await edges.open(adminOptionsOf(values));
  const since =
    values.since === undefined
      ? addSeconds(session.now(), -DEFAULT_SECONDS)
      : instant(momentOf(values.since));
  const live = await liveBundle(session.client, edges);
  const decisions = await noteAll(live, since, session.client, edges.terminal);
  const found = narrowed(live, decisions.unused, edges.digest);
  const proof = await proofOf(found, since, session.client, edges.terminal);
  const proposed = values.propose === true ? await propose(found, proof, session) : undefined;
  const answer: Answer = { live, since, found, proof, proposed, decisions: decisions.count };
  edges.terminal.out(
    values.json === true ? `${canonicalJson(answerJson(answer))}\n` : answerText(answer, edges),
  );
  return found.taken.length === 0 ? 0 : 1;
}

/** @throws {@link Fault} `policy/unknown`. */
async function liveBundle(client: AdminClient, { digest }: Edges): Promise<Bundle> {
  const { live } = await client.listBundles();
  if (live === undefined)
    throw new Fault("policy/unknown", "expected a live bundle: there is nothing to make narrower");
  return fetchedBundle(live.digest, client, digest);
}

interface Noted {
  readonly count: number;
  readonly unused: readonly Unused[];
}

/** A decision whose facts are not kept uses nothing here: the replay says how many there are. */
async function noteAll(
  live: Bundle,
  since: Instant,
  client: AdminClient,
  terminal: Terminal,
): Promise<Noted> {
  const use = useOf(live);
  let count = 0;
  for await (const { trace } of decisionsSince(since, client)) {
    for (const seen of seenIn(trace)) use.note(seen);
    count += 1;
    if (terminal.isTty && count % PAGE === 0) terminal.err(`\r${count} decisions read`);
  }
  if (terminal.isTty) terminal.err("\n");
  return { count, unused: use.unused() };
}

function seenIn(trace: JsonValue): readonly Seen[] {
  const items = isJsonObject(trace) ? toldItems(trace["items"]) : undefined;
  return (items ?? []).flatMap(({ seen }) => seen ?? []);
}

/** Newest first, a page at a time. */
async function* decisionsSince(since: Instant, client: AdminClient) {
  let before: number | undefined;
  do {
    const page = await client.decisionsBefore(before, PAGE); // in order: a page tells where the next begins
    for (const one of page.decisions) if (one.kind === "decision" && one.at >= since) yield one;
    before = page.decisions.some(({ at }) => at < since) ? undefined : page.next;
  } while (before !== undefined);
}

/** The broker judges every decision of the window again: those that it cannot are no proof. */
async function proofOf(
  { tar }: Narrowed,
  since: Instant,
  client: AdminClient,
  terminal: Terminal,
): Promise<ReplayTally | undefined> {
  if (tar === undefined) return undefined;
  return (await replayAll({ tar, since, limit: ALL }, client, terminal)).tally;
}

function isProven(tally: ReplayTally): boolean {
  const { gained, lost, changed, unseen, unreproduced, tampered } = tally;
  return gained + lost + changed + unseen + unreproduced + tampered === 0;
}

/** Proposed and no more: an admin activates it, or does not. */
async function propose(
  { tar }: Narrowed,
  proof: ReplayTally | undefined,
  { client, signer }: AdminSession,
): Promise<string | undefined> {
  if (tar === undefined || proof === undefined || !isProven(proof)) return undefined;
  return (await client.proposeBundle({ tar, signature: await signBundle(tar, signer) })).digest;
}

// ── what is told ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Answer {
  readonly live: Bundle;
  readonly since: Instant;
  readonly decisions: number;
  readonly found: Narrowed;
  readonly proof: ReplayTally | undefined;
  readonly proposed: string | undefined;
}

function answerJson({ live, since, decisions, found, proof, proposed }: Answer) {
  const named = (all: readonly Unused[]) => all.map(({ kind, name, file }) => ({ kind, name, file }));
  return {
    ...{ live: live.digest, since: formatInstant(since), decisions },
    ...{ unused: named(found.taken), kept: named(found.kept) },
    ...(found.gate === undefined ? {} : { finding: found.gate.finding }),
    ...(proof === undefined ? {} : { proven: isProven(proof), replay: tallyJson(proof) }),
    ...(proposed === undefined ? {} : { proposed }),
  };
}

function answerText({ live, since, decisions, found, proof, proposed }: Answer, { digest }: Edges): string {
  const head = `${decisions} decisions since ${formatInstant(since)}, by the live policy ${live.digest.slice(0, 12)}\n`;
  const kept = found.kept.map(
    ({ kind, name }) =>
      `  stays      ${kind} ${name}: without it the policy says more, or does not compile\n`,
  );
  if (found.tar === undefined || proof === undefined)
    return `${head}${kept.join("")}nothing can go: all of it was used\n`;
  const taken = found.taken.map(({ kind, name, file }) => `  unused     ${kind} ${name}   ${file}\n`);
  const narrower = loadBundle(found.tar, digest);
  const diffs = Array.from(live.side.files, ([path, content]) =>
    lineDiff(path, textOf(content), textOf(narrower.side.files.get(path))),
  );
  const verdict =
    found.gate?.finding === "same"
      ? "allows what is allowed now, by the solver over all requests\n"
      : "narrows what is allowed, by the solver over all requests, and nothing more\n";
  return [
    head,
    ...taken,
    ...kept,
    "\n",
    ...diffs,
    "\n",
    verdict,
    replayText(proof),
    nextOf(proof, proposed),
  ].join("");
}

function nextOf(proof: ReplayTally, proposed: string | undefined): string {
  if (proposed !== undefined)
    return `proposed ${proposed}\nnext: ostiary policy review ${proposed.slice(0, 12)}\n`;
  if (isProven(proof)) return "next: apply this to your sources, or `ostiary policy narrow --propose`\n";
  return "NOT PROVEN: decisions above would be other or cannot be judged again; nothing is proposed\n";
}

function textOf(content: string | Uint8Array | undefined): string {
  return typeof content === "string" ? content : (parseUtf8(content ?? new Uint8Array(0)) ?? "");
}
