import { calculateJwkThumbprint } from "jose";
import { describe, expect, it } from "vitest";
import { base64UrlOf, parseBase64Url, utf8 } from "../../src/base/bytes.ts";
import { parseStrictJson } from "../../src/base/strict-json.ts";
import { decodeChallenge } from "../../src/wire/challenge.ts";
import type { Problem } from "../../src/wire/messages.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { decodeBrokerDescription } from "../../src/wire/well-known.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand, random } from "./broker-at-hand.ts";

const JSON_TYPE = { "content-type": "application/json" };

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return decodeProblem(await bytesOf(response));
}

function post(broker: BrokerAtHand, path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return broker.app.request(path, { method: "POST", body: text, headers: { ...JSON_TYPE, ...headers } });
}

async function nonceOf(broker: BrokerAtHand): Promise<string> {
  const challenge = decodeChallenge(await bytesOf(await post(broker, "/v1/challenge", { binding: 3 })));
  return base64UrlOf(challenge.nonce);
}

function requestWith(nonce: string, change: Readonly<Record<string, unknown>> = {}) {
  return {
    v: 1,
    binding: 3,
    suite: 1,
    vmpl: 0,
    nonce,
    ownNonce: base64UrlOf(random(32)),
    wrapPub: base64UrlOf(random(32)),
    claims: base64UrlOf(utf8('{"want":[{"secret":"prod/disk"}]}')),
    evidence: { format: "raw", report: base64UrlOf(random(1184)) },
    ...change,
  };
}

describe("POST /v1/challenge", () => {
  it("gives a nonce of 48 bytes that lives a minute", async () => {
    const broker = brokerAtHand();
    const response = await post(broker, "/v1/challenge", { binding: 3 });
    expect(response.status).toBe(200);
    const challenge = decodeChallenge(await bytesOf(response));
    expect(challenge).toMatchObject({ audience: AUDIENCE, kid: "broker-1", suites: [1, 2] });
    expect(challenge.expiresAt - broker.world.now()).toBe(60);
  });

  it("refuses a binding that this listener does not serve", async () => {
    const response = await post(brokerAtHand(), "/v1/challenge", { binding: 2 });
    expect(response.status).toBe(421);
    expect((await problemOf(response)).code).toBe("wrong-channel");
  });

  it("slows one source down without slowing another, and lets it come again later", async () => {
    let source = "192.0.2.7";
    const broker = brokerAtHand(undefined, { sourceOf: () => source });
    const ask = () => post(broker, "/v1/challenge", { binding: 3 });
    const first = await Promise.all(Array.from({ length: 10 }, ask));
    expect(first.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    const slowed = await ask();
    expect(slowed.status).toBe(429);
    expect(slowed.headers.get("retry-after")).toBe("1");
    expect((await problemOf(slowed)).code).toBe("slow-down");
    source = "192.0.2.8";
    expect((await ask()).status).toBe(200);
    source = "192.0.2.7";
    broker.pass(1);
    expect((await ask()).status).toBe(200);
  });
});

describe("a release that is refused", () => {
  const refusals: readonly (readonly [string, number, string, (nonce: string) => Promise<unknown>])[] = [
    ["shape unknown", 400, "malformed-request", async (nonce) => requestWith(nonce, { extra: 1 })],
    ["nonce of another broker", 409, "stale-nonce", async () => requestWith(await nonceOf(brokerAtHand()))],
    ["report that cannot be read", 400, "malformed-evidence", async (nonce) => requestWith(nonce)],
    ["binding not offered", 421, "wrong-channel", async (nonce) => requestWith(nonce, { binding: 2 })],
  ];
  it.each(refusals)("is told by wire code and id: %s", async (_name, status, code, requestFor) => {
    const broker = brokerAtHand();
    const response = await post(broker, "/v1/release", await requestFor(await nonceOf(broker)));
    expect(response.status).toBe(status);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status, code, type: `urn:ostiary:problem:${code}` });
    expect(problem.instance).toMatch(/^urn:ostiary:[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(problem.detail).toBeUndefined();
    expect(problem.fault).toBeUndefined();
  });

  it("is found in the decision log by that id", async () => {
    const broker = brokerAtHand();
    const response = await post(broker, "/v1/release", requestWith(await nonceOf(broker)));
    const id = (await problemOf(response)).instance.replace("urn:ostiary:", "");
    const known = await broker.admin.decision(id);
    expect(known).toMatchObject({ kind: "refusal", id, source: "192.0.2.7", format: "raw" });
    expect(known.kind === "refusal" && known.code).toMatch(/^evidence\//);
  });

  it("is found nowhere while its nonce is nobody's, so that strangers write no row", async () => {
    const broker = brokerAtHand();
    const response = await post(broker, "/v1/release", requestWith(base64UrlOf(random(48))));
    const { instance } = await problemOf(response);
    await expect(broker.world.store.refusal(instance.replace("urn:ostiary:", ""))).resolves.toBeUndefined();
  });
});

describe("headers of a proxy", () => {
  it("move neither the source nor the binding of a request", async () => {
    const broker = brokerAtHand();
    const forged = {
      "x-forwarded-for": "203.0.113.9",
      forwarded: "for=203.0.113.9",
      "x-real-ip": "203.0.113.9",
      "x-client-cert": "MIIB",
      "x-exporter": "AAAA",
      "x-forwarded-host": "evil.example",
      host: "evil.example",
    };
    const request = requestWith(await nonceOf(broker));
    const response = await post(broker, "/v1/release", request, forged);
    const id = (await problemOf(response)).instance.replace("urn:ostiary:", "");
    await expect(broker.admin.decision(id)).resolves.toMatchObject({ source: "192.0.2.7" });
    const statuses = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        post(broker, "/v1/challenge", { binding: 3 }, { "x-forwarded-for": `203.0.113.${i}` }),
      ),
    );
    expect(statuses.some(({ status }) => status === 429)).toBe(true);
  });
});

describe("bodies", () => {
  it("of 300 KB are refused with 413 (A20)", async () => {
    const response = await post(brokerAtHand(), "/v1/release", "x".repeat(300_000));
    expect(response.status).toBe(413);
    expect((await problemOf(response)).code).toBe("too-large");
  });

  it("that never end are cut off just beyond the cap", async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 16_384;
        controller.enqueue(new Uint8Array(16_384).fill(0x20));
      },
    });
    const init = { method: "POST", body: endless, duplex: "half", headers: JSON_TYPE } as const;
    const response = await brokerAtHand().app.request("/v1/release", init);
    expect(response.status).toBe(413);
    expect(sent).toBeLessThan(400_000);
  });

  it("that announce too much are refused unread", async () => {
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
    const headers = { ...JSON_TYPE, "content-length": "99999999" };
    const init = { method: "POST", body, duplex: "half", headers } as const;
    const response = await brokerAtHand().app.request("/v1/release", init);
    expect(response.status).toBe(413);
    expect(isRead).toBe(false);
  });

  it("that announce less than they hold are refused all the same", async () => {
    const headers = { ...JSON_TYPE, "content-length": "10" };
    const response = await post(brokerAtHand(), "/v1/release", " ".repeat(300_000), headers);
    expect(response.status).toBe(413);
  });

  it("that break off are refused", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("gone"));
      },
    });
    const init = { method: "POST", body, duplex: "half", headers: JSON_TYPE } as const;
    const response = await brokerAtHand().app.request("/v1/release", init);
    expect(response.status).toBe(400);
  });

  const hostile: readonly (readonly [string, string])[] = [
    ["depth bomb", "[".repeat(100_000)],
    ["duplicate member", '{"binding":3,"binding":3}'],
    ["`__proto__`", '{"__proto__":{},"binding":3}'],
    ["nothing", ""],
    ["no JSON", "binding=3"],
  ];
  it.each(hostile)("that are hostile are refused with 400: %s", async (_name, text) => {
    const response = await post(brokerAtHand(), "/v1/challenge", text);
    expect(response.status).toBe(400);
    expect((await problemOf(response)).code).toBe("malformed-request");
  });

  it("with seventeen items are refused with 400 (A20)", async () => {
    const broker = brokerAtHand();
    const want = Array.from({ length: 17 }, (_, i) => ({ secret: `disk/${i}` }));
    const claims = base64UrlOf(utf8(JSON.stringify({ want })));
    const response = await post(broker, "/v1/release", requestWith(await nonceOf(broker), { claims }));
    expect(response.status).toBe(400);
  });

  it("of another media type are refused with 415", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", ""]) {
      const response = await post(brokerAtHand(), "/v1/challenge", { binding: 3 }, { "content-type": type });
      expect(response.status).toBe(415);
    }
  });

  it("of JSON with a charset are accepted", async () => {
    const type = "Application/JSON; charset=utf-8";
    const response = await post(brokerAtHand(), "/v1/challenge", { binding: 3 }, { "content-type": type });
    expect(response.status).toBe(200);
  });
});

describe("paths and methods", () => {
  const unknown = [
    "/",
    "/v2/release",
    "/v1/releases",
    "/v1/release/",
    "/v1/admin",
    "/kbs/v0/auth",
    "/../etc/passwd",
  ];
  it.each(unknown)("that are unknown get a 404 problem: %s", async (path) => {
    const response = await brokerAtHand().app.request(path);
    expect(response.status).toBe(404);
    expect((await problemOf(response)).code).toBe("not-found");
  });

  const wrong: readonly (readonly [string, string, string])[] = [
    ["GET", "/v1/release", "POST"],
    ["DELETE", "/v1/challenge", "POST"],
    ["OPTIONS", "/v1/attest", "POST"],
    ["POST", "/healthz", "GET"],
    ["DELETE", "/v1/admin/secrets/a", "GET, PUT, POST, PATCH"],
    ["DELETE", `/v1/admin/policies/${"0".repeat(64)}`, "GET, PUT"],
  ];
  it.each(wrong)("that do not go together get a 405 with Allow: %s %s", async (method, path, allow) => {
    const response = await brokerAtHand().app.request(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    await problemOf(response);
  });

  it("refuse a query that nobody asked for", async () => {
    const response = await brokerAtHand().app.request("/healthz?verbose=1");
    expect(response.status).toBe(400);
  });
});

describe("every answer", () => {
  it("is kept by nobody and sniffed by nobody, refusals as well", async () => {
    const broker = brokerAtHand();
    for (const path of ["/healthz", "/nowhere", "/v1/admin/secrets", "/openapi.json"]) {
      const { headers } = await broker.app.request(path);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  it("has a line in the log with its id, route and status, and without its body", async () => {
    const broker = brokerAtHand();
    const request = requestWith(await nonceOf(broker));
    await post(broker, "/v1/release", request);
    const line = broker.lines.findLast(({ event }) => event === "request");
    expect(line).toMatchObject({ route: "/v1/release", status: 400, method: "POST", source: "192.0.2.7" });
    expect(JSON.stringify(broker.lines)).not.toContain(request.nonce);
    expect(JSON.stringify(broker.lines)).not.toContain(request.wrapPub);
  });

  it("is 500 without a word of the inside when something unexpected breaks", async () => {
    const broker = brokerAtHand(() => ({
      nonceKeys: async () => {
        throw new TypeError("planted: key material 00112233");
      },
    }));
    const response = await post(broker, "/v1/challenge", { binding: 3 });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('"internal"');
    expect(text).not.toMatch(/planted|TypeError|\.ts/);
    const line = broker.lines.find(({ event }) => event === "unexpected-exception");
    expect(line).toMatchObject({ level: "error", name: "TypeError" });
    expect(text).toContain(String(line?.["id"]));
    expect(JSON.stringify(broker.lines)).not.toContain("planted");
  });
});

describe("what a broker says of itself", () => {
  it("names its audience, keys, formats and limits", async () => {
    const response = await brokerAtHand().app.request("/.well-known/ostiary");
    const description = decodeBrokerDescription(await bytesOf(response));
    expect(description).toMatchObject({
      audience: AUDIENCE,
      bindings: [3],
      suites: [1, 2],
      evidenceFormats: ["raw", "azure-hcl", "svsm"],
      isSimulatorTrusted: false,
    });
    expect(description.signingKey.kid).toBe("broker-1");
  });

  it("publishes the token key as a JWK set without anything private", async () => {
    const broker = brokerAtHand();
    const text = await (await broker.app.request("/.well-known/jwks.json")).text();
    const set = JSON.parse(text);
    expect(set.keys).toHaveLength(1);
    const kid = await calculateJwkThumbprint(set.keys[0]);
    expect(set.keys[0]).toMatchObject({ kty: "EC", crv: "P-256", kid, alg: "ES256", use: "sig" });
    expect(set.keys[0]).not.toHaveProperty("d");
    const point = [set.keys[0].x, set.keys[0].y].map((part) => parseBase64Url(part)?.length);
    expect(point).toEqual([32, 32]);
  });

  it("is healthy, and ready while its store and its keys answer", async () => {
    const broker = brokerAtHand();
    expect((await broker.app.request("/healthz")).status).toBe(200);
    expect((await broker.app.request("/readyz")).status).toBe(200);
  });

  it("is not ready while it shuts down, and still lives", async () => {
    const broker = brokerAtHand(undefined, { isDraining: () => true });
    const response = await broker.app.request("/readyz");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).not.toBeNull();
    expect((await broker.app.request("/healthz")).status).toBe(200);
  });

  it("describes every path as OpenAPI 3.1 from the schemas that refuse", async () => {
    const text = await (await brokerAtHand().app.request("/openapi.json")).text();
    const document = JSON.parse(text);
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        "/v1/challenge",
        "/v1/release",
        "/v1/admin/secrets/{path}",
        "/v1/ledger/entries",
      ]),
    );
    const body = document.paths["/v1/release"].post.requestBody.content["application/json"].schema;
    expect(body.additionalProperties).toBe(false);
    expect(body.properties.nonce).toMatchObject({ type: "string", minLength: 64, maxLength: 64 });
    expect(document.paths["/v1/admin/secrets"].get.security).toEqual([{ admin: [] }]);
    expect(document.paths["/v1/challenge"].post.security).toBeUndefined();
    expect(() =>
      parseStrictJson(utf8(text), { maxBytes: 1 << 20, maxDepth: 40, code: "request/malformed" }),
    ).not.toThrow();
  });
});

describe("GET /metrics", () => {
  it("counts by route and status with labels from closed sets", async () => {
    const broker = brokerAtHand();
    await post(broker, "/v1/challenge", { binding: 3 });
    await broker.app.request("/no/such/path", { method: "BREW" });
    await broker.app.request("/another/one");
    await post(broker, "/v1/release", requestWith(await nonceOf(broker)));
    const text = await (await broker.app.request("/metrics")).text();
    expect(text).toContain('ostiary_requests_total{route="/v1/challenge",method="POST",status="200"} 2\n');
    expect(text).toContain('ostiary_requests_total{route="unmatched",method="other",status="404"} 1\n');
    expect(text).toMatch(/ostiary_refusals_total\{code="evidence\/[a-z-]+"\} 1\n/);
    expect(text).toContain("# TYPE ostiary_release_seconds histogram\n");
    expect(text).not.toContain("/no/such/path");
  });
});
