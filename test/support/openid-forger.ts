/** Who says whatever a test wants? A provider in memory: its metadata, its keys, and tokens that it, or somebody else, signs. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { instant } from "../../src/base/time.ts";
import type { IdentityProviders } from "../../src/broker/identity.ts";
import type { ProviderPlan } from "../../src/oidc/plan.ts";
import { createIdentityProviders } from "../../src/oidc/providers.ts";

export const ISSUER = "https://idp.example";
export const CLIENT = "ostiary-cli";
export const SUBJECT = "248289761001";

export const PLAN: ProviderPlan = {
  issuer: ISSUER,
  clientId: CLIENT,
  audiences: [],
  algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
  acr: [],
  amr: [],
  sessionSeconds: 1800,
};

/** By which anybody signs: what a header says of it is another thing. */
export type Sign = (input: Buffer) => Buffer;

export interface ForgedKey {
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly privateKey: KeyObject;
  readonly sign: Sign;
}

export function rsaKey(kid: string, bits = 2048): ForgedKey {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  return {
    jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" },
    privateKey,
    sign: (input) => sign("sha256", input, privateKey),
  };
}

export function ecKey(kid: string): ForgedKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig" },
    privateKey,
    sign: (input) => sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  };
}

export const hmacWith =
  (secret: string | Uint8Array): Sign =>
  (input) =>
    createHmac("sha256", secret).update(input).digest();

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A compact JWS over whatever stands in header and claims. */
export function forged(header: unknown, claims: unknown, by: Sign): string {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${by(Buffer.from(input)).toString("base64url")}`;
}

export interface Forger {
  readonly identity: IdentityProviders;
  /** What was asked for, in order. */
  readonly asked: readonly string[];
  /** The keys that it publishes; they may change. */
  keys: readonly unknown[];
  /** What it answers in place of them, where it does. */
  answer: ((url: string) => Response | Promise<Response>) | undefined;
  readonly pass: (seconds: number) => void;
  readonly now: () => number;
}

/** @param now - Of the broker, where there is one. */
export function forger(plan: Partial<ProviderPlan> = {}, now?: () => number): Forger {
  const asked: string[] = [];
  let own = 1_795_449_600;
  const clock = now ?? (() => own);
  const it: Forger = {
    asked,
    keys: [],
    answer: undefined,
    identity: createIdentityProviders([{ ...PLAN, ...plan }], {
      now: () => instant(clock()),
      timeoutMs: 2000,
      fetch: async (input) => {
        const url = String(input);
        asked.push(url);
        if (it.answer !== undefined) return it.answer(url);
        const isMetadata = url.endsWith("/.well-known/openid-configuration");
        return Response.json(isMetadata ? { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` } : { keys: it.keys });
      },
    }),
    pass: (seconds) => {
      own += seconds;
    },
    now: clock,
  };
  return it;
}
