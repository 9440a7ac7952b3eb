/** What does a broker remember, and what does it refuse to start on? Epochs of nonces, CRL numbers, marks of its database, its log. */
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { addSeconds, type Instant, instant } from "../../src/base/time.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { loadCrlNumbers } from "../../src/broker/crl-numbers.ts";
import { createNonceEpochs } from "../../src/broker/nonce-epochs.ts";
import { createRefusalLog } from "../../src/broker/refusals.ts";
import { beginEpoch, refuseForeignStore } from "../../src/broker/startup.ts";
import type { Refusal } from "../../src/broker/store.ts";
import type { Kek } from "../../src/broker/world.ts";
import { issueNonce, openNonce } from "../../src/channel/nonce.ts";
import { unwrapUnder, wrapUnder } from "../../src/keys/wrap.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { brokerAtHand, random } from "../http/broker-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";

const AUDIENCE = "https://broker.example/c/0001";
const START = instant(1_795_449_600);
const DAY = 86_400;

function kekOf(fill: number): Kek {
  const key = new Uint8Array(32).fill(fill);
  return {
    id: `test:${fill}`,
    wrap: async (plaintext, aad) => wrapUnder(key, { nonce: random(12), aad, plaintext }),
    unwrap: async (wrapped, aad) => {
      const plaintext = unwrapUnder(key, wrapped, aad);
      if (plaintext === undefined) throw new Fault("kek/wrong-key", "another key");
      return plaintext;
    },
  };
}

describe("nonce epochs", () => {
  const epochsAt = (clock: { now: Instant }, store = createMemoryStore()) => ({
    store,
    epochs: createNonceEpochs({
      store,
      kek: kekOf(1),
      random,
      primitives: nodePrimitives,
      now: () => clock.now,
      audience: AUDIENCE,
      tenant: "",
      lifetimeSeconds: 60,
    }),
  });
  const issue = (keys: Awaited<ReturnType<ReturnType<typeof epochsAt>["epochs"]>>, now: Instant) =>
    issueNonce({ binding: 3, now, rand: random(16) }, keys, nodePrimitives).nonce;

  it("outlive a restart: a nonce from before opens with the keys from after", async () => {
    const clock = { now: START };
    const { epochs, store } = epochsAt(clock);
    const nonce = issue(await epochs(), START);
    const again = epochsAt(clock, store);
    expect(openNonce(nonce, { binding: 3, now: START }, await again.epochs(), nodePrimitives).kid).toBe(0);
  });

  it("change daily, and the day before still opens what it issued", async () => {
    const clock = { now: START };
    const { epochs } = epochsAt(clock);
    await epochs();
    clock.now = addSeconds(START, DAY - 1);
    const nonce = issue(await epochs(), clock.now);
    clock.now = addSeconds(START, DAY + 30 + 60);
    const keys = await epochs();
    expect(keys.live).toHaveLength(2);
    expect(keys.current.kid).toBe(1);
    expect(() =>
      openNonce(nonce, { binding: 3, now: addSeconds(START, DAY + 30) }, keys, nodePrimitives),
    ).not.toThrow();
  });

  it("are at most two, whatever the number of days", async () => {
    const clock = { now: START };
    const { epochs, store } = epochsAt(clock);
    for (let day = 0; day < 5; day += 1) {
      clock.now = addSeconds(START, day * (DAY + 61));
      expect((await epochs()).live.length).toBeLessThan(3);
    }
    expect((await store.nonceEpochs()).length).toBeLessThan(3);
  });

  it("are one and the same for brokers that begin at once", async () => {
    const clock = { now: START };
    const store = createMemoryStore();
    const [a, b] = [epochsAt(clock, store), epochsAt(clock, store)];
    const [keysOfA, keysOfB] = await Promise.all([a.epochs(), b.epochs()]);
    const nonce = issue(keysOfA, START);
    expect(openNonce(nonce, { binding: 3, now: START }, keysOfB, nodePrimitives).kid).toBe(
      keysOfA.current.kid,
    );
  });

  it("of one process open what another issued from the first second of a new day", async () => {
    const clock = { now: addSeconds(START, -30) };
    const store = createMemoryStore();
    const [a, b] = [epochsAt(clock, store), epochsAt(clock, store)];
    await a.epochs();
    clock.now = addSeconds(START, DAY - 60);
    await b.epochs(); // a view that lasts half a minute into the next day, if it may
    clock.now = addSeconds(START, DAY - 30);
    const nonce = issue(await a.epochs(), clock.now);
    const opened = openNonce(nonce, { binding: 3, now: clock.now }, await b.epochs(), nodePrimitives);
    expect(opened.kid).toBe(1);
  });

  it("stay shut without the key-encryption key", async () => {
    const clock = { now: START };
    const { epochs, store } = epochsAt(clock);
    await epochs();
    const other = createNonceEpochs({
      store,
      kek: kekOf(2),
      random,
      primitives: nodePrimitives,
      now: () => clock.now,
      audience: AUDIENCE,
      tenant: "",
      lifetimeSeconds: 60,
    });
    await expect(other()).rejects.toMatchObject({ code: "kek/wrong-key" });
  });
});

describe("CRL numbers", () => {
  it("only rise, and outlive a restart", async () => {
    const store = createMemoryStore();
    const numbers = await loadCrlNumbers(store, () => START);
    expect(numbers.lowest("milan")).toBeUndefined();
    await numbers.keep("milan", 6n);
    expect(await codeOfPromise(numbers.keep("milan", 3n))).toBe("endorsement/crl-invalid");
    expect(numbers.lowest("milan")).toBe(6n);
    const again = await loadCrlNumbers(store, () => START);
    expect(again.lowest("milan")).toBe(6n);
    expect(again.lowest("genoa")).toBeUndefined();
  });

  it("of two brokers meet at the higher one", async () => {
    const store = createMemoryStore();
    const [a, b] = [await loadCrlNumbers(store, () => START), await loadCrlNumbers(store, () => START)];
    await Promise.all([b.keep("turin", 8n), a.keep("turin", 9n)]);
    expect((await loadCrlNumbers(store, () => START)).lowest("turin")).toBe(9n);
  });

  it("that one process saw are the least that another takes, a second later", async () => {
    const store = createMemoryStore();
    const clock = { now: START };
    const now = () => clock.now;
    const [a, b] = [await loadCrlNumbers(store, now), await loadCrlNumbers(store, now)];
    await b.keep("turin", 8n);
    await a.keep("turin", 9n);
    clock.now = addSeconds(START, 1);
    expect(await codeOfPromise(b.keep("turin", 8n))).toBe("endorsement/crl-invalid");
    expect(b.lowest("turin")).toBe(9n);
    await b.keep("turin", 9n);
  });
});

describe("a database", () => {
  it("of this broker is accepted at every start", async () => {
    const store = createMemoryStore();
    await refuseForeignStore(store, kekOf(1), AUDIENCE);
    await expect(refuseForeignStore(store, kekOf(1), AUDIENCE)).resolves.toBeUndefined();
  });

  it("under another key-encryption key is refused", async () => {
    const store = createMemoryStore();
    await refuseForeignStore(store, kekOf(1), AUDIENCE);
    await expect(refuseForeignStore(store, kekOf(2), AUDIENCE)).rejects.toMatchObject({
      code: "kek/wrong-key",
    });
  });

  it("of another audience is refused", async () => {
    const store = createMemoryStore();
    await refuseForeignStore(store, kekOf(1), AUDIENCE);
    await expect(refuseForeignStore(store, kekOf(1), "https://other.example")).rejects.toMatchObject({
      code: "store/incompatible",
    });
  });
});

describe("the log at start", () => {
  it("gets a mark, and a head over it", async () => {
    const { world } = brokerAtHand();
    await beginEpoch(world);
    await beginEpoch(world);
    expect((await world.store.entries(0, 10)).map(({ draft }) => draft.kind)).toEqual(["epoch", "epoch"]);
    expect((await world.store.checkpoint())?.size).toBe(2);
  });

  it("with entries of a later time is refused, until somebody says that the clock was ahead", async () => {
    const { world, pass } = brokerAtHand();
    await beginEpoch(world);
    pass(-120);
    await beginEpoch(world);
    pass(-121);
    await expect(beginEpoch(world)).rejects.toMatchObject({ code: "clock/behind" });
    expect(await world.store.ledgerSize()).toBe(2);
    await beginEpoch(world, true);
    await beginEpoch(world);
    expect(await world.store.ledgerSize()).toBe(4);
  });

  it("that lost entries which a head covers is refused", async () => {
    const { world } = brokerAtHand();
    await beginEpoch(world);
    await beginEpoch(world);
    const cut = { ...world, store: { ...world.store, ledgerSize: async () => 1 } };
    await expect(beginEpoch(cut)).rejects.toMatchObject({ code: "ledger/inconsistent" });
  });

  it("whose kept tree is not the signed one is refused", async () => {
    const { world } = brokerAtHand();
    await beginEpoch(world);
    const kept = await world.store.checkpoint();
    if (kept === undefined) throw new Error("no head");
    const forged = { ...kept, frontier: kept.frontier.map((hash) => hash.map((byte) => byte ^ 1)) };
    const other = { ...world, store: { ...world.store, checkpoint: async () => forged } };
    await expect(advanceCheckpoint(other)).rejects.toMatchObject({ code: "ledger/inconsistent" });
  });

  it("whose head another key signed is refused", async () => {
    const { world } = brokerAtHand();
    await beginEpoch(world);
    const stranger = brokerAtHand().world;
    await beginEpoch(stranger);
    const other = { ...world, store: { ...world.store, checkpoint: () => stranger.store.checkpoint() } };
    const signedByAnother = { ...other, ledgerSigner: createEd25519Signer("ledger-1", generateEd25519Pem()) };
    await expect(advanceCheckpoint(signedByAnother)).rejects.toMatchObject({ code: "ledger/inconsistent" });
  });
});

describe("the decision log", () => {
  const refusalAt = (at: Instant): Refusal => ({
    id: "x",
    at,
    source: "192.0.2.1",
    code: "nonce/expired",
    format: "raw",
  });

  it("takes a hundred lines a second and counts the rest", async () => {
    const lines: Refusal[] = [];
    const dropped: unknown[] = [];
    const log = createRefusalLog(
      { logRefusal: async (refusal) => void lines.push(refusal) },
      (_level, event, fields) => void dropped.push([event, fields?.["dropped"]]),
    );
    for (let i = 0; i < 150; i += 1) await log(refusalAt(START));
    await log(refusalAt(addSeconds(START, 1)));
    expect(lines).toHaveLength(101);
    expect(dropped).toEqual([["decision-log-lines-dropped", 50]]);
  });

  it("takes no more of several processes together", async () => {
    const lines: Refusal[] = [];
    const store = { logRefusal: async (refusal: Refusal) => void lines.push(refusal) };
    const logs = Array.from({ length: 3 }, () => createRefusalLog(store, () => undefined, { processes: 3 }));
    for (let i = 0; i < 150; i += 1) for (const log of logs) await log(refusalAt(START));
    expect(lines).toHaveLength(99);
  });

  it("that cannot be written leaves the refusal standing", async () => {
    const said: string[] = [];
    const store = { logRefusal: async () => Promise.reject(new Fault("store/unavailable", "gone")) };
    const log = createRefusalLog(store, (_level, event) => void said.push(event));
    await expect(log(refusalAt(START))).resolves.toBeUndefined();
    expect(said).toEqual(["decision-log-unavailable"]);
  });
});
