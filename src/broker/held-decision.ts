/** What did this broker decide about the guest whose token this is? The stored decision, believed because the token has its hash. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { type Instant, instant } from "../base/time.ts";
import { CHANNEL_NAMES } from "../channel/binding-names.ts";
import type { Binding, ChannelId } from "../channel/bindings.ts";
import type { DecisionEntry } from "../ledger/entry.ts";
import type { HeldFacts } from "../policy/appraise.ts";
import { factsOfTold } from "../policy/told-facts.ts";
import type { Facts } from "../writ/facts.ts";
import type { Holder } from "./dpop.ts";
import { settle } from "./settle.ts";
import type { World } from "./world.ts";

/** The decision that judged the evidence behind a token: its own, or that of the token which it was renewed from. */
export interface HeldDecision<Channel extends ChannelId = Binding> {
  /** Of the token itself. */
  readonly token: string;
  readonly id: string;
  /** By the token, which is signed: a row may say anything. */
  readonly at: Instant;
  readonly entry: DecisionEntry & { readonly binding: Channel };
  /** What policy saw of the guest. */
  readonly facts: HeldFacts;
  /** `report.id`, lower-case hex. */
  readonly reportId: string;
}

/** Whose token it is, however that was proven. */
export type TokenHolder = Pick<Holder, "claims">;

const TRACE_LIMITS = { maxBytes: 8 << 20, maxDepth: 256, code: "token/invalid" } as const;

/**
 * Finds it. Whoever can write the database can alter a trace, but not so that it has the hash in the token; and the entry has to
 * say of channel, image and level what the trace says.
 *
 * @throws {@link Fault} `token/invalid`; `store/unavailable`.
 */
export async function heldDecisionOf(holder: Holder | undefined, world: World): Promise<HeldDecision> {
  if (holder === undefined)
    throw new Fault("token/invalid", "expected a guest's own token: no admin can speak or act for it");
  const { entry, ...held } = await decisionBehind(holder, world);
  const { binding } = entry;
  if (binding === 0)
    throw new Fault("token/invalid", "expected a token of a guest that attested over a binding");
  return { ...held, entry: { ...entry, binding } };
}

/** The same of any token of this broker, over whichever channel its guest attested. @throws {@link Fault} as {@link heldDecisionOf}. */
export async function decisionBehind(holder: TokenHolder, world: World): Promise<HeldDecision<ChannelId>> {
  const { jti } = holder.claims;
  const { decision: id, trace_hash: hash, at } = judgedBy(holder);
  const stored = await world.store.decision(id);
  const digest = stored && hexOf(world.primitives.digest("sha256", utf8(stored.trace)));
  const isKnown = id === jti || (await world.store.decision(jti)) !== undefined;
  if (stored === undefined || digest !== hash || !isKnown) {
    throw new Fault("token/invalid", "expected a token of a decision that this broker still has");
  }
  const entry = settle(stored);
  const facts = factsOf(world.chipIds?.show(stored.trace) ?? stored.trace);
  const reportId = facts?.get("report.id");
  if (
    facts === undefined ||
    typeof reportId !== "string" ||
    entry.kind !== "decision" ||
    !isOf(entry, facts)
  ) {
    throw new Fault("token/invalid", "expected a decision about a report with an id, and its entry");
  }
  return { token: jti, id, at: instant(at), entry, facts: mark(facts), reportId };
}

/** How old its evidence is. Never 0, which is the age of evidence that came with the request. */
export function heldMsOf({ at }: Pick<HeldDecision, "at">, now: Instant): number {
  return Math.max(1, (now - at) * 1000);
}

/** However often a token was renewed: facts, hash and age are of the one decision that had a report before it. */
function judgedBy({ claims: { jti, iat, ostiary } }: TokenHolder) {
  return ostiary.evidence ?? { decision: jti, trace_hash: ostiary.trace_hash, at: iat };
}

function isOf(entry: DecisionEntry, facts: Facts): boolean {
  return (
    facts.get("request.channel") === CHANNEL_NAMES[entry.binding] &&
    facts.get("measurement") === entry.measurement &&
    facts.get("vmpl") === entry.vmpl
  );
}

function factsOf(trace: string): Facts | undefined {
  const items = parseStrictJson(utf8(trace), TRACE_LIMITS);
  const [item] = Array.isArray(items) ? items : [];
  const told = isJsonObject(item) ? item["facts"] : undefined;
  return isJsonObject(told) ? factsOfTold(told) : undefined;
}

/** The only place that makes the mark. */
function mark(facts: Facts): HeldFacts {
  return facts as HeldFacts;
}
