/** What does a token name beside the guest's key? In binding 1 the certificate that carried the evidence, and the configured issuer. */
import { createHash } from "node:crypto";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { type Decided, decide } from "../../src/broker/decide.ts";
import { issueToken, tokenSubjectOf } from "../../src/broker/tokens.ts";
import { decodeEvidenceRequest } from "../../src/wire/release.ts";
import { random } from "../http/broker-at-hand.ts";
import { attemptOf, type GuestBroker, guestBroker } from "../pipeline/guest-at-hand.ts";

const CNF = {
  kty: "EC",
  crv: "P-256",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
} as const;

async function decided(broker: GuestBroker): Promise<Decided> {
  const { body } = await attemptOf(broker, { claims: { want: [], cnf: CNF } });
  const request = decodeEvidenceRequest(utf8(body));
  const exchange = { id: "01KB0000000000000000000001", offered: [3], source: "192.0.2.7" } as const;
  const wanted = async () => [{ kind: "attest", resource: "attest" }] as const;
  return decide({ request, exchange, wanted }, broker.world);
}

async function claimsOf(broker: GuestBroker, of: Decided) {
  const [item] = of.authorization.items;
  if (item === undefined) throw new Error("one item was allowed");
  return decodeJwt(
    await issueToken({ item, aud: "urn:a", isBearer: false }, tokenSubjectOf(of, broker.world), broker.world),
  );
}

describe("a token of binding 1", () => {
  it("names the certificate that carried the evidence, beside the key", async () => {
    const broker = await guestBroker();
    const plain = await decided(broker);
    const peerCertificate = random(400);
    const carried = { ...plain, exchange: { ...plain.exchange, peerCertificate } };
    const { cnf } = await claimsOfBinding1(broker, carried);
    const x5t = createHash("sha256").update(peerCertificate).digest("base64url");
    expect(cnf).toEqual({ jkt: expect.stringMatching(/^[\w-]{43}$/), "x5t#S256": x5t });
  });

  it("alone names it: another binding's connection says nothing of the evidence", async () => {
    const broker = await guestBroker();
    const plain = await decided(broker);
    const shown = { ...plain, exchange: { ...plain.exchange, peerCertificate: random(400) } };
    expect((await claimsOf(broker, shown))["cnf"]).toEqual({ jkt: expect.any(String) });
  });
});

async function claimsOfBinding1(broker: GuestBroker, of: Decided) {
  return claimsOf(broker, { ...of, request: { ...of.request, binding: 1 } });
}

describe("the issuer", () => {
  it("is the one that configuration names, in tokens and in the discovery document", async () => {
    const issuer = "https://outside.example";
    const broker = await guestBroker({
      change: ({ settings }) => ({ settings: { ...settings, issuer } }),
    });
    expect((await claimsOf(broker, await decided(broker))).iss).toBe(issuer);
    const answer = await broker.app.request("/.well-known/openid-configuration");
    expect(await answer.json()).toMatchObject({
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      introspection_endpoint: `${issuer}/v1/introspect`,
    });
  });
});
