/** Does a guest take the token that it asked for, and no other? A broker at hand, and one that answers otherwise. */
import { calculateJwkThumbprint, decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { applicationChannel } from "../../src/client/channel.ts";
import type { FetchParts } from "../../src/client/fetch.ts";
import { fetchToken } from "../../src/client/fetch-token.ts";
import { createGuestClient, type GuestClient } from "../../src/client/guest.ts";
import { oneOf } from "../../src/client/retry.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { AUDIENCE, random } from "../http/broker-at-hand.ts";
import { type GuestBroker, guestBroker, makeLive, POLICY } from "../pipeline/guest-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";
import { simulatedRoot } from "../support/simulated.ts";

const STS = "https://sts.example";
const TOKENS = POLICY.replace('"attest"', '"attest", "token/sts"');
const CNF = {
  kty: "EC",
  crv: "P-256",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
} as const;

function clientOf({ app }: GuestBroker): GuestClient {
  return createGuestClient({ url: "", fetch: async (path, init) => app.request(path, init) });
}

function partsFor(broker: GuestBroker): FetchParts {
  const { chip, world } = broker;
  const certTable = certTableOf(simulatedRoot(chip.product), chip, world.now());
  return {
    provider: {
      name: "simulated",
      format: "raw",
      vmpl: 0,
      attest: async (reportData) => ({ format: "raw", report: chip.report({ reportData }), certTable }),
    },
    primitives: nodePrimitives,
    random,
    now: world.now,
    signalAfter: () => new AbortController().signal,
    retry: { sleep: async () => {}, random: () => 0, milliseconds: () => 0, onWait: () => {} },
  };
}

async function tokenBroker(): Promise<GuestBroker> {
  const broker = await guestBroker({ policy: TOKENS });
  await broker.admin.addAudience("sts", { aud: STS, isBearer: false });
  return broker;
}

function planFor(broker: GuestBroker, aud: string, client: GuestClient = clientOf(broker)) {
  const { spki: signingKey } = broker.world.signer;
  const trusted = { audience: AUDIENCE, signingKey, suite: 1 } as const;
  const brokers = oneOf([{ url: AUDIENCE, broker: trusted, open: applicationChannel(client) }]);
  return { aud, cnf: CNF, brokers, deadlineMs: 1000 };
}

/** A guest that was attested: its plan, and how many reports it made since. */
async function holding(broker: GuestBroker, aud: string) {
  const key = makeGuestSigner();
  let reports = 0;
  const parts = partsFor(broker);
  const { provider } = parts;
  const attest: typeof provider.attest = (binder) => {
    reports += 1;
    return provider.attest(binder);
  };
  const own = { ...planFor(broker, AUDIENCE), cnf: key.jwk };
  const { token } = await fetchToken(own, parts);
  const held = { token: new TextDecoder().decode(token), key };
  return {
    plan: { ...planFor(broker, aud), cnf: key.jwk, held },
    parts: { ...parts, provider: { ...provider, attest } },
    reports: () => reports,
  };
}

describe("a guest", () => {
  it.each([STS, AUDIENCE])("gets a token for %s, bound to its key", async (aud) => {
    const broker = await tokenBroker();
    const { token, decision } = await fetchToken(planFor(broker, aud), partsFor(broker));
    const jkt = await calculateJwkThumbprint(CNF);
    expect(decodeJwt(new TextDecoder().decode(token))).toMatchObject({ aud, jti: decision, cnf: { jkt } });
  });

  it("takes no attestation result for somebody else", async () => {
    const broker = await tokenBroker();
    const client = clientOf(broker);
    const other = `e30.${Buffer.from(JSON.stringify({ aud: STS })).toString("base64url")}.e30`;
    const lying = {
      ...client,
      attest: async (...args: Parameters<GuestClient["attest"]>) => ({
        ...(await client.attest(...args)),
        token: other,
      }),
    };
    const asked = fetchToken(planFor(broker, AUDIENCE, lying), partsFor(broker));
    expect(await codeOfPromise(asked)).toBe("channel/bad-release");
  });

  it.each([STS, AUDIENCE])("gets one for %s by its own token, without a report", async (aud) => {
    const broker = await tokenBroker();
    const { plan, parts, reports } = await holding(broker, aud);
    const { token, decision } = await fetchToken(plan, parts);
    expect(decodeJwt(new TextDecoder().decode(token))).toMatchObject({ aud, jti: decision });
    expect(decodeJwt(new TextDecoder().decode(token))["cnf"]).toEqual(decodeJwt(plan.held.token)["cnf"]);
    expect(reports()).toBe(0);
  });

  it("makes a report where the broker wants to see one", async () => {
    const broker = await tokenBroker();
    const { plan, parts, reports } = await holding(broker, AUDIENCE);
    broker.pass(121); // its token is over
    await fetchToken(plan, parts);
    expect(reports()).toBe(1);
  });

  it("is refused once a policy without the token is live, though it had one before (A26)", async () => {
    const broker = await tokenBroker();
    await fetchToken(planFor(broker, STS), partsFor(broker));

    await makeLive(broker, POLICY, 2);
    expect(await codeOfPromise(fetchToken(planFor(broker, STS), partsFor(broker)))).toBe("policy/denied");
  });
});
