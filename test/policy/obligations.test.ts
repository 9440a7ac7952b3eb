import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  counterUses,
  leaseTermSeconds,
  reattestSeconds,
  type Terms,
  tokenTtlSeconds,
  unmetTerms,
} from "../../src/policy/obligations.ts";
import type { Obligations, ReleaseLimit } from "../../src/writ/decision.ts";
import { NO_OBLIGATIONS } from "../../src/writ/evaluation/obligations.ts";

const perChip: ReleaseLimit = {
  limit: 3,
  per: "report.chip_id",
  perValue: "03".repeat(64),
  windowMs: 86_400_000,
  policy: "acme.disks/luks-root",
};
const terms: Terms = { suite: 1, keyVersion: { wanted: 2, current: 2 } };

function obligations(changes: Partial<Obligations>): Obligations {
  return { ...NO_OBLIGATIONS, ...changes };
}

describe("counters", () => {
  it("are none where no policy counts", () => {
    expect(counterUses(NO_OBLIGATIONS)).toEqual([]);
  });

  it("have a key of policy, field, value and window, and the limit beside it", () => {
    const rates = [{ limit: 30, windowMs: 60_000, policy: "acme.disks/luks-root" }];
    expect(counterUses(obligations({ maxReleases: [perChip], rates }))).toEqual([
      {
        key: `max_releases|acme.disks/luks-root|report.chip_id|${"03".repeat(64)}|86400`,
        limit: 3,
        windowSeconds: 86_400,
      },
      { key: "rate|acme.disks/luks-root|60", limit: 30, windowSeconds: 60 },
    ]);
  });

  it("keep their key when the limit changes", () => {
    const [before] = counterUses(obligations({ maxReleases: [perChip] }));
    const [after] = counterUses(obligations({ maxReleases: [{ ...perChip, limit: 9 }] }));
    expect(after?.key).toBe(before?.key);
  });

  it("last for ever without a window", () => {
    const { windowMs: _, ...ever } = perChip;
    const [use] = counterUses(obligations({ maxReleases: [ever] }));
    expect([use?.windowSeconds, use?.key.endsWith("|ever")]).toEqual([undefined, true]);
  });

  it("round a window up, never down, and never to nothing", () => {
    const windows = [1, 999, 1000, 1001].map(
      (windowMs) =>
        counterUses(obligations({ rates: [{ limit: 1, windowMs, policy: "m/p" }] }))[0]?.windowSeconds,
    );
    expect(windows).toEqual([1, 1, 1, 2]);
  });

  it("count a release once where two limits are over the same count, and the lower one rules", () => {
    for (const limits of [
      [3, 5],
      [5, 3],
    ]) {
      const uses = counterUses(obligations({ maxReleases: limits.map((limit) => ({ ...perChip, limit })) }));
      expect(uses.map(({ limit }) => limit)).toEqual([3]);
    }
  });

  const differences: readonly (readonly [string, Partial<ReleaseLimit>])[] = [
    ["policy", { policy: "acme.disks/other" }],
    ["module", { policy: "acme/luks-root" }],
    ["field", { per: "measurement" }],
    ["value", { perValue: "04".repeat(64) }],
    ["window", { windowMs: 3_600_000 }],
  ];
  for (const [what, change] of differences) {
    it(`are apart where the ${what} differs`, () => {
      expect(counterUses(obligations({ maxReleases: [perChip, { ...perChip, ...change }] }))).toHaveLength(2);
    });
  }

  const name = fc.stringMatching(/^[a-z]{1,3}$/);
  const limited = fc.record({
    limit: fc.constant(1),
    per: name,
    perValue: fc.string({ unit: fc.constantFrom("|", "a", "6", "0"), maxLength: 6 }),
    windowMs: fc.constantFrom(60_000, 600_000),
    policy: name,
  });
  test.prop([limited, limited])(
    "never share a key where anything differs, whatever the value holds",
    (a, b) => {
      const isSame =
        a.per === b.per && a.perValue === b.perValue && a.windowMs === b.windowMs && a.policy === b.policy;
      expect(counterUses(obligations({ maxReleases: [a, b] }))).toHaveLength(isSame ? 1 : 2);
    },
  );
});

describe("the life of a token", () => {
  const rows: readonly (readonly [number | undefined, number])[] = [
    [undefined, 60],
    [120_000, 120],
    [300_000, 300],
    [300_001, 300],
    [86_400_000, 300],
    [1_999, 1],
    [999, 0],
  ];
  for (const [tokenTtlMs, seconds] of rows) {
    it(`is ${seconds} s where policy says ${tokenTtlMs ?? "nothing"}`, () => {
      expect(tokenTtlSeconds(obligations(tokenTtlMs === undefined ? {} : { tokenTtlMs }))).toBe(seconds);
    });
  }
});

describe("the time to attest again", () => {
  const fiveMinutes = obligations({ reattestMs: 300_000, tokenTtlMs: 300_000 });

  it.each([
    ["is whole for evidence of now", 0, 300],
    ["counts from the evidence", 100_000, 200],
    ["is rounded down", 100_001, 199],
    ["is never nothing for what is given still", 300_000, 1],
  ])("%s", (_, heldMs, seconds) => {
    expect(reattestSeconds(fiveMinutes, heldMs)).toBe(seconds);
    expect(tokenTtlSeconds(fiveMinutes, 300, heldMs)).toBe(seconds);
    expect(leaseTermSeconds(fiveMinutes, 600, heldMs)).toBe(seconds);
  });
});

describe("terms", () => {
  const rows: readonly (readonly [string, Partial<Obligations>, Partial<Terms>, readonly string[]])[] = [
    ["no wrap, any suite", {}, { suite: 3 }, []],
    ["no wrap, the KBS exchange", {}, { suite: 0 }, []],
    ["the suite that policy names", { wrap: "hpke-x25519" }, { suite: 1 }, []],
    ["another suite than policy names", { wrap: "hpke-xwing" }, { suite: 1 }, ["wrap hpke-xwing"]],
    ["the KBS exchange under a wrap", { wrap: "jwe-p256" }, { suite: 0 }, ["wrap jwe-p256"]],
    ["the third suite", { wrap: "jwe-p256" }, { suite: 3 }, []],
    ["the current version", {}, { keyVersion: { wanted: 2, current: 2 } }, []],
    ["an older version", {}, { keyVersion: { wanted: 1, current: 2 } }, ["key_version current"]],
    [
      "a version beyond the current one",
      {},
      { keyVersion: { wanted: 3, current: 2 } },
      ["key_version current"],
    ],
    ["no current version", {}, { keyVersion: { wanted: 2, current: undefined } }, ["key_version current"]],
    ["any version", { keyVersion: "any" }, { keyVersion: { wanted: 1, current: 9 } }, []],
    ["the least version", { keyVersion: { atLeast: 3 } }, { keyVersion: { wanted: 3, current: 9 } }, []],
    [
      "below the least version",
      { keyVersion: { atLeast: 3 } },
      { keyVersion: { wanted: 2, current: 9 } },
      ["key_version >= 3"],
    ],
    ["no stored key at all", {}, { keyVersion: undefined }, []],
    [
      "both unmet",
      { wrap: "hpke-xwing" },
      { keyVersion: { wanted: 1, current: 2 } },
      ["wrap hpke-xwing", "key_version current"],
    ],
  ];
  for (const [name, demands, offer, unmet] of rows) {
    it(name, () => {
      const clauses = unmetTerms(obligations(demands), { ...terms, ...offer });
      expect(clauses.map(({ clause }) => clause.text)).toEqual(unmet);
    });
  }

  it("say what was wanted and what came", () => {
    const [clause] = unmetTerms(obligations({ wrap: "hpke-xwing" }), terms);
    expect(clause).toMatchObject({
      verdict: "x",
      when: { atom: { field: "wrap", wanted: "== hpke-xwing" }, got: "hpke-x25519" },
    });
  });
});
