/** Does a guest keep its evidence to itself until its broker has proved itself? Over real connections, with somebody in between. */

import { join } from "node:path";
import { connect as connectTls, createServer, type Server } from "node:tls";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { tlsChannel } from "../../src/agent/tls-channel.ts";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { isFault } from "../../src/base/fault.ts";
import type { OpenChannel } from "../../src/client/channel.ts";
import { describeBroker } from "../../src/client/describe.ts";
import type { GuestClient } from "../../src/client/guest.ts";
import { openSession } from "../../src/client/session.ts";
import type { BrokerPolicy } from "../../src/runtime/node/broker-expectation.ts";
import { sessionPartsOf, trustedBrokerOf } from "../../src/runtime/node/broker-way.ts";
import { type ConnectOptions, connect } from "../../src/runtime/node/client.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { createSimulatedSvsm } from "../../src/runtime/node/simulated-svsm.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { makeTlsMaterial } from "../../src/runtime/node/tls-authority.ts";
import { SIMULATOR_ROOT_FILE } from "../../src/simulator/chip-folder.ts";
import { STRANGER } from "../client/sealed-answer.ts";
import { evidenceFor, opened, type TlsBroker, tlsBroker } from "./tls-broker.ts";

let at: TlsBroker;
let policy: BrokerPolicy;

beforeAll(async () => {
  at = await tlsBroker();
  policy = {
    file: join(import.meta.dirname, "../../policies/guest/broker.writ"),
    trustSimulatorFile: join(at.demo.folder, "simulated-machine", SIMULATOR_ROOT_FILE),
  };
}, 60_000);

afterAll(() => at.remove());

/** A guest that counts how often its chip was asked. */
function guest(): { readonly provider: EvidenceProvider; readonly reports: () => number } {
  const chip = createSimulatorProvider(join(at.demo.folder, "simulated-machine"));
  let reports = 0;
  const attest: EvidenceProvider["attest"] = (reportData) => {
    reports += 1;
    return chip.attest(reportData);
  };
  return { provider: { ...chip, attest }, reports: () => reports };
}

function optionsOf(change: Partial<ConnectOptions> = {}): ConnectOptions {
  const { provider } = guest();
  const { url } = at.broker;
  const { audience } = at.demo;
  return { url, audience, authorities: at.authority, brokerPolicy: policy, provider, ...change };
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "no fault";
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

/** What opening a session over this channel ends in, and how many reports the guest had made by then. */
async function sessionOver(open: OpenChannel, isFresh = false) {
  const { provider, reports } = guest();
  const options = optionsOf({ provider, brokerPolicy: { ...policy, isFresh } });
  const parts = { ...sessionPartsOf(options, provider), open };
  const session = openSession(await trustedBrokerOf(options), parts, AbortSignal.timeout(20_000));
  return { code: await codeOf(session), reports: reports() };
}

/** The broker's own channel, with a client that changes what goes through it. */
function changing(change: (client: GuestClient) => Partial<GuestClient>): OpenChannel {
  return async (signal) => {
    const channel = await tlsChannel({ url: at.broker.url, authorities: at.authority })(signal);
    return { ...channel, client: { ...channel.client, ...change(channel.client) } };
  };
}

describe("a session with a broker that proves itself", () => {
  it("gives secrets, results and plain requests, and says what the broker proved", async () => {
    const { provider, reports } = guest();
    const session = await connect(optionsOf({ provider }));
    onTestFinished(() => session.close());
    expect(reports()).toBe(0);
    expect(session.broker).toMatchObject({ tier: 1, measurement: "b0".repeat(48), isSimulated: true });
    expect(session.broker?.signingKey).toEqual(at.demo.signingKey);
    const first = await session.release([{ secret: at.demo.secretPath }]);
    const second = await session.release([{ secret: at.demo.secretPath }]);
    expect(first.secrets[0]?.secret).toEqual(second.secrets[0]?.secret);
    expect(first.decision).not.toBe(second.decision);
    const health = await session.fetch("/healthz");
    expect(health.status).toBe(200);
    expect(reports()).toBe(2);
  });

  it("may rest on a report over this very connection", async () => {
    const session = await connect(optionsOf({ brokerPolicy: { ...policy, isFresh: true } }));
    expect(session.broker).toMatchObject({ tier: 2 });
    session.close();
  });

  it("may go through any path, bound to the key that the broker proved", async () => {
    const url = at.broker.url;
    const options = optionsOf({ binding: 3, url });
    const { createGuestClient } = await import("../../src/client/guest.ts");
    const channel = await opened(at);
    const open: OpenChannel = async () => ({
      client: createGuestClient({
        url,
        fetch: (to, init) => channel.client.send(to.slice(url.length), init),
      }),
      carrier: { binding: 3 },
      close: channel.close,
    });
    const parts = { ...sessionPartsOf(options, options.provider), open };
    const session = await openSession(await trustedBrokerOf(options), parts, AbortSignal.timeout(20_000));
    const { secrets } = await session.release([{ secret: at.demo.secretPath }]);
    expect(secrets.length).toBe(1);
    session.close();
  });

  it("leads to this broker and to nobody else", async () => {
    const session = await connect(optionsOf());
    onTestFinished(() => session.close());
    for (const path of ["//elsewhere.example/", "https://elsewhere.example/", "healthz", "/a b", "/\\x"]) {
      expect(() => session.fetch(path)).toThrow(expect.objectContaining({ code: "request/malformed" }));
    }
  });

  it("is never opened on nobody's word", async () => {
    const { brokerPolicy: _policy, ...known } = optionsOf();
    expect(await codeOf(connect(known))).toBe("config/invalid");
    const pinned = await connect({ ...known, signingKey: at.demo.signingKey });
    expect(pinned.broker).toBeUndefined();
    pinned.close();
  });
});

describe("a guest makes no evidence for", () => {
  it("a proxy that takes the broker's proof away, so that a pinned key might do", async () => {
    const stripped = changing((client) => ({
      challenge: async (binding, signal, proof) => {
        const { broker: _taken, ...challenge } = await client.challenge(binding, signal, proof);
        return challenge;
      },
    }));
    expect(await sessionOver(stripped)).toEqual({ code: "broker/no-evidence", reports: 0 });
  });

  it.each([
    ["the report of the hour", false, "broker/bad-session"],
    ["a fresh report", true, "broker/not-bound"],
  ])("a proxy that ends TLS and passes on %s", async (_name, isFresh, code) => {
    const { authority, certificate, key } = await makeTlsMaterial("127.0.0.1", Date.now());
    const proxy = createServer({ cert: certificate, key, ALPNProtocols: ["http/1.1"] }, (client) => {
      const { hostname, port } = new URL(at.broker.url);
      const broker = connectTls({ host: hostname, port: Number(port), ca: at.authority });
      client.pipe(broker).pipe(client);
      for (const socket of [client, broker]) socket.on("error", () => undefined);
    });
    const url = await listening(proxy);
    onTestFinished(() => void proxy.close());
    expect(await sessionOver(tlsChannel({ url, authorities: authority }), isFresh)).toEqual({
      code,
      reports: 0,
    });
  });

  it("somebody who replays what the broker proved to another guest", async () => {
    const other = await opened(at);
    const recorded = await other.client.challenge(2, undefined, { guestNonce: systemRandom(32) });
    other.close();
    const replaying = changing((client) => ({
      challenge: async (binding, signal) => {
        const challenge = await client.challenge(binding, signal);
        return recorded.broker === undefined ? challenge : { ...challenge, broker: recorded.broker };
      },
    }));
    expect(await sessionOver(replaying)).toEqual({ code: "broker/bad-session", reports: 0 });
  });

  it("somebody who shows it a guest's evidence as a broker's (A09)", async () => {
    const own = await opened(at);
    const { request } = await evidenceFor(at, own);
    own.close();
    const reflecting = changing((client) => ({
      challenge: async (binding, signal, proof) => {
        const challenge = await client.challenge(binding, signal, proof);
        if (challenge.broker === undefined) return challenge;
        return { ...challenge, broker: { ...challenge.broker, evidence: request.evidence } };
      },
    }));
    expect(await sessionOver(reflecting)).toEqual({ code: "broker/not-bound", reports: 0 });
  });
});

describe("a guest under an SVSM", () => {
  /** What the guest asked for with each challenge, by the members' names, and how its session opened. */
  async function askedWith(isProven: boolean) {
    const asked: string[] = [];
    const recording = changing((client) => ({
      challenge: async (binding, signal, beside = {}) => {
        asked.push(Object.keys(beside).join());
        const { broker, ...challenge } = await client.challenge(binding, signal, beside);
        return isProven && broker !== undefined ? { ...challenge, broker } : challenge;
      },
    }));
    const provider = createSimulatedSvsm(join(at.demo.folder, "simulated-machine"));
    const options = optionsOf({ provider });
    const parts = { ...sessionPartsOf(options, provider), open: recording };
    const session = openSession(await trustedBrokerOf(options), parts, AbortSignal.timeout(20_000));
    const code = await codeOf(session);
    if (code === "no fault") (await session).close();
    return { code, asked };
  }

  it("shows its vTPM's keys to no broker that has not proved itself", async () => {
    expect(await askedWith(true)).toEqual({ code: "no fault", asked: ["guestNonce", "vtpm"] });
    expect(await askedWith(false)).toEqual({ code: "broker/no-evidence", asked: ["guestNonce"] });
  });
});

describe("a session believes no other key than the proved one", () => {
  it("whatever key the challenge names", async () => {
    const naming = changing((client) => ({
      challenge: async (...asked) => ({ ...(await client.challenge(...asked)), signingKey: STRANGER.spki }),
    }));
    const options = optionsOf();
    const parts = { ...sessionPartsOf(options, options.provider), open: naming };
    const session = await openSession(await trustedBrokerOf(options), parts, AbortSignal.timeout(20_000));
    expect((await session.release([{ secret: at.demo.secretPath }])).secrets.length).toBe(1);
    session.close();
  });

  it("nor a release that another key signed", async () => {
    const resigned = changing((client) => ({
      release: async (request, signal) => {
        const answer = await client.release(request, signal);
        const releases = await Promise.all(
          answer.releases.map(async (sealed) => ({ ...sealed, sig: await STRANGER.sign(sealed.ct) })),
        );
        return { ...answer, releases };
      },
    }));
    const options = optionsOf();
    const parts = { ...sessionPartsOf(options, options.provider), open: resigned };
    const session = await openSession(await trustedBrokerOf(options), parts, AbortSignal.timeout(20_000));
    const attempt = session.release([{ secret: at.demo.secretPath }]);
    expect(await codeOf(attempt)).toBe("channel/bad-release");
    session.close();
  });
});

describe("the broker", () => {
  it("takes no report of its own for a guest's (A09)", async () => {
    const channel = await opened(at);
    const { request } = await evidenceFor(at, channel);
    const { broker } = await channel.client.challenge(2, undefined, { guestNonce: systemRandom(32) });
    if (broker === undefined) throw new Error("this broker proves itself");
    const reflected = { ...request, ownNonce: broker.ownNonce, evidence: broker.evidence };
    expect(await codeOf(channel.client.release(reflected))).toBe("channel/not-bound");
    channel.close();
  });

  it("proves itself to who asks, and says so to everybody", async () => {
    const channel = await opened(at);
    expect((await channel.client.challenge(2)).broker).toBeUndefined();
    expect(await codeOf(channel.client.challenge(2, undefined, { fresh: true }))).toBe("request/malformed");
    const described = await describeBroker("", channel.client.send);
    expect(described.tiers).toEqual([0, 1, 2]);
    channel.close();
  });
});

function listening(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`https://127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
    });
  });
}
