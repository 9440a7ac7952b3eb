/** Can two guests hold a secret that one at a time may hold? Two copies of one image, a broken lease, a race, a restore. */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import type { DecisionCommit } from "../../src/broker/store.ts";
import type { World } from "../../src/broker/world.ts";
import { type HeldToken, useToken } from "../../src/client/token-use.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import { encodeLeaseReturn } from "../../src/wire/lease.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
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
import { encryptItem, KEY, transitBroker, transitGuest } from "./transit-at-hand.ts";

const PLENTY = POLICY.replace("max_releases 3", "max_releases 1000");
const [ONE, TWO] = [new Uint8Array(32).fill(0x71), new Uint8Array(32).fill(0x72)];

async function leased(change?: (world: World) => Partial<World>, policy = PLENTY): Promise<GuestBroker> {
  const broker = await guestBroker({ policy, ...(change === undefined ? {} : { change }) });
  await broker.admin.changeSecret(PATH, { leaseSeconds: 600 });
  return broker;
}

const claims = { want: [{ secret: PATH }] };

async function ask(broker: GuestBroker, reportId: Uint8Array): Promise<Response> {
  return post(broker, "/v1/release", (await attemptOf(broker, { claims, report: { reportId } })).body);
}

/** What the guest opens, and is told beside it. */
async function opened(broker: GuestBroker, reportId: Uint8Array) {
  const { body, transcript, wrapPrivate } = await attemptOf(broker, { claims, report: { reportId } });
  const answer = await releaseOf(await post(broker, "/v1/release", body));
  const { signer, now } = broker.world;
  const context = {
    transcript,
    wrapPrivate,
    wanted: claims.want,
    isPartial: false,
    primitives: nodePrimitives,
  };
  const [first] = await openReleases(answer, { ...context, signingKey: signer.spki, now: now() });
  return first;
}

/** Everything that the operator finds under the id of an answer. */
async function foundOf(broker: GuestBroker, response: Response): Promise<string> {
  const id = /urn:ostiary:(\w{26})/.exec(await response.text())?.[1] ?? "";
  return JSON.stringify(await broker.admin.decision(id));
}

async function tokenOf(broker: GuestBroker, reportId: Uint8Array): Promise<HeldToken> {
  const key = makeGuestSigner();
  const wanted = { want: [], cnf: key.jwk };
  const { body } = await attemptOf(broker, { claims: wanted, report: { reportId } });
  const answer = await post(broker, "/v1/attest", body);
  return { ...key, token: decodeAttestAnswer(new Uint8Array(await answer.arrayBuffer())).token };
}

async function giveBack(broker: GuestBroker, reportId: Uint8Array, fence: number) {
  const session = { fetch: async (path: string, init?: RequestInit) => broker.app.request(path, init) };
  const parts = { now: broker.world.now, random, digest: nodePrimitives.digest };
  const body = encodeLeaseReturn({ secret: PATH, fence });
  const use = { audience: AUDIENCE, path: "/v1/give-back", body };
  return useToken(use, await tokenOf(broker, reportId), { session, parts });
}

const CONFLICT = { code: "request/conflict" };

describe("a secret that one guest at a time may hold", () => {
  it("is given to one of two copies of an image, which differ in nothing but their report id", async () => {
    const broker = await leased();
    expect((await ask(broker, ONE)).status).toBe(200);
    const refused = await ask(broker, TWO);
    expect(refused.status).toBe(403);
    expect(await foundOf(broker, refused)).toContain("lease-held");
    expect(await foundOf(broker, await ask(broker, TWO))).toContain(hexOf(ONE));
    expect(await broker.admin.showLease(PATH)).toMatchObject({
      seconds: 600,
      isRunning: true,
      last: { holder: hexOf(ONE), fence: 1 },
    });
  });

  it("is told to its holder with fence and end, under the broker's signature", async () => {
    const broker = await leased();
    const lease = { fence: 1, until: broker.world.now() + 600 };
    expect(await opened(broker, ONE)).toMatchObject({ secretId: PATH, version: 1, lease });
  });

  it("is the next guest's once it was given back, has run out or was broken, each time under a higher fence", async () => {
    const broker = await leased();
    await ask(broker, ONE);
    await giveBack(broker, ONE, 1);
    expect((await opened(broker, TWO))?.lease?.fence).toBe(2);
    broker.pass(600);
    expect((await opened(broker, ONE))?.lease?.fence).toBe(3);
    expect(await broker.admin.breakLease(PATH, { fence: 3 })).toMatchObject({ isRunning: false });
    expect((await opened(broker, TWO))?.lease?.fence).toBe(4);
  });

  it("is renewed by its holder, whose fence stays", async () => {
    const broker = await leased();
    await ask(broker, ONE);
    broker.pass(500);
    const until = broker.world.now() + 600;
    expect((await opened(broker, ONE))?.lease).toEqual({ fence: 1, until });
    broker.pass(599);
    expect((await ask(broker, TWO)).status).toBe(403);
  });

  it("is not given back by another guest, under another fence or twice", async () => {
    const broker = await leased();
    await ask(broker, ONE);
    await expect(giveBack(broker, TWO, 1)).rejects.toMatchObject(CONFLICT);
    await expect(giveBack(broker, ONE, 2)).rejects.toMatchObject(CONFLICT);
    await giveBack(broker, ONE, 1);
    await expect(giveBack(broker, ONE, 1)).rejects.toMatchObject(CONFLICT);
    await expect(broker.admin.breakLease(PATH, { fence: 1 })).rejects.toMatchObject({
      code: "secret/not-leased",
    });
    expect((await broker.app.request("/v1/give-back", { method: "POST" })).status).toBe(401);
  });

  it("uses up nothing of a policy's limits where it is refused", async () => {
    const once = POLICY.replace("max_releases 3", "max_releases 2");
    const broker = await leased(undefined, once);
    await ask(broker, ONE);
    for (let i = 0; i < 3; i += 1) expect((await ask(broker, TWO)).status).toBe(403); // in order
    expect((await ask(broker, ONE)).status).toBe(200);
  });

  it("goes to one of thirty guests that ask at once, whatever each saw before the commit", async () => {
    const broker = await leased(({ store }) => ({ store: { ...store, lease: async () => undefined } }));
    const bodies: string[] = [];
    for (let guest = 1; guest <= 30; guest += 1) {
      broker.pass(0.5); // within what one source may ask for
      const report = { reportId: new Uint8Array(32).fill(guest) };
      bodies.push((await attemptOf(broker, { claims, report })).body);
    }
    const copies = bodies.map((body) => post(broker, "/v1/release", body));
    const statuses = (await Promise.all(copies)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(29);
  });

  it.each([
    ["was broken", async () => undefined],
    [
      "was broken and taken by another",
      async ({ store }: World, commit: DecisionCommit) => {
        const id = `${commit.id.slice(0, -1)}${commit.id.endsWith("Z") ? "Y" : "Z"}`;
        await store.commitDecisions([{ ...commit, id, reportId: hexOf(TWO), spend: undefined }]);
      },
    ],
  ])("does not leave where the lease %s between commit and release", async (_, then) => {
    const broker = await leased((world) => ({
      commit: async (commit) => {
        const { store, now } = world;
        const [outcome] = await store.commitDecisions([commit]);
        const entry = {
          v: 1,
          kind: "admin",
          time: now(),
          actor: "a",
          act: "b",
          subject: "c",
          digest: "d",
        } as const;
        await store.breakLease({ path: PATH, fence: 1, at: now() }, entry);
        await then(world, commit);
        return outcome ?? { kind: "nonce-spent" };
      },
    }));
    expect((await ask(broker, ONE)).status).toBe(409);
  });

  it("may be held by any number again once that was chosen", async () => {
    const broker = await leased();
    await ask(broker, ONE);
    await broker.admin.changeSecret(PATH, { leaseSeconds: null });
    expect((await ask(broker, TWO)).status).toBe(200);
    expect((await opened(broker, TWO))?.lease).toBeUndefined();
  });
});

describe("a transit key that one guest at a time may hold", () => {
  it("is used by the one that used it last, and by another once that gave it back or stopped", async () => {
    const broker = await transitBroker("aes-256-gcm");
    await broker.admin.changeSecret(KEY, { leaseSeconds: 60 });
    const [one, two] = [await transitGuest(broker), await transitGuest(broker, { reportId: TWO })];
    await one.use([encryptItem("a")]);
    await expect(two.use([encryptItem("b")])).rejects.toMatchObject({ code: "policy/denied" });
    expect(await broker.admin.showLease(KEY)).toMatchObject({ isRunning: true, last: { fence: 1 } });
    broker.pass(60);
    const later = await transitGuest(broker, { reportId: TWO });
    await later.use([encryptItem("b")]);
    expect(await broker.admin.showLease(KEY)).toMatchObject({ last: { holder: hexOf(TWO), fence: 2 } });
  });
});

describe("reattest", () => {
  const AGAIN = PLENTY.replace("token_ttl 2m", "token_ttl 2m reattest every 90s");

  it("is told to the guest, shortens its tokens, and ends a lease before its time", async () => {
    const broker = await leased(undefined, AGAIN);
    const now = broker.world.now();
    expect(await opened(broker, ONE)).toMatchObject({ reattestSeconds: 90, lease: { until: now + 90 } });
    const { token } = await tokenOf(broker, ONE);
    const { exp, iat } = JSON.parse(
      atob(token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? ""),
    );
    expect(exp - iat).toBe(90);
  });
});
