import { describe, expect, it } from "vitest";
import type { HeldSecret } from "../../src/agent/secret-source.ts";
import { type WatchPlan, watchSecrets } from "../../src/agent/watch.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { instant } from "../../src/base/time.ts";

const NOW = instant(1_800_000_000);

interface Seen {
  readonly told: string[];
  readonly pauses: number[];
  readonly troubles: string[];
  readonly given: Uint8Array[];
}

/** Looks as often as there are answers; a fault is thrown, a text is a secret. */
async function watched(
  answers: readonly (string | Fault)[],
  plan: Partial<WatchPlan> & { readonly more?: Partial<HeldSecret>; readonly refuse?: number } = {},
): Promise<Seen> {
  const stop = new AbortController();
  const seen: Seen = { told: [], pauses: [], troubles: [], given: [] };
  let [look, refused] = [0, 0];
  await watchSecrets(
    { paths: ["a"], refreshMs: 300_000, ...plan },
    {
      readAnew: async (path) => {
        const answer = answers[look] ?? "";
        look += 1;
        if (typeof answer !== "string") throw answer;
        const secret = utf8(answer);
        seen.given.push(secret);
        return { path, version: 1, decision: "D", secret, ...plan.more };
      },
      sleep: async (milliseconds) => {
        seen.pauses.push(milliseconds);
        if (look >= answers.length) stop.abort();
      },
      random: () => 0.5,
      now: () => NOW,
      signal: stop.signal,
      onSecrets: async (secrets) => {
        refused += 1;
        if (refused <= (plan.refuse ?? 0)) throw new Fault("file/unusable", "disk full");
        seen.told.push(...[...secrets.values()].map(({ secret }) => new TextDecoder().decode(secret)));
      },
      onLook: () => {},
      onTrouble: (fault) => seen.troubles.push(fault.code),
    },
  );
  return seen;
}

describe("a watch", () => {
  it("tells of the first secret and of each other one, once, and overwrites all of them", async () => {
    const { told, pauses, given } = await watched(["one", "one", "two", "two", "one"]);
    expect(told).toEqual(["one", "two", "one"]);
    expect(pauses).toEqual(Array(5).fill(300_000));
    expect(given.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  it("waits longer with each failure, a minute at most, and tells nothing of it as a change", async () => {
    const down = new Fault("broker/unreachable", "no answer");
    const { told, pauses, troubles } = await watched(["one", ...Array(9).fill(down), "one"]);
    expect(told).toEqual(["one"]);
    expect(troubles).toHaveLength(9);
    expect(pauses.slice(1, 10)).toEqual([750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000]);
  });

  it("tells again what could not be put into its place", async () => {
    const { told, troubles, given } = await watched(["one", "one"], { refuse: 1 });
    expect({ told, troubles }).toEqual({ told: ["one"], troubles: ["file/unusable"] });
    expect(given.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  it("looks again in time for a lease and for what the policy demands, also where it looks for nothing else", async () => {
    const never = { refreshMs: undefined };
    const lease = { fence: 1, until: instant(NOW + 60) };
    expect((await watched(["one"], { ...never, more: { lease } })).pauses).toEqual([40_000]);
    expect((await watched(["one"], { ...never, more: { reattestSeconds: 30 } })).pauses).toEqual([20_000]);
    expect((await watched(["one"], { ...never, more: { reattestSeconds: 1 } })).pauses).toEqual([1000]);
    expect((await watched(["one"], never)).pauses).toEqual([2 ** 31 - 1]);
  });
});
