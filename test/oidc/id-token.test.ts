/** Is an ID token believed that the provider made for this session, and no other? OpenID Connect Core section 3.1.3.7, rule by rule. */
import { createPublicKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ProviderPlan } from "../../src/oidc/plan.ts";
import {
  CLIENT,
  ecKey,
  type Forger,
  forged,
  forger,
  hmacWith,
  ISSUER,
  rsaKey,
  type Sign,
  SUBJECT,
} from "../support/openid-forger.ts";

const KEY = rsaKey("one");
const SHORT = rsaKey("short", 1024);
const STRANGER = rsaKey("one");
const EC = ecKey("curve");
const NONCE = "n-0S6_WzA2MjJq8xkT7ZbQ4dYc1u5v9aLrEoGfHiKw";
const HEADER = { alg: "RS256", kid: "one" };

const PUBLIC_PEM = createPublicKey(KEY.privateKey).export({ format: "pem", type: "spki" }).toString();

type Claims = Readonly<Record<string, unknown>>;

function goodClaims({ now }: Forger): Claims {
  const iat = now();
  return { iss: ISSUER, sub: SUBJECT, aud: CLIENT, iat, exp: iat + 300, nonce: NONCE };
}

interface Case {
  readonly name: string;
  readonly header?: unknown;
  readonly claims?: (good: Claims) => unknown;
  readonly sign?: Sign;
  readonly plan?: Partial<ProviderPlan>;
  /** How often the provider is asked for it at most: what cannot be its token asks nobody. */
  readonly asks?: 0;
}

async function verified(case_: Case): Promise<{ readonly it: Forger; readonly result: unknown }> {
  const it = forger(case_.plan);
  it.keys = [KEY.jwk, EC.jwk, SHORT.jwk];
  const { header = HEADER, claims = (good) => good, sign = KEY.sign } = case_;
  const token = forged(header, claims(goodClaims(it)), sign);
  const result = await it.identity.verify(token, { issuer: ISSUER, nonce: NONCE }).catch((no: unknown) => no);
  return { it, result };
}

const iatOf = (claims: Claims) => Number(claims["iat"]);

const BELIEVED: readonly Case[] = [
  { name: "as it should be" },
  { name: "with typ JWT", header: { ...HEADER, typ: "JWT" } },
  { name: "by another key of the set", header: { alg: "ES256", kid: "curve" }, sign: EC.sign },
  { name: "with the one audience in a list", claims: (good) => ({ ...good, aud: [CLIENT] }) },
  { name: "with azp", claims: (good) => ({ ...good, azp: CLIENT }) },
  {
    name: "for a second audience that is trusted",
    plan: { audiences: ["https://api.example"] },
    claims: (good) => ({ ...good, aud: [CLIENT, "https://api.example"], azp: CLIENT }),
  },
  {
    name: "of somebody who was asked lately",
    plan: { maxAgeSeconds: 600 },
    claims: (good) => ({ ...good, auth_time: iatOf(good) - 600 }),
  },
  {
    name: "by the class and the methods wanted",
    plan: { acr: ["phr", "phrh"], amr: ["hwk", "pin"] },
    claims: (good) => ({ ...good, acr: "phrh", amr: ["pin", "hwk", "user"] }),
  },
];

const REFUSED: readonly Case[] = [
  { name: "alg none", header: { ...HEADER, alg: "none" }, sign: () => Buffer.alloc(0), asks: 0 },
  { name: "alg none, good signature", header: { ...HEADER, alg: "none" }, asks: 0 },
  {
    name: "HS256 with the public key as PEM",
    header: { ...HEADER, alg: "HS256" },
    sign: hmacWith(PUBLIC_PEM),
    asks: 0,
  },
  { name: "HS256 bytes under RS256", sign: hmacWith(PUBLIC_PEM) },
  { name: "an algorithm that is not configured", plan: { algorithms: ["ES256"] }, asks: 0 },
  { name: "ES256 named for an RSA key", header: { alg: "ES256", kid: "one" } },
  { name: "an RSA key of 1024 bits", header: { alg: "RS256", kid: "short" }, sign: SHORT.sign },
  { name: "another's key under the same kid", sign: STRANGER.sign },
  { name: "a kid that nobody publishes", header: { ...HEADER, kid: "kid-of-another-issuer" } },
  { name: "no kid where there are several keys", header: { alg: "RS256" } },
  {
    name: "a key that the token brings along",
    header: { ...HEADER, kid: "x", jwk: STRANGER.jwk },
    sign: STRANGER.sign,
  },
  { name: "a crit header", header: { ...HEADER, crit: ["exp"], exp: 1 } },
  { name: "typ that is a number", header: { ...HEADER, typ: 1 }, asks: 0 },
  { name: "alg that is a list", header: { ...HEADER, alg: ["RS256"] }, asks: 0 },
  { name: "a kid that is a list", header: { ...HEADER, kid: ["one"] } },
  { name: "typ of an access token", header: { ...HEADER, typ: "at+jwt" }, asks: 0 },
  { name: "typ of what brokers give to guests", header: { ...HEADER, typ: "eat+jwt" }, asks: 0 },
  { name: "another issuer", claims: (good) => ({ ...good, iss: "https://evil.example" }), asks: 0 },
  { name: "the issuer with a slash more", claims: (good) => ({ ...good, iss: `${ISSUER}/` }), asks: 0 },
  { name: "no issuer", claims: (good) => ({ ...good, iss: undefined }), asks: 0 },
  { name: "another audience", claims: (good) => ({ ...good, aud: "other-client" }), asks: 0 },
  { name: "no audience", claims: (good) => ({ ...good, aud: undefined }), asks: 0 },
  { name: "an empty list of audiences", claims: (good) => ({ ...good, aud: [] }), asks: 0 },
  {
    name: "two audiences without azp",
    plan: { audiences: ["b"] },
    claims: (good) => ({ ...good, aud: [CLIENT, "b"] }),
    asks: 0,
  },
  {
    name: "two audiences, one of them untrusted",
    claims: (good) => ({ ...good, aud: [CLIENT, "b"], azp: CLIENT }),
    asks: 0,
  },
  { name: "azp of another client", claims: (good) => ({ ...good, azp: "other-client" }), asks: 0 },
  { name: "expired", claims: (good) => ({ ...good, iat: iatOf(good) - 200, exp: iatOf(good) - 6 }) },
  { name: "no exp", claims: (good) => ({ ...good, exp: undefined }) },
  { name: "iat in the future", claims: (good) => ({ ...good, iat: iatOf(good) + 6 }) },
  { name: "no iat", claims: (good) => ({ ...good, iat: undefined }) },
  { name: "iat as text", claims: (good) => ({ ...good, iat: String(good["iat"]) }) },
  {
    name: "made six minutes ago",
    claims: (good) => ({ ...good, iat: iatOf(good) - 360, exp: iatOf(good) + 3600 }),
  },
  { name: "nbf in the future", claims: (good) => ({ ...good, nbf: iatOf(good) + 60 }) },
  { name: "no nonce", claims: (good) => ({ ...good, nonce: undefined }), asks: 0 },
  {
    name: "the nonce of another session",
    claims: (good) => ({ ...good, nonce: NONCE.toUpperCase() }),
    asks: 0,
  },
  { name: "no subject", claims: (good) => ({ ...good, sub: undefined }) },
  { name: "an empty subject", claims: (good) => ({ ...good, sub: "" }) },
  { name: "a subject of 256 characters", claims: (good) => ({ ...good, sub: "a".repeat(256) }) },
  { name: "a subject with a line break", claims: (good) => ({ ...good, sub: `${SUBJECT}\n` }) },
  { name: "a subject that is a number", claims: (good) => ({ ...good, sub: 248289761001 }) },
  { name: "no auth_time where an age is wanted", plan: { maxAgeSeconds: 600 } },
  {
    name: "somebody who was asked too long ago",
    plan: { maxAgeSeconds: 600 },
    claims: (good) => ({ ...good, auth_time: iatOf(good) - 606 }),
  },
  {
    name: "auth_time in the future",
    plan: { maxAgeSeconds: 600 },
    claims: (good) => ({ ...good, auth_time: iatOf(good) + 60 }),
  },
  { name: "another class", plan: { acr: ["phr"] }, claims: (good) => ({ ...good, acr: "0" }) },
  { name: "no class", plan: { acr: ["phr"] } },
  { name: "one method of two", plan: { amr: ["hwk", "pin"] }, claims: (good) => ({ ...good, amr: ["pin"] }) },
  { name: "methods as a text", plan: { amr: ["pin"] }, claims: (good) => ({ ...good, amr: "pin" }) },
  { name: "claims that are no object", claims: () => [], asks: 0 },
];

describe("an ID token", () => {
  it.each(BELIEVED)("is believed: $name", async (case_) => {
    const { result } = await verified(case_);
    expect(result).toMatchObject({ subject: SUBJECT });
  });

  it.each(REFUSED)("is refused: $name", async (case_) => {
    const { it: provider, result } = await verified(case_);
    expect(result).toMatchObject({ code: "login/refused" });
    if (case_.asks === 0) expect(provider.asked).toEqual([]);
  });

  it.each(["", "a", "a.b", "a.b.c", "..", `${"a".repeat(70_000)}.b.c`, "!.!.!"])(
    "is refused where it is none, and nobody is asked",
    async (token) => {
      const provider = forger();
      await expect(provider.identity.verify(token, { issuer: ISSUER, nonce: NONCE })).rejects.toMatchObject({
        code: "login/refused",
      });
      expect(provider.asked).toEqual([]);
    },
  );
});
