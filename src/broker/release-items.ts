/** How does what was decided leave? Item by item: unwrapped, or made, then sealed to the guest's one-use key and signed. */
import { utf8 } from "../base/bytes.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import type { Binding } from "../channel/bindings.ts";
import {
  encodeReleaseHeader,
  releaseSignatureInput,
  releaseTypeOf,
  type SealedRelease,
} from "../channel/release-key.ts";
import { type OfferedSuite, wrapOf } from "../channel/suites.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { Authorization, AuthorizedItem } from "./commit.ts";
import { recordFailedRelease } from "./commit.ts";
import type { Exchange, ReleaseAnswer } from "./request.ts";
import type { TokenPlan } from "./tokens.ts";
import { unwrapFor } from "./unwrap.ts";
import { takenLease } from "./wanted-lease.ts";
import type { World } from "./world.ts";

/** To whom an answer is sealed, and to which request it belongs. */
export interface Sealing {
  readonly authorization: Authorization;
  readonly suite: OfferedSuite;
  /** The one-use key of the request. */
  readonly wrapPub: Uint8Array;
  /** The hash of what was asked. */
  readonly binder: Uint8Array;
  /** The one over which the guest was attested. */
  readonly binding: Binding;
  /** `report.id`, lower-case hex. */
  readonly reportId: string;
  readonly now: Instant;
  readonly step?: Exchange["step"];
  /** Makes a token that is wanted. */
  readonly token: (plan: TokenPlan) => Promise<string>;
}

const RELEASE_LIFETIME_SECONDS = 60;

/** Takes an authorization and nothing less. Where an item fails, a `release-failed` entry says so. @throws {@link Fault}. */
export async function sealItems(sealing: Sealing, world: World): Promise<ReleaseAnswer> {
  const { authorization } = sealing;
  const { items, decisionId: decision, refused } = authorization;
  try {
    const releases: SealedRelease[] = [];
    for (const [seq, item] of items.entries()) {
      releases.push(await releaseItem({ item, seq, of: items.length }, sealing, world)); // in order: seq
    }
    return { decision, releases, refused };
  } catch (thrown) {
    await recordFailedRelease(authorization, world);
    throw thrown;
  }
}

interface Numbered {
  readonly item: AuthorizedItem;
  readonly seq: number;
  readonly of: number;
}

/** Plaintext lives between `contentOf` and `finally`, in one array, in this function. */
async function releaseItem(numbered: Numbered, sealing: Sealing, world: World): Promise<SealedRelease> {
  const { suite, wrapPub: recipient, binder, step } = sealing;
  step?.("unwrap");
  const secret = await contentOf(numbered.item, sealing, world);
  try {
    step?.("seal");
    const header = await headerOf(numbered, sealing, world);
    const { random, primitives } = world;
    const plan = { recipient, binder, aad: header, plaintext: secret, random };
    const sealed = await wrapOf(suite).seal(plan, primitives);
    step?.("sign");
    const sig = await world.signer.sign(
      releaseSignatureInput({ binder, aad: header, enc: sealed.enc, ct: sealed.ct }),
    );
    return { header, enc: sealed.enc, ct: sealed.ct, sig };
  } finally {
    zeroize(secret);
  }
}

/** What is sealed for an item: the secret, or a token that is made for it now. */
async function contentOf(item: AuthorizedItem, sealing: Sealing, world: World): Promise<Uint8Array> {
  const { wanted } = item;
  const { audience } = world.settings;
  if (wanted.kind === "attest") return utf8(await sealing.token({ item, aud: audience, isBearer: false }));
  if (wanted.kind !== "token") return unwrapFor(sealing.authorization, item, world);
  const { aud, isBearer } = wanted.audience;
  return utf8(await sealing.token({ item, aud, isBearer }));
}

async function headerOf(numbered: Numbered, sealing: Sealing, world: World): Promise<Uint8Array> {
  const { authorization, suite, binding, now } = sealing;
  const { reattestSeconds: reattest } = numbered.item;
  return encodeReleaseHeader({
    v: 1,
    typ: releaseTypeOf(suite),
    alg: "ES256",
    kid: world.signer.kid,
    suite,
    binding,
    secret_id: numbered.item.wanted.resource,
    key_version: numbered.item.stored?.version ?? 0,
    policy_hash: authorization.policyHash,
    decision: authorization.decisionId,
    iat: now,
    exp: addSeconds(now, RELEASE_LIFETIME_SECONDS),
    seq: numbered.seq,
    of: numbered.of,
    ...(reattest === undefined ? {} : { reattest }),
    ...(numbered.item.isLeased ? { lease: await leaseOf(numbered.item, sealing, world) } : {}),
  });
}

/** What the guest shows to those who must not listen to an earlier holder, and until when it may. */
async function leaseOf({ wanted }: AuthorizedItem, { reportId }: Sealing, world: World) {
  const { fence, until } = await takenLease(wanted.resource, reportId, world);
  return { fence, until };
}
