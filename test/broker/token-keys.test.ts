/** Do keys of tokens follow one another without a token that cannot be verified, and is a leaked one gone at once? */
import { describe, expect, it } from "vitest";
import { addSeconds, type Instant, instant } from "../../src/base/time.ts";
import { createTokenKeyRing } from "../../src/broker/token-keys.ts";
import type { Kek, TokenKeyRing, TokenKeys } from "../../src/broker/world.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { nodeTokenKeys } from "../../src/runtime/node/token-keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { memoryKek } from "../http/broker-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";

const START = instant(1_795_449_600);
const ADMIN = { kid: "admin-1" };
const KEK = memoryKek();

function ringAt(clock: { now: Instant }, store = createMemoryStore()) {
  const now = () => clock.now;
  const sources = { store, kek: KEK, primitives: nodePrimitives, now, maker: nodeTokenKeys };
  return { store, ring: createTokenKeyRing(sources) };
}

const kidsOf = ({ published }: TokenKeys): readonly string[] => published.map(({ signer }) => signer.kid);
const currentOf = async (ring: TokenKeyRing): Promise<string> => (await ring.keys()).current.signer.kid;

describe("keys of tokens", () => {
  it("begin with one that outlives a restart, under the thumbprint of its public half", async () => {
    const clock = { now: START };
    const { ring, store } = ringAt(clock);
    const first = await ring.keys();
    expect(kidsOf(first)).toEqual([first.current.signer.kid]);
    expect(first.current.signer.kid).toMatch(/^[\w-]{43}$/);
    expect(await currentOf(ringAt(clock, store).ring)).toBe(first.current.signer.kid);
    expect(await store.ledgerSize()).toBe(0);
  });

  it("are one and the same for brokers that begin at once", async () => {
    const clock = { now: START };
    const store = createMemoryStore();
    const [a, b] = [ringAt(clock, store).ring, ringAt(clock, store).ring];
    const [ofA, ofB] = await Promise.all([a.keys(), b.keys()]);
    expect(kidsOf(ofA)).toEqual(kidsOf(ofB));
  });

  it("are announced ten minutes before they sign, and stay a quarter of an hour after", async () => {
    const clock = { now: START };
    const { ring, store } = ringAt(clock);
    const first = await currentOf(ring);
    const [, second = ""] = kidsOf(await ring.rotate({ withdraws: false }, ADMIN));
    const seenAt = async (seconds: number) => {
      clock.now = addSeconds(START, seconds);
      return { signs: await currentOf(ring), published: kidsOf(await ring.keys()) };
    };
    expect(await seenAt(599)).toEqual({ signs: first, published: [first, second] });
    expect(await seenAt(600)).toEqual({ signs: second, published: [first, second] });
    expect(await seenAt(1499)).toEqual({ signs: second, published: [first, second] });
    expect(await seenAt(1500)).toEqual({ signs: second, published: [second] });
    clock.now = addSeconds(clock.now, 61);
    await ring.keys();
    expect(await store.tokenKeys()).toHaveLength(1);
    const { entries } = { entries: await store.entries(0, 9) };
    expect(entries.map(({ draft }) => draft)).toEqual([
      expect.objectContaining({ kind: "admin", act: "token-key-rotate", actor: "admin-1", subject: second }),
    ]);
  });

  it("wait one at a time", async () => {
    const clock = { now: START };
    const { ring } = ringAt(clock);
    await ring.rotate({ withdraws: false }, ADMIN);
    expect(await codeOfPromise(ring.rotate({ withdraws: false }, ADMIN))).toBe("request/conflict");
    clock.now = addSeconds(START, 600);
    expect(await codeOfPromise(ring.rotate({ withdraws: false }, ADMIN))).toBeUndefined();
  });

  it("that another process or broker withdrew count no longer than a second", async () => {
    const clock = { now: START };
    const store = createMemoryStore();
    const [a, b] = [ringAt(clock, store).ring, ringAt(clock, store).ring];
    const leaked = await currentOf(b);
    const { current } = await a.rotate({ withdraws: true }, ADMIN);
    clock.now = addSeconds(START, 1);
    expect(kidsOf(await b.keys())).toEqual([current.signer.kid]);
    expect(kidsOf(await b.keys())).not.toContain(leaked);
  });

  it("are opened once and not every second, since the root key may be far away", async () => {
    const clock = { now: START };
    let opened = 0;
    const store = createMemoryStore();
    const unwrap: Kek["unwrap"] = (wrapped, aad) => {
      opened += 1;
      return KEK.unwrap(wrapped, aad);
    };
    const sources = { store, kek: { ...KEK, unwrap }, primitives: nodePrimitives, maker: nodeTokenKeys };
    const ring = createTokenKeyRing({ ...sources, now: () => clock.now });
    const kids = kidsOf(await ring.keys());
    for (let second = 1; second < 9; second += 1) {
      clock.now = addSeconds(START, second);
      expect(kidsOf(await ring.keys())).toEqual(kids);
    }
    expect(opened).toBe(1);
  });

  it("are all gone but the new one where an admin withdraws them, the one that waits too", async () => {
    const clock = { now: START };
    const { ring, store } = ringAt(clock);
    await ring.rotate({ withdraws: false }, ADMIN);
    const { current, published } = await ring.rotate({ withdraws: true }, ADMIN);
    expect(published).toEqual([current]);
    expect(current.serial).toBe(3);
    expect(kidsOf(await ringAt(clock, store).ring.keys())).toEqual([current.signer.kid]);
    expect(await store.tokenKeys()).toHaveLength(1);
  });

  it("are made once where two admins rotate at once", async () => {
    const clock = { now: START };
    const store = createMemoryStore();
    const rings = [ringAt(clock, store).ring, ringAt(clock, store).ring];
    await rings[0]?.keys();
    const codes = await Promise.all(
      rings.map((ring) => codeOfPromise(ring.rotate({ withdraws: false }, ADMIN))),
    );
    expect(codes.toSorted()).toEqual(["request/conflict", undefined]);
    expect(await store.ledgerSize()).toBe(1);
  });

  it("open nowhere but in their own place and time", async () => {
    const clock = { now: START };
    const { ring, store } = ringAt(clock);
    await ring.keys();
    const [key] = await store.tokenKeys();
    const moved = {
      ...store,
      tokenKeys: async () => (key === undefined ? [] : [{ ...key, withdraws: true }]),
    };
    expect(await codeOfPromise(ringAt(clock, moved).ring.keys())).toBe("kek/wrong-key");
  });
});
