import { fc, it } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { instant } from "../../src/base/time.ts";
import type { DecisionCommit } from "../../src/broker/store.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { commitOf, T0 } from "../contract/store/examples.ts";
import { openedStore, temporaryPath } from "./temporary.ts";

const use = fc.record({
  key: fc.constantFrom("a", "b", "c"),
  limit: fc.integer({ min: 0, max: 4 }),
  windowSeconds: fc.constantFrom(undefined, 5, 20),
});
const item = fc.record({ resource: fc.constantFrom("r1", "r2"), uses: fc.array(use, { maxLength: 3 }) });
const plan = fc.record({
  nonce: fc.integer({ min: 0, max: 30 }),
  seconds: fc.integer({ min: 0, max: 40 }),
  items: fc.array(item, { minLength: 1, maxLength: 4 }),
  isAllOrNothing: fc.boolean(),
});
const groups = fc.array(fc.array(plan, { minLength: 1, maxLength: 8 }), { maxLength: 6 });

describe("memory and SQLite", () => {
  it.prop([groups], { numRuns: 60 })("agree on every outcome of any groups of commits", async (planned) => {
    const stores = [createMemoryStore(), openedStore(temporaryPath(), "create")] as const;
    const [memory, sqlite] = stores;
    for (const [round, group] of planned.entries()) {
      const commits = group.map((plan) => commitFrom(plan));
      expect(await sqlite.commitDecisions(commits)).toEqual(await memory.commitDecisions(commits));
      if (round % 2 === 1) for (const store of stores) await store.prune(instant(T0 + 20), T0);
    }
    expect(await sqlite.entries(0, 100)).toEqual(await memory.entries(0, 100));
    for (const resource of ["r1", "r2"]) {
      const since = instant(T0 + 10);
      expect(await sqlite.countAttempts("ab".repeat(32), resource, since)).toBe(
        await memory.countAttempts("ab".repeat(32), resource, since),
      );
    }
  });
});

function commitFrom(plan: {
  readonly nonce: number;
  readonly seconds: number;
  readonly items: DecisionCommit["items"];
  readonly isAllOrNothing: boolean;
}): DecisionCommit {
  const rand = new Uint8Array(16).fill(plan.nonce);
  return commitOf({
    at: instant(T0 + plan.seconds),
    spend: { kid: 1, rand, keepUntil: instant(T0 + 10 + plan.nonce) },
    items: plan.items,
    isAllOrNothing: plan.isAllOrNothing,
  });
}
