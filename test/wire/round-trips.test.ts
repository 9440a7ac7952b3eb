import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { CONTEXT_FIELDS } from "../../src/keys/derivation.ts";
import { TRANSIT_OPERATIONS, TRANSIT_TYPES } from "../../src/keys/transit-type.ts";
import * as admins from "../../src/wire/admins.ts";
import * as approvals from "../../src/wire/approvals.ts";
import * as attest from "../../src/wire/attest.ts";
import * as audience from "../../src/wire/audience.ts";
import * as bundle from "../../src/wire/bundle.ts";
import * as challenge from "../../src/wire/challenge.ts";
import { decodeClaims, encodeClaims } from "../../src/wire/claims.ts";
import * as decision from "../../src/wire/decision.ts";
import * as lease from "../../src/wire/lease.ts";
import * as ledger from "../../src/wire/ledger.ts";
import type { LedgerPage } from "../../src/wire/ledger-messages.ts";
import type * as wire from "../../src/wire/messages.ts";
import type { WantedItem } from "../../src/wire/messages.ts";
import * as problem from "../../src/wire/problem.ts";
import * as readers from "../../src/wire/readers.ts";
import * as release from "../../src/wire/release.ts";
import * as renewal from "../../src/wire/renew.ts";
import * as review from "../../src/wire/review.ts";
import * as revocation from "../../src/wire/revocation.ts";
import * as secret from "../../src/wire/secret.ts";
import type * as secrets from "../../src/wire/secret-messages.ts";
import * as token from "../../src/wire/token.ts";
import * as tokenKey from "../../src/wire/token-key.ts";
import * as transit from "../../src/wire/transit.ts";
import * as wellKnown from "../../src/wire/well-known.ts";
import * as any from "./arbitraries.ts";

/** `decode(encode(message))` is the message. */
function expectRoundTrip<T>(
  messages: fc.Arbitrary<T>,
  encode: (message: T) => string,
  decode: (bytes: Uint8Array) => T,
): void {
  fc.assert(
    fc.property(messages, (message) => {
      expect(decode(utf8(encode(message)))).toEqual(message);
    }),
    { numRuns: 60 },
  );
}

describe("what is written is what is read", () => {
  it("keeps a challenge request", () => {
    const requests = fc.record(
      {
        binding: fc.constantFrom(1 as const, 2 as const, 3 as const),
        guestNonce: any.bytes(32),
        vtpm: fc.record({ ek: any.bytes(1, 1024), akName: any.bytes(34) }),
        fresh: fc.constant(true as const),
      },
      { requiredKeys: ["binding"] },
    );
    expectRoundTrip(requests, challenge.encodeChallengeRequest, challenge.decodeChallengeRequest);
  });

  it("keeps a challenge", () => {
    const always = {
      nonce: any.bytes(48),
      expiresAt: any.instants,
      audience: any.names,
      signingKey: any.bytes(1, 120),
      kid: any.names,
      suites: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
    };
    const credential = fc.record({ idObject: any.bytes(1, 256), encryptedSecret: any.bytes(1, 300) });
    const challenges = fc.oneof(fc.record(always), fc.record({ ...always, credential }));
    expectRoundTrip(challenges, challenge.encodeChallenge, challenge.decodeChallenge);
  });

  it("keeps audiences", () => {
    const registrations = fc.record({ aud: any.names, isBearer: fc.boolean() });
    expectRoundTrip(registrations, audience.encodeAudienceRegistration, audience.decodeAudienceRegistration);
    const summaries = fc.record({
      name: fc.constantFrom("sts", "Cloud-1.a_b"),
      aud: any.names,
      isBearer: fc.boolean(),
      createdAt: any.instants,
      createdBy: any.names,
    });
    expectRoundTrip(summaries, audience.encodeAudienceSummary, audience.decodeAudienceSummary);
    const lists = fc.array(summaries, { maxLength: 3 });
    expectRoundTrip(lists, audience.encodeAudienceList, audience.decodeAudienceList);
  });

  it("keeps keys of tokens", () => {
    const rotations = fc.record({ withdraws: fc.boolean() });
    expectRoundTrip(rotations, tokenKey.encodeTokenKeyRotation, tokenKey.decodeTokenKeyRotation);
    const keys = fc.record({
      kid: any.names,
      signsFrom: any.instants,
      isCurrent: fc.boolean(),
      createdAt: any.instants,
      createdBy: any.names,
    });
    const lists = fc.array(keys, { maxLength: 3 });
    expectRoundTrip(lists, tokenKey.encodeTokenKeyList, tokenKey.decodeTokenKeyList);
  });

  it("keeps what is said of tokens", () => {
    const decisions = fc.constantFrom("01KB0000000000000000000001", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    const revocations = fc.record({ decision: decisions, at: any.instants, by: any.names });
    expectRoundTrip(revocations, revocation.encodeRevocation, revocation.decodeRevocation);
    const jkt = "A".repeat(43);
    const active = fc.record(
      {
        active: fc.constant(true as const),
        iss: any.names,
        sub: any.names,
        aud: any.names,
        iat: fc.nat(),
        nbf: fc.nat(),
        exp: fc.nat(),
        jti: decisions,
        cnf: fc.constantFrom({ jkt }, { jkt, "x5t#S256": jkt }),
        ostiary: fc.record({ simulated: fc.boolean() }),
        token_type: fc.constantFrom("DPoP" as const, "Bearer" as const),
      },
      { requiredKeys: ["active", "iss", "sub", "aud", "iat", "nbf", "exp", "jti", "ostiary", "token_type"] },
    );
    expectRoundTrip(active, token.encodeIntrospection, token.decodeIntrospection);
  });

  it("keeps claims", () => {
    fc.assert(
      fc.property(any.claims, (claims) => {
        expect(decodeClaims(encodeClaims(claims))).toEqual(claims);
      }),
    );
  });

  it("keeps a release request, and its claims and its body to the byte", () => {
    const claims = any.claims.filter(({ want }) => want.length > 0);
    fc.assert(
      fc.property(any.requestsWithoutClaims, claims, (request, wanted) => {
        const claimsBytes = encodeClaims(wanted);
        const bodyBytes = utf8(release.encodeEvidenceRequest({ ...request, claimsBytes }));
        const expected = { ...request, claimsBytes, claims: wanted, bodyBytes };
        expect(release.decodeReleaseRequest(bodyBytes)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps claims bytes that nobody would write that way", () => {
    const claimsBytes = utf8('{ "want" : [\n { "secret":"a\\u002fb" } ] }');
    const [request] = fc.sample(any.requestsWithoutClaims, 1);
    if (request === undefined) throw new Error("a sample was expected");
    const read = release.decodeReleaseRequest(
      utf8(release.encodeEvidenceRequest({ ...request, claimsBytes })),
    );
    expect(read.claimsBytes).toEqual(claimsBytes);
    expect(read.claims).toEqual({ want: [{ secret: "a/b" }] });
  });

  it("keeps a release answer", () => {
    const refused = fc.record({ secret: any.paths, code: fc.constant("denied") });
    const answers = fc.record({
      decision: any.ulids,
      releases: fc.array(any.sealedReleases, { maxLength: 4 }),
      refused: fc.array(refused, { maxLength: 3 }),
    });
    expectRoundTrip<wire.ReleaseAnswer>(
      answers,
      (answer) => release.encodeReleaseAnswer(answer, true),
      release.decodeReleaseAnswer,
    );
  });

  it("names refused items only where the guest asked for a partial answer", () => {
    const answer = {
      decision: "01JD0000000000000000000000",
      releases: [],
      refused: [{ secret: "a", code: "denied" }],
    };
    expect(release.encodeReleaseAnswer(answer, false)).not.toContain("refused");
    expect(release.encodeReleaseAnswer(answer, true)).toContain("refused");
  });

  it("keeps an attestation answer", () => {
    const answers = fc.record({ decision: any.ulids, token: fc.constantFrom("a.b.c", "eyJ.e-_.Zz9") });
    expectRoundTrip(answers, attest.encodeAttestAnswer, attest.decodeAttestAnswer);
  });

  it("keeps renewals", () => {
    const requests = fc.record({
      suite: fc.constant(1 as const),
      wrapPub: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      want: fc.constantFrom<readonly WantedItem[]>(
        [{ secret: "a/b" }],
        [{ secret: "a/b", version: 3 }, { token: { aud: "https://a.example" } }],
      ),
    });
    expectRoundTrip(requests, renewal.encodeRenewRequest, renewal.decodeRenewRequest);
  });

  it("keeps uses of transit keys, each operation in its own shape", () => {
    for (const operation of TRANSIT_OPERATIONS) {
      const requests = fc.record({
        suite: fc.constant(1 as const),
        wrapPub: any.bytes(32, 32),
        items: fc.array(any.transitItems[operation], { minLength: 1, maxLength: 4 }),
      });
      expectRoundTrip(requests, transit.encodeTransitRequest, (bytes) =>
        transit.decodeTransitRequest(operation, bytes),
      );
    }
    const sealed = fc.record({
      header: any.bytes(1, 300),
      enc: any.bytes(0, 100),
      ct: any.bytes(1, 300),
      sig: any.bytes(64, 64),
    });
    const answers = fc.record({ decision: any.ulids, sealed });
    expectRoundTrip(answers, transit.encodeTransitAnswer, transit.decodeTransitAnswer);
  });

  it("keeps secret messages", () => {
    const contents: fc.Arbitrary<secrets.SecretContent> = fc.oneof(
      fc.record({ kind: fc.constant("static" as const), plaintext: any.bytes(1, 500) }),
      fc.record({ kind: fc.constant("generated" as const), make: any.recipes }),
      fc.record({
        kind: fc.constant("derived" as const),
        size: fc.integer({ min: 16, max: 1024 }),
        by: fc.subarray([...CONTEXT_FIELDS], { minLength: 1 }),
      }),
      fc.record({ kind: fc.constant("transit" as const), type: fc.constantFrom(...TRANSIT_TYPES) }),
    );
    expectRoundTrip(contents, secret.encodeSecretContent, secret.decodeSecretContent);
    expectRoundTrip(any.secretSummaries, secret.encodeSecretSummary, secret.decodeSecretSummary);
    expectRoundTrip<readonly secrets.SecretSummary[]>(
      fc.array(any.secretSummaries, { maxLength: 5 }),
      secret.encodeSecretList,
      secret.decodeSecretList,
    );
    const rotations = fc.record({ make: any.recipes }, { requiredKeys: [] });
    expectRoundTrip(rotations, secret.encodeSecretRotation, secret.decodeSecretRotation);
    const version = fc.integer({ min: 1 });
    const state = fc.constantFrom("enabled" as const, "disabled" as const, "destroyed" as const);
    const changes = fc.oneof(
      fc.record({ version, state }),
      fc.record({ version, destroyAfter: fc.integer({ min: 1, max: 86_400 }) }),
      fc.record({ version, destroyAfter: fc.integer({ min: 1, max: 86_400 }), despite: version }),
      any.settingsChanges,
    );
    expectRoundTrip<secrets.SecretChange>(changes, secret.encodeSecretChange, secret.decodeSecretChange);
  });

  it("keeps what is said of readers", () => {
    const version = fc.integer({ min: 1 });
    const reportIds = any.digests;
    const lists: fc.Arbitrary<secrets.ReaderList> = fc.record({
      readers: fc.array(
        fc.record(
          {
            version,
            reader: fc.oneof(reportIds, fc.constant("before")),
            firstAt: any.instants,
            lastAt: any.instants,
            decision: any.ulids,
            confirmedAt: any.instants,
          },
          { requiredKeys: ["version", "reader", "firstAt", "lastAt"] },
        ),
        { maxLength: 4 },
      ),
      holding: fc.array(fc.record({ version, readers: version }), { maxLength: 3 }),
    });
    expectRoundTrip(lists, readers.encodeReaderList, readers.decodeReaderList);
    const confirmations: fc.Arbitrary<secrets.UseConfirmation> = fc.record(
      { secret: any.paths, version, also: fc.array(reportIds, { maxLength: 3 }) },
      { requiredKeys: ["secret", "version"] },
    );
    expectRoundTrip(confirmations, readers.encodeUseConfirmation, readers.decodeUseConfirmation);
    const answers = fc.record({ replaced: fc.array(version, { maxLength: 4 }) });
    expectRoundTrip(answers, readers.encodeConfirmAnswer, readers.decodeConfirmAnswer);
  });

  it("keeps what is said of leases", () => {
    const fence = fc.integer({ min: 1 });
    const last = fc.record({
      holder: fc.oneof(any.digests, fc.constant("")),
      fence,
      since: any.instants,
      until: any.instants,
      decision: fc.oneof(any.ulids, fc.constant("")),
    });
    const states: fc.Arbitrary<secrets.LeaseState> = fc.record(
      { seconds: fence, isRunning: fc.boolean(), last },
      { requiredKeys: ["isRunning"] },
    );
    expectRoundTrip(states, lease.encodeLeaseState, lease.decodeLeaseState);
    expectRoundTrip(fc.record({ fence }), lease.encodeLeaseEnd, lease.decodeLeaseEnd);
    const returns = fc.record({ secret: any.paths, fence });
    expectRoundTrip(returns, lease.encodeLeaseReturn, lease.decodeLeaseReturn);
  });

  it("keeps messages about requests that wait for people", () => {
    expectRoundTrip(any.waitingLists, approvals.encodeWaitingList, approvals.decodeWaitingList);
    const orders = fc.record({ statement: any.names });
    expectRoundTrip(
      orders,
      ({ statement }) => approvals.encodeRequestApprovalOrder(statement),
      approvals.decodeRequestApproval,
    );
  });

  it("keeps messages about admins", () => {
    expectRoundTrip(any.rosterViews, admins.encodeRosterView, admins.decodeRosterView);
    const changes = fc.record({ statement: any.names });
    expectRoundTrip(
      changes,
      ({ statement }) => admins.encodeRosterChangeRequest(statement),
      admins.decodeRosterChange,
    );
  });

  it("keeps reviews and approvals", () => {
    expectRoundTrip(any.policyReviews, review.encodePolicyReview, review.decodePolicyReview);
    expectRoundTrip(fc.record({ statement: any.names }), review.encodeApproval, review.decodeApproval);
  });

  it("keeps bundle messages", () => {
    const proposals = fc.record({ tar: any.bytes(1, 2000), signature: any.names });
    expectRoundTrip(proposals, bundle.encodeBundleProposal, bundle.decodeBundleProposal);
    const answers = fc.record({ digest: any.digests, isNew: fc.boolean() });
    expectRoundTrip(answers, bundle.encodeProposalAnswer, bundle.decodeProposalAnswer);
    const signatures = fc.record({ signature: any.names });
    expectRoundTrip(signatures, bundle.encodeBundleActivation, bundle.decodeBundleActivation);
    expectRoundTrip(any.activations, bundle.encodeActivationSummary, bundle.decodeActivationSummary);
    const lists: fc.Arbitrary<wire.BundleList> = fc.record(
      {
        bundles: fc.array(any.bundleSummaries, { maxLength: 4 }),
        live: any.activations,
        roster: any.digests,
        warnings: fc.array(any.names, { maxLength: 2 }),
      },
      { requiredKeys: ["bundles", "warnings"] },
    );
    expectRoundTrip(lists, bundle.encodeBundleList, bundle.decodeBundleList);
    const details: fc.Arbitrary<wire.BundleDetail> = fc
      .record({
        modules: fc.array(fc.record({ name: any.names, version: any.names }), { maxLength: 3 }),
        sources: fc.array(fc.record({ path: any.names, text: fc.string({ unit: "grapheme" }) }), {
          maxLength: 3,
        }),
      })
      .chain((rest) => any.bundleSummaries.map((summary) => ({ ...summary, ...rest })));
    expectRoundTrip(details, bundle.encodeBundleDetail, bundle.decodeBundleDetail);
  });

  it("keeps a page of the ledger", () => {
    const pages = fc.record({
      from: fc.nat(),
      size: fc.nat(),
      entries: fc.array(any.bytes(1, 300), { maxLength: 8 }),
    });
    expectRoundTrip<LedgerPage>(pages, ledger.encodeLedgerPage, ledger.decodeLedgerPage);
  });

  it("keeps what is known of a decision", () => {
    const decisions: fc.Arbitrary<wire.DecisionDetail> = fc.oneof(
      fc.record({
        kind: fc.constant("decision" as const),
        id: any.ulids,
        at: any.instants,
        seq: fc.nat(),
        entry: fc.constant({ v: 1, kind: "decision" }),
        trace: fc.constantFrom({ items: [] }, [1, "a", null]),
      }),
      fc.record({
        kind: fc.constant("refusal" as const),
        id: any.ulids,
        at: any.instants,
        source: any.names,
        code: fc.constant("nonce/expired"),
        format: fc.constant("raw"),
      }),
    );
    expectRoundTrip(decisions, decision.encodeDecisionDetail, decision.decodeDecisionDetail);
  });

  it("keeps a problem", () => {
    const problems = any.ulids.map((id) =>
      problem.problemOf("policy/denied", id, "ask the owner of this disk"),
    );
    expectRoundTrip(problems, problem.encodeProblem, problem.decodeProblem);
  });

  it("keeps what a broker says of itself", () => {
    const descriptions = fc.record({
      audience: any.names,
      bindings: fc.constant([3]),
      suites: fc.constant([1]),
      signingKey: fc.record({ kid: any.names, spki: any.bytes(91) }),
      ledgerKey: fc.record({ kid: any.names, spki: any.bytes(44) }),
      evidenceFormats: fc.constant(["raw"]),
      isSimulatorTrusted: fc.boolean(),
      tiers: fc.constantFrom([0], [0, 1, 2]),
    });
    expectRoundTrip<wire.BrokerDescription>(
      descriptions,
      wellKnown.encodeBrokerDescription,
      wellKnown.decodeBrokerDescription,
    );
  });
});
