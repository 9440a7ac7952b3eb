/** How does an admin's program speak to a broker? Typed calls; each request is signed for its method, URL and body. */
import { base64UrlOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import { bodyHashOf, MAX_ADMIN_TOKEN_SECONDS, signAdminToken } from "../wire/admin-token.ts";
import * as admins from "../wire/admins.ts";
import type { WaitingSummary } from "../wire/approval-messages.ts";
import * as approvals from "../wire/approvals.ts";
import * as audience from "../wire/audience.ts";
import * as bundle from "../wire/bundle.ts";
import { decodeDecisionDetail } from "../wire/decision.ts";
import type { PolicyReview, RosterView } from "../wire/governance-messages.ts";
import { decodeKeyPagePlace, type KeyPagePlace } from "../wire/key-page.ts";
import * as ledger from "../wire/ledger.ts";
import type * as log from "../wire/ledger-messages.ts";
import { decodeConsistencyProof, decodeInclusionProof } from "../wire/ledger-proof.ts";
import type * as wire from "../wire/messages.ts";
import { isAudienceName } from "../wire/resource-path.ts";
import * as review from "../wire/review.ts";
import { decodeRevocation } from "../wire/revocation.ts";
import * as rootKey from "../wire/root-key.ts";
import * as shares from "../wire/shares.ts";
import { decodeIntrospection } from "../wire/token.ts";
import * as tokenKey from "../wire/token-key.ts";
import { type ChangeCalls, changeCalls } from "./admin-changes.ts";
import { type FindingCalls, findingCalls } from "./admin-findings.ts";
import { type FleetCalls, fleetCalls } from "./admin-fleet.ts";
import { type AdminCall, type SecretCalls, secretCalls } from "./admin-secrets.ts";
import { fetchBounded } from "./bounded-fetch.ts";

/** What an admin can do, one call each. Every call throws {@link Fault}: the broker's own, or `broker/unreachable`. */
export interface AdminClient extends SecretCalls, FindingCalls, ChangeCalls, FleetCalls {
  readonly proposeBundle: (proposal: wire.BundleProposal) => Promise<wire.ProposalAnswer>;
  readonly activateBundle: (digest: string, signature: string) => Promise<wire.ActivationSummary>;
  readonly listBundles: () => Promise<wire.BundleList>;
  readonly showBundle: (digest: string) => Promise<wire.BundleDetail>;
  readonly reviewBundle: (digest: string) => Promise<PolicyReview>;
  /** @param statement - An approval or a rejection, signed. */
  readonly approveBundle: (digest: string, statement: string) => Promise<PolicyReview>;
  readonly listAdmins: () => Promise<RosterView>;
  /** @param statement - A change of the roster, as enough people of the root signed it. */
  readonly changeRoster: (statement: string) => Promise<RosterView>;
  /** Where security keys sign for this broker. */
  readonly keyPage: () => Promise<KeyPagePlace>;
  /** Requests that wait for people. */
  readonly listWaiting: () => Promise<readonly WaitingSummary[]>;
  /** @param statement - An approval of one of them, signed by this admin. */
  readonly approveRequest: (statement: string) => Promise<readonly WaitingSummary[]>;
  readonly addAudience: (
    name: string,
    registration: wire.AudienceRegistration,
  ) => Promise<wire.AudienceSummary>;
  readonly removeAudience: (name: string) => Promise<readonly wire.AudienceSummary[]>;
  readonly listAudiences: () => Promise<readonly wire.AudienceSummary[]>;
  readonly listTokenKeys: () => Promise<readonly wire.TokenKeySummary[]>;
  readonly rotateTokenKey: (rotation: wire.TokenKeyRotation) => Promise<readonly wire.TokenKeySummary[]>;
  readonly showRootKey: () => Promise<wire.RootKeyState>;
  /** One step of wrapping everything under the root key that wraps now. */
  readonly rewrapUnderRootKey: (after: wire.SecretPlace | undefined) => Promise<wire.RootKeyPage>;
  /** One share of the root key, for a broker that is sealed. */
  readonly giveShare: (share: string) => Promise<wire.SealProgress>;
  readonly forgetShares: () => Promise<wire.SealProgress>;
  readonly showShares: () => Promise<wire.SealProgress>;
  /** The tokens of a decision count no more. */
  readonly revokeDecision: (id: string) => Promise<wire.RevocationSummary>;
  readonly introspect: (token: string) => Promise<wire.Introspection>;
  readonly decision: (id: string) => Promise<wire.DecisionDetail>;
  /** The signed head of the log, as a note. */
  readonly checkpoint: () => Promise<string>;
  readonly ledgerPage: (from: number, limit: number) => Promise<log.LedgerPage>;
  /** An entry, shown to be in the tree of so many entries: that of the signed head which comes with it, unless it is said. */
  readonly inclusion: (seq: number, size?: number) => Promise<log.InclusionProof>;
  /** That the log of `size` entries begins with that of `from` entries. */
  readonly consistency: (from: number, size: number) => Promise<log.ConsistencyProof>;
  /** Has traces forgotten that are older than so many days. */
  readonly forgetTraces: (olderThanDays: number) => Promise<log.ForgottenTraces>;
}

export interface AdminClientOptions {
  /** Where the broker is reached, without a trailing slash. */
  readonly url: string;
  /** Who the broker is: what requests are signed for, however they travel. */
  readonly audience: string;
  readonly signer: Signer;
  /** Of whoever signed in by a provider: then the signer is the session's. */
  readonly session?: string;
  readonly fetch: typeof fetch;
  readonly now: () => Instant;
  readonly random: (size: number) => Uint8Array;
  readonly digest: Primitives["digest"];
}

/** Makes the client. Nothing is sent before the first call; nothing is retried, since each request counts once. */
export function createAdminClient(options: AdminClientOptions): AdminClient {
  const call: AdminCall = (method, path, body) =>
    send({ method, path, body, type: "application/json" }, options);
  return {
    ...secretCalls(call),
    ...findingCalls(call),
    ...changeCalls(call),
    ...fleetCalls(call),
    proposeBundle: async (proposal) =>
      bundle.decodeProposalAnswer(
        await call("POST", "/v1/admin/policies", bundle.encodeBundleProposal(proposal)),
      ),
    activateBundle: async (digest, signature) =>
      bundle.decodeActivationSummary(
        await call("PUT", bundleAt(digest), bundle.encodeBundleActivation({ signature })),
      ),
    listBundles: async () => bundle.decodeBundleList(await call("GET", "/v1/admin/policies")),
    showBundle: async (digest) => bundle.decodeBundleDetail(await call("GET", bundleAt(digest))),
    reviewBundle: async (digest) => review.decodePolicyReview(await call("GET", reviewAt(digest))),
    approveBundle: async (digest, statement) =>
      review.decodePolicyReview(await call("PUT", reviewAt(digest), review.encodeApproval({ statement }))),
    listAdmins: async () => admins.decodeRosterView(await call("GET", ADMINS)),
    changeRoster: async (statement) =>
      admins.decodeRosterView(await call("POST", ADMINS, admins.encodeRosterChangeRequest(statement))),
    keyPage: async () => decodeKeyPagePlace(await call("GET", "/admin/key.json")),
    listWaiting: async () => approvals.decodeWaitingList(await call("GET", APPROVALS)),
    approveRequest: async (statement) =>
      approvals.decodeWaitingList(
        await call("POST", APPROVALS, approvals.encodeRequestApprovalOrder(statement)),
      ),
    addAudience: async (name, registration) =>
      audience.decodeAudienceSummary(
        await call("PUT", audienceAt(name), audience.encodeAudienceRegistration(registration)),
      ),
    removeAudience: async (name) => audience.decodeAudienceList(await call("DELETE", audienceAt(name))),
    listAudiences: async () => audience.decodeAudienceList(await call("GET", "/v1/admin/audiences")),
    listTokenKeys: async () => tokenKey.decodeTokenKeyList(await call("GET", TOKEN_KEYS)),
    rotateTokenKey: async (rotation) =>
      tokenKey.decodeTokenKeyList(await call("POST", TOKEN_KEYS, tokenKey.encodeTokenKeyRotation(rotation))),
    showRootKey: async () => rootKey.decodeRootKeyState(await call("GET", ROOT_KEY)),
    rewrapUnderRootKey: async (after) =>
      rootKey.decodeRootKeyPage(await call("POST", ROOT_KEY, rootKey.encodeRootKeyStep(after))),
    ...shareCalls(call),
    revokeDecision: async (id) => decodeRevocation(await call("PUT", decisionAt(id, "revocations"))),
    introspect: async (token) =>
      decodeIntrospection(
        await send({ method: "POST", path: "/v1/introspect", body: formOf({ token }), type: FORM }, options),
      ),
    decision: async (id) => decodeDecisionDetail(await call("GET", decisionAt(id))),
    ...ledgerCalls(call),
  };
}

type ShareCalls = Pick<AdminClient, "giveShare" | "forgetShares" | "showShares">;

function shareCalls(call: AdminCall): ShareCalls {
  return {
    giveShare: async (share) =>
      shares.decodeSealProgress(await call("POST", SHARES, shares.encodeShare(share))),
    forgetShares: async () => shares.decodeSealProgress(await call("DELETE", SHARES)),
    showShares: async () => shares.decodeSealProgress(await call("GET", SHARES)),
  };
}

type LedgerCalls = Pick<
  AdminClient,
  "checkpoint" | "ledgerPage" | "inclusion" | "consistency" | "forgetTraces"
>;

function ledgerCalls(call: AdminCall): LedgerCalls {
  return {
    checkpoint: async () => new TextDecoder().decode(await call("GET", "/v1/ledger/checkpoint")),
    ledgerPage: async (from, limit) =>
      ledger.decodeLedgerPage(await call("GET", `/v1/ledger/entries?from=${from}&limit=${limit}`)),
    inclusion: async (seq, size) =>
      decodeInclusionProof(
        await call("GET", `/v1/ledger/inclusion?seq=${seq}${size === undefined ? "" : `&size=${size}`}`),
      ),
    consistency: async (from, size) =>
      decodeConsistencyProof(await call("GET", `/v1/ledger/consistency?from=${from}&size=${size}`)),
    forgetTraces: async (olderThanDays) =>
      ledger.decodeForgottenTraces(
        await call(
          "POST",
          "/v1/admin/ledger/forgotten-traces",
          ledger.encodeTraceForgetting({ olderThanDays }),
        ),
      ),
  };
}

function reviewAt(digest: string): string {
  return bundleAt(digest).replace("/policies/", "/policy-reviews/");
}

function bundleAt(digest: string): string {
  if (/^[0-9a-f]{64}$/.test(digest)) return `/v1/admin/policies/${digest}`;
  throw new Fault("request/malformed", "expected a digest as 64 lower-case hex digits");
}

const ADMINS = "/v1/admin/admins";
const APPROVALS = "/v1/admin/approvals";
const ROOT_KEY = "/v1/admin/root-key";
const SHARES = `${ROOT_KEY}/shares`;
const TOKEN_KEYS = "/v1/admin/token-keys";

function audienceAt(name: string): string {
  if (isAudienceName(name)) return `/v1/admin/audiences/${name}`;
  throw new Fault("request/malformed", "expected a name of letters, digits, `.`, `_` and `-`, at most 64");
}

function decisionAt(id: string, room: "decisions" | "revocations" = "decisions"): string {
  if (/^[0-9A-Z]{26}$/.test(id)) return `/v1/admin/${room}/${id}`;
  throw new Fault("request/malformed", "expected a decision id, which is a ULID");
}

interface Call {
  readonly method: string;
  /** With the query, if there is one; `htu` is signed without it. */
  readonly path: string;
  readonly body: string | undefined;
  /** Of the body. */
  readonly type: string;
}

const FORM = "application/x-www-form-urlencoded";

function formOf(members: Readonly<Record<string, string>>): string {
  return new URLSearchParams(members).toString();
}

async function send(call: Call, options: AdminClientOptions): Promise<Uint8Array> {
  const authorization = `Bearer ${await tokenFor(call, options)}`;
  const headers = {
    authorization,
    ...(call.body === undefined ? {} : { "content-type": call.type }),
  };
  return fetchBounded(`${options.url}${call.path}`, options.fetch, {
    method: call.method,
    headers,
    ...(call.body === undefined ? {} : { body: call.body }),
  });
}

function tokenFor({ method, path, body = "" }: Call, options: AdminClientOptions): Promise<string> {
  const iat = options.now();
  const claims = {
    aud: options.audience,
    htm: method,
    htu: `${options.audience}${path.split("?", 1).join("")}`,
    bh: bodyHashOf(utf8(body), options.digest),
    iat,
    exp: iat + MAX_ADMIN_TOKEN_SECONDS,
    jti: base64UrlOf(options.random(16)),
  };
  return signAdminToken(claims, options.signer, options.session);
}
