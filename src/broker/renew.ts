/** How does a guest get something again without new evidence? By its token: the live policy over what is known of it, decided and recorded anew. */
import { Fault } from "../base/fault.ts";
import { wrapOf } from "../channel/suites.ts";
import { renewBinder } from "../channel/transit-binder.ts";
import type { EvidenceMark } from "../wire/messages.ts";
import { RENEW_PATH, type RenewRequest } from "../wire/renew.ts";
import { authorizeHeld } from "./authorize-held.ts";
import { offeredSuiteOf, refuseUnoffered } from "./challenge.ts";
import type { Authorization } from "./commit.ts";
import type { Holder } from "./dpop.ts";
import { endOf, evidenceInForce } from "./evidence-term.ts";
import { type HeldDecision, heldDecisionOf } from "./held-decision.ts";
import { type Sealing, sealItems } from "./release-items.ts";
import type { Exchange, ReleaseAnswer } from "./request.ts";
import { issueToken, type TokenSubject } from "./tokens.ts";
import { refuseRepeated, type Wanted, wantedOf } from "./wanted.ts";
import type { World } from "./world.ts";

/** What is asked for again, by whom, and over which request. */
export interface Renewal {
  readonly request: RenewRequest;
  /** The exact bytes of the request, which the proof is about. */
  readonly body: Uint8Array;
  readonly holder: Holder | undefined;
  readonly exchange: Exchange;
}

/**
 * One renewal, from token to sealed answer. All or nothing, as a release, and as one a decision of its own: recorded yes or no before
 * anything is unwrapped, with its obligations.
 *
 * @throws {@link Fault} `token/invalid`; `token/wants-evidence` where the guest has to attest anew; `channel/wrong-listener` where this
 *   listener does not serve the binding of its evidence; `policy/denied`, `obligation/exhausted`; `audience/unregistered`,
 *   `secret/absent`; `request/malformed`, `channel/bad-key`; `store/unavailable`, `kek/unavailable`.
 */
export async function renew(renewal: Renewal, world: World): Promise<ReleaseAnswer> {
  const { request, holder, exchange } = renewal;
  refuseRepeated(request.want);
  const suite = offeredSuiteOf(request.suite, world.settings);
  if (await wrapOf(suite).isHopeless(request.wrapPub, world.primitives)) {
    throw new Fault("channel/bad-key", "expected a one-use public key of the suite, on its curve");
  }
  const held = await heldDecisionOf(holder, world);
  refuseUnoffered(held.entry.binding, exchange);
  const evidence = await evidenceInForce(holder, held, world);
  const wanted = await wantedAgain(request, world);
  const authorization = await authorizeHeld({ held, holder, suite, wanted, exchange }, world);
  const sealing: Sealing = {
    authorization,
    suite,
    wrapPub: request.wrapPub,
    binder: binderOf(renewal, world),
    binding: held.entry.binding,
    reportId: held.reportId,
    now: world.now(),
    token: (plan) =>
      issueToken(plan, tokenSubjectOf({ renewal, held, authorization, evidence }, world), world),
  };
  return sealItems(sealing, world);
}

/** The broker's own audience has no registration: its token is the guest's attestation result. */
async function wantedAgain({ want }: RenewRequest, world: World): Promise<readonly Wanted[]> {
  const { audience } = world.settings;
  const found = want.map(async (item): Promise<readonly Wanted[]> => {
    const isOwn = "token" in item && item.token.aud === audience;
    return isOwn ? [{ kind: "attest", resource: "attest" }] : wantedOf({ want: [item] }, world);
  });
  return (await Promise.all(found)).flat();
}

function binderOf({ body, holder }: Renewal, { settings, primitives }: World): Uint8Array {
  const { audience } = settings;
  return renewBinder({ audience, urlPath: RENEW_PATH, jkt: holder?.jkt ?? "", body }, primitives);
}

interface Renewed {
  readonly renewal: Renewal;
  readonly held: HeldDecision;
  readonly authorization: Authorization;
  readonly evidence: EvidenceMark;
}

/** Bound to the key of the token that it comes of, with the nonce and the age of the same evidence. */
function tokenSubjectOf({ renewal, held, authorization, evidence }: Renewed, world: World): TokenSubject {
  const { cnf, eat_nonce: nonce, ostiary } = renewal.holder?.claims ?? {};
  const endorsed = held.facts.get("endorsement.kind");
  if (cnf === undefined || nonce === undefined || (endorsed !== "vcek" && endorsed !== "vlek")) {
    throw new Fault(
      "internal/invariant",
      "expected a bound token, and facts of evidence that somebody vouched for",
    );
  }
  return {
    authorization,
    confirmation: { ...cnf },
    nonce,
    endorsed,
    evidence,
    isSimulated: ostiary?.simulated === true,
    now: world.now(),
    endsAt: endOf(evidence, world),
  };
}
