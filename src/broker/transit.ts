/** How does a guest use a key that never leaves? By a token: decided anew and recorded, then done, then sealed to the guest. */
import { Fault } from "../base/fault.ts";
import { addSeconds } from "../base/time.ts";
import {
  encodeReleaseHeader,
  releaseSignatureInput,
  releaseTypeOf,
  type SealedRelease,
} from "../channel/release-key.ts";
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

const ANSWER_LIFETIME_SECONDS = 60;

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
      subject: { reportId: held.reportId, entry: entryOf(use, held, now) },
      bundle,
      appraisals,
      now,
    },
    world,
  );
}

/** The evidence is the token's; how the answer is sealed, this request says. */
function entryOf({ request, holder }: TransitUse, { at, entry }: HeldDecision, now: number) {
  const { evidence_hash, binding, vmpl, measurement, crl } = entry;
  const isSimulated = holder?.claims.ostiary.simulated === true;
  return {
    evidence_hash,
    binding,
    suite: request.suite,
    vmpl,
    measurement,
    crl: { ...crl, age: crl.age + Math.max(0, now - at) },
    ...(isSimulated ? ({ simulated: true } as const) : {}),
  };
}

interface Allowed {
  readonly use: TransitUse;
  readonly held: HeldDecision;
  readonly authorization: Authorization;
  readonly suite: OfferedSuite;
}

/** Results lie between `resultsOf` and `finally`, in one array, in this function. */
async function sealedResults(allowed: Allowed, world: World): Promise<SealedRelease> {
  const { use, authorization, suite } = allowed;
  const results = await resultsOf(use.request.items, authorization, world);
  const plaintext = encodeTransitResults(results);
  zeroize(...results);
  try {
    const { random, primitives } = world;
    const binder = binderOf(use, world);
    const aad = headerOf(allowed, world);
    const plan = { recipient: use.request.wrapPub, binder, aad, plaintext, random };
    const { enc, ct } = await wrapOf(suite).seal(plan, primitives);
    const sig = await world.signer.sign(releaseSignatureInput({ binder, aad, enc, ct }));
    return { header: aad, enc, ct, sig };
  } finally {
    zeroize(plaintext);
  }
}

function binderOf(
  { path, operation, body, holder }: TransitUse,
  { settings, primitives }: World,
): Uint8Array {
  const urlPath = transitUrlPath(path, operation);
  return transitBinder({ audience: settings.audience, urlPath, jkt: holder?.jkt ?? "", body }, primitives);
}

/** As of a token: version 0, since what is sealed is no version of the secret. */
function headerOf({ use, held, authorization, suite }: Allowed, world: World): Uint8Array {
  const now = world.now();
  return encodeReleaseHeader({
    v: 1,
    typ: releaseTypeOf(suite),
    alg: "ES256",
    kid: world.signer.kid,
    suite,
    binding: held.entry.binding,
    secret_id: use.path,
    key_version: 0,
    policy_hash: authorization.policyHash,
    decision: authorization.decisionId,
    iat: now,
    exp: addSeconds(now, ANSWER_LIFETIME_SECONDS),
    seq: 0,
    of: 1,
  });
}
