/** Does a guest get a token for a registered audience, bound to its key, and only where policy releases `token/NAME`? */
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { openReleases } from "../../src/client/verify-release.ts";
import { parseEntry } from "../../src/ledger/entry.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { encodeClaims } from "../../src/wire/claims.ts";
import type { Claims, PublicJwk, ReleaseAnswer } from "../../src/wire/messages.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import {
  type Attempt,
  attemptOf,
  type Deviation,
  type GuestBroker,
  guestBroker,
  PATH,
  POLICY,
  post,
  releaseOf,
} from "./guest-at-hand.ts";

const STS = "https://sts.example";
const TOKENS = POLICY.replace('"prod/**", "attest"', '"prod/**", "attest", "token/sts"');

async function guestKey(): Promise<PublicJwk> {
  const { publicKey } = await generateKeyPair("ES256");
  const { x = "", y = "" } = await exportJWK(publicKey);
  return { kty: "EC", crv: "P-256", x, y };
}

const CNF = await guestKey();
const WANT: Claims = { want: [{ token: { aud: STS } }], cnf: CNF };

async function tokenBroker(policy = TOKENS, isBearer = false): Promise<GuestBroker> {
  const broker = await guestBroker({ policy });
  await broker.admin.addAudience("sts", { aud: STS, isBearer });
  return broker;
}

async function asked(broker: GuestBroker, deviation: Deviation) {
  const attempt = await attemptOf(broker, deviation);
  return { attempt, response: await post(broker, "/v1/release", attempt.body) };
}

async function opened(broker: GuestBroker, attempt: Attempt, answer: ReleaseAnswer) {
  return openReleases(answer, {
    transcript: attempt.transcript,
    wrapPrivate: attempt.wrapPrivate,
    wanted: attempt.claims.want,
    isPartial: false,
    signingKey: broker.world.signer.spki,
    now: broker.world.now(),
    primitives: nodePrimitives,
  });
}

async function tokenFrom(broker: GuestBroker, claims: Claims = WANT): Promise<string> {
  const { attempt, response } = await asked(broker, { claims });
  const [first] = await opened(broker, attempt, await releaseOf(response));
  return new TextDecoder().decode(first?.secret);
}

async function verified(broker: GuestBroker, token: string) {
  const keys = JSON.parse(await (await broker.app.request("/.well-known/jwks.json")).text());
  return jwtVerify(token, createLocalJWKSet(keys), {
    issuer: AUDIENCE,
    audience: STS,
    algorithms: ["ES256"],
    typ: "eat+jwt",
    currentDate: new Date(broker.world.now() * 1000),
  });
}

async function lastEntry(broker: GuestBroker) {
  const size = await broker.world.store.ledgerSize();
  const { entries } = await broker.admin.ledgerPage(size - 1, 1);
  const [leaf] = entries;
  return leaf === undefined ? undefined : parseEntry(leaf);
}

describe("a token for a registered audience", () => {
  it("is sealed like a secret, and a stock JWT library verifies it with the published key", async () => {
    const broker = await tokenBroker();
    const { attempt, response } = await asked(broker, { claims: WANT });
    const answer = await releaseOf(response);
    const [release] = await opened(broker, attempt, answer);
    expect(release).toMatchObject({ secretId: "token/sts", version: 0 });
    const { payload } = await verified(broker, new TextDecoder().decode(release?.secret));
    expect(payload).toMatchObject({
      aud: STS,
      sub: "acme.test/disks",
      jti: answer.decision,
      cnf: { jkt: await calculateJwkThumbprint(CNF) },
      ostiary: { binding: 3, simulated: true },
    });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(120);
    const entry = await lastEntry(broker);
    expect(entry).toMatchObject({ kind: "decision", items: [{ resource: "token/sts", version: 0 }] });
    expect(entry).not.toHaveProperty("bearer");
  });

  it("comes beside secrets in one decision, each in its place", async () => {
    const broker = await tokenBroker();
    const want = [{ token: { aud: STS } }, { secret: PATH }];
    const { attempt, response } = await asked(broker, { claims: { want, cnf: CNF } });
    const releases = await opened(broker, attempt, await releaseOf(response));
    expect(releases.map(({ secretId, version }) => [secretId, version])).toEqual([
      ["token/sts", 0],
      [PATH, 1],
    ]);
  });

  it("lives no longer than the broker is configured for, whatever the policy says", async () => {
    const broker = await guestBroker({
      policy: TOKENS,
      change: ({ settings }) => ({ settings: { ...settings, maxTokenSeconds: 30 } }),
    });
    await broker.admin.addAudience("sts", { aud: STS, isBearer: false });
    const { payload } = await verified(broker, await tokenFrom(broker));
    expect(Number(payload.exp) - Number(payload.iat)).toBe(30);
  });

  it("has no key in it only where the audience is registered as bearer, and the log says so", async () => {
    const broker = await tokenBroker(TOKENS, true);
    const { payload } = await verified(broker, await tokenFrom(broker));
    expect(payload).not.toHaveProperty("cnf");
    expect(await lastEntry(broker)).toMatchObject({ kind: "decision", bearer: true });
  });

  it("is marked bearer in no entry that refuses it", async () => {
    const policy = TOKENS.replace("max_releases 3", "max_releases 1");
    const broker = await tokenBroker(policy, true);
    await tokenFrom(broker);
    const { response } = await asked(broker, { claims: WANT });
    expect(response.status).toBe(403);
    const entry = await lastEntry(broker);
    expect(entry).toMatchObject({ outcome: "deny", code: "counter" });
    expect(entry).not.toHaveProperty("bearer");
  });
});

describe("a token is refused", () => {
  it("for an audience that nobody registered, without a ledger entry and without spending the nonce", async () => {
    const broker = await guestBroker({ policy: TOKENS });
    const before = await broker.world.store.ledgerSize();
    const { attempt, response } = await asked(broker, { claims: WANT });
    expect(response.status).toBe(403);
    const problem = JSON.parse(await response.text());
    expect(problem.code).toBe("denied");
    expect(await broker.world.store.ledgerSize()).toBe(before);
    const id = String(problem.instance).split(":").at(-1) ?? "";
    expect(await broker.admin.decision(id)).toMatchObject({ kind: "refusal", code: "audience/unregistered" });
    await broker.admin.addAudience("sts", { aud: STS, isBearer: false });
    expect((await post(broker, "/v1/release", attempt.body)).status).toBe(200);
  });

  it("for an audience that was removed", async () => {
    const broker = await tokenBroker();
    await broker.admin.removeAudience("sts");
    expect((await asked(broker, { claims: WANT })).response.status).toBe(403);
  });

  it("where policy does not release token/NAME, as a decision of the log", async () => {
    const broker = await tokenBroker(POLICY);
    expect((await asked(broker, { claims: WANT })).response.status).toBe(403);
    expect(await lastEntry(broker)).toMatchObject({ outcome: "deny", items: [{ resource: "token/sts" }] });
  });

  it("beside a secret that is given, by its audience, where the guest asked for partial", async () => {
    const broker = await tokenBroker(POLICY);
    const claims: Claims = { want: [{ secret: PATH }, { token: { aud: STS } }], cnf: CNF, partial: true };
    const { response } = await asked(broker, { claims });
    const { releases, refused } = await releaseOf(response);
    expect(releases).toHaveLength(1);
    expect(refused).toEqual([{ token: STS, code: "denied" }]);
  });

  it("without a key to bind it to", async () => {
    const broker = await tokenBroker();
    const { response } = await asked(broker, { claims: { want: WANT.want } });
    expect(response.status).toBe(400);
  });

  it("where a proxy put its own key into the claims, or another audience (A14)", async () => {
    const broker = await tokenBroker();
    await broker.admin.addAudience("other", { aud: "https://other.example", isBearer: false });
    const changes: readonly Claims[] = [
      { ...WANT, cnf: await guestKey() },
      { ...WANT, want: [{ token: { aud: "https://other.example" } }] },
    ];
    for (const changed of changes) {
      const { response } = await asked(broker, {
        claims: WANT,
        request: { claimsBytes: encodeClaims(changed) },
      });
      expect(response.status).toBe(403);
    }
  });
});
