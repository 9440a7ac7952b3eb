import type { RequestListener, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { createGuestClient } from "../../src/client/guest.ts";
import { MAX_ANSWER_BYTES } from "../../src/wire/limits.ts";
import { localServer } from "../support/local-server.ts";

const CHALLENGE = {
  nonce: Buffer.alloc(48, 0x11).toString("base64url"),
  exp: "2026-11-23T12:00:00Z",
  audience: "https://broker.example/c/0001",
  signingKey: { kid: "broker-1", spki: Buffer.alloc(91, 0x44).toString("base64url") },
  suites: [1],
};
const ID = "01KB0000000000000000000001";

interface Outcome {
  readonly code: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

async function challengeAt(url: string, signal?: AbortSignal): Promise<Outcome> {
  try {
    const { nonce } = await createGuestClient({ url, fetch }).challenge(3, signal);
    return { code: "answered", detail: { nonce: nonce.length } };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { code: thrown.code, detail: thrown.detail };
  }
}

function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function problem(code: string, status: number) {
  return {
    type: `urn:ostiary:problem:${code}`,
    title: "No",
    status,
    code,
    instance: `urn:ostiary:${ID}`,
  };
}

/** Sends until nobody reads any more, and counts. */
function endless(response: ServerResponse, count: (bytes: number) => void): void {
  const piece = Buffer.alloc(65_536, 0x20);
  const more = (): void => {
    if (response.destroyed) return;
    count(piece.length);
    if (response.write(piece)) setImmediate(more);
    else response.once("drain", more);
  };
  more();
}

describe("a broker's answer", () => {
  it("is read as what it is, members that are new passed over", async () => {
    const { url } = await localServer((_, response) => json(response, 200, { ...CHALLENGE, newer: true }));
    expect(await challengeAt(url)).toEqual({ code: "answered", detail: { nonce: 48 } });
  });

  const nos: readonly (readonly [string, number, string])[] = [
    ["denied", 403, "policy/denied"],
    ["stale-nonce", 409, "nonce/expired"],
    ["slow-down", 429, "request/rate-limited"],
    ["try-later", 503, "broker/unreachable"],
    ["rejected-evidence", 403, "channel/not-bound"],
    ["no-such-code", 418, "broker/unreachable"],
  ];
  it.each(nos)("%s with status %i is %s, with the decision id", async (wire, status, code) => {
    const { url } = await localServer((_, response) => json(response, status, problem(wire, status)));
    expect(await challengeAt(url)).toEqual({ code, detail: { status, id: ID } });
  });

  const headers: readonly (readonly [string, number | undefined])[] = [
    ["7", 7],
    ["Wed, 21 Oct 2026 07:28:00 GMT", undefined],
    ["-1", undefined],
    ["99999999", undefined],
  ];
  it.each(headers)("with `Retry-After: %s` asks for %s seconds", async (text, seconds) => {
    const { url } = await localServer((_, response) =>
      json(response, 503, problem("try-later", 503), { "retry-after": text }),
    );
    expect((await challengeAt(url)).detail["retryAfterSeconds"]).toBe(seconds);
  });
});

describe("an answer that is no broker's is broker/unreachable", () => {
  const rows: Readonly<Record<string, RequestListener>> = {
    "HTML with status 200": (_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<html>sign in</html>"),
    "HTML with status 502": (_, response) => response.writeHead(502).end("<h1>Bad Gateway</h1>"),
    "an empty body": (_, response) => response.writeHead(200).end(),
    "JSON of another shape": (_, response) => json(response, 200, { nonce: 1 }),
    "a nonce of another length": (_, response) => json(response, 200, { ...CHALLENGE, nonce: "AAAA" }),
    "a member twice": (_, response) => response.end(JSON.stringify(CHALLENGE).replace("{", '{"exp":"x",')),
    "a list that is nested too deep": (_, response) => response.end("[".repeat(100_000)),
    "a redirect to another place": (_, response) =>
      response.writeHead(307, { location: "http://127.0.0.1:9/v1/challenge" }).end(),
    "a body that breaks off": (_, response) => {
      response.writeHead(200, { "content-length": "1000" }).write("{");
      setTimeout(() => response.destroy(), 20);
    },
    "a connection that is cut": (_, response) => void response.destroy(),
    "bytes that are no HTTP": (_, response) => void response.socket?.end("NOISE\r\n\r\n"),
    "compressed noise": (_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end("not gzip at all"),
  };
  it.each(Object.keys(rows))("%s", async (name) => {
    const { url } = await localServer((request, response) => rows[name]?.(request, response));
    expect((await challengeAt(url)).code).toBe("broker/unreachable");
  });

  it("nobody there", async () => {
    const { url, server } = await localServer(() => undefined);
    await new Promise<void>((closed) => {
      server.close(() => closed());
    });
    expect((await challengeAt(url)).code).toBe("broker/unreachable");
  });

  it.each([200, 500])("a body without end, status %i, read no further than the cap", async (status) => {
    let sent = 0;
    const { url } = await localServer((_, response) => {
      response.writeHead(status);
      endless(response, (bytes) => {
        sent += bytes;
      });
    });
    expect((await challengeAt(url)).code).toBe("broker/unreachable");
    expect(sent).toBeLessThan(MAX_ANSWER_BYTES * 8);
  });

  it("silence, until the signal", async () => {
    const { url } = await localServer(() => undefined);
    expect((await challengeAt(url, AbortSignal.timeout(100))).code).toBe("broker/unreachable");
  });

  it("a body that drips, until the signal", async () => {
    const { url } = await localServer((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(" "), 10);
      response.once("close", () => clearInterval(drip));
    });
    expect((await challengeAt(url, AbortSignal.timeout(150))).code).toBe("broker/unreachable");
  });
});

describe("a redirect", () => {
  it("is never followed: evidence goes to the broker alone", async () => {
    let asked = 0;
    const other = await localServer((_, response) => {
      asked += 1;
      json(response, 200, CHALLENGE);
    });
    const { url } = await localServer((_, response) => {
      response.writeHead(308, { location: `${other.url}/v1/challenge` }).end();
    });
    expect((await challengeAt(url)).code).toBe("broker/unreachable");
    expect(asked).toBe(0);
  });
});
