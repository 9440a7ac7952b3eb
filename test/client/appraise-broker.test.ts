/** Does a guest show itself to any broker but its own? Each check of PROTOCOL section 8, and what gets past it when it is not there. */
import { describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { addSeconds } from "../../src/base/time.ts";
import type { ProofExchange } from "../../src/channel/proof.ts";
import {
  appraiseBroker,
  type BrokerContext,
  type BrokerExpectation,
} from "../../src/client/appraise-broker.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { encodeBrokerClaims } from "../../src/wire/broker-claims.ts";
import {
  type BrokerDeviation,
  CHIP,
  contextOf,
  exchangeOf,
  expectation,
  GOOD_CLAIMS,
  GUEST_POLICY,
  NOW,
  policyOf,
  proofFor,
  ROOT,
} from "./proving-broker.ts";
import { BROKER, random, STRANGER } from "./sealed-answer.ts";

interface Case {
  readonly shown?: BrokerDeviation | ((own: ProofExchange) => BrokerDeviation);
  readonly expected?: Partial<BrokerExpectation>;
  readonly seen?: Partial<BrokerContext>;
}

/** The code by which the guest refuses, with its reason where there is one. */
async function verdictOn({ shown = {}, expected, seen }: Case): Promise<string> {
  const exchange = exchangeOf();
  const deviation = typeof shown === "function" ? shown(exchange) : shown;
  try {
    const proof = await proofFor(exchange, deviation);
    await appraiseBroker(proof, expectation(expected), contextOf(exchange, seen));
    return "appraised";
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    const { reason } = thrown.detail;
    return thrown.code === "broker/bad-evidence" ? `${thrown.code} ${reason}` : thrown.code;
  }
}

const FRESH = { isFresh: true } as const;
const flipped = (bytes: Uint8Array, at: number) =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
const OWN_CHAIN = [CHIP.leaf, ROOT.ask, ROOT.ark];
const OLDER_CHIP = createSimulatedChip(ROOT, { tcb: { ...CHIP.tcb, snp: 22 } });

describe("a guest appraises its broker", () => {
  it.each<[string, Case]>([
    ["by the report of the hour", {}],
    ["by a report of its own", { shown: FRESH, expected: FRESH }],
    ["with its signing key pinned as well", { seen: { pinnedKey: BROKER.spki } }],
    ["up to the last second of its evidence", { seen: { now: addSeconds(NOW, 3600) } }],
    ["with five seconds between the clocks", { seen: { now: addSeconds(NOW, -5) } }],
  ])("%s", async (_name, good) => {
    expect(await verdictOn(good)).toBe("appraised");
  });

  it.each([1, 2, 3] as const)("over binding %i", async (binding) => {
    for (const isFresh of [false, true]) {
      const exchange = exchangeOf({ binding });
      const proof = await proofFor(exchange, { isFresh });
      const proven = await appraiseBroker(proof, expectation({ isFresh }), contextOf(exchange));
      expect(proven).toMatchObject({
        tier: isFresh ? 2 : 1,
        measurement: "b0".repeat(48),
        product: "genoa",
        signingKey: BROKER.spki,
        isSimulated: true,
        allowedBy: ["known-broker"],
      });
    }
  });

  it("by an ID key, where its policy names one instead of a measurement", async () => {
    const idKey = "1d".repeat(48);
    const text = GUEST_POLICY.replace(
      /require measurement == hex"b+0[^"]*"|require measurement == hex"[^"]*"/,
      () => {
        return `require has id_block.id_key and id_block.id_key == hex"${idKey}"`;
      },
    );
    const expected = { policy: policyOf(text) };
    const report = { fields: { idKeyDigest: new Uint8Array(48).fill(0x1d) } };
    expect(await verdictOn({ shown: { report }, expected })).toBe("appraised");
    expect(await verdictOn({ expected })).toBe("broker/denied");
  });
});

describe("a guest shows nothing to", () => {
  it("a broker that shows nothing, or whose proof somebody took away", async () => {
    const exchange = exchangeOf();
    const attempt = appraiseBroker(undefined, expectation(), contextOf(exchange));
    await expect(attempt).rejects.toMatchObject({ code: "broker/no-evidence" });
  });

  it.each<[string, string, Case]>([
    [
      "a report that somebody changed",
      "broker/bad-evidence evidence/bad-signature",
      { shown: { report: { patchAfter: (report) => void report.fill(0x66, 0x90, 0x91) } } },
    ],
    [
      "a chip that no root of this guest's vouches for",
      "broker/bad-evidence endorsement/untrusted-root",
      { expected: { roots: [] } },
    ],
    [
      "a chip whose certificate nobody brought",
      "broker/bad-evidence endorsement/missing",
      { shown: { evidence: ({ format, report }) => ({ format, report }) } },
    ],
    [
      "a chip of whose revocation nothing is known at all",
      "broker/bad-evidence endorsement/crl-missing",
      { shown: { evidence: ({ format, report }) => ({ format, report, endorsements: OWN_CHAIN }) } },
    ],
    [
      "a chip of whose revocation nothing current is known",
      "broker/bad-evidence endorsement/crl-stale",
      { shown: { crlAt: addSeconds(NOW, -400 * 86_400) } },
    ],
    [
      "a claim that the hardware did not hash",
      "broker/not-bound",
      otherClaims({ policyRoot: "cd".repeat(32) }),
    ],
    [
      "another signing key in the claims than was hashed",
      "broker/not-bound",
      otherClaims({ signingKey: STRANGER.spki }),
    ],
    ["a guest's report in place of a broker's (A09)", "broker/not-bound", { shown: asGuest }],
    [
      "the report of the hour where a fresh one is demanded",
      "broker/not-bound",
      { shown: { isFresh: false }, expected: FRESH },
    ],
    [
      "a fresh report for another connection",
      "broker/not-bound",
      { shown: fresh((own) => ({ ...own, channel: { ...own.channel, cb: random(32) } })), expected: FRESH },
    ],
    [
      "a fresh report for another guest's nonce",
      "broker/not-bound",
      { shown: fresh((own) => ({ ...own, guestNonce: random(32) })), expected: FRESH },
    ],
    [
      "a fresh report that names another TLS key of the broker",
      "broker/not-bound",
      {
        shown: fresh((own) => ({ ...own, channel: { ...own.channel, brokerSpki: random(91) } })),
        expected: FRESH,
      },
    ],
    [
      "a report made under another audience, though the claims say this one (A21)",
      "broker/not-bound",
      { shown: (own) => ({ reported: { ...own, audience: "https://other.example" } }) },
    ],
    [
      "the genuine broker of another operator (A21)",
      "broker/other-audience",
      {
        shown: (own) => {
          const theirs = { ...own, audience: "https://other.example" };
          return { claims: { audience: theirs.audience }, reported: theirs, signed: theirs };
        },
      },
    ],
    [
      "the genuine broker of another cluster (A21)",
      "broker/other-cluster",
      { shown: { claims: { cluster: "us-1" } } },
    ],
    ["a cluster where none was named", "broker/other-cluster", { expected: { cluster: "" } }],
    ["evidence of more than an hour ago", "broker/expired", { seen: { now: addSeconds(NOW, 3601) } }],
    ["evidence of the future", "broker/expired", { seen: { now: addSeconds(NOW, -6) } }],
    [
      "evidence that claims to hold for longer than an hour",
      "broker/expired",
      { shown: { claims: { expiresAt: addSeconds(NOW, 3601) } } },
    ],
    [
      "an attested key that is not the pinned one",
      "broker/other-key",
      { seen: { pinnedKey: STRANGER.spki } },
    ],
    [
      "somebody who shows a broker's evidence without its key",
      "broker/bad-session",
      { shown: { signer: STRANGER } },
    ],
    [
      "a session signature for another guest's nonce",
      "broker/bad-session",
      { shown: (own) => ({ signed: { ...own, guestNonce: random(32) } }) },
    ],
    [
      "a session signature from another connection",
      "broker/bad-session",
      { shown: (own) => ({ signed: { ...own, channel: { ...own.channel, cb: random(32) } } }) },
    ],
    [
      "a session signature for another TLS key of the broker",
      "broker/bad-session",
      { shown: (own) => ({ signed: { ...own, channel: { ...own.channel, brokerSpki: random(91) } } }) },
    ],
    [
      "a session signature for another audience",
      "broker/bad-session",
      { shown: (own) => ({ signed: { ...own, audience: "https://other.example" } }) },
    ],
    ["a broker that the host may debug", "broker/debug", { shown: { report: { policy: 0xb0000n } } }],
    ["a report of another privilege level", "broker/vmpl", { shown: { vmpl: 2 } }],
    [
      "a report whose privilege level is not the one it was asked for at",
      "broker/not-bound",
      { shown: { report: { vmpl: 1 } } },
    ],
    ["another image", "broker/denied", { shown: { report: { measurement: new Uint8Array(48).fill(0x66) } } }],
    ["firmware below the guest's floor", "broker/denied", { shown: { chip: OLDER_CHIP } }],
    [
      "a floor above the broker's firmware",
      "broker/denied",
      {
        expected: {
          policy: policyOf(GUEST_POLICY.replaceAll("snp 23, microcode 84", "snp 24, microcode 84")),
        },
      },
    ],
    [
      "a broker that a policy for something else would allow",
      "broker/denied",
      {
        expected: {
          policy: policyOf(GUEST_POLICY.replace('for resource "broker"', 'for resource "prod/**"')),
        },
      },
    ],
    [
      "a broker that a policy allows so many times, which a guest cannot count",
      "broker/denied",
      { expected: { policy: policyOf(GUEST_POLICY.replace("audit full", "rate 5 per 1m\n    audit full")) } },
    ],
  ])("%s", async (_name, code, bad) => {
    expect(await verdictOn(bad)).toBe(code);
  });

  it.each<[string, (claims: string) => string]>([
    ["without a member", (claims) => claims.replace(/"cluster":"[^"]*",/, "")],
    ["with one more member", (claims) => claims.replace("{", '{"more":1,')],
    ["with a member twice", (claims) => claims.replace("{", '{"iat":1,')],
    ["with a lifetime that is no number", (claims) => claims.replace(/"exp":\d+/, '"exp":"soon"')],
    ["that are no JSON", () => "{"],
  ])("claims %s", async (_name, change) => {
    const text = new TextDecoder().decode(encodeBrokerClaims(GOOD_CLAIMS));
    const claimsBytes = new TextEncoder().encode(change(text));
    expect(await verdictOn({ shown: { claimsBytes } })).toMatch(/^broker\/bad-evidence/);
  });

  it("a session signature with any byte changed", async () => {
    const exchange = exchangeOf();
    const proof = await proofFor(exchange);
    for (const at of [0, 31, 32, 63]) {
      const attempt = appraiseBroker(
        { ...proof, session: flipped(proof.session, at) },
        expectation(),
        contextOf(exchange),
      );
      await expect(attempt).rejects.toMatchObject({ code: "broker/bad-session" });
    }
  });
});

function otherClaims(change: Partial<typeof GOOD_CLAIMS>): Case {
  return { shown: { claimsBytes: encodeBrokerClaims({ ...GOOD_CLAIMS, ...change }) } };
}

function fresh(reported: (own: ProofExchange) => ProofExchange): (own: ProofExchange) => BrokerDeviation {
  return (own) => ({ ...FRESH, reported: reported(own) });
}

/** What a guest's hardware signs, with everything as near to a broker's as its role allows. */
function asGuest(): BrokerDeviation {
  return {
    transcript: {
      role: 1,
      suite: 1,
      nonce: random(48),
      peerSpki: BROKER.spki,
      wrapPub: random(32),
    },
  };
}
