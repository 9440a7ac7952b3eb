/** The Store contract: the broker's own state. */
import { describe, expect, it } from "vitest";
import { instant } from "../../../src/base/time.ts";
import type { OpenStore } from "../store.ts";
import { commitOf, freshRand, T0 } from "./examples.ts";

export function stateContract(open: OpenStore): void {
  describe("meta", () => {
    it("sets a value only over the expected one", async () => {
      const store = await open();
      expect(await store.meta("audience")).toBeUndefined();
      expect(await store.putMeta("audience", "other", "a")).toBe(false);
      expect(await store.putMeta("audience", undefined, "a")).toBe(true);
      expect(await store.putMeta("audience", undefined, "b")).toBe(false);
      expect(await store.putMeta("audience", "x", "b")).toBe(false);
      expect(await store.meta("audience")).toBe("a");
      expect(await store.putMeta("audience", "a", "b")).toBe(true);
      expect(await store.meta("audience")).toBe("b");
    });

    it("lets one of many concurrent swaps win", async () => {
      const store = await open();
      const wins = await Promise.all(
        Array.from({ length: 8 }, (_, i) => store.putMeta("name", undefined, `value ${i}`)),
      );
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await store.meta("name")).toBe(`value ${wins.indexOf(true)}`);
    });
  });

  describe("spendAdminRequest", () => {
    it("takes each id of each key once", async () => {
      const store = await open();
      const spend = (kid: string, jti: string) => store.spendAdminRequest(kid, jti, T0);
      expect([
        await spend("a", "1"),
        await spend("a", "1"),
        await spend("b", "1"),
        await spend("a", "2"),
      ]).toEqual([true, false, true, true]);
    });
  });

  describe("nonce epochs", () => {
    const epochOf = (kid: number) => ({ kid, wrapped: Uint8Array.of(kid, 7), createdAt: instant(T0 + kid) });

    it("keeps one epoch per kid until it is retired", async () => {
      const store = await open();
      expect(await store.nonceEpochs()).toEqual([]);
      expect(await store.putNonceEpoch(epochOf(1))).toBe(true);
      expect(await store.putNonceEpoch({ ...epochOf(1), wrapped: Uint8Array.of(0) })).toBe(false);
      expect(await store.putNonceEpoch(epochOf(2))).toBe(true);
      expect(await store.nonceEpochs()).toEqual([epochOf(1), epochOf(2)]);
      await store.retireNonceEpoch(1);
      expect(await store.nonceEpochs()).toEqual([epochOf(2)]);
    });

    it("puts an epoch under another key only in the place of what was read", async () => {
      const store = await open();
      await store.putNonceEpoch(epochOf(1));
      const fresh = Uint8Array.of(4, 4);
      expect(await store.rewrapNonceEpoch(1, Uint8Array.of(1, 8), fresh)).toBe(false);
      expect(await store.rewrapNonceEpoch(2, epochOf(1).wrapped, fresh)).toBe(false);
      expect(await store.nonceEpochs()).toEqual([epochOf(1)]);
      expect(await store.rewrapNonceEpoch(1, epochOf(1).wrapped, fresh)).toBe(true);
      expect(await store.nonceEpochs()).toEqual([{ ...epochOf(1), wrapped: fresh }]);
    });

    it("gives a retired kid again only after its last spend record is gone", async () => {
      const store = await open();
      await store.putNonceEpoch(epochOf(1));
      await store.commitDecisions([commitOf({ spend: { kid: 1, rand: freshRand(), keepUntil: T0 } })]);
      await store.retireNonceEpoch(1);
      expect(await store.putNonceEpoch(epochOf(1))).toBe(false);
      await store.prune(instant(T0 + 1), T0);
      expect(await store.putNonceEpoch(epochOf(1))).toBe(true);
    });
  });

  describe("cached endorsements", () => {
    it("keeps the newest under each key", async () => {
      const store = await open();
      expect(await store.cachedEndorsement("crl/milan")).toBeUndefined();
      await store.cacheEndorsement("crl/milan", { der: Uint8Array.of(1), obtainedAt: T0 });
      await store.cacheEndorsement("crl/milan", { der: Uint8Array.of(2), obtainedAt: instant(T0 + 1) });
      expect(await store.cachedEndorsement("crl/milan")).toEqual({
        der: Uint8Array.of(2),
        obtainedAt: instant(T0 + 1),
      });
    });
  });
}
