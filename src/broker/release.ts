/** How does a guest get its keys? Decided and recorded first; then unwrapped, sealed to the key in the report, signed. */
import { Fault } from "../base/fault.ts";
import { addSeconds } from "../base/time.ts";
import { sealBase } from "../channel/hpke.ts";
import {
  encodeReleaseHeader,
  releaseInfo,
  releaseSignatureInput,
  type SealedRelease,
} from "../channel/release-key.ts";
import { hpkeSuiteOf } from "../channel/suites.ts";
import { openEnvelope } from "../keys/envelope.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { Authorization, AuthorizedItem } from "./commit.ts";
import { recordFailedRelease } from "./commit.ts";
import { type Decided, decide } from "./decide.ts";
import type { Wanted } from "./items.ts";
import type { Exchange, ReleaseAnswer, ReleaseRequest } from "./request.ts";
import type { World } from "./world.ts";

const RELEASE_LIFETIME_SECONDS = 60;

/**
 * One release, from door to ledger to sealed key. `decide` holds steps 1 to 9 of PROTOCOL section 5; here is step 10.
 *
 * @throws {@link Fault} any code of PROTOCOL section 5; with one, nothing was unwrapped, or a `release-failed` entry says so.
 */
export async function release(
  request: ReleaseRequest,
  exchange: Exchange,
  world: World,
): Promise<ReleaseAnswer> {
  const decided = await decide(request, wantedItemsOf(request), exchange, world);
  const { authorization } = decided;
  try {
    const releases: SealedRelease[] = [];
    for (const [seq, item] of authorization.items.entries()) {
      releases.push(await releaseItem({ item, seq, of: authorization.items.length }, decided, world)); // in order: seq
    }
    return { decision: authorization.decisionId, releases, refused: authorization.refused };
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

/** Plaintext lives between `unwrapFor` and `finally`, in one array, in this function. */
async function releaseItem(numbered: Numbered, decided: Decided, world: World): Promise<SealedRelease> {
  const { authorization, transcript, suite } = decided;
  const secret = await unwrapFor(authorization, numbered.item, world);
  try {
    const header = headerOf(numbered, decided, world);
    const sealed = await sealBase(
      {
        recipient: transcript.fields.wrapPub,
        info: releaseInfo(transcript.binder),
        aad: header,
        plaintext: secret,
        ephemeral: world.random(32),
      },
      world.primitives,
      hpkeSuiteOf(suite),
    );
    const sig = await world.signer.sign(
      releaseSignatureInput({ binder: transcript.binder, aad: header, enc: sealed.enc, ct: sealed.ct }),
    );
    return { header, enc: sealed.enc, ct: sealed.ct, sig };
  } finally {
    zeroize(secret);
  }
}

/** Takes an authorization and nothing less: the type says that the decision is durable. */
async function unwrapFor(
  authorization: Authorization,
  item: AuthorizedItem,
  world: Pick<World, "kek">,
): Promise<Uint8Array> {
  if (!authorization.items.includes(item) || item.stored === undefined) {
    throw new Fault("internal/invariant", "expected an item of this authorization that is a stored secret");
  }
  return openEnvelope(item.stored, world.kek);
}

function headerOf(numbered: Numbered, decided: Decided, world: World): Uint8Array {
  const { authorization, transcript, now } = decided;
  return encodeReleaseHeader({
    v: 1,
    typ: "ostiary-release+hpke",
    alg: "ES256",
    kid: world.signer.kid,
    suite: transcript.fields.suite,
    binding: transcript.fields.binding,
    secret_id: numbered.item.resource,
    key_version: numbered.item.stored?.version ?? 0,
    policy_hash: authorization.policyHash,
    decision: authorization.decisionId,
    iat: now,
    exp: addSeconds(now, RELEASE_LIFETIME_SECONDS),
    seq: numbered.seq,
    of: numbered.of,
  });
}

/** @throws {@link Fault} `request/malformed` for a token (no audience is registered here) or a path asked for twice. */
function wantedItemsOf(request: ReleaseRequest): readonly Wanted[] {
  const wanted = request.claims.want.map((want): Wanted => {
    if ("secret" in want) return { resource: want.secret, kind: "secret", version: want.version };
    throw new Fault(
      "request/malformed",
      "expected secrets only: no token audience is registered with this broker",
    );
  });
  if (wanted.length === 0) throw new Fault("request/malformed", "expected at least one wanted item");
  if (new Set(wanted.map(({ resource }) => resource)).size !== wanted.length) {
    throw new Fault("request/malformed", "expected each resource once");
  }
  return wanted;
}
