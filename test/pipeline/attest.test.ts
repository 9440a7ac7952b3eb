/** Is an attestation result one that a stock verifier accepts, for this guest's key, and for nobody without a policy? */
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import type { PublicJwk } from "../../src/wire/messages.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { attemptOf, type Deviation, type GuestBroker, guestBroker, POLICY, post } from "./guest-at-hand.ts";

async function guestKey(): Promise<PublicJwk> {
  const { publicKey } = await generateKeyPair("ES256");
  const { x = "", y = "" } = await exportJWK(publicKey);
  return { kty: "EC", crv: "P-256", x, y };
}

async function asked(broker: GuestBroker, deviation: Deviation): Promise<Response> {
  const { body } = await attemptOf(broker, deviation);
  return post(broker, "/v1/attest", body);
}

async function keysOf(broker: GuestBroker) {
  const answer = await broker.app.request("/.well-known/jwks.json");
  return createLocalJWKSet(JSON.parse(await answer.text()));
}

describe("an attestation result", () => {
  it("is an EAR that a stock JWT library verifies with the published key, bound to the guest's own", async () => {
    const broker = await guestBroker();
    const cnf = await guestKey();
    const response = await asked(broker, { claims: { want: [], cnf } });
    expect(response.status).toBe(200);
    const { token, decision } = decodeAttestAnswer(new Uint8Array(await response.arrayBuffer()));
    const { payload, protectedHeader } = await jwtVerify(token, await keysOf(broker), {
      issuer: AUDIENCE,
      audience: AUDIENCE,
      algorithms: ["ES256"],
      typ: "eat+jwt",
      currentDate: new Date(broker.world.now() * 1000),
    });
    const { current } = await broker.world.tokenKeys.keys();
    expect(protectedHeader.kid).toBe(current.signer.kid);
    expect(payload).toMatchObject({
      jti: decision,
      sub: "acme.test/disks",
      cnf: { jkt: await calculateJwkThumbprint(cnf) },
      eat_profile: "tag:ietf.org,2026:rats/ear#04",
      submods: { snp: { ear_status: "affirming" } },
      ostiary: { binding: 3, suite: 1, vmpl: 0, measurement: "02".repeat(48), simulated: true },
    });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(120);
    expect(String(payload["eat_nonce"])).toHaveLength(64);
  });

  it("is signed by a key that signs nothing else", async () => {
    const { world } = await guestBroker({ policy: null });
    const { current } = await world.tokenKeys.keys();
    expect(current.signer.spki).not.toEqual(world.signer.spki);
  });

  it.each([
    ["without a key to bind it to", { want: [] }, 400],
    ["with something wanted beside it", { want: [{ secret: "prod/db1/luks" }] }, 400],
  ])("is refused %s", async (_name, claims, status) => {
    const broker = await guestBroker();
    expect((await asked(broker, { claims })).status).toBe(status);
  });

  it("is refused to a guest that policy refuses, and to everybody without a policy", async () => {
    const cnf = await guestKey();
    const strict = await guestBroker({ policy: POLICY.replace('"prod/**", "attest"', '"prod/**"') });
    expect((await asked(strict, { claims: { want: [], cnf } })).status).toBe(403);
    const debug = await guestBroker();
    expect((await asked(debug, { claims: { want: [], cnf }, report: { policy: 0xb0000n } })).status).toBe(
      403,
    );
  });
});
