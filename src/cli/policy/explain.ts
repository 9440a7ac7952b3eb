/** `ostiary policy explain`: why may a bundle let in whom the live one refuses? A signed sentence for each gain. */
import type { Signer } from "../../base/primitives.ts";
import { type ExplainedGain, MAX_EXPLAINED, signExplanation } from "../../policy/order-statements.ts";
import { type DifferenceGroup, sortedGroups } from "../../policy/replay-tally.ts";
import { encodeExplainedGains } from "../../wire/replay.ts";
import { meets, parsePattern } from "../../writ/patterns.ts";
import type { AdminSession } from "../admin-session.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import type { Edges } from "./edges.ts";
import { replayAll } from "./replay.ts";
import { wholeDigest } from "./whole-digest.ts";

const OPTIONS = { ...ADMIN_OPTIONS, because: { type: "string" }, resource: { type: "string" } } as const;

/** As far as the broker looks back where a bundle becomes live. */
const LIMIT = 1000;

export async function explain(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const digits = oneWord(positionals, "DIGEST");
  const { because, resource } = values;
  if (because === undefined) throw new Misuse("expected --because TEXT: why these gains are meant");
  const session = await open(adminOptionsOf(values));
  const digest = await wholeDigest(digits, session.client);
  const asked = { digest, because, ...(resource === undefined ? {} : { resource }) };
  const explained = await explainAll(asked, session, terminal);
  if (values.json === true) terminal.out(`${encodeExplainedGains(explained)}\n`);
  else terminal.out(explained.length === 0 ? "there is no gain to explain\n" : textOf(explained));
  return 0;
}

/** Signs one statement over all gains that a replay shows; with a pattern, over those that it names. */
export async function explainAll(
  {
    digest,
    because,
    resource,
  }: { readonly digest: string; readonly because: string; readonly resource?: string },
  { client, signer, audience }: Omit<AdminSession, "url"> & { readonly signer: Signer },
  terminal: Pick<Terminal, "err" | "isTty">,
): Promise<readonly ExplainedGain[]> {
  const { tally } = await replayAll({ digest, limit: LIMIT }, client, terminal);
  const gains = gainsOf(tally.groups, because, resource);
  if (gains.length === 0) return [];
  if (gains.length > MAX_EXPLAINED) {
    throw new Misuse(
      `expected at most ${MAX_EXPLAINED} gains in one statement: name a pattern with --resource`,
    );
  }
  return client.explainGains(digest, await signExplanation({ digest, audience, gains }, signer));
}

function gainsOf(
  groups: readonly DifferenceGroup[],
  why: string,
  resource: string | undefined,
): readonly ExplainedGain[] {
  const gains = sortedGroups(groups)
    .filter((group) => group.direction === "gained" && isNamed(group.resource, resource))
    .map((group): ExplainedGain => ({ resource: resource ?? group.resource, clause: group.clause, why }));
  return [...new Map(gains.map((gain) => [JSON.stringify([gain.resource, gain.clause]), gain])).values()];
}

function isNamed(resource: string, named: string | undefined): boolean {
  if (named === undefined) return true;
  const [pattern, asked] = [parsePattern(named), parsePattern(resource)];
  if (pattern.kind === "bad") throw new Misuse(`--resource: ${pattern.why}`);
  return asked.kind === "pattern" && meets(pattern.pattern, asked.pattern);
}

function textOf(explained: readonly ExplainedGain[]): string {
  return explained
    .map(({ resource, clause, why }) => `explained   ${resource}   by ${clause}\n  ${why}\n`)
    .join("")
    .replaceAll(/[^\P{Cc}\n]/gu, "?");
}
