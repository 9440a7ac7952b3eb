/** When is a decision a decision? Once nonce, counters, ledger entry and trace are durable, together. */
import type { Brand } from "../base/brand.ts";
import { hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { addSeconds, formatInstant, type Instant } from "../base/time.ts";
import { BINDING_NAMES } from "../channel/binding-names.ts";
import type { ChannelId } from "../channel/bindings.ts";
import type { Nonce } from "../channel/nonce.ts";
import type { DecisionEntry } from "../ledger/entry.ts";
import type { Bundle } from "../policy/bundle.ts";
import { factsJson } from "../policy/claims.ts";
import {
  counterUses,
  MAX_APPROVAL_SECONDS,
  reattestSeconds,
  tokenTtlSeconds,
} from "../policy/obligations.ts";
import { termsJson } from "../policy/told-terms.ts";
import type { ItemApprovals } from "./approved-appraisal.ts";
import { wantsEvidence } from "./evidence-fault.ts";
import type { AppraisedItem, Given } from "./items.ts";
import type { StoredLease } from "./lease-store.ts";
import type { RefusedItem } from "./request.ts";
import { APPROVAL_USE } from "./request-approval-store.ts";
import { awaitApproval, logUsed } from "./request-approvals.ts";
import type { SecretVersion } from "./secret-store.ts";
import { settleDecision } from "./settle.ts";
import type { CommitItem } from "./store.ts";
import type { DecisionSubject } from "./subject.ts";
import { notOpened } from "./transit-fault.ts";
import { isOpening, type Wanted } from "./wanted.ts";
import type { World } from "./world.ts";
import { otherVersion } from "./write-fault.ts";

/** PROTOCOL section 3: a spend is kept until the nonce's expiry and one hour. */
const SPEND_KEPT_SECONDS = 3600;
/** Longer than an approval lives, with a clock that stood ahead. */
const APPROVAL_KEPT_SECONDS = 2 * MAX_APPROVAL_SECONDS;

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
  /** The decision's: the request's. */
  readonly id: string;
  /** The one that it spends; `undefined` where a token is used. */
  readonly nonce: Nonce | undefined;
  /** Whether one refused item leaves the others. */
  readonly isPartial: boolean;
  readonly subject: DecisionSubject;
  readonly bundle: Bundle | undefined;
  readonly appraisals: readonly AppraisedItem[];
  /** Address of the peer. */
  readonly source: string;
  readonly now: Instant;
}

/**
 * Writes one durable transaction and answers its receipt.
 *
 * @throws {@link Fault} `nonce/spent` (nothing was written), `policy/denied`, `policy/needs-approval` and `obligation/exhausted` (the
 *   refusal was), `store/unavailable`.
 */
export async function commitDecision(pending: PendingDecision, world: World): Promise<Authorization> {
  const { id, nonce, subject, appraisals, now } = pending;
  const by = subject.held === undefined ? {} : { token: subject.held.token };
  const items = appraisals.map((item) => ({ ...traceOf(item, subject.entry.binding), ...by }));
  const hide = world.chipIds?.hide ?? ((text: string) => text);
  // INVARIANT: what is hashed is what is kept: a proof holds whether or not anybody can still say which chip it was.
  const trace = hide(canonicalJson(items));
  const draft = draftOf(pending, trace, world);
  const isAllOrNothing = !pending.isPartial;
  const outcome = await world.commit({
    id,
    at: now,
    spend: nonce && spendOf(nonce),
    reportId: subject.reportId,
    items: appraisals.map((item) => itemOf(item, draft, world)).map((item) => hidden(item, hide)),
    isAllOrNothing,
    draft,
    trace,
  });
  if (outcome.kind === "nonce-spent") {
    throw new Fault("nonce/spent", "expected a nonce that has opened no door yet");
  }
  const entry = settleDecision({ seq: outcome.seq, draft, exhausted: outcome.exhausted, isAllOrNothing });
  world.shadow?.({ id, at: now, live: pending.bundle, appraisals: appraisals.map((item) => item.appraisal) });
  world.meter.count("decisions", { outcome: entry.outcome, code: entry.code ?? "none" });
  const waiting = outcome.exhausted.length > 0 ? [] : await awaited(pending, world);
  if (entry.outcome === "deny")
    throw waitingOf(entry, waiting) ?? refusalOf(entry, appraisals, outcome.exhausted);
  for (const [index, { approvals }] of appraisals.entries()) {
    if (approvals === undefined || approvals.used.length === 0 || entry.items[index]?.outcome !== "allow")
      continue;
    logUsed(approvals, id, world);
  }
  return authorize(entry, pending, world.settings.maxTokenSeconds);
}

/** The items that lack nothing but approvals, taken in; none where another item is refused for good and all were wanted. */
async function awaited(
  { id, source, now, appraisals, isPartial, subject }: PendingDecision,
  world: World,
): Promise<readonly AppraisedItem[]> {
  const { binding } = subject.entry;
  const refused = appraisals.filter((item) => codeOf(item, binding) !== undefined);
  const waiting = refused.filter((item) => lacksApprovals(item, binding));
  if (waiting.length === 0 || (!isPartial && waiting.length < refused.length)) return [];
  const taken = await Promise.all(
    waiting.map(async (item) => {
      const isIn =
        item.approvals && (await awaitApproval(item.approvals, { decision: id, source, now }, world));
      return isIn === true ? [item] : [];
    }),
  );
  return taken.flat();
}

function lacksApprovals(item: AppraisedItem, binding: ChannelId): boolean {
  const appraisal = item.approvals?.ifApproved;
  return appraisal !== undefined && codeOf({ ...item, appraisal }, binding) === undefined;
}

/** The guest is told what to ask for, since whoever stands before it has to tell the others. */
function waitingOf(entry: DecisionEntry, waiting: readonly AppraisedItem[]): Fault | undefined {
  const [first] = waiting;
  if (first?.approvals === undefined) return undefined;
  const requests = waiting.flatMap(({ approvals }) => (approvals === undefined ? [] : [approvals.request]));
  const own = first.appraisal.sentence;
  const asks = `request ${requests.join(", ")} waits for approval`;
  return new Fault("policy/needs-approval", "the policy wants people to approve this request", {
    decision: entry.id,
    sentence: own === undefined ? asks : `${own}; ${asks}`,
  });
}

function spendOf({ kid, rand, expiresAt }: Nonce) {
  return { kid, rand, keepUntil: addSeconds(expiresAt, SPEND_KEPT_SECONDS) };
}

/** If unwrap or seal fails after the commit, a second entry says so; the use stays consumed. */
export async function recordFailedRelease(authorization: Authorization, world: World): Promise<void> {
  const { decisionId } = authorization;
  world.log("error", "release-failed", { id: decisionId });
  await world.store.appendEntry({ v: 1, kind: "release-failed", time: world.now(), id: decisionId });
}

function traceOf(item: AppraisedItem, binding: ChannelId) {
  const { wanted, appraisal, given, bindings = [], lease } = item;
  return {
    resource: wanted.resource,
    ...(wanted.kind === "use" ? { use: wanted.operation } : {}),
    tier: appraisal.tier,
    code: codeOf(item, binding) ?? null,
    ...(isOverOther(item, binding)
      ? { binding: `expected ${bindings.map((one) => BINDING_NAMES[one]).join(" or ")}` }
      : {}),
    ...(isHeldByOther(item) && lease?.heldBy !== undefined ? { lease: leaseTextOf(lease.heldBy) } : {}),
    ...(isOfOtherVersion(item) ? { missing: versionTextOf(item) } : {}),
    ...(given.kind === "none" ? { missing: `expected evidence with ${given.fields.join(" and ")}` } : {}),
    ...(given.kind === "kept" ? { missing: WITHHELD[wanted.kind] } : {}),
    ...(isMissing(item) ? { missing: "expected an enabled version of this secret, received none" } : {}),
    ...(item.approvals === undefined ? {} : { approvals: approvalsOf(item.approvals) }),
    ...seenOf(appraisal),
  };
}

/** What the policy saw and said. */
function seenOf({ obligations, trace, facts, terms }: AppraisedItem["appraisal"]) {
  return {
    ...(obligations.notify.length === 0 ? {} : { notify: obligations.notify }),
    trace,
    ...(facts === undefined ? {} : { facts: factsJson(facts) }),
    ...(terms === undefined ? {} : { terms: termsJson(terms) }),
  };
}

/** Allowed, and not there. */
function isMissing({ wanted, appraisal, stored }: AppraisedItem): boolean {
  return (wanted.kind === "secret" || wanted.kind === "use") && appraisal.isAllowed && stored === undefined;
}

/** Whom the policies name that would allow it is told where it waits (`notified.ts`). */
function approvalsOf({ request, groups, used, ifApproved }: ItemApprovals) {
  const { notify = [] } = ifApproved?.obligations ?? {};
  return { request, groups, used, ...(notify.length === 0 ? {} : { notify }) };
}

function leaseTextOf({ holder, fence, until }: StoredLease): string {
  const who = holder === "" ? "nobody until it is known that no guest holds it" : `this guest, not ${holder}`;
  return `expected the lease to be free or of ${who}: fence ${fence}, until ${formatInstant(until)}`;
}

const WITHHELD: Readonly<Record<Wanted["kind"], string>> = {
  secret: "expected a secret that is given out: this one is a transit key, which is used at the broker",
  use: "expected a transit key that can do this, of a version that is current or has one to be moved to",
  write:
    "expected a secret that is given out as it is, or a new path: this one is derived from or used in transit",
  token: "",
  attest: "",
};

/**
 * Why an item is refused, if it is: the policy's code, `wrong-binding` where the secret's own set leaves the request's out,
 * `no-secret` where policy allows what is not there, `lease-held` where another guest holds it, or `other-version` where a write
 * expected another newest one.
 */
function codeOf(item: AppraisedItem, binding: ChannelId): DecisionEntry["code"] | undefined {
  const { wanted, appraisal, stored } = item;
  if (!appraisal.isAllowed) return appraisal.code ?? "internal";
  if (isOverOther(item, binding)) return "wrong-binding";
  const isStored = wanted.kind === "secret" || wanted.kind === "use";
  if ((isStored && stored === undefined) || isWithheld(item.given)) return "no-secret";
  if (isHeldByOther(item)) return "lease-held";
  return isOfOtherVersion(item) ? "other-version" : undefined;
}

function isOfOtherVersion({ given }: AppraisedItem): boolean {
  return given.kind === "written" && !given.isExpected;
}

function versionTextOf({ wanted, given }: AppraisedItem): string {
  const expected = wanted.kind === "write" ? (wanted.cas ?? "any") : "any";
  return `expected version ${expected} to be the newest, received ${given.kind === "written" ? given.reads - 1 : 0}`;
}

function isHeldByOther({ lease }: AppraisedItem): boolean {
  return lease?.heldBy !== undefined;
}

function isWithheld({ kind }: Given): boolean {
  return kind === "none" || kind === "kept";
}

/** A set, not a ladder: the numbers of bindings carry no order. The KBS exchange is in none. */
function isOverOther({ bindings }: AppraisedItem, binding: ChannelId): boolean {
  return bindings?.every((one) => one !== binding) === true;
}

function draftOf(pending: PendingDecision, trace: string, world: World): Omit<DecisionEntry, "seq"> {
  const { id, subject, bundle, appraisals, now, isPartial } = pending;
  const { binding } = subject.entry;
  const refused = appraisals.filter((item) => codeOf(item, binding) !== undefined);
  const isAllowed = isPartial ? refused.length < appraisals.length : refused.length === 0;
  const [first] = refused;
  return {
    ...subject.entry,
    kind: "decision",
    time: now,
    id,
    outcome: isAllowed ? "allow" : "deny",
    code: isAllowed || first === undefined ? null : (codeOf(first, binding) ?? null),
    items: appraisals.map((item) => ({
      resource: item.wanted.resource,
      op: item.op,
      version: item.given.kind === "written" ? item.given.reads : (item.stored?.version ?? 0),
      outcome: isAllowed && codeOf(item, binding) === undefined ? "allow" : "deny",
    })),
    policy_hash: bundle?.digest ?? null,
    trace_hash: hexOf(world.primitives.digest("sha256", utf8(trace))),
    ...(isAllowed && appraisals.some((item) => isBearer(item, binding)) ? { bearer: true } : {}),
  };
}

/** A token that whoever holds it may use: the ledger says that it was given. */
function isBearer(item: AppraisedItem, binding: ChannelId): boolean {
  return item.wanted.kind === "token" && item.wanted.audience.isBearer && codeOf(item, binding) === undefined;
}

/** Counters are consumed, a version counts as read and a lease is taken only where the answer would be yes. */
function itemOf(item: AppraisedItem, draft: Omit<DecisionEntry, "seq">, world: World): CommitItem {
  const { resource } = item.wanted;
  const isRefused = draft.outcome === "deny" || codeOf(item, draft.binding) !== undefined;
  if (isRefused) return { resource, uses: [] };
  const { given, stored, lease, approvals } = item;
  const asked =
    approvals === undefined || approvals.used.length === 0
      ? { resource, uses: counterUses(item.appraisal.obligations) }
      : approvedItem(approvals, item, world);
  const reads = given.kind === "used" || given.kind === "written" ? given.reads : stored?.version;
  if (reads === undefined) return asked;
  return { ...asked, reads, ...(lease === undefined ? {} : { leaseSeconds: lease.seconds }) };
}

/** A counter may count by chip. */
function hidden(item: CommitItem, hide: (text: string) => string): CommitItem {
  return { ...item, uses: item.uses.map((use) => ({ ...use, key: hide(use.key) })) };
}

/** Each approval is one use of a counter of its own: of two decisions that rest on it, one finds no room. */
function approvedItem(
  { request, used }: ItemApprovals,
  { wanted: { resource }, appraisal }: AppraisedItem,
  { primitives }: World,
): CommitItem {
  const together = hexOf(primitives.digest("sha256", utf8(used.join(" "))));
  const own = used.map((id) => ({
    key: `${APPROVAL_USE}${id}`,
    limit: 1,
    windowSeconds: APPROVAL_KEPT_SECONDS,
  }));
  return { resource, uses: [...own, ...counterUses(appraisal.obligations, together)], approved: request };
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
  // INVARIANT: a guest is not told whether it was the version, the context or the text that was another (`transit-work.ts`).
  if (entry.code === "no-secret" && appraisals.some(({ wanted }) => isOpening(wanted)))
    return notOpened(entry.id);
  if (entry.code === "other-version") return otherVersion(entry.id);
  const refused = appraisals.filter((item) => codeOf(item, entry.binding) !== undefined);
  if (refused.every(({ given, appraisal }) => given.kind === "absent" && appraisal.isAllowed)) {
    return new Fault("secret/absent", "the policy allows a secret that is not there", { decision: entry.id });
  }
  if (refused.some(({ appraisal }) => appraisal.isOutdated)) {
    return wantsEvidence("evidence that is not older than the policy takes", entry.id);
  }
  const sentence = refused[0]?.appraisal.sentence;
  return new Fault("policy/denied", `the policy refuses: ${entry.code ?? "internal"}`, {
    decision: entry.id,
    ...(sentence === undefined ? {} : { sentence }),
  });
}

function authorize(entry: DecisionEntry, pending: PendingDecision, maxTokenSeconds: number): Authorization {
  const heldMs = pending.subject.held?.heldMs ?? 0;
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
      reattestSeconds: reattestSeconds(appraisal.obligations, heldMs),
      tokenTtlSeconds: tokenTtlSeconds(appraisal.obligations, maxTokenSeconds, heldMs),
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
