/** For how long does evidence count that nobody shows again? Until the broker, AMD's certificates or another state of the database say no. */
import { base64UrlOf, parseBase64Url } from "../base/bytes.ts";
import { addSeconds, type Instant, instant } from "../base/time.ts";
import type { BoundEvidence } from "../channel/bind.ts";
import type { ChannelId } from "../channel/bindings.ts";
import { isOfLiveEpoch } from "../channel/nonce.ts";
import type { EvidenceMark } from "../wire/messages.ts";
import type { Authorization } from "./commit.ts";
import { wantsEvidence } from "./evidence-fault.ts";
import type { HeldDecision, TokenHolder } from "./held-decision.ts";
import type { World } from "./world.ts";

/** What a token says of evidence that was judged just now. */
export function evidenceMarkOf(
  bound: BoundEvidence,
  { decisionId, entry }: Authorization,
  now: Instant,
  world: Pick<World, "signer" | "primitives">,
): EvidenceMark {
  const { endorsement, revocation } = bound;
  return {
    decision: decisionId,
    trace_hash: entry.trace_hash,
    at: now,
    until: Math.min(endorsement.notAfter, revocation?.nextUpdate ?? now),
    signer: signerHashOf(world),
  };
}

/** When what is renewed now ends at the latest. */
export function endOf({ at, until }: EvidenceMark, { settings }: Pick<World, "settings">): Instant {
  return instant(Math.min(until, addSeconds(instant(at), settings.maxEvidenceSeconds)));
}

/**
 * Refuses to renew anything on evidence that counts no more: too old for this broker, judged under a certificate or CRL that ended or
 * under a CRL that a newer one replaced, before the broker's key was another, or before its database was put back.
 *
 * @returns What the token says of it.
 * @throws {@link Fault} `token/wants-evidence`; `store/unavailable`.
 */
export async function evidenceInForce(
  holder: TokenHolder | undefined,
  held: Pick<HeldDecision<ChannelId>, "entry" | "facts">,
  world: World,
): Promise<EvidenceMark> {
  const mark = holder?.claims.ostiary.evidence;
  const nonce = holder?.claims.eat_nonce ?? "";
  if (mark === undefined) throw wantsEvidence("a token that says how old its evidence is");
  if (world.now() >= endOf(mark, world)) throw wantsEvidence("evidence that is not over");
  if (mark.signer !== signerHashOf(world)) throw wantsEvidence("evidence for the broker's key of today");
  refuseReplacedCrl(held, world);
  const keys = await world.nonceKeys();
  if (!isOfLiveEpoch(parseBase64Url(nonce) ?? new Uint8Array(0), keys, world.primitives)) {
    throw wantsEvidence("evidence over a nonce of an epoch that lives");
  }
  return mark;
}

/** Whoever shows evidence now has to pass the newest CRL that was seen; whoever shows none passes no older one. */
function refuseReplacedCrl(
  { entry, facts }: Pick<HeldDecision<ChannelId>, "entry" | "facts">,
  { trust }: World,
): void {
  const product = facts.get("product");
  if (product !== "milan" && product !== "genoa" && product !== "turin") {
    throw wantsEvidence("evidence of a known product");
  }
  const lowest = trust.lowestCrlNumber(product);
  if (lowest !== undefined && BigInt(entry.crl.number) < lowest) {
    throw wantsEvidence("evidence that the newest CRL speaks for");
  }
}

function signerHashOf({ signer, primitives }: Pick<World, "signer" | "primitives">): string {
  return base64UrlOf(primitives.digest("sha256", signer.spki));
}
