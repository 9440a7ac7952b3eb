/** Does everything come under another root key while brokers serve, and does nothing count as done before it is? */
import { describe, expect, it } from "vitest";
import { importSecret, makeImportKey } from "../../src/broker/import-keys.ts";
import { createNonceEpochs } from "../../src/broker/nonce-epochs.ts";
import { describeRootKey, rewrapPage } from "../../src/broker/root-key.ts";
import { setSecretState } from "../../src/broker/secret-life.ts";
import { deriveSecret, makeTransit, putSecret } from "../../src/broker/secrets.ts";
import { refuseForeignStore } from "../../src/broker/startup.ts";
import { createTokenKeyRing } from "../../src/broker/token-keys.ts";
import type { Kek, World } from "../../src/broker/world.ts";
import { sealSecret } from "../../src/client/seal-secret.ts";
import { kekOf } from "../../src/kek/key.ts";
import { kekRing } from "../../src/kek/ring.ts";
import { seatOf } from "../../src/keys/derivation.ts";
import { openEnvelope, sealEnvelope } from "../../src/keys/envelope.ts";
import { parseTransitKey } from "../../src/keys/transit-key.ts";
import { nodeKekParts } from "../../src/runtime/node/open-kek.ts";
import { nodeTokenKeys } from "../../src/runtime/node/token-keys.ts";
import { describeKek } from "../contract/kek.ts";
import { ADMIN_KID, AUDIENCE, brokerAtHand, random } from "../http/broker-at-hand.ts";

const keyOf = (fill: number): Kek => kekOf(new Uint8Array(32).fill(fill), nodeKekParts);
const [OLD, NEW, THIRD] = [keyOf(1), keyOf(2), keyOf(3)];
const CHANGING = kekRing(NEW, [OLD]);
const ACTOR = { kid: ADMIN_KID };
const WRONG_KEY = { code: "kek/wrong-key" };

/** A broker on the same database with another root key, as after a restart. */
function under(kek: Kek, before: World): World {
  const { store, now, primitives } = before;
  const nonceKeys = createNonceEpochs({
    store,
    kek,
    random,
    primitives,
    now,
    audience: AUDIENCE,
    tenant: "",
    lifetimeSeconds: 60,
  });
  const tokenKeys = createTokenKeyRing({ store, kek, primitives, now, maker: nodeTokenKeys });
  return { ...before, kek, nonceKeys, tokenKeys };
}

async function madeUnderOld(secrets: number): Promise<World> {
  const world = under(OLD, brokerAtHand().world);
  await refuseForeignStore(world.store, OLD, AUDIENCE);
  await world.nonceKeys();
  await world.tokenKeys.keys();
  for (let i = 0; i < secrets; i += 1) {
    await putSecret({ path: `prod/${i}`, plaintext: Uint8Array.of(i & 255, i >> 8) }, ACTOR, world); // in order
  }
  return world;
}

async function rewrapAll(world: World): Promise<number> {
  let page = await rewrapPage(undefined, ACTOR, world);
  let rewrapped = page.rewrapped;
  while (page.next !== undefined) {
    page = await rewrapPage(page.next, ACTOR, world);
    rewrapped += page.rewrapped;
  }
  return rewrapped;
}

/** What a release does with a version. */
async function plaintextOf(path: string, { store, kek }: World): Promise<Uint8Array> {
  const stored = await store.secretVersion(path);
  if (stored === undefined) throw new Error(`no ${path}`);
  return openEnvelope(stored, kek);
}

describeKek(
  "a ring of two",
  async () => kekRing(NEW, [OLD]),
  async () => THIRD,
);

describe("a ring", () => {
  it("wraps under the first, opens what any of them wrapped, and nothing else", async () => {
    const aad = Uint8Array.of(1);
    expect(await CHANGING.unwrap(await OLD.wrap(Uint8Array.of(7), aad), aad)).toEqual(Uint8Array.of(7));
    expect(await NEW.unwrap(await CHANGING.wrap(Uint8Array.of(7), aad), aad)).toEqual(Uint8Array.of(7));
    await expect(CHANGING.unwrap(await THIRD.wrap(Uint8Array.of(7), aad), aad)).rejects.toMatchObject(
      WRONG_KEY,
    );
    const seat = { path: "a", version: 1 };
    const envelope = await sealEnvelope({ ...seat, plaintext: Uint8Array.of(7) }, THIRD);
    await expect(openEnvelope({ ...seat, envelope }, CHANGING)).rejects.toMatchObject(WRONG_KEY);
  });

  it("does not go on to the next key when one cannot be used", async () => {
    const broken: Kek = {
      ...NEW,
      unwrap: () => Promise.reject(Object.assign(new Error("the token is gone"))),
    };
    const wrapped = await OLD.wrap(Uint8Array.of(7), Uint8Array.of(1));
    await expect(kekRing(broken, [OLD]).unwrap(wrapped, Uint8Array.of(1))).rejects.toThrow(
      "the token is gone",
    );
  });

  it("is refused where it names one key twice", () => {
    for (const others of [[NEW], [OLD, OLD], [OLD, NEW]]) {
      expect(() => kekRing(NEW, others)).toThrowError(expect.objectContaining({ code: "kek/unavailable" }));
    }
  });
});

describe("a change of the root key", () => {
  it("brings every secret, nonce epoch and token key under the new key, and then the old one opens nothing", async () => {
    const before = await madeUnderOld(450);
    await setSecretState({ path: "prod/7", version: 1, state: "destroyed" }, ACTOR, before);
    const nonces = await before.nonceKeys();
    const tokens = await before.tokenKeys.keys();
    const world = under(CHANGING, before);
    expect(await describeRootKey(world)).toEqual({ id: NEW.id, also: [OLD.id], left: 449 });
    expect(await rewrapAll(world)).toBe(449);
    const after = under(NEW, before);
    await refuseForeignStore(after.store, NEW, AUDIENCE);
    expect(await describeRootKey(after)).toEqual({ id: NEW.id, also: [], left: 0 });
    expect((await after.nonceKeys()).current).toEqual(nonces.current);
    expect((await after.tokenKeys.keys()).current.signer.kid).toBe(tokens.current.signer.kid);
    for (const i of [0, 199, 200, 449]) {
      expect(await plaintextOf(`prod/${i}`, after)).toEqual(Uint8Array.of(i & 255, i >> 8));
    }
    const stale = under(OLD, before);
    await expect(refuseForeignStore(stale.store, OLD, AUDIENCE)).rejects.toMatchObject(WRONG_KEY);
    await expect(stale.nonceKeys()).rejects.toMatchObject(WRONG_KEY);
    await expect(stale.tokenKeys.keys()).rejects.toMatchObject(WRONG_KEY);
    await expect(plaintextOf("prod/0", stale)).rejects.toMatchObject(WRONG_KEY);
  });

  it("releases at every moment of it, and goes on after a stop between two pages", async () => {
    const before = await madeUnderOld(450);
    const first = await rewrapPage(undefined, ACTOR, under(CHANGING, before));
    expect(first).toMatchObject({ rewrapped: 200, next: { version: 1 } });
    expect((await describeRootKey(under(CHANGING, before))).left).toBe(250);
    const restarted = under(CHANGING, before);
    await refuseForeignStore(restarted.store, CHANGING, AUDIENCE);
    for (let i = 0; i < 450; i += 1) expect((await plaintextOf(`prod/${i}`, restarted))[0]).toBe(i & 255);
    await expect(refuseForeignStore(before.store, NEW, AUDIENCE)).rejects.toMatchObject(WRONG_KEY);
    expect(await rewrapAll(restarted)).toBe(250);
    expect(await rewrapAll(restarted)).toBe(0);
  });

  it("is not over while another broker still wraps under the old key", async () => {
    const before = await madeUnderOld(201);
    const world = under(CHANGING, before);
    const { next } = await rewrapPage(undefined, ACTOR, world);
    await putSecret({ path: "a/late", plaintext: Uint8Array.of(1) }, ACTOR, before); // sorts before the page
    expect(await rewrapPage(next, ACTOR, world)).toMatchObject({ left: 1, rewrapped: 1 });
    await refuseForeignStore(before.store, OLD, AUDIENCE);
    await expect(refuseForeignStore(before.store, NEW, AUDIENCE)).rejects.toMatchObject(WRONG_KEY);
    expect(await rewrapAll(world)).toBe(1);
    await refuseForeignStore(before.store, NEW, AUDIENCE);
  });

  it("brings roots of derived secrets along, each in its own seat", async () => {
    const before = await madeUnderOld(1);
    await deriveSecret({ path: "prod/seed", size: 32, by: ["measurement"] }, ACTOR, before);
    const rootOf = async (world: World) => {
      const stored = await world.store.secretVersion("prod/seed");
      if (stored === undefined) throw new Error("nothing there");
      return openEnvelope({ ...seatOf(stored), envelope: stored.envelope }, world.kek);
    };
    const root = await rootOf(before);
    expect(await rewrapAll(under(CHANGING, before))).toBe(2);
    expect(await rootOf(under(NEW, before))).toEqual(root);
  });

  it("brings transit keys along, and keys that secrets are still to be sealed to", async () => {
    const before = await madeUnderOld(0);
    await makeTransit({ path: "prod/cards", type: "ed25519" }, ACTOR, before);
    const key = await makeImportKey({ suite: 1, validSeconds: 3600 }, ACTOR, before);
    expect(await rewrapAll(under(CHANGING, before))).toBe(1);
    const after = under(NEW, before);
    const stored = await after.store.secretVersion("prod/cards");
    if (stored === undefined) throw new Error("nothing there");
    const opened = await openEnvelope({ ...seatOf(stored), envelope: stored.envelope }, NEW);
    expect(parseTransitKey(opened).publicKey).toEqual(stored.publicKey);
    const { primitives, signer, now } = after;
    const plan = { path: "prod/in", use: "static", publicKey: new Uint8Array(0) } as const;
    const broker = { audience: AUDIENCE, signingKey: signer.spki };
    const sealed = await sealSecret(
      { ...plan, key, broker, plaintext: Uint8Array.of(7) },
      { now: now(), random, primitives },
    );
    await importSecret({ path: "prod/in", sealed }, ACTOR, after);
    expect(await plaintextOf("prod/in", after)).toEqual(Uint8Array.of(7));
  });

  it("takes nothing back that was destroyed between reading and writing", async () => {
    const before = await madeUnderOld(1);
    const destroyFirst: World["store"]["rewrapEnvelopes"] = async (rewraps, entry) => {
      await setSecretState({ path: "prod/0", version: 1, state: "destroyed" }, ACTOR, before);
      return before.store.rewrapEnvelopes(rewraps, entry);
    };
    const store = { ...before.store, rewrapEnvelopes: destroyFirst };
    expect(await rewrapPage(undefined, ACTOR, { ...under(CHANGING, before), store })).toMatchObject({
      rewrapped: 0,
      left: 0,
    });
    expect((await before.store.secretVersion("prod/0", 1))?.envelope).toEqual(new Uint8Array(0));
  });

  it("stops at a version under a key that is not here, and changes nothing of that page", async () => {
    const before = await madeUnderOld(2);
    await putSecret({ path: "prod/x", plaintext: Uint8Array.of(1) }, ACTOR, under(THIRD, before));
    const size = await before.store.ledgerSize();
    await expect(rewrapPage(undefined, ACTOR, under(CHANGING, before))).rejects.toMatchObject(WRONG_KEY);
    expect(await before.store.ledgerSize()).toBe(size);
    expect((await describeRootKey(under(CHANGING, before))).left).toBe(3);
  });

  it("stands in the log: each page that changed something, and its end", async () => {
    const before = await madeUnderOld(1);
    const size = await before.store.ledgerSize();
    await rewrapAll(under(CHANGING, before));
    const entries = await before.store.entries(size, 9);
    const tail = { kind: "admin", actor: ADMIN_KID, subject: NEW.id };
    expect(entries.map(({ draft }) => draft)).toEqual([
      expect.objectContaining({ ...tail, act: "kek-rewrap" }),
      expect.objectContaining({ ...tail, act: "kek-migrated" }),
    ]);
  });
});
