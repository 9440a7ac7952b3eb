import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64UrlOf, utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { decodeAdminClaims, decodeAdminHeader } from "../../src/wire/admin-token.ts";
import * as admins from "../../src/wire/admins.ts";
import * as approvals from "../../src/wire/approvals.ts";
import { decodeAttestAnswer, decodeAttestRequest } from "../../src/wire/attest.ts";
import * as audience from "../../src/wire/audience.ts";
import * as bundle from "../../src/wire/bundle.ts";
import { decodeChallenge, decodeChallengeRequest } from "../../src/wire/challenge.ts";
import { decodeClaims } from "../../src/wire/claims.ts";
import { decodeDecisionDetail } from "../../src/wire/decision.ts";
import { decodeLedgerPage } from "../../src/wire/ledger.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { decodeReleaseAnswer, decodeReleaseRequest } from "../../src/wire/release.ts";
import * as review from "../../src/wire/review.ts";
import { decodeRevocation } from "../../src/wire/revocation.ts";
import * as secret from "../../src/wire/secret.ts";
import * as token from "../../src/wire/token.ts";
import * as tokenKey from "../../src/wire/token-key.ts";
import { decodeBrokerDescription } from "../../src/wire/well-known.ts";
import { codeOf } from "../support/faults.ts";

const b64 = (size: number) => base64UrlOf(new Uint8Array(size).fill(7));
const claimsText = '{"want":[{"secret":"prod/disk"}]}';

const GOOD = {
  v: 1,
  binding: 3,
  suite: 1,
  vmpl: 0,
  nonce: b64(48),
  ownNonce: b64(32),
  wrapPub: b64(32),
  claims: base64UrlOf(utf8(claimsText)),
  evidence: { format: "raw", report: b64(1184) },
};

const PCRS = Array.from({ length: 24 }, () => b64(32));
const FORMATS = [
  GOOD.evidence,
  { format: "azure-hcl", hcl: b64(2600), quote: b64(145), signature: b64(256), pcrs: PCRS },
  { format: "svsm", report: b64(1184), manifest: b64(100) },
] as const;

function svsmVtpm(change: Readonly<Record<string, unknown>> = {}) {
  const good = { ak: b64(90), quote: b64(145), signature: b64(64), pcrs: PCRS, proof: b64(32) };
  return { ...good, ...change };
}

function withSvsmVtpm(change: Readonly<Record<string, unknown>>): Uint8Array {
  const evidence = { format: "svsm", report: b64(1184), manifest: b64(100), vtpm: svsmVtpm(change) };
  return changed({ evidence });
}

function changed(change: Readonly<Record<string, unknown>>): Uint8Array {
  return utf8(JSON.stringify({ ...GOOD, ...change }));
}

function withEvidence(change: Readonly<Record<string, unknown>>): Uint8Array {
  return changed({ evidence: { ...GOOD.evidence, ...change } });
}

function withClaims(text: string): Uint8Array {
  return changed({ claims: base64UrlOf(utf8(text)) });
}

function want(count: number): string {
  const items = Array.from({ length: count }, (_, i) => ({ secret: `disk/${i}` }));
  return JSON.stringify({ want: items });
}

const EC_KEY = { kty: "EC", crv: "P-256", x: b64(32), y: b64(32) };

describe("a release request that deviates", () => {
  it("is accepted without the deviation", () => {
    expect(codeOf(() => decodeReleaseRequest(changed({})))).toBeUndefined();
    expect(codeOf(() => decodeReleaseRequest(withSvsmVtpm({})))).toBeUndefined();
    expect(codeOf(() => decodeReleaseRequest(withSvsmVtpm({ eventLog: b64(99) })))).toBeUndefined();
  });

  const deviations: readonly (readonly [string, Uint8Array])[] = [
    ["unknown member", changed({ extra: 1 })],
    ["unknown member of the evidence", withEvidence({ manifest: b64(10) })],
    ["duplicate member", utf8(JSON.stringify(GOOD).replace('"v":1', '"v":1,"v":1'))],
    [
      "duplicate member spelled with an escape",
      utf8(JSON.stringify(GOOD).replace('"v":1', '"v":1,"\\u0076":1')),
    ],
    ["`__proto__` as a member", utf8(JSON.stringify(GOOD).replace('"v":1', '"v":1,"__proto__":{}'))],
    ["version 2", changed({ v: 2 })],
    ["version as text", changed({ v: "1" })],
    ["binding 0", changed({ binding: 0 })],
    ["binding 4", changed({ binding: 4 })],
    ["suite 0", changed({ suite: 0 })],
    ["VMPL 4", changed({ vmpl: 4 })],
    ["negative VMPL", changed({ vmpl: -1 })],
    ["fractional VMPL", changed({ vmpl: 0.5 })],
    ["nonce of 47 bytes", changed({ nonce: b64(47) })],
    ["nonce of 49 bytes", changed({ nonce: b64(49) })],
    ["own nonce of 31 bytes", changed({ ownNonce: b64(31) })],
    ["own nonce with padding", changed({ ownNonce: `${b64(32)}=` })],
    ["own nonce in standard base64", changed({ ownNonce: `${b64(32).slice(0, 42)}+` })],
    ["own nonce with unused bits set", changed({ ownNonce: `${b64(32).slice(0, 42)}d` })],
    ["own nonce with white space", changed({ ownNonce: ` ${b64(32).slice(1)}` })],
    ["no own nonce", changed({ ownNonce: undefined })],
    ["null for a member", changed({ nonce: null })],
    ["wrapPub of suite 3 under suite 1", changed({ wrapPub: b64(65) })],
    ["wrapPub of suite 1 under suite 2", changed({ suite: 2 })],
    ["empty wrapPub", changed({ wrapPub: "" })],
    ["unknown evidence format", withEvidence({ format: "tdx" })],
    ["no report", withEvidence({ report: undefined })],
    ["report of 9 KiB", withEvidence({ report: b64(9 * 1024) })],
    ["nine endorsements", withEvidence({ endorsements: Array.from({ length: 9 }, () => b64(10)) })],
    ["endorsement of 8 KiB and a byte", withEvidence({ endorsements: [b64(8 * 1024 + 1)] })],
    ["empty list of endorsements", withEvidence({ endorsements: [] })],
    ["an SVSM's vTPM without a proof", withSvsmVtpm({ proof: undefined })],
    ["a proof of 31 bytes", withSvsmVtpm({ proof: b64(31) })],
    ["a proof of 33 bytes", withSvsmVtpm({ proof: b64(33) })],
    ["no attestation key", withSvsmVtpm({ ak: undefined })],
    ["an attestation key of a kilobyte and a byte", withSvsmVtpm({ ak: b64(1025) })],
    ["an attestation key of nothing", withSvsmVtpm({ ak: "" })],
    ["a quote of a kilobyte and a byte", withSvsmVtpm({ quote: b64(1025) })],
    ["twenty-three registers", withSvsmVtpm({ pcrs: PCRS.slice(1) })],
    ["an endorsement key beside the quote", withSvsmVtpm({ ek: b64(314) })],
    ["an event log of 128 KiB and a byte", withSvsmVtpm({ eventLog: b64(128 * 1024 + 1) })],
    ["an SVSM's vTPM beside a report", withEvidence({ vtpm: svsmVtpm() })],
    ["claims that are no JSON", withClaims("want")],
    ["claims with an unknown member", withClaims('{"want":[{"secret":"a"}],"role":1}')],
    ["claims with a duplicate member", withClaims('{"want":[{"secret":"a"}],"want":[{"secret":"b"}]}')],
    ["claims that want nothing", withClaims('{"want":[]}')],
    ["seventeen wanted items", withClaims(want(17))],
    ["the same item twice", withClaims('{"want":[{"secret":"a"},{"secret":"a"}]}')],
    ["an item that is secret and token", withClaims('{"want":[{"secret":"a","token":{"aud":"b"}}]}')],
    ["version 0 of a secret", withClaims('{"want":[{"secret":"a","version":0}]}')],
    ["partial false", withClaims('{"want":[{"secret":"a"}],"partial":false}')],
    ["audience of 513 bytes", withClaims(JSON.stringify({ want: [{ token: { aud: "a".repeat(513) } }] }))],
    [
      "private key in `cnf`",
      withClaims(JSON.stringify({ want: [{ secret: "a" }], cnf: { ...EC_KEY, d: b64(32) } })),
    ],
    [
      "symmetric key in `cnf`",
      withClaims(JSON.stringify({ want: [{ secret: "a" }], cnf: { kty: "oct", k: "AA" } })),
    ],
    ["invalid UTF-8", new Uint8Array([...changed({}), 0xff])],
    ["byte order mark", new Uint8Array([0xef, 0xbb, 0xbf, ...changed({})])],
    ["text after the value", new Uint8Array([...changed({}), 0x7b])],
    ["no bytes at all", new Uint8Array(0)],
    ["a list", utf8("[]")],
    ["null", utf8("null")],
    ["depth bomb", utf8(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)],
    ["depth bomb in the claims", withClaims(`{"want":[],"posture":${'{"a":'.repeat(20)}1${"}".repeat(20)}}`)],
  ];
  it.each(deviations)("is refused as malformed: %s", (_name, body) => {
    expect(codeOf(() => decodeReleaseRequest(body))).toBe("request/malformed");
  });

  it("is refused as too large beyond 256 KiB, unread", () => {
    const body = new Uint8Array(256 * 1024 + 1).fill(0x20);
    expect(codeOf(() => decodeReleaseRequest(body))).toBe("request/too-large");
  });

  it("is refused as too large where the claims exceed 16 KiB", () => {
    const padded = withClaims(`${claimsText}${" ".repeat(16 * 1024)}`);
    expect(codeOf(() => decodeReleaseRequest(padded))).toBe("request/too-large");
  });

  it("is accepted with sixteen items and eight endorsements of 8 KiB", () => {
    const endorsements = Array.from({ length: 8 }, () => b64(8 * 1024));
    const body = changed({
      claims: base64UrlOf(utf8(want(16))),
      evidence: { ...GOOD.evidence, endorsements },
    });
    expect(decodeReleaseRequest(body).claims.want).toHaveLength(16);
  });
});

describe.each(FORMATS)("evidence of the format $format", (good) => {
  const refused = (evidence: Readonly<Record<string, unknown>>) =>
    codeOf(() => decodeReleaseRequest(changed({ evidence })));

  it("is read as it was written", () => {
    expect(refused(good)).toBeUndefined();
  });

  it("is refused under the name of every other format", () => {
    for (const { format } of FORMATS.filter((other) => other.format !== good.format)) {
      expect(refused({ ...good, format }), format).toBe("request/malformed");
    }
  });

  it("is refused with a member that it has not, or without one that it has", () => {
    expect(refused({ ...good, extra: b64(1) })).toBe("request/malformed");
    for (const name of Object.keys(good)) {
      expect(refused({ ...good, [name]: undefined }), name).toBe("request/malformed");
    }
  });
});

describe("a vTPM's quote", () => {
  const quoted = FORMATS[1];
  const rows: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ["23 PCRs", { pcrs: PCRS.slice(1) }],
    ["25 PCRs", { pcrs: [...PCRS, b64(32)] }],
    ["a PCR of another bank", { pcrs: [...PCRS.slice(1), b64(20)] }],
    ["a signature in its TPMT_SIGNATURE", { signature: b64(262) }],
    ["a signature of 255 bytes", { signature: b64(255) }],
    ["an empty quote", { quote: "" }],
    ["a quote of a kilobyte and a byte", { quote: b64(1025) }],
    ["a blob of 4 KiB and a byte", { hcl: b64(4097) }],
    ["an event log of 128 KiB and a byte", { eventLog: b64(128 * 1024 + 1) }],
  ];
  it.each(rows)("is refused with %s", (_name, change) => {
    expect(codeOf(() => decodeReleaseRequest(changed({ evidence: { ...quoted, ...change } })))).toBe(
      "request/malformed",
    );
  });

  it("is read with the longest event log that is taken", () => {
    const evidence = { ...quoted, eventLog: b64(128 * 1024) };
    expect(codeOf(() => decodeReleaseRequest(changed({ evidence })))).toBeUndefined();
  });
});

describe("paths of secrets", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["empty", ""],
    ["leading slash", "/a"],
    ["trailing slash", "a/"],
    ["empty segment", "a//b"],
    ["dot segment", "a/./b"],
    ["dot-dot segment", "a/../b"],
    ["percent escape", "a%2fb"],
    ["backslash", "a\\b"],
    ["white space", "a b"],
    ["letter outside ASCII", "ä"],
    ["full-width slash", "a／b"],
    ["star", "a/*"],
    ["NUL", "a\u0000b"],
    ["line feed at the end", "a\n"],
    ["segment of 129 characters", "a".repeat(129)],
    ["17 segments", Array.from({ length: 17 }, () => "a").join("/")],
    [
      "513 bytes",
      Array.from({ length: 5 }, () => "a".repeat(102))
        .join("/")
        .padEnd(513, "a"),
    ],
    ["the name of a token", "token/aws"],
    ["the tokens themselves", "token"],
    ["the resource of an attestation", "attest"],
  ];
  it.each(rows)("are refused: %s", (_name, path) => {
    const claims = utf8(JSON.stringify({ want: [{ secret: path }] }));
    expect(codeOf(() => decodeClaims(claims))).toBe("request/malformed");
  });

  const good = ["a", "prod/payments/luks/root", "token.d/a", "attest/a", "A-Z_0.9~@:+=", "a".repeat(128)];
  it.each(good)("are accepted in normal form: %s", (path) => {
    const claims = utf8(JSON.stringify({ want: [{ secret: path }] }));
    expect(decodeClaims(claims).want).toEqual([{ secret: path }]);
  });
});

describe("an attestation request", () => {
  it("is refused without the guest's key", () => {
    expect(codeOf(() => decodeAttestRequest(withClaims('{"want":[]}')))).toBe("request/malformed");
  });

  it("is refused where it wants something", () => {
    const claims = JSON.stringify({ want: [{ secret: "a" }], cnf: EC_KEY });
    expect(codeOf(() => decodeAttestRequest(withClaims(claims)))).toBe("request/malformed");
  });

  it("is accepted with the key and no wish", () => {
    const claims = JSON.stringify({ want: [], cnf: EC_KEY });
    expect(decodeAttestRequest(withClaims(claims)).claims.cnf).toEqual(EC_KEY);
  });
});

const DECODERS: readonly (readonly [string, (bytes: Uint8Array) => unknown])[] = [
  ["challenge request", decodeChallengeRequest],
  ["challenge", decodeChallenge],
  ["claims", decodeClaims],
  ["release request", decodeReleaseRequest],
  ["release answer", decodeReleaseAnswer],
  ["attest request", decodeAttestRequest],
  ["attest answer", decodeAttestAnswer],
  ["secret content", secret.decodeSecretContent],
  ["secret rotation", secret.decodeSecretRotation],
  ["secret change", secret.decodeSecretChange],
  ["secret summary", secret.decodeSecretSummary],
  ["secret list", secret.decodeSecretList],
  ["bundle proposal", bundle.decodeBundleProposal],
  ["bundle activation", bundle.decodeBundleActivation],
  ["proposal answer", bundle.decodeProposalAnswer],
  ["activation", bundle.decodeActivationSummary],
  ["bundle list", bundle.decodeBundleList],
  ["bundle detail", bundle.decodeBundleDetail],
  ["approval of a request", approvals.decodeRequestApproval],
  ["waiting requests", approvals.decodeWaitingList],
  ["roster change", admins.decodeRosterChange],
  ["roster", admins.decodeRosterView],
  ["approval", review.decodeApproval],
  ["review", review.decodePolicyReview],
  ["ledger page", decodeLedgerPage],
  ["decision", decodeDecisionDetail],
  ["problem", decodeProblem],
  ["description", decodeBrokerDescription],
  ["admin header", decodeAdminHeader],
  ["admin claims", decodeAdminClaims],
  ["audience registration", audience.decodeAudienceRegistration],
  ["audience summary", audience.decodeAudienceSummary],
  ["audience list", audience.decodeAudienceList],
  ["token key rotation", tokenKey.decodeTokenKeyRotation],
  ["token key list", tokenKey.decodeTokenKeyList],
  ["revocation", decodeRevocation],
  ["token header", token.decodeTokenHeader],
  ["token claims", token.decodeTokenClaims],
  ["proof header", token.decodeProofHeader],
  ["proof claims", token.decodeProofClaims],
  ["introspection", token.decodeIntrospection],
];

describe.each(DECODERS)("the decoder of a %s", (_name, decode) => {
  it("throws nothing but a Fault, for any bytes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(utf8)), (bytes) => {
        expect(() => codeOf(() => decode(bytes))).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  it("refuses a depth bomb", () => {
    expect(codeOf(() => decode(utf8("[".repeat(200_000))))).toBeDefined();
  });
});

describe("a refusal", () => {
  it("never repeats the plaintext it was given", () => {
    const planted = "cGxhbnRlZC1zZWNyZXQ";
    const bodies = [
      { kind: "static", plaintext: `${planted}!` },
      { kind: "static", plaintext: planted, size: 1 },
      { kind: planted, plaintext: planted },
    ];
    for (const body of bodies) {
      try {
        secret.decodeSecretContent(utf8(JSON.stringify(body)));
        expect.unreachable();
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Fault);
        expect(`${String(thrown)}${JSON.stringify(thrown)}`).not.toContain(planted);
      }
    }
  });
});
