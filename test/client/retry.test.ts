import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault, type FaultDetail } from "../../src/base/fault.ts";
import type { FaultCode } from "../../src/base/fault-codes.ts";
import { withRetries } from "../../src/client/retry.ts";

interface Trial {
  readonly attempts: number;
  readonly waits: readonly number[];
  readonly told: readonly string[];
  readonly remaining: readonly number[];
  readonly ended: string;
}

interface TrialPlan {
  readonly deadlineMs: number;
  readonly random?: () => number;
  /** How long one attempt takes. */
  readonly attemptMs?: number;
}

/** Attempts fail in turn with these codes, then succeed; time passes only where somebody waits. */
async function trial(failures: readonly unknown[], plan: TrialPlan): Promise<Trial> {
  let [now, attempts] = [1_000, 0];
  const [waits, told, remaining]: [number[], string[], number[]] = [[], [], []];
  const parts = {
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
    random: plan.random ?? (() => 0.5),
    milliseconds: () => now,
    onWait: (fault: Fault) => void told.push(fault.code),
  };
  const attempt = async (left: number) => {
    remaining.push(left);
    attempts += 1;
    now += plan.attemptMs ?? 0;
    if (attempts <= failures.length) throw failures[attempts - 1];
    return "done";
  };
  const ended = await withRetries(attempt, plan.deadlineMs, parts).catch(nameOf);
  return { attempts, waits, told, remaining, ended };
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Fault ? thrown.code : String(thrown);
}

function fault(code: FaultCode, detail: FaultDetail = {}): Fault {
  return new Fault(code, "as the test says", detail);
}

describe("what is worth asking again", () => {
  const rows: readonly (readonly [FaultCode, "wait" | "anew" | "stop"])[] = [
    ["broker/unreachable", "wait"],
    ["request/rate-limited", "wait"],
    ["endorsement/unavailable", "wait"],
    ["endorsement/crl-missing", "wait"],
    ["endorsement/crl-stale", "wait"],
    ["store/unavailable", "wait"],
    ["kek/unavailable", "wait"],
    ["nonce/invalid", "anew"],
    ["nonce/expired", "anew"],
    ["nonce/spent", "anew"],
    ["policy/denied", "stop"],
    ["obligation/exhausted", "stop"],
    ["channel/bad-release", "stop"],
    ["channel/not-bound", "stop"],
    ["evidence/bad-signature", "stop"],
    ["request/malformed", "stop"],
    ["provider/unavailable", "stop"],
    ["internal/invariant", "stop"],
  ];
  it.each(rows)("%s: %s", async (code, kind) => {
    const { attempts, waits, ended } = await trial([fault(code)], { deadlineMs: 60_000 });
    expect({ attempts, waited: waits.length, ended }).toEqual({
      attempts: kind === "stop" ? 1 : 2,
      waited: kind === "wait" ? 1 : 0,
      ended: kind === "stop" ? code : "done",
    });
  });

  it("gives what is no fault back at once", async () => {
    expect((await trial([new TypeError("a bug")], { deadlineMs: 60_000 })).attempts).toBe(1);
  });

  it("begins anew three times at most, however soon", async () => {
    const stale = Array.from({ length: 9 }, () => fault("nonce/expired"));
    expect(await trial(stale, { deadlineMs: 60_000 })).toMatchObject({
      attempts: 4,
      waits: [],
      ended: "nonce/expired",
    });
  });
});

describe("how long is waited", () => {
  const away = (count: number) => Array.from({ length: count }, () => fault("broker/unreachable"));

  it("doubles the bound from half a second to thirty", async () => {
    const { waits } = await trial(away(9), { deadlineMs: 600_000 });
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it("draws each wait from the whole range up to its bound", async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (draw) => {
        const { waits, told } = await trial(away(8), { deadlineMs: 600_000, random: () => draw });
        const bounds = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
        expect(waits).toEqual(bounds.map((bound) => Math.max(1, bound * draw)));
        expect(told).toHaveLength(8);
      }),
    );
  });

  it("waits out Retry-After before its own draw", async () => {
    const { waits } = await trial([fault("request/rate-limited", { retryAfterSeconds: 7 })], {
      deadlineMs: 60_000,
    });
    expect(waits).toEqual([7250]);
  });

  it("gives up rather than wait past the deadline, and says why", async () => {
    const { attempts, waits, ended } = await trial(away(99), { deadlineMs: 4000 });
    expect({ attempts, waits, ended }).toEqual({
      attempts: 5,
      waits: [250, 500, 1000, 2000],
      ended: "broker/unreachable",
    });
  });

  it("gives up at once where Retry-After lies beyond the deadline", async () => {
    const patience = fault("request/rate-limited", { retryAfterSeconds: 3600 });
    expect(await trial([patience], { deadlineMs: 60_000 })).toMatchObject({ attempts: 1, waits: [] });
  });

  it("tells each attempt what is left, never less than nothing", async () => {
    const { remaining } = await trial(away(2), { deadlineMs: 1000, attemptMs: 300 });
    expect(remaining).toEqual([1000, 450]);
    const late = await trial([fault("nonce/spent")], { deadlineMs: 100, attemptMs: 300 });
    expect(late.remaining).toEqual([100, 0]);
  });
});
