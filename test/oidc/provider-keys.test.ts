/** Are a provider's keys asked for within bounds, kept for a while, and asked for again where there may be a new one? */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { keyStrengthOf } from "../../src/attestation/endorsement/described.ts";
import { instant } from "../../src/base/time.ts";
import { createIdentityProviders } from "../../src/oidc/providers.ts";
import {
  CLIENT,
  ecKey,
  type ForgedKey,
  type Forger,
  forged,
  forger,
  ISSUER,
  PLAN,
  rsaKey,
  SUBJECT,
} from "../support/openid-forger.ts";

const ONE = ecKey("one");
const TWO = ecKey("two");
const NONCE = "some-nonce";
const DISCOVERED = [`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/keys`];

function tokenBy({ jwk: { kid }, sign }: ForgedKey, now: number): string {
  const claims = { iss: ISSUER, sub: SUBJECT, aud: CLIENT, iat: now, exp: now + 60, nonce: NONCE };
  return forged({ alg: "ES256", kid }, claims, sign);
}

const shown = (provider: Forger, key: ForgedKey) =>
  provider.identity
    .verify(tokenBy(key, provider.now()), { issuer: ISSUER, nonce: NONCE })
    .then(() => "yes")
    .catch((no: { readonly code: string }) => no.code);

describe("keys of a provider", () => {
  it("are asked for when somebody comes, once for many, and again after ten minutes", async () => {
    const provider = forger();
    provider.keys = [ONE.jwk];
    expect(provider.asked).toEqual([]);
    expect(await Promise.all([1, 2, 3].map(() => shown(provider, ONE)))).toEqual(["yes", "yes", "yes"]);
    expect(provider.asked).toEqual(DISCOVERED);
    provider.pass(599);
    expect(await shown(provider, ONE)).toBe("yes");
    expect(provider.asked).toHaveLength(2);
    provider.pass(1);
    provider.keys = [TWO.jwk];
    expect(await shown(provider, ONE)).toBe("login/refused");
    expect(provider.asked).toHaveLength(4);
  });

  it("are asked for again where a token names a new one, but not more often than every half minute", async () => {
    const provider = forger();
    provider.keys = [ONE.jwk];
    expect(await shown(provider, ONE)).toBe("yes");
    provider.keys = [ONE.jwk, TWO.jwk];
    expect(await shown(provider, TWO)).toBe("login/refused");
    expect(provider.asked).toHaveLength(2);
    provider.pass(30);
    expect(await shown(provider, TWO)).toBe("yes");
    const unknown = { ...TWO, jwk: { ...TWO.jwk, kid: "three" } };
    for (let i = 0; i < 50; i += 1) expect(await shown(provider, unknown)).toBe("login/refused");
    expect(provider.asked).toHaveLength(4);
  });

  it("serve no longer than ten minutes where the provider cannot be reached, and it is left in peace", async () => {
    const provider = forger();
    provider.keys = [ONE.jwk];
    expect(await shown(provider, ONE)).toBe("yes");
    provider.answer = () => Promise.reject(new TypeError("fetch failed"));
    provider.pass(599);
    expect(await shown(provider, ONE)).toBe("yes");
    provider.pass(1);
    expect(await shown(provider, ONE)).toBe("login/unavailable");
    expect(await shown(provider, ONE)).toBe("login/unavailable");
    expect(provider.asked).toHaveLength(3);
    provider.answer = undefined;
    provider.pass(30);
    expect(await shown(provider, ONE)).toBe("yes");
  });

  it("are those for signatures alone: a secret, a key for encryption and half a key are nothing", async () => {
    const provider = forger();
    const { x: _x, ...half } = TWO.jwk;
    provider.keys = [
      { kty: "oct", k: "c2VjcmV0", kid: "two" },
      { ...TWO.jwk, use: "enc" },
      { ...half, kid: "half" },
      "two",
      ONE.jwk,
    ];
    expect(await shown(provider, ONE)).toBe("yes");
    expect(await shown(provider, TWO)).toBe("login/refused");
    expect((await provider.identity.keys()).map(({ name }) => name)).toEqual([`oidc-key/${ISSUER}/one`]);
  });

  it("are taken by nobody where two have one name", async () => {
    const provider = forger();
    provider.keys = [ONE.jwk, { ...TWO.jwk, kid: "one" }];
    expect(await shown(provider, ONE)).toBe("login/refused");
  });

  /** The keys are good, wherever they are asked for. */
  const metadata = (about: unknown) => (url: string) =>
    Response.json(url.endsWith("/openid-configuration") ? about : { keys: [ONE.jwk] });

  const answers: readonly (readonly [string, (url: string) => Response])[] = [
    ["status 500", () => new Response("", { status: 500 })],
    ["status 404", () => new Response("", { status: 404 })],
    ["no JSON", () => new Response("<html>")],
    ["a list", () => Response.json([])],
    ["more than 256 KiB", () => new Response(" ".repeat(256 * 1024 + 1))],
    [
      "a member twice",
      () => new Response(`{"issuer":"${ISSUER}","issuer":"${ISSUER}","jwks_uri":"${ISSUER}/keys"}`),
    ],
    ["another issuer's metadata", metadata({ issuer: "https://evil.example", jwks_uri: `${ISSUER}/keys` })],
    ["no address of keys", metadata({ issuer: ISSUER })],
    ["keys without TLS", metadata({ issuer: ISSUER, jwks_uri: "http://idp.example/keys" })],
    ["keys in a file", metadata({ issuer: ISSUER, jwks_uri: "file:///etc/passwd" })],
    ["keys at a name and password", metadata({ issuer: ISSUER, jwks_uri: "https://a:b@idp.example/keys" })],
    [
      "65 keys",
      (url) =>
        Response.json(
          url.endsWith("/keys")
            ? { keys: Array.from({ length: 65 }, () => ONE.jwk) }
            : { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` },
        ),
    ],
    [
      "no set of keys",
      (url) =>
        Response.json(
          url.endsWith("/keys") ? { keys: ONE.jwk } : { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` },
        ),
    ],
  ];

  it.each(answers)("cannot be had from a provider that answers with %s", async (_name, answer) => {
    const provider = forger();
    provider.answer = answer;
    expect(await shown(provider, ONE)).toBe("login/unavailable");
    expect(await provider.identity.keys()).toEqual([]);
  });

  it("are not read to their end where there are too many bytes", async () => {
    const provider = forger();
    const read = { pieces: 0, isCancelled: false };
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull: (stream) => {
          read.pieces += 1;
          if (read.pieces > 64) stream.close();
          else stream.enqueue(new Uint8Array(65_536).fill(0x20));
        },
        cancel: () => {
          read.isCancelled = true;
        },
      });
    provider.answer = () => new Response(body());
    expect(await shown(provider, ONE)).toBe("login/unavailable");
    expect(read.isCancelled).toBe(true);
    expect(read.pieces).toBeLessThan(10);
  });

  it("are told as they are, and by a thumbprint where the name is no word", async () => {
    const provider = forger();
    provider.keys = [rsaKey("short", 1024).jwk, { ...ONE.jwk, kid: "a/b c\n" }];
    const [short, named] = await provider.identity.keys();
    expect(short).toMatchObject({ name: `oidc-key/${ISSUER}/short`, algorithms: ["RS256"] });
    expect(keyStrengthOf(short?.spki ?? new Uint8Array(0))).toEqual({ algorithm: "RSA", bits: 1024 });
    expect(named?.algorithms).toEqual(PLAN.algorithms);
    expect(keyStrengthOf(named?.spki ?? new Uint8Array(0))).toEqual({ algorithm: "EC P-256", bits: 256 });
    expect(named?.name).toMatch(/^oidc-key\/https:\/\/idp\.example\/[\w-]{43}$/);
  });
});

describe("a provider over sockets", () => {
  const servers: ReturnType<typeof createServer>[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function serving(answer: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address: AddressInfo | string | null = server.address();
    return typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "";
  }

  function verifiedAt(issuer: string, timeoutMs = 20_000): Promise<string> {
    const now = instant(1_795_449_600);
    const parts = { fetch: globalThis.fetch, now: () => now, timeoutMs };
    const token = forged(
      { alg: "ES256", kid: "one" },
      { iss: issuer, sub: SUBJECT, aud: CLIENT, iat: now, exp: now + 60, nonce: NONCE },
      ONE.sign,
    );
    return createIdentityProviders([{ ...PLAN, issuer }], parts)
      .verify(token, { issuer, nonce: NONCE })
      .then(() => "yes")
      .catch((no: { readonly code: string }) => no.code);
  }

  it("is believed where it answers, follows no redirect, and is not waited for without end", async () => {
    const good: string = await serving((request, response) => {
      const isMetadata = request.url === "/.well-known/openid-configuration";
      response.end(
        JSON.stringify(isMetadata ? { issuer: good, jwks_uri: `${good}/keys` } : { keys: [ONE.jwk] }),
      );
    });
    expect(await verifiedAt(good)).toBe("yes");
    const mirror: string = await serving((request, response) => {
      const isMetadata = request.url === "/.well-known/openid-configuration";
      const about = { issuer: elsewhere, jwks_uri: `${mirror}/keys` };
      response.end(JSON.stringify(isMetadata ? about : { keys: [ONE.jwk] }));
    });
    const elsewhere: string = await serving((_request, response) => {
      response.writeHead(302, { location: `${mirror}/.well-known/openid-configuration` }).end();
    });
    expect(await verifiedAt(elsewhere)).toBe("login/unavailable");
    const slow = await serving(() => undefined);
    expect(await verifiedAt(slow, 100)).toBe("login/unavailable");
    const dripping = await serving((_request, response) => void response.write("{"));
    expect(await verifiedAt(dripping, 100)).toBe("login/unavailable");
  });
});
