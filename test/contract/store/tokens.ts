/** The Store contract: audiences, signing keys, used proofs and revocations of tokens. */
import { describe, expect, it } from "vitest";
import { instant } from "../../../src/base/time.ts";
import type { StoredTokenKey, TokenAudience } from "../../../src/broker/token-store.ts";
import type { OpenStore } from "../store.ts";
import { adminDraft, freshId, T0 } from "./examples.ts";

const ENTRY = adminDraft("audience-add");

function audience(name: string, aud: string): TokenAudience {
  return { name, aud, isBearer: name === "bearer", createdAt: T0, createdBy: "admin-1" };
}

function key(serial: number): StoredTokenKey {
  const wrapped = Uint8Array.of(serial, 9);
  const withdraws = serial === 2;
  return {
    serial,
    wrapped,
    signsFrom: instant(T0 + serial),
    withdraws,
    createdAt: T0,
    createdBy: "admin-1",
  };
}

export function tokenContract(open: OpenStore): void {
  describe("audiences", () => {
    it("take each name and each aud once, with one entry for each that is new", async () => {
      const store = await open();
      expect(await store.putAudience(audience("sts", "https://sts.example"), ENTRY)).toBe(true);
      expect(await store.putAudience(audience("sts", "https://other.example"), ENTRY)).toBe(false);
      expect(await store.putAudience(audience("other", "https://sts.example"), ENTRY)).toBe(false);
      expect(await store.putAudience(audience("bearer", "urn:b"), ENTRY)).toBe(true);
      expect(await store.ledgerSize()).toBe(2);
      expect(await store.audiences()).toEqual([
        audience("bearer", "urn:b"),
        audience("sts", "https://sts.example"),
      ]);
      expect(await store.audienceOf("urn:b")).toEqual(audience("bearer", "urn:b"));
      expect(await store.audienceOf("https://STS.example")).toBeUndefined();
    });

    it("are removed once, and their name and aud are free again", async () => {
      const store = await open();
      await store.putAudience(audience("sts", "urn:a"), ENTRY);
      expect(await store.removeAudience("sts", ENTRY)).toBe(true);
      expect(await store.removeAudience("sts", ENTRY)).toBe(false);
      expect(await store.ledgerSize()).toBe(2);
      expect(await store.audienceOf("urn:a")).toBeUndefined();
      expect(await store.putAudience(audience("again", "urn:a"), ENTRY)).toBe(true);
    });

    it("go to one of many who register at once", async () => {
      const store = await open();
      const wins = await Promise.all(
        Array.from({ length: 6 }, (_, i) => store.putAudience(audience(`n${i}`, "urn:a"), ENTRY)),
      );
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await store.ledgerSize()).toBe(1);
    });
  });

  describe("token keys", () => {
    it("follow one another without gaps, with an entry where an admin made one", async () => {
      const store = await open();
      expect(await store.tokenKeys()).toEqual([]);
      expect(await store.putTokenKey(key(2), ENTRY)).toBe(false);
      expect(await store.putTokenKey(key(1), undefined)).toBe(true);
      expect(await store.putTokenKey(key(1), ENTRY)).toBe(false);
      expect(await store.ledgerSize()).toBe(0);
      expect(await store.putTokenKey(key(2), ENTRY)).toBe(true);
      expect(await store.ledgerSize()).toBe(1);
      expect(await store.tokenKeys()).toEqual([key(1), key(2)]);
      await store.dropTokenKeys(2);
      expect(await store.tokenKeys()).toEqual([key(2)]);
      expect(await store.putTokenKey(key(3), ENTRY)).toBe(true);
    });
  });

  describe("rewrapTokenKey", () => {
    it("puts a key under another one only in the place of what was read", async () => {
      const store = await open();
      await store.putTokenKey(key(1), undefined);
      const fresh = Uint8Array.of(5, 5);
      expect(await store.rewrapTokenKey(1, Uint8Array.of(1, 8), fresh)).toBe(false);
      expect(await store.rewrapTokenKey(2, key(1).wrapped, fresh)).toBe(false);
      expect(await store.tokenKeys()).toEqual([key(1)]);
      expect(await store.rewrapTokenKey(1, key(1).wrapped, fresh)).toBe(true);
      expect(await store.tokenKeys()).toEqual([{ ...key(1), wrapped: fresh }]);
    });
  });

  describe("proofs", () => {
    it("count once for each key, until they are forgotten", async () => {
      const store = await open();
      const spends = [];
      for (const [jkt, jti] of [
        ["k", "1"],
        ["k", "1"],
        ["l", "1"],
        ["k", "2"],
      ] as const) {
        spends.push(await store.spendProof(jkt, jti, T0)); // in order: which one is first matters
      }
      expect(spends).toEqual([true, false, true, true]);
      await store.prune(T0, T0);
      expect(await store.spendProof("k", "1", T0)).toBe(false);
      await store.prune(instant(T0 + 1), T0);
      expect(await store.spendProof("k", "1", T0)).toBe(true);
    });

    it("have one winner of many who come at once", async () => {
      const store = await open();
      const wins = await Promise.all(Array.from({ length: 8 }, () => store.spendProof("k", "j", T0)));
      expect(wins.filter(Boolean)).toHaveLength(1);
    });
  });

  describe("revocations", () => {
    it("stand once, and for ever", async () => {
      const store = await open();
      const revocation = { decision: freshId(), at: T0, by: "admin-1" };
      expect(await store.revocation(revocation.decision)).toBeUndefined();
      expect(await store.revokeDecision(revocation, ENTRY)).toBe(true);
      expect(await store.revokeDecision({ ...revocation, by: "admin-2" }, ENTRY)).toBe(false);
      await store.prune(instant(T0 + 1e8), instant(T0 + 1e8));
      expect(await store.revocation(revocation.decision)).toEqual(revocation);
      expect(await store.ledgerSize()).toBe(1);
    });
  });
}
