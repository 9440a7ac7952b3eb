/** Can a key be destroyed that a guest still needs? From a release to the confirmation that frees it, and every way around it. */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { keepSecretTimes } from "../../src/broker/secret-life.ts";
import type { World } from "../../src/broker/world.ts";
import { type HeldToken, useToken } from "../../src/client/token-use.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import { decodeConfirmAnswer, encodeUseConfirmation } from "../../src/wire/readers.ts";
import type { UseConfirmation } from "../../src/wire/secret-messages.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { attemptOf, type GuestBroker, guestBroker, PATH, POLICY, post, random } from "./guest-at-hand.ts";

const PLENTY = POLICY.replace("max_releases 3", "key_version any max_releases 1000");
const [ONE, TWO] = [new Uint8Array(32).fill(0x71), new Uint8Array(32).fill(0x72)];

const withVersions = async (
  count: number,
  change?: (world: World) => Partial<World>,
): Promise<GuestBroker> => {
  const broker = await guestBroker({ policy: PLENTY, ...(change === undefined ? {} : { change }) });
  for (let version = 2; version <= count; version += 1) await broker.admin.rotateSecret(PATH, {}); // in order
  return broker;
};

async function read(broker: GuestBroker, version: number, reportId: Uint8Array): Promise<number> {
  const claims = { want: [{ secret: PATH, version }] };
  return (await post(broker, "/v1/release", (await attemptOf(broker, { claims, report: { reportId } })).body))
    .status;
}

async function tokenOf(broker: GuestBroker, reportId: Uint8Array): Promise<HeldToken> {
  const key = makeGuestSigner();
  const claims = { want: [], cnf: key.jwk };
  const answer = await post(
    broker,
    "/v1/attest",
    (await attemptOf(broker, { claims, report: { reportId } })).body,
  );
  return { ...key, token: decodeAttestAnswer(new Uint8Array(await answer.arrayBuffer())).token };
}

async function confirm(
  broker: GuestBroker,
  reportId: Uint8Array,
  { held, ...rest }: Partial<UseConfirmation> & { readonly held?: HeldToken } = {},
) {
  const token = held ?? (await tokenOf(broker, reportId));
  const session = { fetch: async (path: string, init?: RequestInit) => broker.app.request(path, init) };
  const parts = { now: broker.world.now, random, digest: nodePrimitives.digest };
  const body = encodeUseConfirmation({ secret: PATH, version: 2, ...rest });
  const answer = await useToken({ audience: AUDIENCE, path: "/v1/confirm", body }, token, { session, parts });
  return decodeConfirmAnswer(answer).replaced;
}

const destroyFirst = (broker: GuestBroker, despite?: number) =>
  broker.admin.changeSecret(PATH, {
    version: 1,
    state: "destroyed",
    ...(despite === undefined ? {} : { despite }),
  });

const IN_USE = { code: "secret/in-use" };

describe("a version that guests have read", () => {
  it("is not destroyed until each of them has confirmed a later one", async () => {
    const broker = await withVersions(2);
    for (const guest of [ONE, TWO]) expect(await read(broker, 1, guest)).toBe(200);
    await expect(destroyFirst(broker)).rejects.toMatchObject(IN_USE);
    expect(await read(broker, 2, ONE)).toBe(200);
    expect(await confirm(broker, ONE)).toEqual([1]);
    await expect(destroyFirst(broker)).rejects.toMatchObject(IN_USE);
    expect((await broker.admin.listReaders(PATH)).holding).toEqual([
      { version: 1, readers: 1 },
      { version: 2, readers: 1 },
    ]);
    expect(await read(broker, 2, TWO)).toBe(200);
    expect(await confirm(broker, TWO)).toEqual([1]);
    expect((await destroyFirst(broker)).at(-1)).toMatchObject({ version: 1, state: "destroyed" });
  });

  it("is destroyed by an order that names how many it cuts off, and by none that names fewer", async () => {
    const broker = await withVersions(2);
    for (const guest of [ONE, TWO]) await read(broker, 1, guest);
    await expect(destroyFirst(broker, 1)).rejects.toMatchObject(IN_USE);
    expect((await destroyFirst(broker, 2)).at(-1)).toMatchObject({ state: "destroyed" });
  });

  it("is held again by a guest that reads it after it confirmed", async () => {
    const broker = await withVersions(2);
    for (const version of [1, 2]) await read(broker, version, ONE);
    await confirm(broker, ONE);
    await read(broker, 1, ONE);
    await expect(destroyFirst(broker)).rejects.toMatchObject(IN_USE);
  });

  it("is freed for a guest as it was before its restart only by naming that", async () => {
    const broker = await withVersions(2);
    await read(broker, 1, ONE);
    await read(broker, 2, TWO);
    expect(await confirm(broker, TWO)).toEqual([]);
    expect(await confirm(broker, TWO, { also: [hexOf(ONE)] })).toEqual([1]);
    await destroyFirst(broker);
  });

  it("retires by itself where that was chosen, and comes back by `enable`", async () => {
    const broker = await withVersions(2);
    await broker.admin.changeSecret(PATH, { retire: true });
    for (const version of [1, 2]) await read(broker, version, ONE);
    await keepSecretTimes(broker.world);
    expect(await read(broker, 1, ONE)).toBe(200);
    await confirm(broker, ONE);
    await keepSecretTimes(broker.world);
    expect((await broker.admin.showSecret(PATH)).map(({ state }) => state)).toEqual(["enabled", "disabled"]);
    expect(await read(broker, 1, ONE)).toBe(403);
    await broker.admin.changeSecret(PATH, { version: 1, state: "enabled" });
    expect(await read(broker, 1, ONE)).toBe(200);
  });

  it("is not given where it was destroyed between decision and release", async () => {
    const broker = await withVersions(2, (world) => ({
      commit: async (commit) => {
        const order = { path: PATH, version: 1, despite: 0 };
        const entry = {
          v: 1,
          kind: "admin",
          time: world.now(),
          actor: "a",
          act: "b",
          subject: "c",
          digest: "d",
        } as const;
        if (commit.items.some(({ reads }) => reads === 1)) await world.store.destroyVersion(order, entry);
        return (await world.store.commitDecisions([commit]))[0] ?? { kind: "nonce-spent" };
      },
    }));
    expect(await read(broker, 1, ONE)).toBe(409);
    expect(await read(broker, 2, ONE)).toBe(200);
  });
});

describe("a confirmation", () => {
  it("of a version that the guest never read is refused, and changes nothing", async () => {
    const broker = await withVersions(2);
    await read(broker, 1, ONE);
    await expect(confirm(broker, ONE)).rejects.toMatchObject({ code: "request/conflict" });
    await expect(destroyFirst(broker)).rejects.toMatchObject(IN_USE);
  });

  it("speaks for the guest of the token and for no other", async () => {
    const broker = await withVersions(2);
    await read(broker, 1, ONE);
    for (const guest of [ONE, TWO]) await read(broker, 2, guest);
    expect(await confirm(broker, TWO)).toEqual([]);
    await expect(destroyFirst(broker)).rejects.toMatchObject(IN_USE);
  });

  it("is refused to a token whose key another guest holds, to an admin, and to nobody in particular", async () => {
    const broker = await withVersions(2);
    const held = await tokenOf(broker, ONE);
    const stolen = { ...makeGuestSigner(), token: held.token };
    await expect(confirm(broker, ONE, { held: stolen })).rejects.toMatchObject({
      code: "admin/unauthorized",
    });
    const response = await broker.app.request("/v1/confirm", { method: "POST" });
    expect(response.status).toBe(401);
  });

  it("is refused where the stored decision was altered: the token has the hash of its facts", async () => {
    const broker = await withVersions(2, ({ store }) => ({
      store: {
        ...store,
        decision: async (id) => {
          const found = await store.decision(id);
          return found && { ...found, trace: found.trace.replaceAll(hexOf(TWO), hexOf(ONE)) };
        },
      },
    }));
    for (const version of [1, 2]) await read(broker, version, ONE);
    await expect(confirm(broker, TWO)).rejects.toMatchObject({ code: "admin/unauthorized" });
    expect(await confirm(broker, ONE)).toEqual([1]);
  });

  it.each([
    ["version 0", { version: 0 }],
    ["a report id that is none", { also: ["before"] }],
    ["too many of them", { also: Array.from({ length: 65 }, () => "ab".repeat(32)) }],
  ])("is refused with %s", async (_, change) => {
    const broker = await withVersions(2);
    await expect(confirm(broker, ONE, change)).rejects.toMatchObject({ code: "request/malformed" });
  });
});
