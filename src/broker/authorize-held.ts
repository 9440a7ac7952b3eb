/** May a guest have this on evidence that it showed before? The live policy over what is known of it, decided and recorded anew. */
import type { ChannelId, Suite } from "../channel/bindings.ts";
import { appraiseAgain } from "../policy/appraise.ts";
import { type Authorization, commitDecision } from "./commit.ts";
import { type HeldDecision, heldMsOf, type TokenHolder } from "./held-decision.ts";
import { appraiseItems } from "./items.ts";
import type { Exchange } from "./request.ts";
import { subjectOfToken } from "./subject.ts";
import type { Wanted } from "./wanted.ts";
import type { World } from "./world.ts";

/** What is wanted by whose token, over which request. */
export interface HeldQuestion {
  readonly held: HeldDecision<ChannelId>;
  readonly holder: TokenHolder | undefined;
  readonly suite: Suite;
  readonly wanted: readonly Wanted[];
  readonly exchange: Exchange;
}

/** All or nothing. @throws {@link Fault} `policy/denied`, `obligation/exhausted`, `secret/absent`; `token/wants-evidence`; `store/unavailable`. */
export async function authorizeHeld(question: HeldQuestion, world: World): Promise<Authorization> {
  const { held, holder, suite, wanted, exchange } = question;
  const now = world.now();
  const heldMs = heldMsOf(held, now);
  const bundle = await world.liveBundle();
  const appraisals = await appraiseItems(
    {
      wanted,
      reportId: held.reportId,
      suite,
      binding: held.entry.binding,
      nonceAgeMs: 0,
      heldMs,
      source: exchange.source,
      now,
      appraise: (context) => appraiseAgain(held.facts, bundle, { ...context, heldMs }),
    },
    world,
  );
  const subject = subjectOfToken({ held, holder }, suite, now);
  const { id, source } = exchange;
  return commitDecision(
    { id, source, nonce: undefined, isPartial: false, subject, bundle, appraisals, now },
    world,
  );
}
