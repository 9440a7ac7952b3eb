/** How does a guest use a key that never leaves? By a token: decided anew and recorded, then done, then sealed to the guest. */
import { Fault } from "../base/fault.ts";
import type { SealedRelease } from "../channel/release-key.ts";
import { type OfferedSuite, wrapOf } from "../channel/suites.ts";
import { transitBinder } from "../channel/transit-binder.ts";
import type { TransitOperation } from "../keys/transit-type.ts";
import { zeroize } from "../keys/zeroize.ts";
import {
  encodeTransitResults,
  type TransitAnswer,
  type TransitRequest,
  transitUrlPath,
} from "../wire/transit.ts";
import { offeredSuiteOf } from "./challenge.ts";
import { type Authorization, commitDecision, recordFailedRelease } from "./commit.ts";
import type { Holder } from "./dpop.ts";
import { type HeldDecision, heldDecisionOf } from "./held-decision.ts";
import type { Exchange } from "./request.ts";
import { sealAnswer } from "./seal-answer.ts";
import { subjectOfToken } from "./subject.ts";
import { appraiseUses } from "./transit-items.ts";
import { resultsOf } from "./transit-work.ts";
import type { World } from "./world.ts";

/** What is asked, by whom, and over which request. */
export interface TransitUse {
  readonly path: string;
  readonly operation: TransitOperation;
  readonly request: TransitRequest;
  /** The exact bytes of the request, which the proof is about. */
  readonly body: Uint8Array;
  readonly holder: Holder | undefined;
  readonly exchange: Exchange;
}

/**
 * One use, from token to sealed answer. It is a decision of its own: the live policy over the facts of the token's decision
 * (PROTOCOL section 7), recorded yes or no before a key is unwrapped.
 *
 * Zeroises the plaintexts of `request`.
 *
 * @throws {@link Fault} `token/invalid`; `policy/denied`, `obligation/exhausted`; `transit/not-opened` for a ciphertext, whatever about
 *   it is another; `request/malformed`, `channel/bad-key`; `store/unavailable`, `kek/unavailable`.
 */
export async function useTransit(use: TransitUse, world: World): Promise<TransitAnswer> {
  try {
    return await answered(use, world);
  } finally {
    for (const item of use.request.items) if (item.operation === "encrypt") zeroize(item.plaintext);
  }
}

async function answered(use: TransitUse, world: World): Promise<TransitAnswer> {
  const suite = offeredSuiteOf(use.request.suite, world.settings);
  if (await wrapOf(suite).isHopeless(use.request.wrapPub, world.primitives)) {
    throw new Fault("channel/bad-key", "expected a one-use public key of the suite, on its curve");
  }
  const held = await heldDecisionOf(use.holder, world);
  const authorization = await authorizeUse(use, held, world);
  try {
    const sealed = await sealedResults({ use, held, authorization, suite }, world);
    return { decision: authorization.decisionId, sealed };
  } catch (thrown) {
    await recordFailedRelease(authorization, world);
    throw thrown;
  }
}

async function authorizeUse(use: TransitUse, held: HeldDecision, world: World): Promise<Authorization> {
  const now = world.now();
  const bundle = await world.liveBundle();
  const appraisals = await appraiseUses(use, { held, bundle, now }, world);
  return commitDecision(
    {
      id: use.exchange.id,
      nonce: undefined,
      isPartial: false,
      subject: subjectOfToken({ held, holder: use.holder }, use.request.suite, now),
      bundle,
      appraisals,
      source: use.exchange.source,
      now,
    },
    world,
  );
}

interface Allowed {
  readonly use: TransitUse;
  readonly held: HeldDecision;
  readonly authorization: Authorization;
  readonly suite: OfferedSuite;
}

/** Results lie between `resultsOf` and the seal, in one array, in this function. */
async function sealedResults(allowed: Allowed, world: World): Promise<SealedRelease> {
  const { use, held, authorization, suite } = allowed;
  const results = await resultsOf(use.request.items, authorization, world);
  const plaintext = encodeTransitResults(results);
  zeroize(...results);
  const { wrapPub } = use.request;
  const { binding } = held.entry;
  const about = { suite, wrapPub, binder: binderOf(use, world), secretId: use.path, binding };
  return sealAnswer({ ...about, authorization }, plaintext, world);
}

function binderOf(
  { path, operation, body, holder }: TransitUse,
  { settings, primitives }: World,
): Uint8Array {
  const urlPath = transitUrlPath(path, operation);
  return transitBinder({ audience: settings.audience, urlPath, jkt: holder?.jkt ?? "", body }, primitives);
}
