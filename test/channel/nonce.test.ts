/** PROTOCOL section 3: the stateless nonce, its vector, and every way in which it is refused. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64UrlOf, hexOf } from "../../src/base/bytes.ts";
import { addSeconds, instant } from "../../src/base/time.ts";
import {
  isOfLiveEpoch,
  issueNonce,
  type NonceKeys,
  nonceMacKey,
  openNonce,
  refuseExpired,
} from "../../src/channel/nonce.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf } from "../support/faults.ts";
import { bytesOf } from "../support/protocol-fields.ts";
import { protocolVectors } from "../support/protocol-vectors.ts";
import { itWithVectors } from "../support/shared-vectors.ts";

const NOW = instant(1_760_000_000);
const RAND = new Uint8Array(16).fill(0x77);
const MAC_KEY = nonceMacKey(new Uint8Array(32).fill(0xaa), nodePrimitives);
const KEYS: NonceKeys = {
  current: { kid: 7, macKey: MAC_KEY },
  live: [{ kid: 7, macKey: MAC_KEY }],
  audience: "https://broker.example/c/0001",
  tenant: "tenant-1",
  lifetimeSeconds: 60,
};

describe("the vectors of PROTOCOL section 3", () => {
  itWithVectors("gives the MAC key and the nonce byte for byte, and opens it", () => {
    const { nonce: vectors } = protocolVectors();
    expect(vectors.length).toBeGreaterThan(0);
    for (const vector of vectors) {
      const macKey = nonceMacKey(bytesOf(vector.clusterSecret), nodePrimitives);
      expect(hexOf(macKey)).toBe(vector.macKey);
      const current = { kid: vector.kid, macKey };
      const keys = { ...KEYS, current, live: [current], audience: vector.audience, tenant: vector.tenant };
      const now = instant(vector.exp - 60);
      const issued = issueNonce({ binding: 3, now, rand: bytesOf(vector.rand) }, keys, nodePrimitives);
      expect(hexOf(issued.nonce)).toBe(vector.nonce);
      expect(base64UrlOf(issued.nonce)).toBe(vector.nonceBase64url);
      expect(openNonce(issued.nonce, { binding: 3, now }, keys, nodePrimitives)).toMatchObject({
        kid: vector.kid,
        expiresAt: vector.exp,
        issuedAt: now,
      });
    }
  });
});

describe("a nonce of our own", () => {
  it("opens for its binding with what the spend needs", () => {
    const { nonce, expiresAt } = issue();
    const opened = openNonce(nonce, { binding: 3, now: NOW }, KEYS, nodePrimitives);
    expect(expiresAt).toBe(NOW + 60);
    expect(opened).toEqual({ bytes: nonce, kid: 7, rand: RAND, expiresAt, issuedAt: NOW });
  });

  it("opens whatever its random bytes, binding, lifetime and tenant are", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.constantFrom(1, 2, 3),
        fc.integer({ min: 1, max: 120 }),
        fc.string({ unit: "binary" }),
        (rand, binding, lifetimeSeconds, tenant) => {
          const keys = { ...KEYS, lifetimeSeconds, tenant };
          const { nonce } = issueNonce({ binding, now: NOW, rand }, keys, nodePrimitives);
          const opened = openNonce(nonce, { binding, now: NOW }, keys, nodePrimitives);
          expect(nonce.length).toBe(48);
          expect(opened.rand).toEqual(rand);
          expect(opened.issuedAt).toBe(NOW);
        },
      ),
    );
  });

  it("opens under an epoch that is no longer the current one", () => {
    const { nonce } = issue();
    const next = { kid: 8, macKey: new Uint8Array(32) };
    const keys = { ...KEYS, current: next, live: [next, KEYS.current] };
    expect(openNonce(nonce, { binding: 3, now: NOW }, keys, nodePrimitives).kid).toBe(7);
  });

  it("keeps its own copy of the bytes", () => {
    const { nonce } = issue();
    const opened = openNonce(nonce, { binding: 3, now: NOW }, KEYS, nodePrimitives);
    nonce.fill(0);
    expect(opened.bytes[0]).toBe(1);
    expect(opened.rand).toEqual(RAND);
  });

  it.each([
    { name: "its last second", after: 60, code: undefined },
    { name: "the skew of five seconds", after: 65, code: undefined },
    { name: "one second beyond the skew", after: 66, code: "nonce/expired" },
    { name: "a day", after: 86_400, code: "nonce/expired" },
  ])("is $code after $name", ({ after, code }) => {
    const now = addSeconds(NOW, after);
    expect(codeOf(() => openNonce(issue().nonce, { binding: 3, now }, KEYS, nodePrimitives))).toBe(code);
  });

  it("expires while it is in hand", () => {
    const opened = openNonce(issue().nonce, { binding: 3, now: NOW }, KEYS, nodePrimitives);
    expect(codeOf(() => refuseExpired(opened, addSeconds(NOW, 65)))).toBeUndefined();
    expect(codeOf(() => refuseExpired(opened, addSeconds(NOW, 66)))).toBe("nonce/expired");
  });
});

describe("a nonce that is not ours", () => {
  it("is refused whichever of its bits was flipped", () => {
    const { nonce } = issue();
    for (let bit = 0; bit < 8 * nonce.length; bit += 1) {
      const flipped = nonce.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(
        codeOf(() => openNonce(flipped, { binding: 3, now: NOW }, KEYS, nodePrimitives)),
        `bit ${bit}`,
      ).toBe("nonce/invalid");
    }
  });

  it("is refused whatever bytes it is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(codeOf(() => openNonce(bytes, { binding: 3, now: NOW }, KEYS, nodePrimitives))).toBe(
          "nonce/invalid",
        );
      }),
    );
  });

  it.each([47, 49, 0, 96])("is refused at %i bytes, though it begins as one of ours", (size) => {
    const bytes = new Uint8Array(size);
    bytes.set(issue().nonce.slice(0, size));
    expect(codeOf(() => openNonce(bytes, { binding: 3, now: NOW }, KEYS, nodePrimitives))).toBe(
      "nonce/invalid",
    );
  });

  const others: readonly { readonly name: string; readonly keys: Partial<NonceKeys> }[] = [
    { name: "another audience", keys: { audience: "https://broker.example/c/0002" } },
    { name: "another tenant", keys: { tenant: "tenant-2" } },
    { name: "no tenant", keys: { tenant: "" } },
    {
      name: "audience and tenant with their border moved",
      keys: { audience: `${KEYS.audience}t`, tenant: "enant-1" },
    },
    { name: "another cluster secret", keys: { live: [{ kid: 7, macKey: new Uint8Array(32) }] } },
    { name: "another epoch", keys: { live: [{ kid: 8, macKey: MAC_KEY }] } },
    { name: "no live epoch", keys: { live: [] } },
  ];
  it.each(others)("is refused under $name", ({ keys }) => {
    const { nonce } = issue();
    const others = { ...KEYS, ...keys };
    expect(codeOf(() => openNonce(nonce, { binding: 3, now: NOW }, others, nodePrimitives))).toBe(
      "nonce/invalid",
    );
  });

  it.each([1, 2] as const)("is refused in binding %i when it was made for 3", (binding) => {
    expect(codeOf(() => openNonce(issue().nonce, { binding, now: NOW }, KEYS, nodePrimitives))).toBe(
      "nonce/invalid",
    );
  });

  it.each([
    { name: "version 2", at: 0, value: 2 },
    { name: "a reserved flag beside its own", at: 3, value: 0b1_1000 },
    { name: "a reserved flag in the upper byte", at: 2, value: 0x80 },
  ])("is refused with $name, though the MAC is right", ({ at, value }) => {
    expect(codeOf(() => openNonce(remade(at, value), { binding: 3, now: NOW }, KEYS, nodePrimitives))).toBe(
      "nonce/invalid",
    );
  });

  it("may serve several bindings, and the KBS exchange, when its flags say so", () => {
    const nonce = remade(3, 0b1101);
    expect(codeOf(() => openNonce(nonce, { binding: 3, now: NOW }, KEYS, nodePrimitives))).toBeUndefined();
    expect(codeOf(() => openNonce(nonce, { binding: 2, now: NOW }, KEYS, nodePrimitives))).toBeUndefined();
    expect(codeOf(() => openNonce(nonce, { binding: 1, now: NOW }, KEYS, nodePrimitives))).toBe(
      "nonce/invalid",
    );
  });

  it("is refused when it would live longer than any nonce, though the MAC is right", () => {
    const { nonce } = issueNonce({ binding: 3, now: addSeconds(NOW, 66), rand: RAND }, KEYS, nodePrimitives);
    expect(
      codeOf(() => openNonce(nonce, { binding: 3, now: addSeconds(NOW, 1) }, KEYS, nodePrimitives)),
    ).toBeUndefined();
    expect(codeOf(() => openNonce(nonce, { binding: 3, now: NOW }, KEYS, nodePrimitives))).toBe(
      "nonce/invalid",
    );
  });
});

describe("the epoch of a nonce", () => {
  const issued = (keys: NonceKeys = KEYS) =>
    issueNonce({ binding: 3, now: NOW, rand: RAND }, keys, nodePrimitives).nonce;
  const other = { kid: 8, macKey: nonceMacKey(new Uint8Array(32).fill(0xbb), nodePrimitives) };

  it("lives while its key does, long after the nonce itself", () => {
    expect(isOfLiveEpoch(issued(), KEYS, nodePrimitives)).toBe(true);
    expect(
      isOfLiveEpoch(issued(), { ...KEYS, current: other, live: [other, KEYS.current] }, nodePrimitives),
    ).toBe(true);
  });

  it.each<readonly [string, Uint8Array, Partial<NonceKeys>]>([
    ["its key was retired", issued(), { current: other, live: [other] }],
    ["its number has another key now, as after a restore", issued(), { live: [{ ...other, kid: 7 }] }],
    ["the audience is another", issued(), { audience: "https://broker.example/c/0002" }],
    ["the tenant is another", issued(), { tenant: "" }],
    ["a byte of it is", issued().map((byte, i) => (i === 20 ? byte ^ 1 : byte)), {}],
    ["it is cut short", issued().slice(0, 47), {}],
    ["it is empty", new Uint8Array(0), {}],
  ])("is over where %s", (_, nonce, changes) => {
    expect(isOfLiveEpoch(nonce, { ...KEYS, ...changes }, nodePrimitives)).toBe(false);
  });
});

describe("issuing", () => {
  it.each([0, 121, -1])("refuses a lifetime of %i seconds", (lifetimeSeconds) => {
    const keys = { ...KEYS, lifetimeSeconds };
    expect(codeOf(() => issueNonce({ binding: 3, now: NOW, rand: RAND }, keys, nodePrimitives))).toBe(
      "internal/invariant",
    );
  });

  it("refuses random bytes of another size, and a cluster secret of another size", () => {
    const rand = new Uint8Array(15);
    expect(codeOf(() => issueNonce({ binding: 3, now: NOW, rand }, KEYS, nodePrimitives))).toBe(
      "internal/invariant",
    );
    expect(codeOf(() => nonceMacKey(new Uint8Array(31), nodePrimitives))).toBe("internal/invariant");
  });
});

function issue() {
  return issueNonce({ binding: 3, now: NOW, rand: RAND }, KEYS, nodePrimitives);
}

/** A nonce with one header byte changed and its MAC made anew: what only a holder of the secret could send. */
function remade(at: number, value: number): Uint8Array {
  const header = issue().nonce.slice(0, 24);
  header[at] = value;
  const lp = (text: string): number[] => {
    const bytes = new TextEncoder().encode(text);
    return [0, 0, 0, bytes.length, ...bytes];
  };
  const input = Uint8Array.of(...lp("ostiary/nonce/v1"), ...lp(KEYS.audience), ...lp(KEYS.tenant), ...header);
  return Uint8Array.of(...header, ...nodePrimitives.hmac("sha256", MAC_KEY, input).slice(0, 24));
}
