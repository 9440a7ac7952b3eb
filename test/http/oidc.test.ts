/** Do stock OpenID Connect clients find the broker's keys, and verify its tokens with them while keys are rotated? */
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createRemoteJWKSet, customFetch, decodeProtectedHeader, jwtVerify } from "jose";
import { allowInsecureRequests, discovery, customFetch as openIdFetch } from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import { attemptOf, type GuestBroker, guestBroker, POLICY, post } from "../pipeline/guest-at-hand.ts";
import { AUDIENCE } from "./broker-at-hand.ts";

const CNF = {
  kty: "EC",
  crv: "P-256",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
} as const;

let broker: GuestBroker;
let local: string;
const server = createServer(getRequestListener((request) => broker.app.fetch(request)));

beforeAll(async () => {
  broker = await guestBroker({ policy: POLICY.replace("max_releases 3", "max_releases 100") });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  local = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
});

afterAll(() => void server.close());

/** The issuer's name leads to the local port: what a resolver does elsewhere. */
const toLocal = (url: string): string => url.replace(AUDIENCE, local);

async function freshToken(): Promise<string> {
  const { body } = await attemptOf(broker, { claims: { want: [], cnf: CNF } });
  const answer = await post(broker, "/v1/attest", body);
  return decodeAttestAnswer(new Uint8Array(await answer.arrayBuffer())).token;
}

async function metadata() {
  const config = await discovery(new URL(AUDIENCE), "any-client", undefined, undefined, {
    execute: [allowInsecureRequests],
    [openIdFetch]: (url, options) => fetch(toLocal(url), { ...options, body: null }),
  });
  return config.serverMetadata();
}

describe("a stock OIDC client", () => {
  it("discovers the issuer, and a remote JWK set at the address it was told verifies a token", async () => {
    const { issuer, jwks_uri = "", id_token_signing_alg_values_supported } = await metadata();
    expect(issuer).toBe(AUDIENCE);
    expect(id_token_signing_alg_values_supported).toEqual(["ES256"]);
    const keys = createRemoteJWKSet(new URL(jwks_uri), {
      [customFetch]: (url, options) => fetch(toLocal(url), options),
    });
    const token = await freshToken();
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: AUDIENCE,
      currentDate: new Date(broker.world.now() * 1000),
    });
    expect(payload.iss).toBe(issuer);
  });

  it("verifies tokens of before, of between and of after a rotation with the set that it has", async () => {
    const { jwks_uri = "" } = await metadata();
    const before = await freshToken();
    await broker.admin.rotateTokenKey({ withdraws: false });
    let asked = 0;
    const keys = createRemoteJWKSet(new URL(jwks_uri), {
      cacheMaxAge: Number.POSITIVE_INFINITY,
      [customFetch]: (url, options) => {
        asked += 1;
        return fetch(toLocal(url), options);
      },
    });
    const between = await freshToken();
    broker.pass(601);
    const after = await freshToken();
    const kids = [before, between, after].map((token) => decodeProtectedHeader(token).kid);
    expect(kids[1]).toBe(kids[0]);
    expect(kids[2]).not.toBe(kids[0]);
    const moments = [601, 601, 0].map((ago) => new Date((broker.world.now() - ago) * 1000));
    for (const [i, token] of [before, between, after].entries()) {
      const currentDate = moments[i] ?? new Date(0);
      expect((await jwtVerify(token, keys, { issuer: AUDIENCE, currentDate })).payload.iss).toBe(AUDIENCE);
    }
    expect(asked).toBe(1);
  });

  it("finds no key any more for a token whose key was withdrawn", async () => {
    const { jwks_uri = "" } = await metadata();
    const token = await freshToken();
    await broker.admin.rotateTokenKey({ withdraws: true });
    const keys = createRemoteJWKSet(new URL(jwks_uri), {
      [customFetch]: (url, options) => fetch(toLocal(url), options),
    });
    await expect(
      jwtVerify(token, keys, { currentDate: new Date(broker.world.now() * 1000) }),
    ).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
  });
});
