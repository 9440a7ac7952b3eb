/** How does a guest use a broker? One way to it, the broker appraised first if it has to be, then evidence and releases. */
import type { CarriedEvidence } from "../attestation/evidence.ts";
import { utf8 } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { ProofExchange } from "../channel/proof.ts";
import type { OfferedSuite } from "../channel/suites.ts";
import type { GuestPosture } from "../policy/guest-posture.ts";
import type { AttestAnswer, BindingId, Challenge, Claims, PublicJwk, WantedItem } from "../wire/messages.ts";
import type { AppraisedBroker, BrokerExpectation } from "./appraise-broker.ts";
import { type Attested, type AttestParts, attest } from "./attest.ts";
import type { Answer, Sending } from "./bounded-fetch.ts";
import type { BrokerChannel, Carrier, OpenChannel } from "./channel.ts";
import { audienceOf } from "./token-claims.ts";
import { type OpenedRelease, openReleases } from "./verify-release.ts";

/** Whom this guest speaks to: its own configuration. At least one of pinned key and expectation. */
export interface TrustedBroker {
  /** Compared byte for byte, by way of the transcript. */
  readonly audience: string;
  /** How it has to seal: never another suite than this. */
  readonly suite: OfferedSuite;
  /** The broker's signing key, DER SubjectPublicKeyInfo of a P-256 key. Alone, it is all that vouches for the broker (tier 0). */
  readonly signingKey?: Uint8Array;
  /** Where it is there, a broker that does not prove itself accordingly is shown nothing. */
  readonly expectation?: BrokerExpectation;
}

export interface SessionParts extends AttestParts {
  readonly open: OpenChannel;
  readonly now: () => Instant;
  /** What the guest says of itself beside each piece of evidence, asked anew each time; where it is absent, nothing. */
  readonly posture?: () => Promise<GuestPosture>;
}

export interface Fetched {
  /** The id under which the broker's operator finds this release. */
  readonly decision: string;
  /** In the order of what was wanted. Plaintext: the caller overwrites it when done. */
  readonly secrets: readonly OpenedRelease[];
}

/** What came for evidence of its own. */
export interface Released extends Fetched {
  /** What was shown for it. */
  readonly evidence: CarriedEvidence;
}

/** One way to one broker. Each call has a nonce, a report and a one-use key of its own, and appraises the broker anew. */
export interface Session {
  /** What the broker proved; `undefined` where a pinned key had to do. */
  readonly broker: AppraisedBroker | undefined;
  /** The one of its evidence. */
  readonly binding: BindingId;
  /** Gets every wanted item or none; tokens are bound to `cnf`. @throws {@link Fault} the broker's no; `broker/…`, `channel/bad-release`. */
  readonly release: (want: readonly WantedItem[], cnf?: PublicJwk) => Promise<Released>;
  /** Gets an attestation result for a key of the guest's. @throws {@link Fault} as `release`. */
  readonly attest: (cnf: PublicJwk) => Promise<AttestAnswer>;
  /** A request to this broker, over this very way; `path` begins with a slash. @throws {@link Fault} `request/malformed`. */
  readonly fetch: (path: string, init?: Sending) => Promise<Answer>;
  readonly close: () => void;
}

const GUEST_NONCE_SIZE = 32;

/**
 * Opens a way to the broker and, where the guest expects a proof, appraises the broker on it. No evidence of the guest's has
 * been made by then: an unverified broker has no claim to it.
 *
 * @param signal - Ends whatever the session waits for.
 * @param meeting - Ends the opening alone: connection, challenge and proof.
 * @throws {@link Fault} `config/invalid` for neither key nor expectation; `broker/unreachable`; every `broker/…` of
 *   {@link appraiseBroker}. Nothing stays open then.
 */
export async function openSession(
  broker: TrustedBroker,
  parts: SessionParts,
  signal: AbortSignal,
  meeting: AbortSignal = signal,
): Promise<Session> {
  if (broker.signingKey === undefined && broker.expectation === undefined) {
    throw new Fault("config/invalid", "expected a pinned signing key, a policy for the broker, or both");
  }
  const channel = await parts.open(meeting);
  const way: Way = { broker, parts, channel, signal };
  try {
    const first = await meet({ ...way, signal: meeting });
    return sessionOver(way, first);
  } catch (thrown) {
    channel.close();
    throw thrown;
  }
}

interface Way {
  readonly broker: TrustedBroker;
  readonly parts: SessionParts;
  readonly channel: BrokerChannel;
  readonly signal: AbortSignal;
}

/** A nonce, and the broker that gave it. */
interface Met {
  readonly nonce: Uint8Array;
  /** For the keys of this guest's vTPM, where it has some. */
  readonly credential: Challenge["credential"];
  readonly expiresAt: Instant;
  readonly appraised: AppraisedBroker | undefined;
  readonly signingKey: Uint8Array;
}

function sessionOver(way: Way, first: Met): Session {
  const { client, close } = way.channel;
  const next = nonceSource(way, first);
  return {
    broker: first.appraised,
    binding: way.channel.carrier.binding,
    release: async (want, cnf) =>
      releaseOver(way, await next(), await withPosture(cnf === undefined ? { want } : { want, cnf }, way)),
    attest: async (cnf) => resultOver(way, await next(), await withPosture({ want: [], cnf }, way)),
    fetch: (path, init = {}) => client.send(pathOf(path), { signal: way.signal, ...init }),
    close,
  };
}

/** Looked at after the nonce came: what is said under it is no older than it. */
async function withPosture<C extends Claims>(claims: C, { parts }: Way): Promise<C> {
  if (parts.posture === undefined) return claims;
  const { checkedPosture } = await import("../wire/posture.ts");
  return { ...claims, posture: checkedPosture(await parts.posture()) };
}

/** The nonce that came with the proof serves the first call, while it lives. */
function nonceSource(way: Way, first: Met): () => Promise<Met> {
  let unused: Met | undefined = first;
  return async () => {
    const met = unused;
    unused = undefined;
    return met !== undefined && way.parts.now() < met.expiresAt ? met : meet(way);
  };
}

async function meet(way: Way): Promise<Met> {
  const { broker, parts, channel, signal } = way;
  const { expectation } = broker;
  const { binding } = channel.carrier;
  if (expectation === undefined) return metOf(await challengeOver(way), way, undefined);
  const guestNonce = parts.random(GUEST_NONCE_SIZE);
  const fresh = expectation.isFresh ? ({ fresh: true } as const) : {};
  const challenge = await channel.client.challenge(binding, signal, { guestNonce, ...fresh });
  const exchange: ProofExchange = {
    audience: broker.audience,
    guestNonce,
    channel: seenOf(channel.carrier),
  };
  const { primitives } = parts;
  const context = { exchange, pinnedKey: broker.signingKey, now: parts.now(), primitives };
  // Loaded only where it is used: it brings the verification of evidence along, and the evaluation of policies.
  const { appraiseBroker } = await import("./appraise-broker.ts");
  const appraised = await appraiseBroker(challenge.broker, expectation, context);
  // Its keys name a VM: no broker is shown them before it was appraised.
  return metOf(parts.provider.vtpmKeys === undefined ? challenge : await challengeOver(way), way, appraised);
}

/** A nonce, and with it a credential where this guest's vTPM is to quote. */
async function challengeOver({ parts, channel, signal }: Way): Promise<Challenge> {
  const { binding } = channel.carrier;
  const vtpm = await parts.provider.vtpmKeys?.();
  if (vtpm === undefined) return channel.client.challenge(binding, signal);
  const challenge = await channel.client.challenge(binding, signal, { vtpm }).catch(refuseOlderBroker);
  if (challenge.credential === undefined) throw withoutCredential();
  return challenge;
}

/** One that knows no vTPM of an SVSM's calls the member that names its keys malformed. */
function refuseOlderBroker(thrown: unknown): never {
  throw isFault(thrown, "request/malformed") ? withoutCredential(thrown) : thrown;
}

function withoutCredential(cause?: unknown): Fault {
  const sentence = "expected a credential for the keys of this guest's vTPM beside the nonce";
  return new Fault("broker/no-credential", sentence, {}, cause);
}

function metOf(
  { nonce, expiresAt, credential }: Challenge,
  { broker }: Way,
  appraised: AppraisedBroker | undefined,
): Met {
  const signingKey = appraised?.signingKey ?? broker.signingKey;
  if (signingKey === undefined) throw new Fault("internal/invariant", "a broker without a key was let pass");
  return { nonce, credential, expiresAt, appraised, signingKey };
}

function seenOf(carrier: Carrier): ProofExchange["channel"] {
  if (carrier.binding === 3) return { binding: 3 };
  if (carrier.binding === 1) return { binding: 1, brokerSpki: carrier.brokerSpki };
  return { binding: 2, cb: carrier.cb, brokerSpki: carrier.brokerSpki };
}

function attestOver(
  { broker, parts, channel }: Way,
  { nonce, credential, signingKey }: Met,
  claims: Claims,
): Promise<Attested> {
  const { audience, suite } = broker;
  const asked = { claims, nonce, credential, carrier: channel.carrier };
  return attest(asked, { audience, suite, signingKey }, parts);
}

async function releaseOver(way: Way, met: Met, claims: Claims): Promise<Released> {
  const { request, transcript, wrapPrivate } = await attestOver(way, met, claims);
  try {
    const answer = await way.channel.client.release(request, way.signal);
    const { signingKey } = met;
    const { primitives } = way.parts;
    const context = { transcript, wrapPrivate, isPartial: false, signingKey, primitives };
    const secrets = await openReleases(answer, { ...context, wanted: claims.want, now: way.parts.now() });
    return { decision: answer.decision, secrets, evidence: request.evidence };
  } finally {
    wrapPrivate.fill(0);
  }
}

/** The result is signed by the key of tokens, not by the pinned one: whoever is shown it verifies it. */
async function resultOver(way: Way, met: Met, claims: Claims): Promise<AttestAnswer> {
  const { request, wrapPrivate } = await attestOver(way, met, claims);
  wrapPrivate.fill(0); // nothing is sealed for it on this path
  const answer = await way.channel.client.attest(request, way.signal);
  if (audienceOf(utf8(answer.token)) === way.broker.audience) return answer;
  throw new Fault("channel/bad-release", "expected a token for the broker itself");
}

/** Never another host: what is sent here is for the broker at the other end of this way. */
function pathOf(path: string): string {
  if (/^\/(?!\/)[^\s\\]*$/.test(path)) return path;
  throw new Fault("request/malformed", "expected a path of this broker, from its first slash on");
}
