/** How does a guest get its keys? Decided and recorded first; then unwrapped, sealed to the key in the report, signed. */
import { type Decided, decide } from "./decide.ts";
import { sealItems } from "./release-items.ts";
import type { Exchange, ReleaseAnswer, ReleaseRequest } from "./request.ts";
import { issueToken, tokenSubjectOf } from "./tokens.ts";
import { refuseUnusable, wantedOf } from "./wanted.ts";
import type { World } from "./world.ts";

/**
 * One release, from door to ledger to sealed key. `decide` holds steps 1 to 9 of PROTOCOL section 5; step 10 is `sealItems`.
 *
 * @throws {@link Fault} any code of PROTOCOL section 5; with one, nothing was unwrapped, or a `release-failed` entry says so.
 */
export async function release(
  request: ReleaseRequest,
  exchange: Exchange,
  world: World,
): Promise<ReleaseAnswer> {
  refuseUnusable(request.claims);
  const decided = await decide({ request, exchange, wanted: () => wantedOf(request.claims, world) }, world);
  return sealItems(sealingOf(decided, world), world);
}

function sealingOf(decided: Decided, world: World) {
  const { authorization, transcript, suite, reportId, now, exchange } = decided;
  const { wrapPub, binding } = transcript.fields;
  return {
    ...{ authorization, suite, wrapPub, binder: transcript.binder, binding, reportId, now },
    ...(exchange.step === undefined ? {} : { step: exchange.step }),
    token: (plan: Parameters<typeof issueToken>[0]) =>
      issueToken(plan, tokenSubjectOf(decided, world), world),
  };
}
