/** Is a session's nonce one of ours, though nothing is stored of it? In 0.2.0 it is made again from the cookie, and from nothing else. */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { addSeconds, instant } from "../../src/base/time.ts";
import { nonceOfSession, openKbsSession } from "../../src/channel/kbs-session.ts";
import { type NonceKeys, nonceMacKey, openNonce } from "../../src/channel/nonce.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf } from "../support/faults.ts";

const NOW = instant(1_795_449_600);
const random = (size: number) => new Uint8Array(randomBytes(size));
const keyOf = (kid: number) => ({ kid, macKey: nonceMacKey(new Uint8Array(32).fill(kid), nodePrimitives) });

const KEYS: NonceKeys = {
  current: keyOf(7),
  live: [keyOf(7), keyOf(6)],
  audience: "https://broker.example",
  tenant: "",
  lifetimeSeconds: 60,
};
const at = { now: NOW, random };
const KBS = { binding: 0, now: NOW } as const;

describe("a session", () => {
  it("has a nonce of the KBS exchange, whose random part is its id", () => {
    for (const version of ["0.4.0", "0.2.0"] as const) {
      const { id, nonce, expiresAt } = openKbsSession(version, at, KEYS, nodePrimitives);
      const opened = openNonce(nonce, KBS, KEYS, nodePrimitives);
      expect(hexOf(opened.rand)).toBe(id);
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(expiresAt).toBe(addSeconds(NOW, 60));
      for (const binding of [1, 2, 3] as const) {
        expect(codeOf(() => openNonce(nonce, { ...KBS, binding }, KEYS, nodePrimitives))).toBe(
          "nonce/invalid",
        );
      }
    }
  });

  it("of 0.2.0 gives its nonce again, under either live epoch and at any age", () => {
    for (const current of KEYS.live) {
      const { id, nonce } = openKbsSession("0.2.0", at, { ...KEYS, current }, nodePrimitives);
      expect(nonceOfSession(id, KEYS, nodePrimitives)).toEqual(nonce);
    }
  });

  it("of 0.2.0 under an epoch that is over is none, and so is one that says nothing", () => {
    const { id } = openKbsSession("0.2.0", at, { ...KEYS, current: keyOf(5) }, nodePrimitives);
    for (const one of [id, "", "07", "zz".repeat(16), `${id}00`]) {
      expect(
        codeOf(() => nonceOfSession(one, KEYS, nodePrimitives)),
        one,
      ).toBe("nonce/invalid");
    }
  });

  it("of 0.4.0 gives no nonce again: its id says nothing of an epoch or an end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (rand) => {
        const { id, nonce } = openKbsSession("0.4.0", { now: NOW, random: () => rand }, KEYS, nodePrimitives);
        const again = codeOf(() => {
          const made = nonceOfSession(id, KEYS, nodePrimitives);
          if (hexOf(made) !== hexOf(nonce)) openNonce(made, KBS, KEYS, nodePrimitives);
        });
        // Only where chance wrote an epoch and this very second into it is the nonce the same.
        expect(again === "nonce/invalid" || again === "nonce/expired" || rand[0] === 6 || rand[0] === 7).toBe(
          true,
        );
      }),
    );
  });

  it("ends with its nonce", () => {
    const { id } = openKbsSession("0.2.0", at, KEYS, nodePrimitives);
    const nonce = nonceOfSession(id, KEYS, nodePrimitives);
    const open = (seconds: number) => () =>
      openNonce(nonce, { ...KBS, now: addSeconds(NOW, seconds) }, KEYS, nodePrimitives);
    expect(open(65)().kid).toBe(7);
    expect(codeOf(open(66))).toBe("nonce/expired");
  });

  it("that was thought up to end later is refused beyond the longest life", () => {
    const { id } = openKbsSession("0.2.0", at, KEYS, nodePrimitives);
    const later = `${id.slice(0, 2)}${(NOW + 126).toString(16)}${id.slice(10)}`;
    const nonce = nonceOfSession(later, KEYS, nodePrimitives);
    expect(codeOf(() => openNonce(nonce, KBS, KEYS, nodePrimitives))).toBe("nonce/invalid");
  });
});
