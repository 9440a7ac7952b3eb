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
  const { authorization, transcript, suite, reportId, now } = decided;
  const { wrapPub, binding } = transcript.fields;
  return {
    ...{ authorization, suite, wrapPub, binder: transcript.binder, binding, reportId, now },
    token: (plan: Parameters<typeof issueToken>[0]) =>
      issueToken(plan, tokenSubjectOf(decided, world), world),
  };
interface Numbered {
  readonly item: AuthorizedItem;
  readonly seq: number;
  readonly of: number;
}

/** Plaintext lives between `contentOf` and `finally`, in one array, in this function. */
async function releaseItem(numbered: Numbered, decided: Decided, world: World): Promise<SealedRelease> {
  const { transcript, suite, exchange } = decided;
  exchange.step?.("unwrap");
  const secret = await contentOf(numbered.item, decided, world);
  try {
    exchange.step?.("seal");
    const header = await headerOf(numbered, decided, world);
    const { random, primitives } = world;
    const recipient = transcript.fields.wrapPub;
    const plan = { recipient, binder: transcript.binder, aad: header, plaintext: secret, random };
    const sealed = await wrapOf(suite).seal(plan, primitives);
    exchange.step?.("sign");
    const sig = await world.signer.sign(
      releaseSignatureInput({ binder: transcript.binder, aad: header, enc: sealed.enc, ct: sealed.ct }),
    );
    return { header, enc: sealed.enc, ct: sealed.ct, sig };
  } finally {
    zeroize(secret);
  }
}

/** What is sealed for an item: the secret, or a token that is made for it now. */
async function contentOf(item: AuthorizedItem, decided: Decided, world: World): Promise<Uint8Array> {
  const { wanted } = item;
  if (wanted.kind !== "token") return unwrapFor(decided.authorization, item, world);
  const { aud, isBearer } = wanted.audience;
  return utf8(await issueToken({ item, aud, isBearer }, decided, world));
}

/**
 * Takes an authorization and nothing less: the type says that the decision is durable. From the commit on the version has a
 * reader, so that nobody destroys it unawares; whoever destroyed or disabled it before is seen here.
 */
async function unwrapFor(
  authorization: Authorization,
  item: AuthorizedItem,
  { kek, store, primitives }: Pick<World, "kek" | "store" | "primitives">,
): Promise<Uint8Array> {
  if (!authorization.items.includes(item) || item.stored === undefined) {
    throw new Fault("internal/invariant", "expected an item of this authorization that is a stored secret");
  }
  const { path, version, kind } = item.stored;
  const { given } = item;
  if (kind === "transit" || given.kind === "kept" || given.kind === "used") {
    throw new Fault("internal/invariant", "a transit key is used here, and sealed to nobody");
  }
  if (given.kind === "written") throw new Fault("internal/invariant", "what is written is sealed to nobody");
  const now = await store.secretVersion(path, version);
  if (now?.state !== "enabled") {
    throw new Fault("secret/disabled", `version ${version} of \`${path}\` left service meanwhile`);
  }
  // By the kind and recipe that were decided on: rows that say otherwise now do not open.
  const plaintext = await openEnvelope({ ...seatOf(item.stored), envelope: now.envelope }, kek);
  if (given.kind === "bytes" && kind !== "derived") return plaintext;
  try {
    if (given.kind === "derived") return derivedKey(plaintext, given, primitives);
    throw new Fault("internal/invariant", "expected a root to be derived from, never to be given itself");
  } finally {
    zeroize(plaintext);
  }
}

async function headerOf(numbered: Numbered, decided: Decided, world: World): Promise<Uint8Array> {
  const { authorization, transcript, now } = decided;
  const { reattestSeconds: reattest } = numbered.item;
  return encodeReleaseHeader({
    v: 1,
    typ: releaseTypeOf(transcript.fields.suite),
    alg: "ES256",
    kid: world.signer.kid,
    suite: transcript.fields.suite,
    binding: transcript.fields.binding,
    secret_id: numbered.item.wanted.resource,
    key_version: numbered.item.stored?.version ?? 0,
    policy_hash: authorization.policyHash,
    decision: authorization.decisionId,
    iat: now,
    exp: addSeconds(now, RELEASE_LIFETIME_SECONDS),
    seq: numbered.seq,
    of: numbered.of,
    ...(reattest === undefined ? {} : { reattest }),
    ...(numbered.item.isLeased ? { lease: await leaseOf(numbered.item, decided, world) } : {}),
  });
}

/** What the guest shows to those who must not listen to an earlier holder, and until when it may. */
async function leaseOf({ wanted }: AuthorizedItem, { bound }: Decided, world: World) {
  const { fence, until } = await takenLease(wanted.resource, hexOf(bound.evidence.report.reportId), world);
  return { fence, until };
}
