/** May this guest have this? From evidence as received to a durable decision, in the one order that PROTOCOL section 5 allows. */
import { parseEvidence } from "../attestation/evidence.ts";
import { verifyEvidence } from "../attestation/verify.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { type BoundEvidence, bindToTranscript, refuseForeign } from "../channel/bind.ts";
import { credentialSecret } from "../channel/credential.ts";
import { type Nonce, type NonceKeys, openNonce, refuseExpired } from "../channel/nonce.ts";
import { refuseBadCarrier } from "../channel/ra-tls.ts";
import { type OfferedSuite, wrapOf } from "../channel/suites.ts";
import { type Transcript, transcriptOf } from "../channel/transcript.ts";
import { type AppraisalContext, appraise } from "../policy/appraise.ts";
import type { Bundle } from "../policy/bundle.ts";
import { offeredSuiteOf, refuseUnoffered } from "./challenge.ts";
import { type Authorization, commitDecision } from "./commit.ts";
import { appraiseItems } from "./items.ts";
import type { Exchange, ReleaseRequest } from "./request.ts";
import type { Refusal } from "./store.ts";
import { type DecisionSubject, subjectOf } from "./subject.ts";
import type { Wanted } from "./wanted.ts";
import type { World } from "./world.ts";

/** What a decision leaves in hand: the receipt of the commit, and what it was about. */
export interface Decided {
  readonly request: ReleaseRequest;
  readonly exchange: Exchange;
  readonly authorization: Authorization;
  readonly transcript: Transcript;
  readonly suite: OfferedSuite;
  readonly bound: BoundEvidence;
  readonly nonce: Nonce;
  /** `report.id`, lower-case hex. */
  readonly reportId: string;
  readonly now: Instant;
}

/** What is to be decided: a request, what the broker saw of its exchange, and what is wanted, by the names of policy. */
export interface Question {
  readonly request: ReleaseRequest;
  readonly exchange: Exchange;
  /** Asked once the evidence is bound. */
  readonly wanted: () => Promise<readonly Wanted[]>;
}

/**
 * Verifies, binds, appraises and commits. Nothing is unwrapped here; what comes back is the only key to unwrapping.
 *
 * @throws {@link Fault} any code of PROTOCOL section 5. Until the evidence is bound a no is a line of the decision log;
 *   from the appraisal on every outcome is a ledger entry, written before this function answers or throws.
 */
export async function decide(question: Question, world: World): Promise<Decided> {
  const { request, exchange } = question;
  const now = world.now();
  return loggingRefusals({ request, exchange, now }, world, async () => {
    refuseUnoffered(request.binding, exchange);
    await refuseCarrier(request, exchange, world);
    const suite = offeredSuiteOf(request.suite, world.settings);
    exchange.step?.("nonce");
    const nonceKeys = await world.nonceKeys();
    const nonce = openNonce(request.nonce, { binding: request.binding, now }, nonceKeys, world.primitives);
    await refuseSpent(nonce, world);
    exchange.step?.("parse");
    const evidence = parseEvidence(request.evidence);
    const fields = transcriptFieldsOf(request, exchange, world);
    const transcript = transcriptOf(fields, world.primitives, evidence.kind);
    refuseForeign(evidence, transcript, world.primitives); // a cheap filter only: a captured report costs no signature check, no KDS request
    await refuseHopeless(transcript, suite, world.primitives);

    exchange.step?.("endorse");
    const endorsements = await world.endorsementsFor(evidence, now);
    exchange.step?.("verify");
    const verified = await verifyEvidence(evidence, endorsements, {
      ...world.trust,
      now,
      revocation: "required",
      credentialSecretOf: (ek, akName) => secretOf({ nonce, ek, akName }, nonceKeys, world.primitives),
    });
    exchange.step?.("bind");
    const bound = bindToTranscript(verified, transcript, world.primitives);
    await keepCrlNumber(bound, world);
    refuseExpired(nonce, world.now()); // asking AMD may have outlived the nonce
    exchange.step?.("appraise");
    const bundle = await world.liveBundle();
    const subject = subjectOf(bound, request, { now, world });
    const appraisals = await appraisedFor(question, { bound, bundle, subject, nonce, now }, world);

    exchange.step?.("commit");
    const authorization = await commitDecision(
      {
        id: exchange.id,
        nonce,
        isPartial: request.claims.partial === true,
        subject,
        bundle,
        appraisals,
        source: exchange.source,
        now,
      },
      world,
    );
    const { reportId } = subject;
    return { request, exchange, authorization, transcript, suite, bound, nonce, reportId, now };
  });
}

interface Known {
  readonly bound: BoundEvidence;
  readonly bundle: Bundle | undefined;
  readonly subject: Pick<DecisionSubject, "reportId">;
  readonly nonce: Nonce;
  readonly now: Instant;
}

/** What policy says of each thing that is wanted. */
async function appraisedFor(
  { request, exchange, wanted }: Question,
  { bound, bundle, subject, nonce, now }: Known,
  world: World,
) {
  const { posture } = request.claims; // bound with the claims that it stands in
  const said = posture === undefined ? {} : { posture };
  const asked = {
    wanted: await wanted(),
    reportId: subject.reportId,
    suite: request.suite,
    binding: request.binding,
    nonceAgeMs: Math.max(0, now - nonce.issuedAt) * 1000,
    heldMs: 0,
    source: exchange.source,
    now,
    approvable: bundle,
    appraise: (context: AppraisalContext) => appraise(bound, bundle, { ...context, ...said }),
  };
  return appraiseItems(asked, world);
}

/** The secret that the credential of this nonce held, if one was made for these keys. */
function secretOf(
  { nonce, ek, akName }: { readonly nonce: Nonce; readonly ek: Uint8Array; readonly akName: Uint8Array },
  { live }: NonceKeys,
  primitives: World["primitives"],
): Uint8Array {
  const key = live.find(({ kid }) => kid === nonce.kid);
  if (key === undefined)
    throw new Fault("internal/invariant", "a nonce was opened by a key that is not there");
  return credentialSecret({ nonce: nonce.bytes, ek, akName }, key, primitives);
}

/** Only binding 1 has a carrier of its own: the others are told by what the transcript holds. */
async function refuseCarrier(
  { binding, bodyBytes }: ReleaseRequest,
  { peerCertificate, peerSpki }: Exchange,
  world: World,
): Promise<void> {
  if (binding !== 1) return;
  const carried = { certificate: peerCertificate, spki: peerSpki, body: bodyBytes, now: world.now() };
  await refuseBadCarrier(carried, world.primitives);
}

/** The verifier's own view of T: from the peer come ownNonce, wrapPub, suite, vmpl and the claims bytes, nothing else. */
function transcriptFieldsOf(request: ReleaseRequest, exchange: Exchange, world: World) {
  return {
    role: 1,
    binding: request.binding,
    suite: request.suite,
    vmpl: request.vmpl,
    audience: world.settings.audience,
    nonce: request.nonce,
    ownNonce: request.ownNonce,
    ...carrierFieldsOf(request, exchange, world),
    wrapPub: request.wrapPub,
    claimsHash: world.primitives.digest("sha512", request.claimsBytes),
  } as const;
}

const NONE = new Uint8Array(0);

/** Binding 3 uses nothing of the connection, whatever the connection is; only binding 2 names it. */
function carrierFieldsOf({ binding }: ReleaseRequest, exchange: Exchange, world: World) {
  if (binding === 3) return { cb: NONE, attesterSpki: NONE, peerSpki: world.signer.spki };
  return {
    cb: binding === 2 ? (exchange.cb ?? NONE) : NONE,
    attesterSpki: exchange.peerSpki ?? NONE,
    peerSpki: exchange.ownSpki ?? NONE,
  };
}

/** A key that nothing can be sealed to is refused before a use is spent on it. */
async function refuseHopeless(
  { fields }: Transcript,
  suite: OfferedSuite,
  primitives: World["primitives"],
): Promise<void> {
  if (await wrapOf(suite).isHopeless(fields.wrapPub, primitives)) {
    throw new Fault("channel/bad-key", "expected a one-use public key of the suite, on its curve");
  }
}

/** A look that may refuse early and cheaply; a yes from it means nothing, the commit decides. */
async function refuseSpent(nonce: Nonce, world: World): Promise<void> {
  if (await world.store.isSpent(nonce.kid, nonce.rand)) {
    throw new Fault("nonce/spent", "expected a nonce that has opened no door yet");
  }
}

/** An older CRL, though within its dates, serves nobody once a newer one was seen. */
async function keepCrlNumber({ product, revocation }: BoundEvidence, world: World): Promise<void> {
  if (revocation !== undefined) await world.keepCrlNumber(product, revocation.number);
}

/** Codes after which the decision is in the ledger, so that the decision log has no line of it. */
const RECORDED_CODES: ReadonlySet<string> = new Set([
  "policy/denied",
  "policy/needs-approval",
  "obligation/exhausted",
]);
/** Until the nonce's MAC holds, a stranger fills no log: counted, and no more (PROTOCOL section 5). */
const STRANGERS_CODES: ReadonlySet<string> = new Set([
  "nonce/invalid",
  "channel/wrong-listener",
  "channel/bad-carrier",
]);

interface About {
  readonly request: ReleaseRequest;
  readonly exchange: Exchange;
  readonly now: Instant;
}

async function loggingRefusals(about: About, world: World, steps: () => Promise<Decided>): Promise<Decided> {
  try {
    return await steps();
  } catch (thrown) {
    const code = isFault(thrown) ? thrown.code : "internal/invariant";
    if (!RECORDED_CODES.has(code)) {
      world.meter.count("refusals", { code });
      if (!STRANGERS_CODES.has(code)) await world.logRefusal(refusalOf(about, code));
    }
    throw thrown;
  }
}

function refusalOf({ request, exchange, now }: About, code: string): Refusal {
  return { id: exchange.id, at: now, source: exchange.source, code, format: request.evidence.format };
}
