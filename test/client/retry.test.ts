import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault, type FaultDetail } from "../../src/base/fault.ts";
import type { FaultCode } from "../../src/base/fault-codes.ts";
import { oneOf, spreadStart, withRetries } from "../../src/client/retry.ts";

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
    onWait: ({ fault }: { readonly fault: Fault }) => void told.push(fault.code),
  };
  const attempt = async (_: string, left: number) => {
    remaining.push(left);
    attempts += 1;
    now += plan.attemptMs ?? 0;
    if (attempts <= failures.length) throw failures[attempts - 1];
    return "done";
  };
  const ended = await withRetries(oneOf(["a"]), attempt, plan.deadlineMs, parts).catch(nameOf);
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
    ["policy/needs-approval", "wait"],
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
    ["provider/busy", "wait"],
    ["provider/unavailable", "stop"],
    ["provider/key-wiped", "stop"],
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

  it("begins anew at once three times, then waits like for a broker that is busy", async () => {
    const stale = Array.from({ length: 6 }, () => fault("nonce/expired"));
    expect(await trial(stale, { deadlineMs: 60_000 })).toMatchObject({
      attempts: 7,
      waits: [250, 500, 1000],
      ended: "done",
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
        expect(waits).toHaveLength(bounds.length);
        for (const [index, bound] of bounds.entries())
          expect(waits[index]).toBeCloseTo(Math.max(1, bound * draw), 6);
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

  it("says what was answered last where the deadline cuts an attempt off", async () => {
    const failures = [fault("policy/needs-approval"), fault("broker/unreachable")];
    const plan = { deadlineMs: 1000, attemptMs: 400 };
    expect(await trial(failures, plan)).toMatchObject({ attempts: 2, ended: "policy/needs-approval" });
    const early = { deadlineMs: 1100, attemptMs: 400, random: () => 0.9999 };
    expect((await trial([fault("policy/needs-approval"), fault("policy/denied")], early)).ended).toBe(
      "policy/denied",
    );
    expect((await trial([fault("broker/unreachable")], { deadlineMs: 100, attemptMs: 100 })).ended).toBe(
      "broker/unreachable",
    );
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

const NAMES = ["a", "b", "c"] as const;
type Name = (typeof NAMES)[number];

interface SeveralEnded {
  /** Who was asked, in order, and when. */
  readonly asked: readonly (readonly [Name, number])[];
  readonly told: readonly string[];
  readonly ended: string;
}

/** Each of three brokers fails with its own codes in turn, then answers. An attempt takes as long as it is said. */
async function severalTrial(
  failures: Partial<Record<Name, readonly Fault[]>>,
  { deadlineMs = 60_000, attemptMs = 0, group = oneOf(NAMES) } = {},
): Promise<SeveralEnded> {
  let now = 0;
  const [asked, told]: [(readonly [Name, number])[], string[]] = [[], []];
  const left = new Map(NAMES.map((name) => [name, [...(failures[name] ?? [])]]));
  const attempt = async (name: Name): Promise<string> => {
    asked.push([name, now]);
    now += attemptMs;
    const failed = left.get(name)?.shift();
    if (failed !== undefined) throw failed;
    return `answered by ${name}`;
  };
  const parts = {
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
    random: () => 0.5,
    milliseconds: () => now,
    onWait: ({ failed, next, milliseconds }: { failed: Name; next: Name; milliseconds: number }) =>
      void told.push(`${failed}>${next}+${milliseconds}`),
  };
  const ended = await withRetries(group, attempt, deadlineMs, parts).catch(nameOf);
  return { asked, told, ended };
}

const gone = (count: number, code: FaultCode = "broker/unreachable") =>
  Array.from({ length: count }, () => fault(code));

describe("several brokers", () => {
  it("are asked in their order, the next one at once where one is away", async () => {
    const { asked, told, ended } = await severalTrial({ a: gone(1), b: gone(1) });
    expect({ asked, told, ended }).toEqual({
      asked: [
        ["a", 0],
        ["b", 0],
        ["c", 0],
      ],
      told: ["a>b+0", "b>c+0"],
      ended: "answered by c",
    });
  });

  it("each keep a pace of their own, so that none is asked sooner than if it were alone", async () => {
    const { asked } = await severalTrial({ a: gone(4), b: gone(4), c: gone(4) });
    for (const name of NAMES) {
      const times = asked.filter(([who]) => who === name).map(([, at]) => at);
      expect(times).toEqual([0, 250, 750, 1750, 3750].slice(0, times.length));
    }
  });

  it.each([
    "policy/denied",
    "obligation/exhausted",
    "channel/not-bound",
    "channel/bad-release",
    "evidence/bad-signature",
    "provider/unavailable",
  ] as const)("are not asked for a second opinion: %s is the answer of all", async (code) => {
    const { asked, ended } = await severalTrial({ a: gone(1, code) });
    expect({ asked, ended }).toEqual({ asked: [["a", 0]], ended: code });
    const later = await severalTrial({ a: gone(1), b: gone(1, code) });
    expect({ asked: later.asked.map(([name]) => name), ended: later.ended }).toEqual({
      asked: ["a", "b"],
      ended: code,
    });
  });

  it("are passed over, one by one and for good, where they do not prove who they are", async () => {
    const failures = { a: gone(9, "broker/denied"), b: gone(2), c: gone(9, "broker/bad-evidence") };
    const { asked, ended } = await severalTrial(failures);
    expect(asked.map(([name]) => name)).toEqual(["a", "b", "c", "b", "b"]);
    expect(ended).toBe("answered by b");
  });

  it("end with the last no where none is left", async () => {
    const { asked, ended } = await severalTrial({
      a: gone(1, "broker/denied"),
      b: gone(1, "broker/no-evidence"),
      c: gone(1, "broker/expired"),
    });
    expect({ count: asked.length, ended }).toEqual({ count: 3, ended: "broker/expired" });
  });

  it("keep the one that answered last as the first to be asked", async () => {
    const group = oneOf(NAMES);
    await severalTrial({ a: gone(1) }, { group });
    const again = await severalTrial({ b: gone(1) }, { group });
    expect(again.asked.map(([name]) => name)).toEqual(["b", "a"]);
    expect((await severalTrial({}, { group })).asked).toEqual([["a", 0]]);
  });

  it("begin anew at the same one where its nonce was stale", async () => {
    const { asked } = await severalTrial({ a: gone(1), b: gone(1, "nonce/spent") });
    expect(asked.map(([name]) => name)).toEqual(["a", "b", "b"]);
  });

  it("are none, which is said at once", async () => {
    await expect(
      withRetries(oneOf([]), async () => "", 1000, {
        sleep: async () => {},
        random: () => 0,
        milliseconds: () => 0,
      }),
    ).rejects.toMatchObject({ code: "config/invalid" });
  });
});

describe("a broker that is down for five minutes", () => {
  it("is asked a bounded number of times, at least every half minute, and then answers", async () => {
    const downMs = 300_000;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0.1, max: 1, maxExcluded: true, noNaN: true }), {
          minLength: 1,
          maxLength: 50,
        }),
        async (draws) => {
          let [now, drawn, attempts, longest] = [0, 0, 0, 0];
          const parts = {
            sleep: async (milliseconds: number) => {
              longest = Math.max(longest, milliseconds);
              now += milliseconds;
            },
            random: () => draws[drawn++ % draws.length] ?? 0.5,
            milliseconds: () => now,
          };
          const attempt = async () => {
            attempts += 1;
            now += 20;
            if (now < downMs) throw fault("broker/unreachable");
            return "key";
          };
          expect(await withRetries(oneOf(["a"]), attempt, Infinity, parts)).toBe("key");
          expect(longest).toBeLessThanOrEqual(30_000);
          expect(attempts).toBeLessThan(120);
        },
      ),
      { numRuns: 20 },
    );
    // With the mean of all draws: 250 + 500 + … + 15,000, then every 15 s.
    const { attempts } = await trial(gone(25), { deadlineMs: Infinity });
    expect(attempts).toBe(26);
    const soon = await severalTrial({ a: gone(1000), b: gone(1000), c: gone(1000) }, { deadlineMs: downMs });
    expect(soon.asked.length).toBeLessThanOrEqual(3 * 26);
    expect(soon.ended).toBe("broker/unreachable");
  });
});

describe("the start of a fleet", () => {
  it("is spread over as many seconds as it is told, and not at all where it is not", async () => {
    const slept: number[] = [];
    const parts = (draw: number) => ({
      sleep: async (milliseconds: number) => void slept.push(milliseconds),
      random: () => draw,
    });
    for (const draw of [0, 0.25, 0.999]) await spreadStart(60_000, parts(draw)); // in order
    await spreadStart(0, parts(0.5));
    expect(slept).toEqual([0, 15_000, 59_940]);
  });
});
