/** `ostiary policy narrow`: what of the live policy did nobody use, and which narrower sources would have served all who came? */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { type Instant, instant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import { outcomeOver, type Seen } from "../../policy/appraise.ts";
import type { Bundle } from "../../policy/bundle.ts";
import { type Narrowed, narrowedBundle, unusedOf } from "../../policy/narrowed.ts";
import type { ReplayTally } from "../../policy/replay-tally.ts";
import { toldItems } from "../../policy/told-decision.ts";
import { openUsage, type Usage } from "../../policy/usage.ts";
import type { DecisionDetail } from "../../wire/messages.ts";
import { tallyJson } from "../../wire/replay.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "../admin-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse } from "../command.ts";
import { momentOf } from "../writ/moment.ts";
import { fetchedBundle } from "./bundles.ts";
import type { Edges } from "./edges.ts";
import { headOf, narrowedJson, narrowedText, nextText } from "./narrow-text.ts";
import { replayAll } from "./replay.ts";
import { replayText } from "./replay-text.ts";

const OPTIONS = { ...ADMIN_OPTIONS, since: { type: "string" }, out: { type: "string" } } as const;

const PAGE = 50;
const MOST = 10_000_000;

/** Status 1 where something can be cut: `--out` has it as sources, to be proposed like any other. Nothing becomes live by this. */
export async function narrow(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  noWords(positionals);
  if (values.since === undefined) {
    throw new Misuse("expected --since TIME: what nobody used from then on is what can be cut");
  }
  const since = instant(momentOf(values.since));
  const { digest, terminal } = edges;
  const { client } = await edges.open(adminOptionsOf(values));
  const { live } = await client.listBundles();
  if (live === undefined)
    throw new Fault("policy/unknown", "expected a live bundle: there is nothing to cut");
  const bundle = await fetchedBundle(live.digest, client, digest);
  const { usage, allowed } = await usageSince(since, bundle, client);
  const narrowed = narrowedBundle(bundle, unusedOf(bundle, usage, since), digest);
  if (narrowed === undefined) {
    terminal.out(
      values.json === true
        ? `${canonicalJson({ allowed, cuts: [] })}\n`
        : `${headOf(allowed, since)}nothing to cut\n`,
    );
    return 0;
  }
  const { tally } = await replayAll({ tar: narrowed.tar, since, limit: MOST }, client, terminal);
  refuseLosses(tally);
  if (values.out !== undefined) writeSources(values.out, narrowed);
  terminal.out(
    values.json === true
      ? `${canonicalJson({ allowed, ...narrowedJson(narrowed), replay: tallyJson(tally) })}\n`
      : `${headOf(allowed, since)}${narrowedText(narrowed)}${replayText(tally)}${nextText(values.out)}`,
  );
  return 1;
}

/** @throws {@link Fault} `policy/unknown-use` where it cannot be told what guests rested on. */
async function usageSince(
  since: Instant,
  bundle: Bundle,
  client: AdminClient,
): Promise<{ readonly usage: Usage; readonly allowed: number }> {
  const usage = openUsage(bundle.program);
  let [allowed, unseen] = [0, 0];
  const note = (seen: Seen | undefined): void => {
    if (seen === undefined) unseen += 1;
    const outcome = seen && outcomeOver(seen, bundle);
    if (seen === undefined || outcome?.isAllowed !== true) return;
    usage.note(outcome, seen.facts);
    allowed += 1;
  };
  for (let before: number | undefined; ; ) {
    const { decisions, next } = await client.decisionsBefore(before, PAGE); // in order: a page tells where the next begins
    for (const seen of decisions.filter(({ at }) => at >= since).flatMap(allowedIn)) note(seen);
    if (next === undefined || decisions.some(({ at }) => at < since)) break;
    before = next;
  }
  if (unseen > 0 || allowed === 0) throw unknownUse(unseen);
  return { usage, allowed };
}

/** What policy saw of each item that it allowed; `undefined` where that was not kept. */
function allowedIn(decision: DecisionDetail): readonly (Seen | undefined)[] {
  if (decision.kind === "refusal") return [];
  const { entry, trace } = decision;
  const items = toldItems(isJsonObject(trace) ? trace["items"] : undefined);
  if (items === undefined) return entry["outcome"] === "allow" ? [undefined] : [];
  return items.filter(({ code }) => code === undefined).map(({ seen }) => seen);
}

/** What guests rested on is not known: then what they did not rest on is not either. */
function unknownUse(unseen: number): Fault {
  return new Fault(
    "policy/unknown-use",
    unseen === 0
      ? "expected releases that the live policy allows since then: nobody used anything, and all of it would be cut"
      : `expected the facts of every release since then, ${unseen} are without: say a later --since`,
  );
}

/** The proof of the solver and the count of the past agree, or nothing is proposed. */
function refuseLosses({ gained, lost, changed, tampered, unreproduced }: ReplayTally): void {
  if (gained + lost + changed + tampered + unreproduced === 0) return;
  throw new Fault(
    "policy/unknown-use",
    `expected the past to be decided alike by what is left, received ${lost} lost, ${gained} gained, ${changed} on other terms, ${tampered + unreproduced} that cannot be believed: \`ostiary policy replay\` names them`,
  );
}

function writeSources(folder: string, { files }: Narrowed): void {
  for (const [path, text] of files) {
    const place = join(folder, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, text, { flag: "wx" });
  }
}
