import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { transcriptOf } from "../../src/channel/transcript.ts";
import { applicationChannel, type OpenChannel } from "../../src/client/channel.ts";
import { type FetchedFrom, type FetchParts, fetchSecrets } from "../../src/client/fetch.ts";
import { createGuestClient, type GuestClient } from "../../src/client/guest.ts";
import { oneOf } from "../../src/client/retry.ts";
import { systemNow } from "../../src/runtime/node/clock.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider, type SimulatedGuest } from "../../src/runtime/node/simulator-provider.ts";
import type { WantedItem } from "../../src/wire/messages.ts";
import { decodeReleaseRequest, encodeEvidenceRequest } from "../../src/wire/release.ts";
import { headerOf, STRANGER, sealedRelease } from "../client/sealed-answer.ts";
import { type DemoBroker, demoBroker, random } from "./demo-broker.ts";

const DISK = random(32);
const TOKEN = random(80);

let broker: DemoBroker;

beforeAll(async () => {
  broker = await demoBroker({ "prod/disk": DISK, "prod/token": TOKEN });
  await broker.admin.putSecret("prod/rotated", { kind: "generated", make: { name: "bytes", size: 16 } });
  await broker.admin.rotateSecret("prod/rotated", { make: { name: "bytes", size: 24 } });
});

afterAll(async () => {
  await broker.remove();
});

interface Plan {
  readonly want?: readonly WantedItem[];
  readonly audience?: string;
  readonly signingKey?: Uint8Array;
  readonly guest?: SimulatedGuest;
  readonly client?: GuestClient;
  readonly open?: OpenChannel;
  readonly deadlineMs?: number;
  readonly suite?: 1 | 2;
  readonly parts?: Partial<FetchParts>;
}

interface Ended {
  readonly code: string;
  readonly fault?: Fault;
  readonly fetched?: FetchedFrom;
  /** Codes of the failures after which somebody waited. */
  readonly waits: readonly string[];
}

async function fetchWith(plan: Plan = {}): Promise<Ended> {
  const waits: string[] = [];
  const parts: FetchParts = {
    provider: createSimulatorProvider(broker.machine, plan.guest),
    primitives: nodePrimitives,
    random,
    now: systemNow,
    retry: {
      sleep: (milliseconds) => new Promise((done) => setTimeout(done, Math.min(milliseconds, 100))),
      random: () => 0.5,
      milliseconds: () => performance.now(),
      onWait: ({ fault }) => void waits.push(fault.code),
    },
    signalAfter: (milliseconds) => AbortSignal.timeout(Math.ceil(milliseconds)),
    ...plan.parts,
  };
  const { audience = broker.audience, signingKey = broker.signingKey, deadlineMs = 20_000 } = plan;
  const { suite = 1 } = plan;
  const want = plan.want ?? [{ secret: "prod/disk" }];
  try {
    const open = plan.open ?? applicationChannel(plan.client ?? realClient());
    const brokers = oneOf([{ url: broker.url, broker: { audience, signingKey, suite }, open }]);
    const fetched = await fetchSecrets({ want, brokers, deadlineMs }, parts);
    return { code: "fetched", fetched, waits };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { code: thrown.code, fault: thrown, waits };
  }
}

function realClient(): GuestClient {
  return createGuestClient({ url: broker.url, fetch });
}

describe("a guest that the policy allows", () => {
  it("gets its secret, byte for byte, and the decision that released it", async () => {
    const { fetched } = await fetchWith();
    expect(fetched?.secrets).toEqual([{ secretId: "prod/disk", version: 1, secret: DISK }]);
    const found = await broker.admin.decision(fetched?.decision ?? "");
    expect(found).toMatchObject({ kind: "decision", id: fetched?.decision });
  });

  it("gets the same secret sealed by X-Wing where it asks for that", async () => {
    const { fetched } = await fetchWith({ suite: 2 });
    expect(fetched?.secrets[0]?.secret).toEqual(DISK);
  });

  it("gets several secrets in its own order, each in the version it wants", async () => {
    const want = [{ secret: "prod/token" }, { secret: "prod/rotated", version: 1 }, { secret: "prod/disk" }];
    const { fetched } = await fetchWith({ want });
    expect(
      fetched?.secrets.map(({ secretId, version, secret }) => [secretId, version, secret.length]),
    ).toEqual([
      ["prod/token", 1, 80],
      ["prod/rotated", 1, 16],
      ["prod/disk", 1, 32],
    ]);
    const newest = await fetchWith({ want: [{ secret: "prod/rotated" }] });
    expect(newest.fetched?.secrets[0]).toMatchObject({ version: 2 });
  });
});

describe("a no that is final is not asked again", () => {
  const rows: Readonly<Record<string, readonly [Plan, string]>> = {
    "another image": [{ guest: { measurement: new Uint8Array(48).fill(9) } }, "policy/denied"],
    "another privilege level, which the evidence proves": [{ guest: { vmpl: 2 } }, "policy/denied"],
    "a guest that can be debugged": [{ guest: { policy: 0xb0000n } }, "policy/denied"],
    "a secret that is not there": [{ want: [{ secret: "prod/none" }] }, "secret/absent"],
    "a secret of nobody's policy": [{ want: [{ secret: "lab/disk" }] }, "policy/denied"],
    "another audience configured": [{ audience: "https://broker.example/c/0002" }, "channel/not-bound"],
    "another signing key pinned": [{ signingKey: STRANGER.spki }, "channel/not-bound"],
    "no P-256 key pinned": [{ signingKey: new Uint8Array(44) }, "config/invalid"],
  };
  it.each(Object.keys(rows))("%s", async (name) => {
    const [plan, code] = rows[name] ?? [{}, ""];
    const { waits, ...ended } = await fetchWith(plan);
    expect({ code: ended.code, waits }).toEqual({ code, waits: [] });
  });

  it("the policy's own sentence comes with it, and the decision id", async () => {
    const { fault } = await fetchWith({ guest: { measurement: new Uint8Array(48) } });
    expect(fault?.message).toBe("this image is not approved");
    const found = await broker.admin.decision(String(fault?.detail["id"]));
    expect(found.kind).toBe("decision");
  });
});

describe("whoever stands between guest and broker", () => {
  it("cannot hand the guest a key of its own: everything is right but the signature", async () => {
    const between: GuestClient = {
      ...realClient(),
      release: async (request) => {
        const { ownNonce, nonce, wrapPub, claimsBytes } = request;
        const none = new Uint8Array(0);
        const transcript = transcriptOf(
          {
            role: 1,
            binding: 3,
            suite: 1,
            vmpl: 0,
            audience: broker.audience,
            nonce,
            ownNonce,
            cb: none,
            attesterSpki: none,
            peerSpki: broker.signingKey,
            wrapPub,
            claimsHash: nodePrimitives.digest("sha512", claimsBytes),
          },
          nodePrimitives,
          "raw",
        );
        const exchange = { transcript, wrapPub, wrapPrivate: none };
        const header = { secret_id: "prod/disk", iat: systemNow(), exp: systemNow() };
        const planted = await sealedRelease({ exchange, secret: random(32), header, signer: STRANGER });
        return { decision: headerOf().decision, releases: [planted], refused: [] };
      },
    };
    const { code, waits } = await fetchWith({ client: between });
    expect({ code, waits }).toEqual({ code: "channel/bad-release", waits: [] });
  });

  it("cannot replay the broker's own answer to an earlier request", async () => {
    let recorded: Awaited<ReturnType<GuestClient["release"]>> | undefined;
    const recording: GuestClient = {
      ...realClient(),
      release: async (request, signal) => {
        recorded ??= await realClient().release(request, signal);
        return recorded;
      },
    };
    expect((await fetchWith({ client: recording })).code).toBe("fetched");
    expect((await fetchWith({ client: recording })).code).toBe("channel/bad-release");
  });

  it("cannot change what is asked for", async () => {
    const changing: GuestClient = {
      ...realClient(),
      release: (request, signal) => {
        const body = new TextEncoder().encode(encodeEvidenceRequest(request));
        const { claims, ...rest } = decodeReleaseRequest(body);
        expect(claims.want).toEqual([{ secret: "prod/disk" }]);
        const claimsBytes = new TextEncoder().encode('{"want":[{"secret":"prod/token"}]}');
        return realClient().release({ ...rest, claimsBytes }, signal);
      },
    };
    expect((await fetchWith({ client: changing })).code).toBe("channel/not-bound");
  });
});

describe("what passes is asked again", () => {
  it("with a new nonce, report and key where the nonce was stale", async () => {
    const sent: string[] = [];
    const used = await realClient().challenge(3);
    let isFirst = true;
    const stale: GuestClient = {
      ...realClient(),
      challenge: async (binding, signal) => {
        if (!isFirst) return realClient().challenge(binding, signal);
        isFirst = false;
        const nonce = used.nonce.with(47, (used.nonce[47] ?? 0) ^ 1);
        return { ...used, nonce };
      },
      release: (request, signal) => {
        sent.push(Buffer.from(request.wrapPub).toString("hex"));
        return realClient().release(request, signal);
      },
    };
    const { code, waits } = await fetchWith({ client: stale });
    expect({ code, waits }).toEqual({ code: "fetched", waits: [] });
    expect(new Set(sent).size).toBe(2);
  });

  it("until the deadline where nobody answers", async () => {
    const client = createGuestClient({ url: "http://127.0.0.1:9", fetch });
    const { code, waits } = await fetchWith({ client, deadlineMs: 1500 });
    expect(code).toBe("broker/unreachable");
    expect(waits.length).toBeGreaterThan(0);
  });

  it("and a request that hangs ends with the deadline", async () => {
    const hanging: typeof fetch = (_, init) =>
      new Promise((_, failed) => {
        init?.signal?.addEventListener("abort", () => failed(new Error("aborted")));
      });
    const client = createGuestClient({ url: broker.url, fetch: hanging });
    const began = performance.now();
    expect((await fetchWith({ client, deadlineMs: 300 })).code).toBe("broker/unreachable");
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("a broker that is killed and comes back gives the same secret", async () => {
    await broker.kill();
    const asked = fetchWith({ deadlineMs: 60_000 });
    await new Promise((done) => setTimeout(done, 400));
    await broker.start();
    const { fetched, waits } = await asked;
    expect(fetched?.secrets[0]?.secret).toEqual(DISK);
    expect(new Set(waits)).toEqual(new Set(["broker/unreachable"]));
  });
});

/** A clock that can be read so many times: the nonce's age is looked at, the answer's is not. */
function failingAfter(readings: number): FetchParts["now"] {
  let left = readings;
  return () => {
    left -= 1;
    if (left < 0) throw new Fault("internal/invariant", "a clock that fails");
    return systemNow();
  };
}

describe("the one-use key", () => {
  const rows: Readonly<Record<string, Plan>> = {
    "a release": {},
    "a refusal": { guest: { measurement: new Uint8Array(48) } },
    "a bad answer": { parts: { now: failingAfter(1) } },
    "a provider that fails": {
      parts: {
        provider: {
          name: "none",
          format: "raw",
          vmpl: 0,
          attest: () => Promise.reject(new Fault("provider/unavailable", "no hardware")),
        },
      },
    },
  };
  it.each(Object.keys(rows))("is overwritten after %s", async (name) => {
    const drawn: Uint8Array[] = [];
    const watched = (size: number): Uint8Array => {
      const bytes = random(size);
      drawn.push(bytes);
      return bytes;
    };
    const plan = rows[name] ?? {};
    await fetchWith({ ...plan, parts: { ...plan.parts, random: watched } });
    expect(drawn).toHaveLength(2);
    expect(drawn[0]).toEqual(new Uint8Array(32));
  });
});
