/** Is a secret sealed as the guest asks, where the broker offers that, and to no key that is none? */
import { compactDecrypt, importJWK } from "jose";
import { describe, expect, it } from "vitest";
import { base64UrlOf, parseUtf8 } from "../../src/base/bytes.ts";
import { type OfferedSuite, wrapOf } from "../../src/channel/suites.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import {
  attemptOf,
  type BrokerPlan,
  type Deviation,
  type GuestBroker,
  guestBroker,
  POLICY,
  post,
  random,
  releaseOf,
} from "./guest-at-hand.ts";

const offering = (...suites: readonly OfferedSuite[]): BrokerPlan => ({
  change: (world) => ({ settings: { ...world.settings, suites } }),
});

/** A guest that wants its secret sealed by a suite. */
async function guestOf(suite: OfferedSuite, wrapPub?: Uint8Array) {
  const wrapPrivate = random(wrapOf(suite).privateKeySize);
  const own = wrapPub ?? (await wrapOf(suite).publicKeyOf(wrapPrivate, nodePrimitives));
  const deviation: Deviation = {
    transcript: { suite, wrapPub: own },
    request: { suite, wrapPub: own },
  };
  return { deviation, wrapPrivate, own };
}

async function codeOf(broker: GuestBroker, deviation: Deviation): Promise<string> {
  const response = await post(broker, "/v1/release", (await attemptOf(broker, deviation)).body);
  if (response.status === 200) return "released";
  const { instance } = decodeProblem(new Uint8Array(await response.arrayBuffer()));
  const found = await broker.admin.decision(instance.slice("urn:ostiary:".length));
  return found.kind === "refusal" ? found.code : String(found.entry["code"]);
}

describe("a broker that offers every suite", () => {
  it.each([1, 2, 3] as const)("releases by suite %i, and the guest opens it", async (suite) => {
    const broker = await guestBroker(offering(1, 2, 3));
    const { deviation, wrapPrivate } = await guestOf(suite);
    const attempt = await attemptOf(broker, deviation);
    const answer = await releaseOf(await post(broker, "/v1/release", attempt.body));
    const [opened] = await openReleases(answer, {
      transcript: attempt.transcript,
      wrapPrivate,
      wanted: attempt.claims.want,
      isPartial: false,
      signingKey: broker.world.signer.spki,
      now: broker.world.now(),
      primitives: nodePrimitives,
    });
    expect(opened?.secret.length).toBe(32);
  });

  it("seals suite 3 so that a guest with a JOSE library alone opens it", async () => {
    const broker = await guestBroker(offering(3));
    const { deviation, wrapPrivate, own } = await guestOf(3);
    const answer = await releaseOf(
      await post(broker, "/v1/release", (await attemptOf(broker, deviation)).body),
    );
    const [x, y, d] = [own.slice(1, 33), own.slice(33), wrapPrivate].map(base64UrlOf);
    const key = await importJWK({ kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "", d: d ?? "" }, "ECDH-ES");
    const { plaintext } = await compactDecrypt(parseUtf8(answer.releases[0]?.ct ?? random(0)) ?? "", key);
    expect(plaintext.length).toBe(32);
  });

  it("decides nothing for a P-256 key that is off the curve or compressed", async () => {
    const broker = await guestBroker(offering(3));
    const good = (await guestOf(3)).own;
    const size = await broker.world.store.ledgerSize();
    for (const [at, byte] of [[64, (good[64] ?? 0) ^ 1] as const, [0, 2] as const, [0, 0] as const]) {
      const bad = good.map((kept, i) => (i === at ? byte : kept));
      expect(await codeOf(broker, (await guestOf(3, bad)).deviation)).toBe("channel/bad-key"); // in order
    }
    expect(await broker.world.store.ledgerSize()).toBe(size);
  });
});

describe("a suite that is less than was asked for (A17)", () => {
  it("is refused by a broker whose configuration leaves it out", async () => {
    const broker = await guestBroker(offering(2));
    expect(await codeOf(broker, (await guestOf(2)).deviation)).toBe("released");
    expect(await codeOf(broker, (await guestOf(1)).deviation)).toBe("request/malformed");
    expect(await codeOf(broker, (await guestOf(3)).deviation)).toBe("request/malformed");
  });

  it("is refused by a policy that says which wrap it takes", async () => {
    const policy = POLICY.replace("token_ttl 2m", "token_ttl 2m wrap hpke-xwing");
    const broker = await guestBroker({ ...offering(1, 2, 3), policy });
    expect(await codeOf(broker, (await guestOf(2)).deviation)).toBe("released");
    expect(await codeOf(broker, (await guestOf(1)).deviation)).toBe("denied");
  });
});
