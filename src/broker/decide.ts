/** May this guest have this? From evidence as received to a durable decision, in the one order that PROTOCOL section 5 allows. */
import { parseEvidence } from "../attestation/evidence.ts";
import { verifyEvidence } from "../attestation/verify.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { type BoundEvidence, bindToTranscript, refuseForeign } from "../channel/bind.ts";
import { credentialSecret } from "../channel/credential.ts";
import { type Nonce, type NonceKeys, openNonce, refuseExpired } from "../channel/nonce.ts";
import type { OfferedSuite } from "../channel/suites.ts";
import type { BindingTranscript, Transcript } from "../channel/transcript.ts";
import { type AppraisalContext, appraise } from "../policy/appraise.ts";
import type { Bundle } from "../policy/bundle.ts";
import { bindingDoor } from "./binding-door.ts";
import { offeredSuiteOf } from "./challenge.ts";
import { type Authorization, commitDecision } from "./commit.ts";
import type { Door } from "./door.ts";
import { appraiseItems } from "./items.ts";
import type { Exchange, ReleaseRequest } from "./request.ts";
import type { Refusal } from "./store.ts";
import { type DecisionSubject, subjectOf } from "./subject.ts";
import type { Wanted } from "./wanted.ts";
import type { World } from "./world.ts";

/** What a decision leaves in hand: the receipt of the commit, and what it was about. */
export interface Judged<Bound extends BindingTranscript> {
  readonly authorization: Authorization;
  readonly transcript: Bound;
  readonly bound: BoundEvidence;
  readonly nonce: Nonce;
  /** `report.id`, lower-case hex. */
  readonly reportId: string;
  readonly now: Instant;
}

/** The same of a request over a binding. */
export interface Decided extends Judged<Transcript> {
  readonly request: ReleaseRequest;
  readonly exchange: Exchange;
  readonly suite: OfferedSuite;
}

/** What is to be decided: what came in, what the broker saw of its exchange, and what is wanted, by the names of policy. */
export interface Question {
  readonly request: ReleaseRequest;
  readonly exchange: Exchange;
  /** Asked once the evidence is genuine and bound. @throws {@link Fault}. */
  readonly wanted: (bound: BoundEvidence) => Promise<readonly Wanted[]>;
}

/** Decides about a request over a binding. @throws {@link Fault} as {@link decideAt}. */
export async function decide({ request, exchange, wanted }: Question, world: World): Promise<Decided> {
  const door = bindingDoor(request, exchange, world);
  const judged = await decideAt({ door, exchange, wanted }, world);
  return { ...judged, request, exchange, suite: offeredSuiteOf(request.suite, world.settings) };
}

/** A question, whichever door it came in by. */
export interface DoorQuestion<Bound extends BindingTranscript> extends Omit<Question, "request"> {
  readonly door: Door<Bound>;
}

/**
 * Verifies, binds, appraises and commits. Nothing is unwrapped here; what comes back is the only key to unwrapping.
 *
 * @throws {@link Fault} any code of PROTOCOL section 5. Until the evidence is bound a no is a line of the decision log;
 *   from the appraisal on every outcome is a ledger entry, written before this function answers or throws.
 */
export async function decideAt<Bound extends BindingTranscript>(
  question: DoorQuestion<Bound>,
  world: World,
): Promise<Judged<Bound>> {
  const { door, exchange } = question;
  const now = world.now();
  return loggingRefusals({ door, exchange, now }, world, async () => {
    await door.refuseStranger();
    exchange.step?.("nonce");
    const nonceKeys = await world.nonceKeys();
    const nonce = openNonce(
      door.nonce(nonceKeys),
      { binding: door.channel, now },
      nonceKeys,
      world.primitives,
    );
    await refuseSpent(nonce, world);
    exchange.step?.("parse");
    const evidence = parseEvidence(door.evidence);
    const transcript = door.transcriptOver(evidence, nonce);
    refuseForeign(evidence, transcript, world.primitives); // a cheap filter only: a captured report costs no signature check, no KDS request
    await door.refuseHopeless();

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
    const entered = { binding: door.channel, suite: door.suite, vmpl: transcript.fields.vmpl };
    const subject = subjectOf(bound, entered, { now, world });
    const appraisals = await appraisedFor(question, { bound, bundle, subject, nonce, now }, world);

    exchange.step?.("commit");
    const authorization = await commitDecision(
      {
        id: exchange.id,
        nonce,
        isPartial: door.isPartial,
        subject,
        bundle,
        appraisals,
        source: exchange.source,
        now,
      },
      world,
    );
    return { authorization, transcript, bound, nonce, reportId: subject.reportId, now };
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
  { door, exchange, wanted }: DoorQuestion<BindingTranscript>,
  { bound, bundle, subject, nonce, now }: Known,
  world: World,
) {
  const { posture } = door; // bound with the claims that it stands in
  const said = posture === undefined ? {} : { posture };
  const asked = {
    wanted: await wanted(bound),
    reportId: subject.reportId,
    suite: door.suite,
    binding: door.channel,
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

/** Where the nonce did not come along, its MAC holds once a report is over it, and not before. */
const UNPROVEN_CODES: ReadonlySet<string> = new Set([
  "nonce/expired",
  "nonce/spent",
  "channel/not-bound",
  "evidence/malformed",
  "evidence/unknown-version",
  "evidence/reserved-bits",
  "evidence/unknown-algorithm",
]);

interface About {
  readonly door: Door<BindingTranscript>;
  readonly exchange: Exchange;
  readonly now: Instant;
}

async function loggingRefusals<T>(about: About, world: World, steps: () => Promise<T>): Promise<T> {
  try {
    return await steps();
  } catch (thrown) {
    const code = isFault(thrown) ? thrown.code : "internal/invariant";
    if (!RECORDED_CODES.has(code)) {
      world.meter.count("refusals", { code });
      if (!isStrangers(code, about.door)) await world.logRefusal(refusalOf(about, code));
    }
    throw thrown;
  }
}

function isStrangers(code: string, { isNonceImplied }: About["door"]): boolean {
  return STRANGERS_CODES.has(code) || (isNonceImplied === true && UNPROVEN_CODES.has(code));
}

function refusalOf({ door, exchange, now }: About, code: string): Refusal {
  return { id: exchange.id, at: now, source: exchange.source, code, format: door.evidence.format };
}
