/** When is a decision a decision? Once nonce, counters, ledger entry and trace are durable, together. */
import type { Brand } from "../base/brand.ts";
import { hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { addSeconds, formatInstant, type Instant } from "../base/time.ts";
import type { BoundEvidence } from "../channel/bind.ts";
import { BINDING_NAMES } from "../channel/binding-names.ts";
import type { Binding } from "../channel/bindings.ts";
import type { Nonce } from "../channel/nonce.ts";
import type { DecisionEntry } from "../ledger/entry.ts";
import type { Bundle } from "../policy/bundle.ts";
import { factsJson } from "../policy/claims.ts";
import { counterUses, reattestSeconds, tokenTtlSeconds } from "../policy/obligations.ts";
import type { AppraisedItem, Given } from "./items.ts";
import type { StoredLease } from "./lease-store.ts";
import type { Exchange, RefusedItem, ReleaseRequest } from "./request.ts";
import type { SecretVersion } from "./secret-store.ts";
import { settleDecision } from "./settle.ts";
import type { CommitItem } from "./store.ts";
import type { Wanted } from "./wanted.ts";
import type { World } from "./world.ts";

/** PROTOCOL section 3: a spend is kept until the nonce's expiry and one hour. */
const SPEND_KEPT_SECONDS = 3600;

export interface AuthorizedItem {
  readonly wanted: Wanted;
  readonly stored: SecretVersion | undefined;
  readonly given: Given;
  /** Whether one guest at a time may hold it. */
  readonly isLeased: boolean;
  /** After how many seconds the guest has to show new evidence. */
  readonly reattestSeconds: number | undefined;
  readonly tokenTtlSeconds: number;
  /** Where a retiring reference value carried the allow, the attestation result warns. */
  readonly isWarning: boolean;
  /** Module and name of the first policy that allowed. */
  readonly allowedBy: string;
}

/** A decision that is durable and says yes to these items. */
export interface CommittedDecision {
  readonly decisionId: string;
  readonly ledgerIndex: number;
  readonly policyHash: string;
  readonly items: readonly AuthorizedItem[];
  readonly refused: readonly RefusedItem[];
  readonly entry: DecisionEntry;
}

/** The receipt of the commit. Unwrapping takes nothing else. */
export type Authorization = Brand<CommittedDecision, "authorized">;

export interface PendingDecision {
  readonly request: ReleaseRequest;
  readonly exchange: Exchange;
  readonly nonce: Nonce;
  readonly bound: BoundEvidence;
  readonly bundle: Bundle | undefined;
  readonly appraisals: readonly AppraisedItem[];
  readonly now: Instant;
}

/**
 * Writes one durable transaction and answers its receipt.
 *
 * @throws {@link Fault} `nonce/spent` (nothing was written), `policy/denied` and `obligation/exhausted` (the refusal was),
 *   `store/unavailable`.
 */
export async function commitDecision(pending: PendingDecision, world: World): Promise<Authorization> {
  const { exchange, nonce, bound, appraisals, now, request } = pending;
  const trace = canonicalJson(appraisals.map((item) => traceOf(item, request.binding)));
  const draft = draftOf(pending, trace, world);
  const isAllOrNothing = request.claims.partial !== true;
  const outcome = await world.commit({
    id: exchange.id,
    at: now,
    spend: { kid: nonce.kid, rand: nonce.rand, keepUntil: addSeconds(nonce.expiresAt, SPEND_KEPT_SECONDS) },
    reportId: hexOf(bound.evidence.report.reportId),
    items: appraisals.map((item) => itemOf(item, draft)),
    isAllOrNothing,
    draft,
    trace,
  });
  if (outcome.kind === "nonce-spent") {
    throw new Fault("nonce/spent", "expected a nonce that has opened no door yet");
  }
  const entry = settleDecision({ seq: outcome.seq, draft, exhausted: outcome.exhausted, isAllOrNothing });
  world.meter.count("decisions", { outcome: entry.outcome, code: entry.code ?? "none" });
  if (entry.outcome === "deny") throw refusalOf(entry, appraisals, outcome.exhausted);
  return authorize(entry, pending, world.settings.maxTokenSeconds);
}

/** If unwrap or seal fails after the commit, a second entry says so; the use stays consumed. */
export async function recordFailedRelease(authorization: Authorization, world: World): Promise<void> {
  const { decisionId } = authorization;
  world.log("error", "release-failed", { id: decisionId });
  await world.store.appendEntry({ v: 1, kind: "release-failed", time: world.now(), id: decisionId });
}

function traceOf(item: AppraisedItem, binding: Binding) {
  const { wanted, appraisal, stored, given, bindings = [], lease } = item;
  const isMissing = wanted.kind === "secret" && appraisal.isAllowed && stored === undefined;
  return {
    resource: wanted.resource,
    tier: appraisal.tier,
    code: codeOf(item, binding) ?? null,
    ...(isOverOther(item, binding)
      ? { binding: `expected ${bindings.map((one) => BINDING_NAMES[one]).join(" or ")}` }
      : {}),
    ...(isHeldByOther(item) && lease?.heldBy !== undefined ? { lease: leaseTextOf(lease.heldBy) } : {}),
    ...(given.kind === "none" ? { missing: `expected evidence with ${given.fields.join(" and ")}` } : {}),
    ...(isMissing ? { missing: "expected an enabled version of this secret, received none" } : {}),
    trace: appraisal.trace,
    ...(appraisal.facts === undefined ? {} : { facts: factsJson(appraisal.facts) }),
  };
}

function leaseTextOf({ holder, fence, until }: StoredLease): string {
  const who = holder === "" ? "nobody until it is known that no guest holds it" : `this guest, not ${holder}`;
  return `expected the lease to be free or of ${who}: fence ${fence}, until ${formatInstant(until)}`;
}

/**
 * Why an item is refused, if it is: the policy's code, `wrong-binding` where the secret's own set leaves the request's out,
 * `no-secret` where policy allows what is not there, or `lease-held` where another guest holds it.
 */
function codeOf(item: AppraisedItem, binding: Binding): DecisionEntry["code"] | undefined {
  const { wanted, appraisal, stored } = item;
  if (!appraisal.isAllowed) return appraisal.code ?? "internal";
  if (isOverOther(item, binding)) return "wrong-binding";
  if (wanted.kind === "secret" && (stored === undefined || item.given.kind === "none")) return "no-secret";
  if (isHeldByOther(item)) return "lease-held";
  return undefined;
}

function isHeldByOther({ lease }: AppraisedItem): boolean {
  return lease?.heldBy !== undefined;
}

/** A set, not a ladder: the numbers of bindings carry no order. */
function isOverOther({ bindings }: AppraisedItem, binding: Binding): boolean {
  return bindings !== undefined && !bindings.includes(binding);
}

function draftOf(pending: PendingDecision, trace: string, world: World): Omit<DecisionEntry, "seq"> {
  const { request, exchange, bound, bundle, appraisals, now } = pending;
  const { digest } = world.primitives;
  const refused = appraisals.filter((item) => codeOf(item, request.binding) !== undefined);
  const isAllowed =
    request.claims.partial === true ? refused.length < appraisals.length : refused.length === 0;
  const [first] = refused;
  return {
    v: 1,
    kind: "decision",
    time: now,
    id: exchange.id,
    outcome: isAllowed ? "allow" : "deny",
    code: isAllowed || first === undefined ? null : (codeOf(first, request.binding) ?? null),
    items: appraisals.map((item) => ({
      resource: item.wanted.resource,
      op: item.op,
      version: item.stored?.version ?? 0,
      outcome: isAllowed && codeOf(item, request.binding) === undefined ? "allow" : "deny",
    })),
    policy_hash: bundle?.digest ?? null,
    evidence_hash: hexOf(digest("sha256", bound.evidence.signedBytes)),
    trace_hash: hexOf(digest("sha256", utf8(trace))),
    binding: request.binding,
    suite: request.suite,
    vmpl: request.vmpl,
    measurement: hexOf(bound.evidence.report.measurement),
    crl: crlOf(bound, now),
    ...(isAllowed && appraisals.some((item) => isBearer(item, request.binding)) ? { bearer: true } : {}),
    ...(bound.isSimulated ? { simulated: true } : {}),
  };
}

/** A token that whoever holds it may use: the ledger says that it was given. */
function isBearer(item: AppraisedItem, binding: Binding): boolean {
  return item.wanted.kind === "token" && item.wanted.audience.isBearer && codeOf(item, binding) === undefined;
}

function crlOf(bound: BoundEvidence, now: Instant): DecisionEntry["crl"] {
  const { revocation } = bound;
  if (revocation === undefined) throw new Fault("internal/invariant", "a release without revocation data");
  return {
    number: Number(revocation.number),
    thisUpdate: revocation.thisUpdate,
    age: Math.max(0, now - revocation.obtainedAt),
  };
}

/** Counters are consumed, a version counts as read and a lease is taken only where the answer would be yes. */
function itemOf(item: AppraisedItem, draft: Omit<DecisionEntry, "seq">): CommitItem {
  const { resource } = item.wanted;
  const isRefused = draft.outcome === "deny" || codeOf(item, draft.binding) !== undefined;
  if (isRefused) return { resource, uses: [] };
  const uses = counterUses(item.appraisal.obligations);
  const lease = item.lease === undefined ? {} : { leaseSeconds: item.lease.seconds };
  return item.stored === undefined
    ? { resource, uses }
    : { resource, uses, reads: item.stored.version, ...lease };
}

function refusalOf(
  entry: DecisionEntry,
  appraisals: readonly AppraisedItem[],
  exhausted: readonly number[],
): Fault {
  if (exhausted.length > 0) {
    return new Fault(
      "obligation/exhausted",
      "a limit of the policy is used up, or another guest took the lease at that moment",
      { decision: entry.id },
    );
  }
  const sentence = appraisals.find((item) => codeOf(item, entry.binding) !== undefined)?.appraisal.sentence;
  return new Fault("policy/denied", `the policy refuses: ${entry.code ?? "internal"}`, {
    decision: entry.id,
    ...(sentence === undefined ? {} : { sentence }),
  });
}

function authorize(entry: DecisionEntry, pending: PendingDecision, maxTokenSeconds: number): Authorization {
  const allowed = pending.appraisals.filter((_, index) => entry.items[index]?.outcome === "allow");
  const refused = pending.appraisals.filter((_, index) => entry.items[index]?.outcome !== "allow");
  const committed: CommittedDecision = {
    decisionId: entry.id,
    ledgerIndex: entry.seq,
    policyHash: entry.policy_hash ?? "",
    items: allowed.map(({ wanted, stored, given, lease, appraisal }) => ({
      wanted,
      stored,
      given,
      isLeased: lease !== undefined,
      reattestSeconds: reattestSeconds(appraisal.obligations),
      tokenTtlSeconds: tokenTtlSeconds(appraisal.obligations, maxTokenSeconds),
      isWarning: appraisal.tier === "warning",
      allowedBy: appraisal.allowedBy.map(nameOf).sort()[0] ?? "",
    })),
    refused: refused.map(({ wanted }) => refusedItemOf(wanted)),
    entry,
  };
  return committed as Authorization;
}

/** Under the word that the guest asked with. */
function refusedItemOf(wanted: Wanted): RefusedItem {
  if (wanted.kind === "token") return { token: wanted.audience.aud, code: "denied" };
  return { secret: wanted.resource, code: "denied" };
}

function nameOf(by: { readonly module: string; readonly policy: string }): string {
  return `${by.module}/${by.policy}`;
}
