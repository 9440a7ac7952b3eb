/** Is this the broker that the guest may show itself to? Its proof, judged by the guest's own configuration and policy. */
import type { ChainMemo } from "../attestation/endorsement/memo.ts";
import type { TrustAnchors } from "../attestation/endorsement/roots.ts";
import { type Evidence, parseEvidence } from "../attestation/evidence.ts";
import { formatTcb } from "../attestation/snp/tcb.ts";
import { verifyEvidence } from "../attestation/verify.ts";
import { equalBytes, hexOf } from "../base/bytes.ts";
import { Fault, type FaultDetail, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import { type BoundEvidence, bindToTranscript } from "../channel/bind.ts";
import { BINDING_NAMES } from "../channel/binding-names.ts";
import { freshTranscript, type ProofExchange, sessionInputOf, standingTranscript } from "../channel/proof.ts";
import { type Appraisal, appraise } from "../policy/appraise.ts";
import type { Bundle } from "../policy/bundle.ts";
import { decodeBrokerClaims } from "../wire/broker-claims.ts";
import type { BrokerClaims, BrokerProof } from "../wire/messages.ts";

/** What the guest demands of a broker's proof: its own configuration, never a broker's word. */
export interface BrokerExpectation {
  /** Reference values: an allow for the resource `broker` is a yes. */
  readonly policy: Bundle;
  readonly cluster: string;
  /** The one privilege level at which the broker may have asked for its report. */
  readonly vmpl: number;
  /** Whether the report has to be over this guest's own nonce and connection (tier 2). */
  readonly isFresh: boolean;
  readonly roots: TrustAnchors;
  readonly memo: ChainMemo;
}

/** What the guest sees and knows by itself. */
export interface BrokerContext {
  readonly exchange: ProofExchange;
  /** DER SubjectPublicKeyInfo; `undefined` where the proof alone says it. */
  readonly pinnedKey: Uint8Array | undefined;
  readonly now: Instant;
  readonly primitives: Primitives;
}

/** A broker that proved itself. */
export interface AppraisedBroker {
  /** Whose signature releases have to bear from here on. */
  readonly signingKey: Uint8Array;
  readonly tier: 1 | 2;
  /** Lower-case hex, 48 bytes. */
  readonly measurement: string;
  readonly product: string;
  readonly reportedTcb: string;
  readonly cluster: string;
  /** SHA-256 over the admin keys that may sign its policy, hex. */
  readonly policyRoot: string;
  readonly expiresAt: Instant;
  readonly isSimulated: boolean;
  /** Names of the policies that allowed it. */
  readonly allowedBy: readonly string[];
}

const CLOCK_SKEW_SECONDS = 5;
const MAX_LIFETIME_SECONDS = 3600;
/** The name under which a guest's policy speaks of its broker. */
const BROKER_RESOURCE = "broker";

/**
 * Appraises a broker before it is shown anything (PROTOCOL section 8): genuine evidence, for this exchange, of the expected
 * audience and cluster, within its hour, over the pinned key; the attested key signed this session; and the guest's policy.
 *
 * @throws {@link Fault} one `broker/…` code for each check.
 */
export async function appraiseBroker(
  proof: BrokerProof | undefined,
  expected: BrokerExpectation,
  context: BrokerContext,
): Promise<AppraisedBroker> {
  if (proof === undefined) {
    throw new Fault("broker/no-evidence", "expected the broker to prove itself, received no evidence of it");
  }
  const claims = decodeBrokerClaims(proof.claimsBytes);
  refuseForeignClaims(claims, expected, context);
  const bound = await boundProof(proof, expected, context);
  refuseStale(claims, context.now);
  refuseOtherKey(claims, context);
  await refuseForeignSession(proof, claims, context);
  refuseExposed(bound, expected);
  const appraisal = appraisalOf(bound, claims, { expected, context });
  if (!appraisal.isAllowed) throw denied(bound, appraisal);
  refuseCounted(appraisal);
  return summaryOf(bound, claims, { appraisal, isFresh: expected.isFresh });
}

/** A genuine broker of somebody else has no claim on this guest's evidence (A21). */
function refuseForeignClaims(
  claims: BrokerClaims,
  expected: BrokerExpectation,
  { exchange }: BrokerContext,
): void {
  const { audience } = exchange;
  if (claims.audience !== audience) {
    throw new Fault("broker/other-audience", "expected evidence of the configured broker", {
      expected: audience,
      received: claims.audience,
    });
  }
  if (claims.cluster !== expected.cluster) {
    throw new Fault("broker/other-cluster", "expected a broker of the configured cluster", {
      expected: expected.cluster,
      received: claims.cluster,
    });
  }
}

async function boundProof(
  proof: BrokerProof,
  expected: BrokerExpectation,
  context: BrokerContext,
): Promise<BoundEvidence> {
  const { exchange, now, primitives } = context;
  const { roots, memo, isFresh } = expected;
  try {
    const evidence = parseEvidence(proof.evidence);
    const options = { roots, memo, now, primitives, revocation: "required" } as const;
    const verified = await verifyEvidence(evidence, endorsementsOf(evidence), options);
    const shown = { ...proof, format: evidence.kind };
    const transcript = isFresh
      ? freshTranscript(shown, exchange, primitives)
      : standingTranscript(shown, exchange.audience, primitives);
    return bindToTranscript(verified, transcript, primitives);
  } catch (thrown) {
    throw isFault(thrown) ? ofBroker(thrown) : thrown;
  }
}

/** What the broker brought along is all there is: a guest may reach nobody else. */
function endorsementsOf({ certificates, crls }: Evidence) {
  return { certificates, crls: crls.map((der) => ({ der })) };
}

/** What a broker would say of a guest's evidence, said by a guest of the broker's. */
function ofBroker(fault: Fault): Fault {
  if (fault.code === "channel/not-bound") {
    return new Fault("broker/not-bound", "expected evidence of the broker for this very exchange");
  }
  const detail = { reason: fault.code, ...fault.detail };
  return new Fault(
    "broker/bad-evidence",
    `expected genuine evidence of the broker: ${fault.message}`,
    detail,
  );
}

function refuseStale({ issuedAt, expiresAt }: BrokerClaims, now: Instant): void {
  const isEarly = issuedAt > now + CLOCK_SKEW_SECONDS;
  const isLong = expiresAt - issuedAt > MAX_LIFETIME_SECONDS;
  if (!isEarly && !isLong && now <= expiresAt) return;
  throw new Fault("broker/expired", "expected evidence of the broker of the last hour", {
    issued: issuedAt,
    expires: expiresAt,
    now,
  });
}

function refuseOtherKey({ signingKey }: BrokerClaims, { pinnedKey }: BrokerContext): void {
  if (pinnedKey === undefined || equalBytes(pinnedKey, signingKey)) return;
  throw new Fault("broker/other-key", "expected the pinned signing key in the broker's evidence");
}

/** Evidence may be carried by anybody; only who has its key answers for this nonce on this connection. */
async function refuseForeignSession(
  { session }: BrokerProof,
  { signingKey }: BrokerClaims,
  { exchange, primitives }: BrokerContext,
): Promise<void> {
  if (await primitives.verify("ecdsa-p256-sha256", signingKey, sessionInputOf(exchange), session)) return;
  throw new Fault("broker/bad-session", "expected a signature of the attested key over this session");
}

/** What no policy of a guest may waive. */
function refuseExposed({ evidence }: BoundEvidence, { vmpl }: BrokerExpectation): void {
  const { report } = evidence;
  if (report.guestPolicy.debug) {
    throw new Fault("broker/debug", "expected a broker whose memory is closed to the host (DEBUG off)");
  }
  if (report.vmpl !== vmpl) {
    throw new Fault("broker/vmpl", "expected a broker at the configured privilege level", {
      expected: vmpl,
      received: report.vmpl,
    });
  }
}

interface Judging {
  readonly expected: BrokerExpectation;
  readonly context: BrokerContext;
}

/** The broker's own appraisal, the other way round. What a guest cannot know (its peer's address, a region) is neutral. */
function appraisalOf(
  bound: BoundEvidence,
  { issuedAt }: BrokerClaims,
  { expected, context }: Judging,
): Appraisal {
  const { now, exchange } = context;
  return appraise(bound, expected.policy, {
    now,
    resource: BROKER_RESOURCE,
    op: "release",
    channel: BINDING_NAMES[exchange.channel.binding],
    nonceAgeMs: Math.max(0, now - issuedAt) * 1000,
    attempt: 1,
    source: "0.0.0.0",
    region: "",
    environment: "",
    isKekSealed: false,
    suite: 0,
    keyVersion: undefined,
  });
}

/** A guest keeps no counters between its boots, and a limit that nobody keeps is none. */
function refuseCounted({ obligations }: Appraisal): void {
  if (obligations.maxReleases.length + obligations.rates.length === 0) return;
  throw new Fault("broker/denied", "expected a policy for the broker without `max_releases` and `rate`");
}

function denied(bound: BoundEvidence, { code, sentence }: Appraisal): Fault {
  const { report } = bound.evidence;
  const detail: FaultDetail = {
    measurement: hexOf(report.measurement),
    reportedTcb: formatTcb(report.reportedTcb),
    ...(code === undefined ? {} : { decision: code }),
    ...(sentence === undefined ? {} : { reason: sentence }),
  };
  return new Fault("broker/denied", "expected a broker that this guest's own policy allows", detail);
}

function summaryOf(
  { evidence, product, isSimulated }: BoundEvidence,
  { signingKey, cluster, policyRoot, expiresAt }: BrokerClaims,
  { appraisal, isFresh }: { readonly appraisal: Appraisal; readonly isFresh: boolean },
): AppraisedBroker {
  const { report } = evidence;
  return {
    signingKey,
    tier: isFresh ? 2 : 1,
    measurement: hexOf(report.measurement),
    product,
    reportedTcb: formatTcb(report.reportedTcb),
    cluster,
    policyRoot,
    expiresAt,
    isSimulated,
    allowedBy: appraisal.allowedBy.map(({ policy }) => policy),
  };
}
