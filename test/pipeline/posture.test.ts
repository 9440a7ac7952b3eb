/** Does a guest's own word count, and for no more than it is? Whole requests of a simulated chip, with a posture in their claims. */
import { describe, expect, it } from "vitest";
import { base64UrlOf, hexOf, utf8 } from "../../src/base/bytes.ts";
import { openSession } from "../../src/client/session.ts";
import type { GuestPosture } from "../../src/policy/guest-posture.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { Claims } from "../../src/wire/messages.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { decodeRenewRequest } from "../../src/wire/renew.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import {
  attemptOf,
  type GuestBroker,
  guestBroker,
  PATH,
  POLICY,
  post,
  random,
  releaseOf,
} from "./guest-at-hand.ts";
import { OWN, RENEWING, renewGuest, SECRET, textIn } from "./renew-at-hand.ts";

const WELL: GuestPosture = {
  v: 1,
  passed: ["memory.swap", "cmdline.init"],
  warned: [],
  failed: [],
  agent: "0.1.0",
  lockdown: "integrity",
};
const ILL: GuestPosture = { ...WELL, passed: ["cmdline.init"], failed: ["memory.swap"] };

const WITHOUT_FAILURE = "has posture.failures and posture.failures == 0";

function asking(...lines: readonly string[]): string {
  const rules = lines.map((line) => `  require ${line} else "not as it should be"\n`).join("");
  return RENEWING.replace('  allow "boot"', `${rules}  allow "boot"`);
}

const claimsWith = (posture?: GuestPosture): Claims => ({
  want: [{ secret: PATH }],
  ...(posture === undefined ? {} : { posture }),
});

async function statusOf(broker: GuestBroker, posture?: GuestPosture): Promise<number> {
  return (await post(broker, "/v1/release", (await attemptOf(broker, { claims: claimsWith(posture) })).body))
    .status;
}

async function newestTrace({ world }: GuestBroker): Promise<string> {
  return (await world.store.decisionsFrom(0, 100)).at(-1)?.trace ?? "";
}

/** Status, and the fault behind it as the operator finds it in the decision log. */
async function refusedAs(broker: GuestBroker, body: string): Promise<string> {
  const response = await post(broker, "/v1/release", body);
  const { instance } = decodeProblem(new Uint8Array(await response.arrayBuffer()));
  const found = await broker.admin.decision(instance.slice("urn:ostiary:".length));
  return `${response.status} ${found.kind === "refusal" ? found.code : "decided"}`;
}

describe("a policy that asks for a posture", () => {
  it.each([
    ["no failing check", "posture.failures == 0"],
    ["a check that passed", 'posture.passed contains "memory.swap"'],
    ["a fresh posture", "posture.age <= 10m"],
    ["a level of lockdown", "posture.lockdown in [integrity, confidentiality]"],
    ["a version of the agent", "posture.agent >= 0.1"],
  ])("for %s lets a guest in that says so", async (_, line) => {
    const broker = await guestBroker({ policy: asking(`has ${line.split(" ")[0]} and ${line}`) });
    expect(await statusOf(broker, WELL)).toBe(200);
  });

  it("refuses one that says the opposite, or nothing", async () => {
    const broker = await guestBroker({ policy: asking(WITHOUT_FAILURE) });
    expect(await statusOf(broker, ILL)).toBe(403);
    expect(await statusOf(broker)).toBe(403);
    expect(await statusOf(broker, WELL)).toBe(200);
  });

  it("refuses one that leaves a check out, which is not to pass it", async () => {
    const broker = await guestBroker({
      policy: asking('has posture.passed and posture.passed contains "memory.swap"'),
    });
    expect(await statusOf(broker, { ...WELL, passed: [] })).toBe(403);
  });

  it("still asks for the image first: no word of a guest's replaces it", async () => {
    const broker = await guestBroker({ policy: asking(WITHOUT_FAILURE) });
    const report = { measurement: new Uint8Array(48).fill(9) };
    const { body } = await attemptOf(broker, { claims: claimsWith(WELL), report });
    expect((await post(broker, "/v1/release", body)).status).toBe(403);
  });

  it("asks it of an attestation as well", async () => {
    const broker = await guestBroker({ policy: asking(WITHOUT_FAILURE) });
    const { jwk: cnf } = makeGuestSigner();
    const answers = [WELL, ILL].map(async (posture) => {
      const { body } = await attemptOf(broker, { claims: { want: [], cnf, posture } });
      return (await post(broker, "/v1/attest", body)).status;
    });
    expect(await Promise.all(answers)).toEqual([200, 403]);
  });
});

describe("the decision", () => {
  it("keeps what the guest said, under the hash that its entry has", async () => {
    const broker = await guestBroker();
    await statusOf(broker, ILL);
    const [stored] = (await broker.world.store.decisionsFrom(0, 100)).slice(-1);
    expect(JSON.parse(stored?.trace ?? "")[0].facts).toMatchObject({
      "posture.age": "0ms",
      "posture.failed": ["memory.swap"],
      "posture.lockdown": "integrity",
    });
    const hash = hexOf(nodePrimitives.digest("sha256", utf8(stored?.trace ?? "")));
    const detail = await broker.admin.decision(stored?.id ?? "");
    expect(detail.kind === "decision" && detail.entry["trace_hash"]).toBe(hash);
  });

  it("says nothing of it where the guest says nothing", async () => {
    const broker = await guestBroker();
    await statusOf(broker);
    expect(await newestTrace(broker)).not.toContain("posture");
  });
});

describe("a posture on the way", () => {
  const changed = (body: string, posture: GuestPosture | undefined): string => {
    const claims = base64UrlOf(utf8(JSON.stringify(claimsWith(posture))));
    return JSON.stringify({ ...JSON.parse(body), claims });
  };

  it.each([
    ["changed", ILL, WELL],
    ["taken away", ILL, undefined],
    ["added", undefined, WELL],
  ])("that somebody has %s does not fit the report (A14)", async (_, said, told) => {
    const broker = await guestBroker();
    const { body } = await attemptOf(broker, { claims: claimsWith(said) });
    expect(await refusedAs(broker, changed(body, told))).toBe("403 channel/not-bound");
    expect((await post(broker, "/v1/release", body)).status).toBe(200);
  });

  it("that only writes the same in other bytes does not fit it either", async () => {
    const broker = await guestBroker();
    const { body } = await attemptOf(broker, { claims: claimsWith(WELL) });
    const claims = base64UrlOf(utf8(` ${JSON.stringify(claimsWith(WELL))}`));
    expect(await refusedAs(broker, JSON.stringify({ ...JSON.parse(body), claims }))).toBe(
      "403 channel/not-bound",
    );
  });

  it("counts once: neither the request nor its posture serves another nonce", async () => {
    const broker = await guestBroker();
    const well = await attemptOf(broker, { claims: claimsWith(WELL) });
    const ill = await attemptOf(broker, { claims: claimsWith(ILL) });
    const { claims } = JSON.parse(well.body);
    expect(await refusedAs(broker, JSON.stringify({ ...JSON.parse(ill.body), claims }))).toBe(
      "403 channel/not-bound",
    );
    const { nonce } = JSON.parse(ill.body);
    expect(await refusedAs(broker, JSON.stringify({ ...JSON.parse(well.body), nonce }))).toBe(
      "403 channel/not-bound",
    );
    expect((await post(broker, "/v1/release", well.body)).status).toBe(200);
    expect((await post(broker, "/v1/release", well.body)).status).toBe(409);
  });

  it("that is none spends no nonce", async () => {
    const broker = await guestBroker();
    const { body } = await attemptOf(broker, { claims: claimsWith(WELL) });
    const claims = base64UrlOf(
      utf8(JSON.stringify({ want: [{ secret: PATH }], posture: { ...WELL, v: 2 } })),
    );
    expect((await post(broker, "/v1/release", JSON.stringify({ ...JSON.parse(body), claims }))).status).toBe(
      400,
    );
    expect((await post(broker, "/v1/release", body)).status).toBe(200);
  });
});

describe("a renewal", () => {
  const FRESH = asking("has posture.age and posture.age <= 3m", WITHOUT_FAILURE);

  async function attested(broker: GuestBroker) {
    const key = makeGuestSigner();
    const guest = await renewGuest(broker, { claims: { want: [], cnf: key.jwk, posture: WELL } });
    return { guest, key };
  }

  it("rests on the posture of its evidence, which grows old however often it is renewed", async () => {
    const broker = await guestBroker({ policy: FRESH });
    const { guest, key } = await attested(broker);
    broker.pass(100);
    expect((await guest.renew([SECRET], { key })).secrets).toHaveLength(1);
    expect(await newestTrace(broker)).toContain('"posture.age":"100000ms"');
    const token = textIn(await guest.renew([OWN], { key }));
    broker.pass(81);
    expect(await codeOfPromise(guest.renew([SECRET], { key, token }))).toBe("policy/denied");
  });

  it("cannot bring a posture of its own", () => {
    const renewal = { v: 1, suite: 1, wrapPub: base64UrlOf(random(32)), want: [{ secret: PATH }] };
    expect(codeOf(() => decodeRenewRequest(utf8(JSON.stringify(renewal))))).toBeUndefined();
    const better = { ...renewal, posture: WELL };
    expect(codeOf(() => decodeRenewRequest(utf8(JSON.stringify(better))))).toBe("request/malformed");
  });
});

describe("a guest's session", () => {
  async function session(broker: GuestBroker, posture: () => Promise<GuestPosture>) {
    const { chip, world } = broker;
    const provider = {
      name: "simulated",
      format: "raw",
      vmpl: 0,
      attest: async (reportData: Uint8Array) =>
        ({ format: "raw", report: chip.report({ reportData }) }) as const,
    } as const;
    const { createGuestClient } = await import("../../src/client/guest.ts");
    const client = createGuestClient({
      url: "",
      fetch: async (path, init) => broker.app.request(path, init),
    });
    const open = async () => ({ client, carrier: { binding: 3 }, close: () => {} }) as const;
    const trusted = { audience: AUDIENCE, suite: 1, signingKey: world.signer.spki } as const;
    const parts = { provider, primitives: nodePrimitives, random, now: world.now, open, posture };
    return openSession(trusted, parts, AbortSignal.timeout(10_000));
  }

  it("looks anew for each piece of evidence, and says a program's own checks", async () => {
    const broker = await guestBroker({
      policy: asking('has posture.passed and posture.passed contains "app.config"'),
    });
    let looks = 0;
    const guest = await session(broker, async () => {
      looks += 1;
      return { v: 1, passed: looks === 2 ? [] : ["app.config"], warned: [], failed: [] };
    });
    const wanted = [{ secret: PATH }] as const;
    expect((await guest.release(wanted)).secrets).toHaveLength(1);
    expect(await codeOfPromise(guest.release(wanted))).toBe("policy/denied");
    await guest.attest(makeGuestSigner().jwk);
    expect(looks).toBe(3);
  });

  it("sends none that a broker would refuse", async () => {
    const broker = await guestBroker();
    const guest = await session(broker, async () => ({ ...WELL, failed: ["memory.swap"] }));
    const before = await broker.world.store.ledgerSize();
    expect(await codeOfPromise(guest.release([{ secret: PATH }]))).toBe("config/invalid");
    expect(await broker.world.store.ledgerSize()).toBe(before);
  });

  it("is answered as before by a policy that asks for none", async () => {
    const broker = await guestBroker({ policy: POLICY });
    const answer = await post(
      broker,
      "/v1/release",
      (await attemptOf(broker, { claims: claimsWith(ILL) })).body,
    );
    expect((await releaseOf(answer)).releases).toHaveLength(1);
  });
});
