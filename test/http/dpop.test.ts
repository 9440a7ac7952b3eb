/** Is a token worth anything without its key? Row A27 of PROTOCOL section 12, one deviation at a time, and stock clients beside it. */
import { createHash, randomUUID } from "node:crypto";
import fc from "fast-check";
import { CompactSign, type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import {
  allowInsecureRequests,
  Configuration,
  customFetch,
  fetchProtectedResource,
  getDPoPHandle,
  None,
  tokenIntrospection,
} from "openid-client";
import { beforeAll, describe, expect, it } from "vitest";
import { base64UrlOf } from "../../src/base/bytes.ts";
import type { Signer } from "../../src/base/primitives.ts";
import { verifyHolder } from "../../src/broker/dpop.ts";
import { issueDpopNonce } from "../../src/broker/dpop-nonce.ts";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import type { PublicJwk } from "../../src/wire/messages.ts";
import { attemptOf, type GuestBroker, guestBroker, POLICY, post } from "../pipeline/guest-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";
import { AUDIENCE, random } from "./broker-at-hand.ts";

const PATH = "/v1/introspect";
const HTU = `${AUDIENCE}${PATH}`;
const PLENTY = POLICY.replace("max_releases 3", "max_releases 1000").replace(
  '"attest"',
  '"attest", "token/sts"',
);

interface GuestKey {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
  readonly jwk: PublicJwk;
}

async function guestKey(): Promise<GuestKey> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { x = "", y = "" } = await exportJWK(publicKey);
  return { publicKey, privateKey, jwk: { kty: "EC", crv: "P-256", x, y } };
}

let broker: GuestBroker;
let key: GuestKey;
let other: GuestKey;
let token: string;
let decision: string;

async function attested(jwk: PublicJwk, at: GuestBroker = broker) {
  const { body } = await attemptOf(at, { claims: { want: [], cnf: jwk } });
  const response = await post(at, "/v1/attest", body);
  return decodeAttestAnswer(new Uint8Array(await response.arrayBuffer()));
}

beforeAll(async () => {
  broker = await guestBroker({ policy: PLENTY });
  key = await guestKey();
  other = await guestKey();
  ({ token, decision } = await attested(key.jwk));
});

type Member = string | number | boolean | object | undefined;

/** What may stand otherwise in a proof and around it. */
interface Deviation {
  readonly header?: Readonly<Record<string, Member>>;
  readonly claims?: Readonly<Record<string, Member>>;
  readonly signer?: CryptoKey | Uint8Array;
  readonly token?: string;
  readonly authorization?: string | null;
  /** The whole header, instead of the proof that is made; `null` for none. */
  readonly proof?: string | null;
  readonly secondProof?: string;
  readonly about?: string;
}

/** As a client gets it: by a proof that lacks one. */
async function nonceByHeader(): Promise<string> {
  const response = await sent({ claims: { nonce: undefined } });
  return response.headers.get("dpop-nonce") ?? "";
}

async function freshNonce({ world }: GuestBroker): Promise<string> {
  return issueDpopNonce(world.now(), await world.nonceKeys(), world.primitives);
}

async function proofOf(deviation: Deviation, at: GuestBroker): Promise<string> {
  const { header, claims, signer = key.privateKey } = deviation;
  const payload = {
    jti: randomUUID(),
    htm: "POST",
    htu: HTU,
    iat: at.world.now(),
    ath: createHash("sha256")
      .update(deviation.token ?? token)
      .digest("base64url"),
    ...(claims !== undefined && "nonce" in claims ? {} : { nonce: await freshNonce(at) }),
    ...claims,
  };
  const protectedHeader = { typ: "dpop+jwt", alg: "ES256", jwk: key.jwk, ...header };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader(protectedHeader)
    .sign(signer);
}

async function sent(deviation: Deviation = {}, at: GuestBroker = broker): Promise<Response> {
  const proof = deviation.proof === undefined ? await proofOf(deviation, at) : deviation.proof;
  const used = deviation.token ?? token;
  const headers = new Headers({ "content-type": "application/x-www-form-urlencoded" });
  const { authorization = `DPoP ${used}` } = deviation;
  if (authorization !== null) headers.set("authorization", authorization);
  if (proof !== null) headers.append("dpop", proof);
  if (deviation.secondProof !== undefined) headers.append("dpop", deviation.secondProof);
  const body = new URLSearchParams({ token: deviation.about ?? used });
  return at.app.request(PATH, { method: "POST", headers, body: body.toString() });
}

async function verdictOf(deviation: Deviation, at: GuestBroker = broker) {
  const response = await sent(deviation, at);
  const line = at.lines.findLast(({ event }) => event === "request");
  return {
    status: response.status,
    code: line?.["code"],
    challenge: response.headers.get("www-authenticate"),
  };
}

const BAD_PROOF = { status: 401, code: "token/bad-proof" };
const BAD_TOKEN = { status: 401, code: "token/invalid" };

describe("the holder of a token", () => {
  it("is told that it counts, by a proof of its key for this one request", async () => {
    const response = await sent();
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      active: true,
      token_type: "DPoP",
      iss: AUDIENCE,
      aud: AUDIENCE,
      jti: decision,
      cnf: { jkt: await calculateJwkThumbprint(key.jwk) },
    });
  });

  it("is told so through a stock client, which answers the call for a nonce by itself", async () => {
    const config = new Configuration(
      { issuer: AUDIENCE, introspection_endpoint: HTU },
      "guest",
      undefined,
      None(),
    );
    config[customFetch] = async (url, { body, ...options }) =>
      broker.app.request(url.slice(AUDIENCE.length), { ...options, body: String(body) });
    allowInsecureRequests(config);
    const seconds = Math.round(Date.now() / 1000);
    broker.pass(seconds - broker.world.now()); // a stock client has a clock of its own
    ({ token, decision } = await attested(key.jwk));
    const handle = getDPoPHandle(config, { privateKey: key.privateKey, publicKey: key.publicKey });
    const headers = new Headers({ "content-type": "application/x-www-form-urlencoded" });
    const form = `token=${token}`;
    const ask = () =>
      fetchProtectedResource(config, token, new URL(HTU), "POST", form, headers, { DPoP: handle });
    const response = await ask();
    expect(await response.json()).toMatchObject({ active: true, jti: decision });
    expect((await ask()).status).toBe(200);
  });

  it.each(["ES384", "Ed25519"] as const)("may have a key for %s", async (alg) => {
    const pair = await generateKeyPair(alg, { extractable: true });
    const { x = "", y = "" } = await exportJWK(pair.publicKey);
    const jwk: PublicJwk =
      alg === "ES384" ? { kty: "EC", crv: "P-384", x, y } : { kty: "OKP", crv: "Ed25519", x };
    const own = (await attested(jwk)).token;
    const verdict = await verdictOf({ token: own, header: { alg, jwk }, signer: pair.privateKey });
    expect(verdict.status).toBe(200);
  });

  it("learns nothing of a token of another key", async () => {
    const foreign = (await attested(other.jwk)).token;
    expect(await (await sent({ about: foreign })).json()).toEqual({ active: false });
    expect(await (await sent({ about: "no.token.at-all" })).json()).toEqual({ active: false });
  });
});

describe("a token is worth nothing (A27)", () => {
  it("without a proof, or with a proof and no token", async () => {
    expect(await verdictOf({ proof: null })).toMatchObject(BAD_PROOF);
    expect(await verdictOf({ authorization: null })).toMatchObject(BAD_TOKEN);
    expect(await verdictOf({ authorization: `DPoP  ${token}` })).toMatchObject(BAD_TOKEN);
  });

  it("as a bearer token", async () => {
    const verdict = await verdictOf({ authorization: `Bearer ${token}` });
    expect(verdict).toMatchObject({ status: 401, code: "admin/unauthorized" });
  });

  it("with another key, be it named or signed with", async () => {
    const named = { header: { jwk: other.jwk }, signer: other.privateKey };
    expect(await verdictOf(named)).toMatchObject(BAD_PROOF);
    expect(await verdictOf({ signer: other.privateKey })).toMatchObject(BAD_PROOF);
  });

  it("with a proof that was used before, at once or later, whatever else is asked", async () => {
    const proof = await proofOf({}, broker);
    expect((await sent({ proof })).status).toBe(200);
    expect(await verdictOf({ proof })).toMatchObject(BAD_PROOF);
    broker.pass(59);
    expect(await verdictOf({ proof })).toMatchObject(BAD_PROOF);
    expect(await verdictOf({ proof: await proofOf({ claims: { jti: "same" } }, broker) })).toMatchObject({
      status: 200,
    });
    expect(await verdictOf({ claims: { jti: "same" } })).toMatchObject(BAD_PROOF);
  });

  it("for one of many who replay one proof at once", async () => {
    const proof = await proofOf({}, broker);
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await sent({ proof })).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });

  const ELSEWHERE: readonly (readonly [string, Readonly<Record<string, Member>>])[] = [
    ["another URL", { htu: `${AUDIENCE}/v1/attest` }],
    ["another host", { htu: `https://evil.example${PATH}` }],
    ["a URL with a query", { htu: `${HTU}?a=b` }],
    ["another method", { htm: "GET" }],
    ["a method in another case", { htm: "post" }],
    ["another token", { ath: createHash("sha256").update("another").digest("base64url") }],
    ["no token", { ath: undefined }],
    ["no URL", { htu: undefined }],
    ["no method", { htm: undefined }],
    ["no id", { jti: undefined }],
    ["an empty id", { jti: "" }],
    ["an id of 129 characters", { jti: "x".repeat(129) }],
    ["an id with a line in it", { jti: "a\nb" }],
    ["no time", { iat: undefined }],
    ["a time as text", { iat: "now" }],
    ["a nonce that is a number", { nonce: 1 }],
  ];
  it.each(ELSEWHERE)("with a proof for %s", async (_name, claims) => {
    expect(await verdictOf({ claims })).toMatchObject(BAD_PROOF);
  });

  it("with a proof of more than a minute ago or to come", async () => {
    const now = broker.world.now();
    for (const [iat, status] of [
      [now - 61, 401],
      [now + 61, 401],
      [now - 60, 200],
      [now + 60, 200],
    ]) {
      expect((await verdictOf({ claims: { iat } })).status).toBe(status);
    }
  });

  it("with a proof whose algorithm is none, symmetric, of RSA, or of another curve", async () => {
    const secret = random(32);
    const proof = await proofOf({}, broker);
    const [, payload = "", signature = ""] = proof.split(".");
    const headed = (header: object): string =>
      `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${payload}.${signature}`;
    const base = { typ: "dpop+jwt", jwk: key.jwk };
    expect(await verdictOf({ proof: headed({ ...base, alg: "none" }) })).toMatchObject(BAD_PROOF);
    expect(
      await verdictOf({
        proof: `${headed({ ...base, alg: "none" })
          .split(".", 2)
          .join(".")}.`,
      }),
    ).toMatchObject(BAD_PROOF);
    for (const jwk of [key.jwk, { kty: "oct", k: base64UrlOf(secret) }]) {
      expect(await verdictOf({ header: { alg: "HS256", jwk }, signer: secret })).toMatchObject(BAD_PROOF);
    }
    const rsa = await generateKeyPair("RS256", { extractable: true });
    const jwk = await exportJWK(rsa.publicKey);
    expect(await verdictOf({ header: { alg: "RS256", jwk }, signer: rsa.privateKey })).toMatchObject(
      BAD_PROOF,
    );
    for (const alg of ["RS256", "ES384", "EdDSA", "es256"]) {
      expect(await verdictOf({ proof: await signedUnder({ ...base, alg }) })).toMatchObject(BAD_PROOF);
    }
    expect((await verdictOf({ proof: await signedUnder({ ...base, alg: "ES256" }) })).status).toBe(200);
  });

  it("with a private key in the proof's header, or with members that do not belong there", async () => {
    const secret = await exportJWK(key.privateKey);
    const headers: readonly Readonly<Record<string, Member>>[] = [
      { jwk: { ...key.jwk, d: secret.d } },
      { jwk: undefined },
      { typ: "jwt" },
      { typ: undefined },
      { kid: "a" },
      { jku: "https://evil.example/keys" },
      { jwk: { ...key.jwk, x: `${key.jwk.x}AA` } },
      { jwk: { ...key.jwk, x: "A".repeat(43) } },
    ];
    for (const header of headers) expect(await verdictOf({ header })).toMatchObject(BAD_PROOF);
  });

  it("with a member that stands twice, in the header or in the claims", async () => {
    const [header = "", payload = "", signature = ""] = (await proofOf({}, broker)).split(".");
    const twice = (part: string): string => {
      const text = Buffer.from(part, "base64url").toString();
      const name = /"(\w+)":/.exec(text)?.[1];
      return Buffer.from(text.replace("{", `{"${name}":"x",`)).toString("base64url");
    };
    expect(await verdictOf({ proof: `${twice(header)}.${payload}.${signature}` })).toMatchObject(BAD_PROOF);
    const own = await duplicated(twice(payload));
    expect(await verdictOf({ proof: own })).toMatchObject(BAD_PROOF);
  });

  it("with any one character of the proof or of the token changed", async () => {
    const proof = await proofOf({}, broker);
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.nat(),
        fc.constantFrom("A", "_", ".", "=", " "),
        async (isProof, at, by) => {
          const text = isProof ? proof : token;
          const place = at % text.length;
          fc.pre(text[place] !== by);
          const changed = `${text.slice(0, place)}${by}${text.slice(place + 1)}`;
          const deviation = isProof ? { proof: changed } : { proof, authorization: `DPoP ${changed}` };
          expect((await sent(deviation)).status).toBe(401);
        },
      ),
      { numRuns: 60 },
    );
    expect((await sent({ proof })).status).toBe(200);
  });

  it("with two proofs, and with a proof that is too long", async () => {
    const two = { proof: await proofOf({}, broker), secondProof: await proofOf({}, broker) };
    expect(await verdictOf(two)).toMatchObject(BAD_PROOF);
    expect(await verdictOf({ claims: { more: "x".repeat(9000) } })).toMatchObject(BAD_PROOF);
    expect(await verdictOf({ proof: "a.b" })).toMatchObject(BAD_PROOF);
  });

  it("without the broker's nonce, with a stale one, and with one that it did not make", async () => {
    const wants = { status: 401, code: "token/wants-nonce" };
    const nonce = await nonceByHeader();
    expect(await verdictOf({ claims: { nonce: undefined } })).toMatchObject(wants);
    const verdict = await verdictOf({ claims: { nonce: "x".repeat(28) } });
    expect(verdict.challenge).toContain('error="use_dpop_nonce"');
    const flipped = Buffer.from(nonce, "base64url");
    flipped[3] = (flipped[3] ?? 0) ^ 1;
    expect(await verdictOf({ claims: { nonce: flipped.toString("base64url") } })).toMatchObject(wants);
    expect((await verdictOf({ claims: { nonce } })).status).toBe(200);
    broker.pass(300);
    ({ token, decision } = await attested(key.jwk));
    expect(await verdictOf({ claims: { nonce } })).toMatchObject(wants);
  });
});

/** A good ES256 signature under whatever the header says. */
async function signedUnder(header: object): Promise<string> {
  const [, payload = ""] = (await proofOf({}, broker)).split(".");
  const input = `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${payload}`;
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(algorithm, key.privateKey, new TextEncoder().encode(input));
  return `${input}.${base64UrlOf(new Uint8Array(signature))}`;
}

/** A proof over a payload as it is written, signed well: only the payload is at fault. */
async function duplicated(payload: string): Promise<string> {
  return new CompactSign(Buffer.from(payload, "base64url"))
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: key.jwk })
    .sign(key.privateKey);
}

describe("a token that counts no more", () => {
  it("is refused from its holder, and inactive to an admin, from its end on (A26)", async () => {
    const at = await guestBroker({ policy: PLENTY });
    const short = (await attested(key.jwk, at)).token;
    at.pass(119);
    expect((await verdictOf({ token: short }, at)).status).toBe(200);
    expect(await at.admin.introspect(short)).toMatchObject({ active: true });
    at.pass(1);
    expect(await verdictOf({ token: short }, at)).toMatchObject(BAD_TOKEN);
    expect(await at.admin.introspect(short)).toEqual({ active: false });
  });

  it("is refused once its decision was revoked, each other token stays as it is", async () => {
    const at = await guestBroker({ policy: PLENTY });
    const [revoked, stays] = [await attested(key.jwk, at), await attested(key.jwk, at)];
    const revocation = await at.admin.revokeDecision(revoked.decision);
    expect(revocation).toMatchObject({ decision: revoked.decision, by: "admin-1" });
    expect(await at.admin.revokeDecision(revoked.decision)).toEqual(revocation);
    expect(await verdictOf({ token: revoked.token }, at)).toMatchObject(BAD_TOKEN);
    expect(await at.admin.introspect(revoked.token)).toEqual({ active: false });
    expect((await verdictOf({ token: stays.token }, at)).status).toBe(200);
    const leaves = await at.world.store.entries(0, 99);
    const acts = leaves.filter(({ draft }) => draft.kind === "admin" && draft.act === "token-revoke");
    expect(acts).toHaveLength(1);
  });

  it("is refused once its key was withdrawn", async () => {
    const at = await guestBroker({ policy: PLENTY });
    const own = (await attested(key.jwk, at)).token;
    await at.admin.rotateTokenKey({ withdraws: true });
    expect(await verdictOf({ token: own }, at)).toMatchObject(BAD_TOKEN);
    expect(await at.admin.introspect(own)).toEqual({ active: false });
  });

  it("is any whose bytes were changed", async () => {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const text = Buffer.from(payload, "base64url").toString();
    const longer = text.replace(/"exp":\d+/, '"exp":9999999999');
    const forged = `${header}.${Buffer.from(longer).toString("base64url")}.${signature}`;
    const none = `${Buffer.from('{"alg":"none","typ":"eat+jwt"}').toString("base64url")}.${payload}.`;
    for (const bad of [forged, none, `${token}A`, `${header}.${payload}`]) {
      expect(await verdictOf({ token: bad })).toMatchObject(BAD_TOKEN);
      expect(await broker.admin.introspect(bad)).toEqual({ active: false });
    }
  });
});

describe("a token of another kind serves nobody at the broker", () => {
  const FORGED: readonly (readonly [string, Readonly<Record<string, Member>>, number])[] = [
    ["as it is", {}, 200],
    ["for another audience", { aud: "https://sts.example" }, 401],
    ["of another issuer", { iss: "https://other.example" }, 401],
    ["bound to no key", { cnf: undefined }, 401],
    ["bound to a certificate that is not shown", { "x5t#S256": "A".repeat(43) }, 401],
    ["that is not good yet", { nbf: 4_000_000_000 }, 401],
    ["without an end", { exp: undefined }, 401],
    ["for two audiences", { aud: [AUDIENCE] }, 401],
    ["whose id is none of a decision", { jti: "x" }, 401],
  ];
  it.each(FORGED)("though its signature is good: %s", async (_name, change, status) => {
    const [, payload = ""] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const { "x5t#S256": x5t, ...rest } = change;
    const cnf = x5t === undefined ? claims.cnf : { ...claims.cnf, "x5t#S256": x5t };
    const made = await signedByBroker({ ...claims, cnf, ...rest });
    expect((await verdictOf({ token: made })).status).toBe(status);
  });

  it("of another type, or by the broker's signing key", async () => {
    const [, payload = ""] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    expect(await verdictOf({ token: await signedByBroker(claims, { typ: "JWT" }) })).toMatchObject(BAD_TOKEN);
    expect(await verdictOf({ token: await signedByBroker(claims, { kid: "unknown" }) })).toMatchObject(
      BAD_TOKEN,
    );
    const { signer } = broker.world;
    const wrong = await signedByBroker(claims, { kid: signer.kid }, signer);
    expect(await verdictOf({ token: wrong })).toMatchObject(BAD_TOKEN);
    const { current } = await broker.world.tokenKeys.keys();
    const confused = await signedByBroker(claims, { kid: current.signer.kid }, signer);
    expect(await verdictOf({ token: confused })).toMatchObject(BAD_TOKEN);
  });

  const use = async () => ({
    authorization: `DPoP ${token}`,
    proof: await proofOf({}, broker),
    method: "POST",
    path: PATH,
    ownUrls: [AUDIENCE],
  });

  it("of a simulator, where its root is not trusted", async () => {
    const { world } = broker;
    const strict = { ...world, trust: { ...world.trust, roots: [] } };
    expect(await codeOfPromise(verifyHolder(await use(), world))).toBeUndefined();
    expect(await codeOfPromise(verifyHolder(await use(), strict))).toBe("token/invalid");
  });

  it("bound to a certificate, but to who shows that one", async () => {
    const peerCertificate = random(300);
    const x5t = createHash("sha256").update(peerCertificate).digest("base64url");
    const [, payload = ""] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const made = await signedByBroker({ ...claims, cnf: { ...claims.cnf, "x5t#S256": x5t } });
    const proof = await proofOf({ token: made }, broker);
    const shown = { ...(await use()), authorization: `DPoP ${made}`, proof };
    const others = { ...shown, peerCertificate: random(300) };
    expect(await codeOfPromise(verifyHolder(others, broker.world))).toBe("token/invalid");
    expect(await codeOfPromise(verifyHolder({ ...shown, peerCertificate }, broker.world))).toBeUndefined();
  });
});

/** What only the broker can make: a token over any claims, by the key that signs tokens. */
async function signedByBroker(claims: object, header: object = {}, signer?: Signer): Promise<string> {
  const { current } = await broker.world.tokenKeys.keys();
  const { kid, sign } = signer ?? current.signer;
  const partOf = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${partOf({ alg: "ES256", kid, typ: "eat+jwt", ...header })}.${partOf(claims)}`;
  return `${input}.${base64UrlOf(await sign(new TextEncoder().encode(input)))}`;
}

async function sentBody(body: string): Promise<Response> {
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    authorization: `DPoP ${token}`,
    dpop: await proofOf({}, broker),
  };
  return broker.app.request(PATH, { method: "POST", headers, body });
}

describe("introspection by an admin", () => {
  it("speaks the form of RFC 7662, so that a stock client asks with it", async () => {
    const config = new Configuration(
      { issuer: AUDIENCE, introspection_endpoint: HTU },
      "admin",
      undefined,
      None(),
    );
    config[customFetch] = async (_url, { body }) => {
      const form = new URLSearchParams(String(body));
      const answer = await broker.admin.introspect(form.get("token") ?? "");
      return Response.json(answer);
    };
    ({ token, decision } = await attested(key.jwk));
    expect(await tokenIntrospection(config, token)).toMatchObject({ active: true, jti: decision });
  });

  it("refuses a form without a token, with one twice, and a body that is no form", async () => {
    const ask = (body: string) => sentBody(body);
    expect((await ask("")).status).toBe(400);
    expect((await ask(`token=${token}&token=${token}`)).status).toBe(400);
    expect((await ask(`token=${"x".repeat(9000)}`)).status).toBe(400);
    expect((await ask(`token=${token}&client_id=a`)).status).toBe(200);
  });

  it("finds no decision to revoke under an id that nobody was given", async () => {
    expect(await codeOfPromise(broker.admin.revokeDecision("01JD0000000000000000000000"))).toBe(
      "request/not-found",
    );
    expect(await codeOfPromise(broker.admin.revokeDecision("ZZZZZZZZZZZZZZZZZZZZZZZZZZ"))).toBe(
      "request/malformed",
    );
    const answer = await broker.app.request(`/v1/admin/revocations/${decision}`, { method: "PUT" });
    expect(answer.status).toBe(401);
  });
});
