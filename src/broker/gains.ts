/** May a bundle let in whom the live one refused? Only where somebody signed why, for each clause that does it. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Bundle } from "../policy/bundle.ts";
import { EXPLANATION_TYPE, type ExplainedGain, parseExplanation } from "../policy/order-statements.ts";
import type { Difference, ReplaySides } from "../policy/replay.ts";
import type { ReplayedDecision } from "../policy/replay-tally.ts";
import { openDsse } from "../policy/signatures.ts";
import { meets, parsePattern } from "../writ/patterns.ts";
import { holdersOf } from "./open-bundle.ts";
import { replayPage } from "./replay.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { World } from "./world.ts";

/** So many of the newest decisions are judged again before a bundle becomes live. */
const GATE_DECISIONS = 1000;
const DECISIONS_PER_PAGE = 250;

/** Somebody who would get what the live bundle refuses. */
interface Gain {
  readonly difference: Difference;
  /** A decision that shows it. */
  readonly example: string;
}

/**
 * Called where a bundle becomes live. The first bundle of a broker follows nothing, and gains nothing over it.
 *
 * @throws {@link Fault} `policy/unexplained-gain`; `ledger/inconsistent` where a decision of the window is not what the ledger says:
 *   what it would show is then unknown.
 */
export async function refuseUnexplainedGains(bundle: Bundle, world: World): Promise<void> {
  const live = await world.liveBundle();
  if (live === undefined) return;
  const gains = await gainsOver(live, bundle, world);
  if (gains.length === 0) return;
  const explained = await explainedGains(bundle.digest, world);
  const open = gains.filter(({ difference }) => !explained.some((one) => isCovering(one, difference)));
  const [first] = open;
  if (first === undefined) return;
  const { resource, clause } = first.difference;
  throw new Fault(
    "policy/unexplained-gain",
    `nobody explained ${open.length} gains of the newest decisions; the first: ${clause} would give ${resource}`,
    { gains: open.length, resource, clause, decision: first.example },
  );
}

/** One for each resource and clause, the newest example of each. */
async function gainsOver(older: Bundle, newer: Bundle, world: World): Promise<readonly Gain[]> {
  const gains = new Map<string, Gain>();
  for await (const decision of newestDecisions({ older, newer }, world)) {
    for (const gain of gainsIn(decision)) {
      const key = JSON.stringify([gain.difference.resource, gain.difference.clause]);
      if (!gains.has(key)) gains.set(key, gain);
    }
  }
  return [...gains.values()];
}

async function* newestDecisions(
  sides: ReplaySides,
  world: World,
): AsyncGenerator<ReplayedDecision, void, undefined> {
  let before: number | undefined;
  for (let seen = 0; seen < GATE_DECISIONS; seen += DECISIONS_PER_PAGE) {
    const range = { limit: DECISIONS_PER_PAGE, ...(before === undefined ? {} : { before }) };
    const { decisions, next } = await replayPage(sides, range, world); // in order: a page tells where the next begins
    yield* decisions;
    if (next === undefined) return;
    before = next;
  }
}

/** What cannot be believed hides what it would show. */
function gainsIn({ id, items }: ReplayedDecision): readonly Gain[] {
  if (items === undefined) throw altered(id);
  return items.flatMap((item) =>
    item.kind === "otherwise" && item.difference.direction === "gained"
      ? [{ difference: item.difference, example: id }]
      : [],
  );
}

function altered(id: string): Fault {
  return new Fault("ledger/inconsistent", `decision ${id} is not what the ledger says`, { decision: id });
}

function isCovering(explained: ExplainedGain, { resource, clause }: Difference): boolean {
  const [named, asked] = [parsePattern(explained.resource), parsePattern(resource)];
  return (
    explained.clause === clause &&
    named.kind === "pattern" &&
    asked.kind === "pattern" &&
    meets(named.pattern, asked.pattern)
  );
}

/** What was explained of a bundle. Signatures are looked at again: whoever can write rows explains nothing. */
async function explainedGains(
  digest: string,
  world: Pick<World, "store" | "primitives" | "settings" | "roster">,
): Promise<readonly ExplainedGain[]> {
  const stored = await world.store.explanations(digest);
  const explained: ExplainedGain[] = [];
  for (const { signature } of stored) explained.push(...(await openExplanation(signature, digest, world))); // in order: few
  return explained;
}

/**
 * Takes an explanation in. It makes nothing live; it lets an activation of this one bundle pass that it covers.
 *
 * @throws {@link Fault} `policy/unknown`, `policy/bad-signature`, `request/conflict` where it is there already.
 */
export async function explainGains(
  { digest, signature }: { readonly digest: string; readonly signature: string },
  actor: Actor,
  world: World,
): Promise<readonly ExplainedGain[]> {
  if ((await world.store.bundle(digest)) === undefined) {
    throw new Fault("policy/unknown", `expected the digest of a known bundle, received \`${digest}\``);
  }
  const gains = await openExplanation(signature, digest, world);
  const id = hexOf(world.primitives.digest("sha256", utf8(signature)));
  const subject = `${gains.length} gains of ${digest}`;
  const entry = adminEntry({ act: "policy-explain", subject, digest: id }, actor, world);
  const row = { id, digest, signature, at: world.now(), by: actor.kid };
  if (!(await world.store.putExplanation(row, entry))) {
    throw new Fault("request/conflict", "expected an explanation that is not there yet");
  }
  return explainedGains(digest, world);
}

async function openExplanation(
  signature: string,
  digest: string,
  { primitives, settings, roster }: Pick<World, "primitives" | "settings" | "roster">,
): Promise<readonly ExplainedGain[]> {
  const keys = holdersOf((await roster()).now, "author", "approver", "operator");
  const expected = { payloadType: EXPLANATION_TYPE, keys };
  const statement = parseExplanation((await openDsse(signature, expected, primitives)).payload);
  if (statement.digest === digest && statement.audience === settings.audience) return statement.gains;
  throw new Fault("policy/bad-signature", "expected an explanation signed for this bundle and this broker");
}
