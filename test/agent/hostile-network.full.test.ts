/** What does a guest do on a bad road: cut, led astray, or met by what is no broker? It asks the next, waits by its pace, and gets its key. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { anyChannel } from "../../src/agent/any-channel.ts";
import { tlsChannel } from "../../src/agent/tls-channel.ts";
import type { TlsBroker } from "../../src/agent/tls-connection.ts";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { isFault } from "../../src/base/fault.ts";
import { type Instant, instant } from "../../src/base/time.ts";
import { type BrokerWay, type FetchParts, fetchSecrets } from "../../src/client/fetch.ts";
import { oneOf } from "../../src/client/retry.ts";
import { guestPartsOf } from "../../src/runtime/node/broker-way.ts";
import { systemNow } from "../../src/runtime/node/clock.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { spkiOfPublicPem } from "../../src/runtime/node/signers.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { makeTlsMaterial } from "../../src/runtime/node/tls-authority.ts";
import { type TlsBroker as BrokerOverTls, tlsBroker } from "../pipeline/tls-broker.ts";
import { badRoad, type Passage } from "../support/bad-road.ts";
import { localServer } from "../support/local-server.ts";

let at: BrokerOverTls;
let stranger: BrokerOverTls;
let signingKey: Uint8Array;
let provider: EvidenceProvider;

beforeAll(async () => {
  [at, stranger] = await Promise.all([tlsBroker(), tlsBroker()]);
  signingKey = spkiOfPublicPem(readFileSync(join(at.demo.folder, DATA_FILES.signingPublicKey), "utf8"));
  provider = createSimulatorProvider(join(at.demo.folder, "simulated-machine"));
}, 60_000);

afterAll(async () => {
  await at.remove();
  await stranger.remove();
});

function wayOf(url: string, tls?: Omit<TlsBroker, "url">): BrokerWay {
  const broker = { audience: at.demo.audience, signingKey, suite: 1 } as const;
  return { url, broker, open: tls === undefined ? anyChannel({ url }) : tlsChannel({ url, ...tls }) };
}

const good = (): BrokerWay => wayOf(at.broker.url, { authorities: at.authority });
const portOf = (url: string): number => Number(new URL(url).port);

interface Ended {
  readonly code: string;
  readonly reason?: unknown;
  readonly said?: string;
  /** Code and reason of each failure that was not the end. */
  readonly waits: readonly string[];
}

interface Plan {
  readonly now?: () => Instant;
  readonly deadlineMs?: number;
  /** Limits are divided by it, so that what takes seconds takes moments. */
  readonly haste?: number;
  readonly path?: string;
  readonly signalAfter?: FetchParts["signalAfter"];
}

async function fetched(ways: readonly BrokerWay[], plan: Plan = {}): Promise<Ended> {
  const { now = systemNow, deadlineMs = 60_000, haste = 1, path = at.demo.secretPath } = plan;
  const waits: string[] = [];
  const parts: FetchParts = {
    ...guestPartsOf(provider),
    now,
    signalAfter: plan.signalAfter ?? ((milliseconds) => AbortSignal.timeout(Math.ceil(milliseconds / haste))),
    retry: {
      sleep: (milliseconds) => new Promise((done) => setTimeout(done, Math.min(milliseconds, 20))),
      random: Math.random,
      milliseconds: () => performance.now(),
      onWait: ({ fault }) => void waits.push(`${fault.code} ${fault.detail["reason"] ?? ""}`.trim()),
    },
  };
  const want = [{ secret: path }];
  try {
    const { secrets } = await fetchSecrets({ want, brokers: oneOf(ways), deadlineMs }, parts);
    return { code: secrets[0]?.secret.length === 32 ? "fetched" : "nothing", waits };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { code: thrown.code, reason: thrown.detail["reason"], said: thrown.message, waits };
  }
}

const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024));

function endless(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20)));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}

const GARBAGE: Readonly<Record<string, RequestListener>> = {
  "random bytes": (_, to) => to.end(Buffer.from(Array.from({ length: 5000 }, () => Math.random() * 256))),
  "JSON of another shape": (_, to) => to.end('{"nonce":17,"exp":null}'),
  "a page for people": (_, to) =>
    to.setHeader("content-type", "text/html").end("<html>Sign in to the network</html>"),
  "a body without an end": (_, to) => endless(to),
  "a body that drips": (_, to) => {
    const drip = setInterval(() => to.write(" "), 20);
    to.on("close", () => clearInterval(drip));
  },
  "a body that breaks off": (_, to) => {
    to.writeHead(200, { "content-length": "1000" }).write('{"nonce":"');
    setTimeout(() => to.destroy(), 20);
  },
  "a bomb in gzip": (_, to) => to.writeHead(200, { "content-encoding": "gzip" }).end(zeros),
  "headers without an end": (_, to) => {
    to.socket?.write(`HTTP/1.1 200 OK\r\n${`x-more: ${"y".repeat(60)}\r\n`.repeat(4000)}`);
  },
  "an answer of a gateway": (_, to) => to.writeHead(502).end("<html>Bad Gateway</html>"),
  "a broker that cannot decide now": (_, to) =>
    to
      .writeHead(503, { "content-type": "application/json" })
      .end(
        '{"type":"urn:ostiary:problem:try-later","title":"later","status":503,"code":"try-later","instance":"urn:x"}',
      ),
  "a socket that is closed": (request) => request.socket.destroy(),
};

describe("what is no broker", () => {
  it.each(Object.keys(GARBAGE))("is left for the next one, asked once: %s", async (name) => {
    let asked = 0;
    const { url } = await localServer((request, response) => {
      asked += 1;
      GARBAGE[name]?.(request, response);
    });
    const { code, waits } = await fetched([wayOf(url), good()], { haste: 20 });
    expect({ code, waits: waits.map((wait) => wait.split(" ", 1).join("")), asked }).toEqual({
      code: "fetched",
      waits: ["broker/unreachable"],
      asked: 1,
    });
  });

  it("is not followed to where it points", async () => {
    const before = at.logged.length;
    const { url } = await localServer((_, response) =>
      response.writeHead(307, { location: `${at.broker.url}/v1/challenge` }).end(),
    );
    expect((await fetched([wayOf(url)], { deadlineMs: 200 })).code).toBe("broker/unreachable");
    expect(at.logged.length).toBe(before);
  });

  it("is asked again by its pace alone, however fast it answers", async () => {
    let asked = 0;
    const { url } = await localServer((_, response) => {
      asked += 1;
      response.end("no");
    });
    let now = 0;
    const way = wayOf(url);
    const parts: FetchParts = {
      ...guestPartsOf(provider),
      signalAfter: () => AbortSignal.timeout(20_000),
      retry: {
        sleep: async (milliseconds) => {
          now += milliseconds;
        },
        random: () => 0.5,
        milliseconds: () => now,
      },
    };
    const brokers = oneOf([way]);
    const asking = fetchSecrets({ want: [{ secret: "a" }], brokers, deadlineMs: 300_000 }, parts);
    await expect(asking).rejects.toMatchObject({ code: "broker/unreachable" });
    // 250, 500, … 15,000 ms and 15 s from then on: five minutes of a broker that answers nonsense.
    expect(asked).toBe(25);
  });
});

describe("a road that is cut", () => {
  it("at the first word is given up in seconds, long before a request may take its time", async () => {
    const road = await badRoad(portOf(at.broker.url), [{ kind: "silent" }]);
    const way = wayOf(`https://127.0.0.1:${road.port}`, { authorities: at.authority });
    const never = new AbortController().signal;
    const isSoon = (milliseconds: number) => milliseconds <= 10_000;
    const signalAfter = (milliseconds: number) => (isSoon(milliseconds) ? AbortSignal.timeout(1000) : never);
    expect(await fetched([way, good()], { signalAfter })).toEqual({
      code: "fetched",
      waits: ["broker/unreachable TimeoutError"],
    });
  });

  const cuts: readonly Passage[] = [
    { kind: "silent" },
    ...[0, 1, 300, 1500, 4000].map((after) => ({ kind: "cut", direction: "up", after }) as const),
    ...[1, 100, 1000, 2500].map((after) => ({ kind: "cut", direction: "down", after }) as const),
  ];
  it.each(cuts)("is taken again, and leads to the key: $kind $direction $after", async (passage) => {
    const road = await badRoad(portOf(at.broker.url), [passage, passage]);
    const way = wayOf(`https://127.0.0.1:${road.port}`, { authorities: at.authority });
    const { code, waits } = await fetched([way], { haste: 10 });
    expect({ code, waits: waits.length, connections: road.connections() }).toEqual({
      code: "fetched",
      waits: 2,
      connections: 3,
    });
    for (const wait of waits) expect(wait).toMatch(/^broker\/unreachable/);
  });
});

describe("a name that leads to somebody else", () => {
  it.each(["authorities", "pinnedSpki"] as const)(
    "is no broker by its %s: nothing is sent, and it is waited out",
    async (how) => {
      const astray = { kind: "astray", port: portOf(stranger.broker.url) } as const;
      const road = await badRoad(portOf(at.broker.url), [astray, astray]);
      const { publicKey } = new X509Certificate(
        readFileSync(join(at.demo.folder, DATA_FILES.tlsCertificate)),
      );
      const pin = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
      const tls = how === "authorities" ? { authorities: at.authority } : { pinnedSpki: pin };
      const before = stranger.logged.length;
      const { code, waits } = await fetched([wayOf(`https://127.0.0.1:${road.port}`, tls)]);
      const [wait] =
        how === "authorities" ? ["broker/unreachable CERT_SIGNATURE_FAILURE"] : ["broker/other-tls-key"];
      expect({ code, waits }).toEqual({ code: "fetched", waits: [wait, wait] });
      expect(stranger.logged.length).toBe(before);
    },
  );

  it("is nobody: that is said by the system's own word", async () => {
    const way = wayOf("https://no-broker.invalid", { authorities: at.authority });
    const { code, reason } = await fetched([way], { deadlineMs: 300 });
    expect(code).toBe("broker/unreachable");
    expect(reason).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
    expect((await fetched([way, good()])).code).toBe("fetched");
  });
});

describe("a broker that refuses", () => {
  it("has said what all would say: the next one does not hear of it", async () => {
    const road = await badRoad(portOf(at.broker.url), []);
    const second = wayOf(`https://127.0.0.1:${road.port}`, { authorities: at.authority });
    const refused = await fetched([good(), second], { path: "prod/not-for-this-guest" });
    expect(refused).toMatchObject({ code: "policy/denied", waits: [] });
    expect(road.connections()).toBe(0);
  });
});

const YEAR = 365 * 86_400;

describe("a clock that is wrong by a year", () => {
  it.each([
    ["ahead", YEAR],
    ["behind", -YEAR],
  ] as const)(
    "%s takes no release, says both times, and asks no second broker to count one more",
    async (_, seconds) => {
      const ended = await fetched([good(), good()], { now: () => instant(systemNow() + seconds) });
      expect(ended).toMatchObject({ code: "channel/bad-release", waits: [] });
      expect(ended.said).toMatch(/here 20\d\d-.*, the broker's 20\d\d-/);
      expect((await fetched([good()])).code).toBe("fetched");
    },
  );

  it.each([
    ["CERT_NOT_YET_VALID", YEAR],
    ["CERT_HAS_EXPIRED", -4 * YEAR],
  ] as const)(
    "is said where TLS rests on dates (%s), and is no matter where it rests on a key",
    async (reason, seconds) => {
      const now = Date.now() + seconds * 1000;
      const { authority, certificate, key } = await makeTlsMaterial("127.0.0.1", now);
      const { url, asked } = await tlsServer({ cert: certificate, key });
      const ended = await fetched([wayOf(url, { authorities: authority })], { deadlineMs: 100 });
      expect({ code: ended.code, reason: ended.reason }).toEqual({ code: "broker/unreachable", reason });
      expect(ended.said).toContain("this guest's clock");
      expect(asked()).toBe(0);
      const spki = new X509Certificate(certificate).publicKey.export({ format: "der", type: "spki" });
      await fetched([wayOf(url, { pinnedSpki: new Uint8Array(spki) })], { deadlineMs: 100 });
      expect(asked()).toBeGreaterThan(0);
    },
  );
});

/** TLS by a certificate of a test's own, and no broker behind it. */
async function tlsServer(material: { readonly cert: string; readonly key: string }) {
  let asked = 0;
  const server = createServer({ ...material, minVersion: "TLSv1.3" }, (_, response) => {
    asked += 1;
    response.end("no");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", () => listening()));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("a port");
  return { url: `https://127.0.0.1:${address.port}`, asked: () => asked };
}
