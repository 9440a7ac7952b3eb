/** Does the doctor say which broker answers, who it is and what time it has, without showing it any evidence? */
import { describe, expect, it } from "vitest";
import { brokerFindings } from "../../../src/agent/doctor/brokers.ts";
import type { Severity } from "../../../src/agent/doctor/finding.ts";
import { Fault } from "../../../src/base/fault.ts";
import { formatInstant, type Instant, instant } from "../../../src/base/time.ts";
import type { Send } from "../../../src/client/bounded-fetch.ts";
import { applicationChannel } from "../../../src/client/channel.ts";
import type { BrokerWay } from "../../../src/client/fetch.ts";
import { createGuestClient } from "../../../src/client/guest.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { STRANGER } from "../../client/sealed-answer.ts";
import { AUDIENCE, random } from "../../http/broker-at-hand.ts";
import { type GuestBroker, guestBroker } from "../../pipeline/guest-at-hand.ts";

/** A real broker, whose answers carry its date as a server's do. */
function sendTo({ app, world }: GuestBroker, date: Instant = world.now()): Send {
  return async (path, init) => {
    const answer = await app.request(path, init);
    const headers = new Headers(answer.headers);
    headers.set("date", new Date(Date.parse(formatInstant(date))).toUTCString());
    return new Response(answer.body, { status: answer.status, headers });
  };
}

interface Plan {
  readonly send?: Send;
  readonly audience?: string;
  readonly signingKey?: Uint8Array;
  readonly now?: Instant;
}

async function examined(broker: GuestBroker, plan: Plan = {}): Promise<Readonly<Record<string, Severity>>> {
  const { audience = AUDIENCE, signingKey = broker.world.signer.spki, now = broker.world.now() } = plan;
  const open = applicationChannel(createGuestClient({ url: "", fetch: plan.send ?? sendTo(broker) }));
  const way: BrokerWay = { url: AUDIENCE, broker: { audience, signingKey, suite: 1 }, open };
  const noEvidence = () => Promise.reject(new Fault("internal/invariant", "the doctor shows no evidence"));
  const findings = await brokerFindings({
    ways: [way],
    parts: {
      provider: { name: "none", format: "raw", vmpl: 0, attest: noEvidence },
      primitives: nodePrimitives,
      random,
      now: () => now,
    },
    signalAfter: () => new AbortController().signal,
  });
  return Object.fromEntries(findings.map(({ id, severity }) => [id, severity]));
}

const CALM = { "broker.reachable": "ok", "broker.identity": "ok", "clock.broker": "ok" } as const;
const YEAR = 365 * 86_400;

describe("a broker", () => {
  it("that is the one that was configured, at the same hour, is well", async () => {
    expect(await examined(await guestBroker())).toEqual(CALM);
  });

  it("of another audience or with another key is an error before any release is refused", async () => {
    const broker = await guestBroker();
    const other = { ...CALM, "broker.identity": "error" };
    expect(await examined(broker, { audience: "https://other.example" })).toEqual(other);
    expect(await examined(broker, { signingKey: STRANGER.spki })).toEqual(other);
  });

  it.each([
    ["a minute and a half", 90, "warning"],
    ["a year ahead", YEAR, "error"],
    ["a year behind", -YEAR, "error"],
    ["some seconds", 20, "ok"],
  ] as const)("whose clock is apart by %s", async (_, seconds, severity) => {
    const broker = await guestBroker();
    const theirs = broker.world.now();
    const now = instant(theirs - seconds);
    expect(await examined(broker, { now, send: sendTo(broker, theirs) })).toEqual({
      ...CALM,
      "clock.broker": severity,
    });
  });

  it("that is away, or is none, is an error and the rest is not asked", async () => {
    const broker = await guestBroker();
    const away = () => Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" }));
    expect(await examined(broker, { send: away })).toEqual({ "broker.reachable": "error" });
    const garbage: Send = async () => new Response("<html>");
    expect(await examined(broker, { send: garbage })).toEqual({ "broker.reachable": "error" });
    const half: Send = async (path, init) =>
      path === "/v1/challenge" ? sendTo(broker)(path, init) : Promise.reject(new Error("cut"));
    expect(await examined(broker, { send: half })).toEqual({ "broker.reachable": "error" });
  });

  it("that nobody named is noted", async () => {
    const parts = { provider: undefined, primitives: nodePrimitives, random, now: () => instant(0) } as never;
    const [only, ...rest] = await brokerFindings({ ways: [], parts, signalAfter: AbortSignal.timeout });
    expect([only?.severity, rest]).toEqual(["note", []]);
  });
});
