/** How is the answer to a token's use sealed, so that the guest alone reads it and knows whose it is? As a release is. */
import { addSeconds } from "../base/time.ts";
import type { Binding } from "../channel/bindings.ts";
import {
  encodeReleaseHeader,
  releaseSignatureInput,
  releaseTypeOf,
  type SealedRelease,
} from "../channel/release-key.ts";
import { type OfferedSuite, wrapOf } from "../channel/suites.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { Authorization } from "./commit.ts";
import type { World } from "./world.ts";

/** Which use it answers, and to whom. */
export interface AnswerPlan {
  readonly suite: OfferedSuite;
  /** The one-use key of the request. */
  readonly wrapPub: Uint8Array;
  /** The hash of what was asked. */
  readonly binder: Uint8Array;
  readonly secretId: string;
  readonly binding: Binding;
  readonly authorization: Authorization;
}

const ANSWER_LIFETIME_SECONDS = 60;

/** Zeroises `plaintext`, whatever happens. */
export async function sealAnswer(
  plan: AnswerPlan,
  plaintext: Uint8Array,
  world: World,
): Promise<SealedRelease> {
  try {
    const { random, primitives } = world;
    const { suite, wrapPub: recipient, binder } = plan;
    const aad = headerOf(plan, world);
    const { enc, ct } = await wrapOf(suite).seal({ recipient, binder, aad, plaintext, random }, primitives);
    const sig = await world.signer.sign(releaseSignatureInput({ binder, aad, enc, ct }));
    return { header: aad, enc, ct, sig };
  } finally {
    zeroize(plaintext);
  }
}

/** As of a token: version 0, since what is sealed is no version of the secret. */
function headerOf({ suite, binding, secretId, authorization }: AnswerPlan, world: World): Uint8Array {
  const now = world.now();
  return encodeReleaseHeader({
    v: 1,
    typ: releaseTypeOf(suite),
    alg: "ES256",
    kid: world.signer.kid,
    suite,
    binding,
    secret_id: secretId,
    key_version: 0,
    policy_hash: authorization.policyHash,
    decision: authorization.decisionId,
    iat: now,
    exp: addSeconds(now, ANSWER_LIFETIME_SECONDS),
    seq: 0,
    of: 1,
  });
}
