import { describe, expect, it } from "vitest";
import { createSecretCache } from "../../src/agent/secret-cache.ts";
import type { HeldSecret } from "../../src/agent/secret-source.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";

const PLAN = { maxAgeMs: 60_000, staleMs: 30_000, maxEntries: 3, maxBytes: 10 };

function clocked(plan: Partial<typeof PLAN> = {}) {
  let [time, wall] = [0, 1_800_000_000];
  let due: { readonly at: number; readonly then: () => void } | undefined;
  const cache = createSecretCache(
    { ...PLAN, ...plan },
    {
      milliseconds: () => time,
      now: () => wall,
      after: (milliseconds, then) => {
        const timer = { at: time + milliseconds, then };
        due = timer;
        return {
          cancel: () => {
            if (due === timer) due = undefined;
          },
        };
      },
    },
  );
  /** Both clocks, or one of them alone. */
  const pass = (seconds: number, which: "both" | "wall" | "steady" = "both"): void => {
    if (which !== "wall") time += seconds * 1000;
    if (which !== "steady") wall += seconds;
    if (due !== undefined && time >= due.at) due.then();
  };
  return { cache, pass, wall: () => wall };
}

function held(path: string, more: Partial<HeldSecret> = {}): HeldSecret {
  return { path, version: 1, decision: "D", secret: utf8("abc"), ...more };
}

describe("the memory of the daemon", () => {
  it("gives a copy while it is fresh, an old one only where it stands in, and forgets both after that", () => {
    const { cache, pass } = clocked();
    cache.keep("a", held("a"));
    cache.fresh("a")?.secret.fill(0);
    expect(cache.fresh("a")?.secret).toEqual(utf8("abc"));
    pass(60);
    expect(cache.fresh("a")).toBeUndefined();
    expect(cache.stale("a")?.secret).toEqual(utf8("abc"));
    pass(30);
    expect(cache.stale("a")).toBeUndefined();
    expect(cache.size()).toEqual({ entries: 0, bytes: 0 });
  });

  it("ends with whichever clock says so: the host stops one and moves the other", () => {
    for (const which of ["wall", "steady"] as const) {
      const { cache, pass } = clocked({ staleMs: 0 });
      cache.keep("a", held("a"));
      pass(60, which);
      expect(cache.fresh("a")).toBeUndefined();
    }
    const { cache, pass } = clocked();
    cache.keep("a", held("a"));
    pass(-3600, "wall");
    expect([cache.fresh("a"), cache.stale("a")]).toEqual([undefined, undefined]);
  });

  it("keeps nothing for longer than the policy lets a guest be without new evidence, nor than a lease", () => {
    const { cache, pass, wall } = clocked();
    cache.keep("a", held("a", { reattestSeconds: 10 }));
    cache.keep("b", held("b", { lease: { fence: 1, until: instant(wall() + 5) } }));
    pass(5);
    expect([cache.fresh("a")?.path, cache.stale("b")]).toEqual(["a", undefined]);
    pass(5);
    expect(cache.stale("a")).toBeUndefined();
  });

  it("is bounded in count and in bytes, the oldest goes first, and what is larger than all is not kept", () => {
    const { cache } = clocked();
    for (const name of ["a", "b", "c", "d"]) cache.keep(name, held(name));
    expect(cache.size()).toEqual({ entries: 3, bytes: 9 });
    expect(["a", "b", "c", "d"].filter((name) => cache.fresh(name) !== undefined)).toEqual(["b", "c", "d"]);
    cache.keep("e", held("e", { secret: new Uint8Array(8) }));
    expect(cache.size()).toEqual({ entries: 1, bytes: 8 });
    cache.keep("f", held("f", { secret: new Uint8Array(11) }));
    expect(cache.fresh("f")).toBeUndefined();
  });

  it("overwrites what goes, whichever way it goes", () => {
    const kept: Uint8Array[] = [];
    const slice = Uint8Array.prototype.slice;
    const spied = (): Uint8Array => {
      const secret = utf8("abc");
      secret.slice = (...range: Parameters<typeof slice>) => {
        const copy = slice.apply(secret, range);
        kept.push(copy);
        return copy;
      };
      return secret;
    };
    const { cache, pass } = clocked();
    for (const name of ["a", "b", "c", "d"]) cache.keep(name, held(name, { secret: spied() })); // a is crowded out
    cache.keep("b", held("b", { secret: spied() })); // replaced
    cache.forget("c");
    pass(90); // b and d are too old
    cache.keep("e", held("e", { secret: spied() }));
    cache.clear();
    expect(kept).toHaveLength(6);
    expect(kept.filter((copy) => copy.some((byte) => byte !== 0))).toEqual([]);
  });
});
