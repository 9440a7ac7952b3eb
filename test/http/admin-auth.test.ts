import { createHmac, createPublicKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { base64UrlOf, utf8 } from "../../src/base/bytes.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import {
  createEd25519Signer,
  createEs256Signer,
  generateEd25519Pem,
  generateEs256Pem,
} from "../../src/runtime/node/signers.ts";
import { bodyHashOf } from "../../src/wire/admin-token.ts";
import { ADMIN_KID, ADMIN_PEM, AUDIENCE, type BrokerAtHand, brokerAtHand, random } from "./broker-at-hand.ts";

const PATH = "/v1/admin/secrets/prod/disk";
const BODY = JSON.stringify({ kind: "static", plaintext: base64UrlOf(utf8("correct horse")) });
const HEADER = { alg: "EdDSA", typ: "ostiary-admin+jwt", kid: ADMIN_KID };

function goodClaims(broker: BrokerAtHand) {
  const iat = broker.world.now();
  return {
    aud: AUDIENCE,
    htm: "PUT",
    htu: `${AUDIENCE}${PATH}`,
    bh: bodyHashOf(utf8(BODY), nodePrimitives.digest),
    iat,
    exp: iat + 60,
    jti: base64UrlOf(random(16)),
  };
}

const part = (value: unknown) => base64UrlOf(utf8(typeof value === "string" ? value : JSON.stringify(value)));

type Sign = (input: Uint8Array) => Promise<Uint8Array>;

async function tokenOf(header: unknown, claims: unknown, sign: Sign): Promise<string> {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${base64UrlOf(await sign(utf8(input)))}`;
}

const signAsAdmin: Sign = createEd25519Signer(ADMIN_KID, ADMIN_PEM).sign;
const signAsStranger: Sign = createEd25519Signer(ADMIN_KID, generateEd25519Pem()).sign;
const signEs256: Sign = createEs256Signer(ADMIN_KID, generateEs256Pem()).sign;

/** The classic confusion: the public key, which everybody has, as the secret of an HMAC. */
const signHs256With =
  (key: string | Uint8Array): Sign =>
  async (input) =>
    new Uint8Array(createHmac("sha256", key).update(input).digest());

const ADMIN_PUBLIC_PEM = createPublicKey(ADMIN_PEM).export({ format: "pem", type: "spki" }).toString();
const ADMIN_SPKI = createEd25519Signer(ADMIN_KID, ADMIN_PEM).spki;

function put(broker: BrokerAtHand, authorization: string | undefined, body = BODY, path = PATH) {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (authorization !== undefined) headers["authorization"] = authorization;
  return broker.app.request(path, { method: "PUT", body, headers });
}

interface Deviation {
  readonly name: string;
  readonly header?: unknown;
  readonly claims?: (good: ReturnType<typeof goodClaims>) => unknown;
  readonly sign?: Sign;
}

const DEVIATIONS: readonly Deviation[] = [
  { name: "alg none", header: { ...HEADER, alg: "none" }, sign: async () => new Uint8Array(0) },
  { name: "alg none, good signature", header: { ...HEADER, alg: "none" } },
  {
    name: "HS256 with the public key as PEM",
    header: { ...HEADER, alg: "HS256" },
    sign: signHs256With(ADMIN_PUBLIC_PEM),
  },
  {
    name: "HS256 with the public key as DER",
    header: { ...HEADER, alg: "HS256" },
    sign: signHs256With(ADMIN_SPKI),
  },
  { name: "HS256 bytes under EdDSA", sign: signHs256With(ADMIN_SPKI) },
  { name: "ES256", header: { ...HEADER, alg: "ES256" }, sign: signEs256 },
  { name: "no alg", header: { typ: HEADER.typ, kid: HEADER.kid } },
  { name: "signature by another key", sign: signAsStranger },
  { name: "signature of zeroes", sign: async () => new Uint8Array(64) },
  { name: "empty signature", sign: async () => new Uint8Array(0) },
  { name: "kid of nobody", header: { ...HEADER, kid: "admin-2" } },
  { name: "kid of a property of objects", header: { ...HEADER, kid: "constructor" } },
  { name: "no kid", header: { alg: HEADER.alg, typ: HEADER.typ } },
  { name: "typ JWT", header: { ...HEADER, typ: "JWT" } },
  { name: "typ of a token for guests", header: { ...HEADER, typ: "eat+jwt" } },
  { name: "no typ", header: { alg: HEADER.alg, kid: HEADER.kid } },
  { name: "crit header", header: { ...HEADER, crit: ["exp"], exp: 1 } },
  { name: "unencoded payload (b64 false)", header: { ...HEADER, crit: ["b64"], b64: false } },
  { name: "key brought along", header: { ...HEADER, jwk: { kty: "OKP", crv: "Ed25519", x: part("x") } } },
  { name: "header with a duplicate member", header: JSON.stringify(HEADER).replace("{", '{"alg":"none",') },
  { name: "wrong aud", claims: (good) => ({ ...good, aud: "https://broker.example/c/0002" }) },
  { name: "aud as a list", claims: (good) => ({ ...good, aud: [good.aud] }) },
  { name: "wrong htm", claims: (good) => ({ ...good, htm: "GET" }) },
  { name: "htm in lower case", claims: (good) => ({ ...good, htm: "put" }) },
  {
    name: "htu of another path",
    claims: (good) => ({ ...good, htu: `${AUDIENCE}/v1/admin/secrets/prod/other` }),
  },
  { name: "htu of another host", claims: (good) => ({ ...good, htu: `https://evil.example${PATH}` }) },
  { name: "htu that is a path", claims: (good) => ({ ...good, htu: PATH }) },
  {
    name: "bh of another body",
    claims: (good) => ({ ...good, bh: bodyHashOf(utf8("{}"), nodePrimitives.digest) }),
  },
  { name: "bh of no body", claims: (good) => ({ ...good, bh: bodyHashOf(utf8(""), nodePrimitives.digest) }) },
  { name: "no bh", claims: (good) => ({ ...good, bh: undefined }) },
  { name: "expired", claims: (good) => ({ ...good, iat: good.iat - 66, exp: good.iat - 6 }) },
  { name: "iat in the future", claims: (good) => ({ ...good, iat: good.iat + 6, exp: good.iat + 66 }) },
  { name: "lives 61 s", claims: (good) => ({ ...good, exp: good.iat + 61 }) },
  { name: "ends before it begins", claims: (good) => ({ ...good, exp: good.iat - 1 }) },
  { name: "no exp", claims: (good) => ({ ...good, exp: undefined }) },
  { name: "exp as text", claims: (good) => ({ ...good, exp: String(good.exp) }) },
  { name: "no jti", claims: (good) => ({ ...good, jti: undefined }) },
  { name: "jti that others could guess", claims: (good) => ({ ...good, jti: "1" }) },
  {
    name: "claims with a duplicate member",
    claims: (good) => JSON.stringify(good).replace("{", '{"aud":"x",'),
  },
  { name: "claims that are no object", claims: () => [] },
];

describe("an admin request", () => {
  it("is served with a good token", async () => {
    const broker = brokerAtHand();
    const token = await tokenOf(HEADER, goodClaims(broker), signAsAdmin);
    expect((await put(broker, `Bearer ${token}`)).status).toBe(201);
  });

  it.each(DEVIATIONS)("is refused with 401, and nothing is stored: $name", async (deviation) => {
    const broker = brokerAtHand();
    const { header = HEADER, claims = (good) => good, sign = signAsAdmin } = deviation;
    const token = await tokenOf(header, claims(goodClaims(broker)), sign);
    const response = await put(broker, `Bearer ${token}`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "unauthorized", status: 401 });
    await expect(broker.world.store.secrets()).resolves.toEqual([]);
  });

  const shapes: readonly (readonly [string, string | undefined])[] = [
    ["no header", undefined],
    ["empty", ""],
    ["another scheme", "Basic YWRtaW46YWRtaW4="],
    ["no token", "Bearer "],
    ["one part", "Bearer abc"],
    ["five parts", "Bearer a.b.c.d.e"],
    ["parts that are not base64url", "Bearer !!.??.=="],
    ["9 KiB", `Bearer ${"a".repeat(9 * 1024)}`],
  ];
  it.each(shapes)(
    "is refused with 401 whatever stands in Authorization: %s",
    async (_name, authorization) => {
      const response = await put(brokerAtHand(), authorization);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
    },
  );

  it("is refused when it comes a second time", async () => {
    const broker = brokerAtHand();
    const token = await tokenOf(HEADER, goodClaims(broker), signAsAdmin);
    expect((await put(broker, `Bearer ${token}`)).status).toBe(201);
    expect((await put(broker, `Bearer ${token}`)).status).toBe(401);
    await expect(broker.world.store.secretVersions("prod/disk")).resolves.toHaveLength(1);
  });

  it("is served once when a hundred copies race", async () => {
    const broker = brokerAtHand();
    const token = await tokenOf(HEADER, goodClaims(broker), signAsAdmin);
    const responses = await Promise.all(Array.from({ length: 100 }, () => put(broker, `Bearer ${token}`)));
    expect(responses.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(responses.filter(({ status }) => status === 401)).toHaveLength(99);
  });

  it("is refused when one byte of its body is another", async () => {
    const broker = brokerAtHand();
    const token = await tokenOf(HEADER, goodClaims(broker), signAsAdmin);
    expect((await put(broker, `Bearer ${token}`, `${BODY} `)).status).toBe(401);
  });

  it("is refused at another path, an escaped spelling of its own among them", async () => {
    for (const path of [
      "/v1/admin/secrets/prod/other",
      "/v1/admin/secrets/prod%2Fdisk",
      "/v1/admin/secrets/prod/dis%6b",
    ]) {
      const broker = brokerAtHand();
      const token = await tokenOf(HEADER, goodClaims(broker), signAsAdmin);
      expect((await put(broker, `Bearer ${token}`, BODY, path)).status).toBe(401);
    }
  });

  it("is refused with 400 for a path that is not in normal form, however well it is signed", async () => {
    for (const wrong of ["a%2f..%2fb", "a//b", "a/", "token/aws", "attest", "%61"]) {
      const broker = brokerAtHand();
      const path = `/v1/admin/secrets/${wrong}`;
      const token = await tokenOf(HEADER, { ...goodClaims(broker), htu: `${AUDIENCE}${path}` }, signAsAdmin);
      expect((await put(broker, `Bearer ${token}`, BODY, path)).status).toBe(400);
      await expect(broker.world.store.secrets()).resolves.toEqual([]);
    }
  });

  it("is served within five seconds of skew on either side", async () => {
    for (const skew of [-5, 64]) {
      const broker = brokerAtHand();
      const token = await tokenOf(HEADER, goodClaims(broker), signAsAdmin);
      broker.pass(skew);
      expect((await put(broker, `Bearer ${token}`)).status).toBe(201);
    }
  });

  it("spends nothing when its body is refused, so that a stranger cannot burn it", async () => {
    const broker = brokerAtHand();
    const token = await tokenOf(HEADER, goodClaims(broker), signAsAdmin);
    expect((await put(broker, `Bearer ${token}`, "{}")).status).toBe(401);
    expect((await put(broker, `Bearer ${token}`)).status).toBe(201);
  });

  it("is refused with 503 when the store cannot spend its token", async () => {
    const broker = brokerAtHand((world) => ({
      store: {
        ...world.store,
        spendAdminRequest: async () => {
          const { Fault } = await import("../../src/base/fault.ts");
          throw new Fault("store/unavailable", "down");
        },
      },
    }));
    const token = await tokenOf(HEADER, goodClaims(broker), signAsAdmin);
    expect((await put(broker, `Bearer ${token}`)).status).toBe(503);
  });

  it("has a body that nobody reads without a good signature", async () => {
    let isRead = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          isRead = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { "content-type": "application/json", authorization: "Bearer a.b.c" };
    const init = { method: "PUT", body, duplex: "half", headers } as const;
    expect((await brokerAtHand().app.request(PATH, init)).status).toBe(401);
    expect(isRead).toBe(false);
  });
});
