/** How many reports does a guest make that uses tokens all day? As few as the broker and its policy let it. */
import { describe, expect, it } from "vitest";
import { createTokenHolder, type TokenParts } from "../../src/agent/held-token.ts";
import { base64UrlOf, utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import type { FaultCode } from "../../src/base/fault-codes.ts";
import type { AtBroker } from "../../src/client/at-broker.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";

const MINUTE = 60_000;

interface Guest {
  readonly holder: ReturnType<typeof createTokenHolder>;
  /** What was asked of the broker, in order. */
  readonly asked: string[];
  readonly use: () => Promise<string>;
  /** Lets time pass, timers with it. */
  readonly pass: (milliseconds: number) => Promise<void>;
  /** Of tokens that are given from now on; a fault in the place of the next renewal. */
  readonly broker: { lifeSeconds: number; audience: string; refuses: FaultCode | undefined };
}

function guestWith(changes: { readonly random?: number; readonly renews?: false } = {}): Guest {
  let now = 1_000_000;
  let serial = 0;
  const asked: string[] = [];
  const broker: Guest["broker"] = { lifeSeconds: 120, audience: "https://broker", refuses: undefined };
  const timers = new Set<{ readonly at: number; readonly then: () => void }>();
  const tokenOf = (): string => {
    const claims = { iat: 10, exp: 10 + broker.lifeSeconds, jti: String(++serial) };
    return `e30.${base64UrlOf(utf8(JSON.stringify(claims)))}.AA`;
  };
  const parts: TokenParts = {
    run: (work) =>
      work({
        broker: { audience: broker.audience, suite: 1 },
        session: {
          attest: async () => {
            asked.push("report");
            return { decision: "d", token: tokenOf() };
          },
        },
      } as unknown as AtBroker),
    key: makeGuestSigner(),
    milliseconds: () => now,
    random: () => changes.random ?? 0,
    after: (milliseconds, then) => {
      const timer = { at: now + milliseconds, then };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    ...(changes.renews === false
      ? {}
      : {
          renew: async () => {
            asked.push("renewal");
            if (broker.refuses !== undefined) throw new Fault(broker.refuses, "no");
            return tokenOf();
          },
        }),
  };
  const holder = createTokenHolder(parts);
  const pass = async (milliseconds: number): Promise<void> => {
    const end = now + milliseconds;
    for (;;) {
      const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      timers.delete(next);
      now = Math.max(now, next.at);
      next.then();
      for (let i = 0; i < 20; i += 1) await Promise.resolve(); // what the timer began ends
    }
    now = end;
  };
  return { holder, asked, broker, pass, use: () => holder.run(async ({ token }) => token) };
}

describe("a token that is used", () => {
  it("is renewed over and over by one report", async () => {
    const { asked, use, pass } = guestWith();
    const tokens = new Set<string>();
    for (let i = 0; i < 200; i += 1) {
      tokens.add(await use()); // one after the other
      await pass(20_000);
    }
    expect(asked.filter((what) => what === "report")).toHaveLength(1);
    expect([tokens.size, asked.length]).toEqual([50, 51]); // 4000 s, each of 80; the last one nobody used yet
  });

  it.each([
    [0, 80_000],
    [0.999, 68_012],
  ])("is renewed at two thirds of its life, or somewhat before (%f)", async (random, after) => {
    const { asked, use, pass } = guestWith({ random });
    await use();
    await pass(after - 1);
    expect(asked).toEqual(["report"]);
    await pass(1);
    expect(asked).toEqual(["report", "renewal"]);
  });

  it("is kept for the next look, and let go where there is none for ten minutes", async () => {
    const { asked, use, pass } = guestWith();
    await use();
    await pass(9 * MINUTE);
    const kept = asked.length;
    expect(kept).toBe(7);
    expect(await use()).toBeDefined();
    expect(asked).toHaveLength(kept);
    await pass(60 * MINUTE);
    expect(asked.filter((what) => what === "report")).toHaveLength(1);
    const idle = asked.length;
    await pass(60 * MINUTE);
    expect(asked).toHaveLength(idle);
    await use();
    expect(asked.at(-1)).toBe("report");
  });

  it("is renewed once for uses that come together", async () => {
    const { asked, use, pass, holder } = guestWith();
    await Promise.all([use(), use(), use()]);
    expect(asked).toEqual(["report"]);
    holder.close(); // no timer is before them
    await pass(90_000);
    await Promise.all([use(), use(), use()]);
    expect(asked).toEqual(["report", "renewal"]);
  });

  it("is renewed no more after the end", async () => {
    const { asked, use, pass, holder } = guestWith();
    await use();
    holder.close();
    await pass(10 * MINUTE);
    expect(asked).toEqual(["report"]);
  });
});

describe("a report is made", () => {
  it.each(["admin/unauthorized", "policy/denied", "request/not-found"] as const)(
    "where the broker refuses a renewal (%s)",
    async (code) => {
      const { asked, use, pass, broker } = guestWith();
      await use();
      broker.refuses = code;
      await pass(80_000);
      expect(asked).toEqual(["report", "renewal", "report"]);
    },
  );

  it("for no broker that is away: the token serves on", async () => {
    const { asked, use, pass, broker } = guestWith();
    const first = await use();
    broker.refuses = "broker/unreachable";
    await pass(80_000);
    expect(await use()).toBe(first);
    broker.refuses = undefined;
    expect(await use()).not.toBe(first);
    expect(asked).toEqual(["report", "renewal", "renewal", "renewal"]);
  });

  it("where the broker cut a token's life short, since what it would give next is shorter still", async () => {
    const { asked, use, pass, broker } = guestWith();
    await use();
    broker.lifeSeconds = 30;
    await pass(80_000);
    expect(asked).toEqual(["report", "renewal"]);
    broker.lifeSeconds = 120;
    await pass(20_000);
    expect(asked).toEqual(["report", "renewal", "report"]);
  });

  it("before the time that a policy gives is over, counted from the report before it", async () => {
    const { asked, use, pass, holder } = guestWith();
    await use();
    await pass(30_000);
    holder.noteReattest(570); // of ten minutes
    await pass(369_999);
    await use();
    expect(asked.filter((what) => what === "report")).toHaveLength(1);
    await pass(1);
    await use();
    expect(asked.filter((what) => what === "report")).toHaveLength(2);
    await pass(100_000);
    await use();
    expect(asked.filter((what) => what === "report")).toHaveLength(2); // the new one is young
  });

  it("where a use is refused for its token, which is done again, once", async () => {
    const { asked, holder } = guestWith();
    let uses = 0;
    const work = async () => {
      uses += 1;
      throw new Fault("admin/unauthorized", "no");
    };
    await expect(holder.run(work)).rejects.toMatchObject({ code: "admin/unauthorized" });
    expect([uses, asked]).toEqual([2, ["report", "report"]]);
  });

  it("once for uses that are refused together", async () => {
    const { asked, use, holder } = guestWith();
    const old = await use();
    const work = async ({ token }: { readonly token: string }) => {
      await Promise.resolve();
      if (token === old) throw new Fault("admin/unauthorized", "no");
      return token;
    };
    const tokens = await Promise.all([holder.run(work), holder.run(work), holder.run(work)]);
    expect([new Set(tokens).size, asked]).toEqual([1, ["report", "report"]]);
  });

  it("for a broker of another audience", async () => {
    const { asked, use, broker } = guestWith();
    await use();
    broker.audience = "https://other";
    await use();
    expect(asked).toEqual(["report", "report"]);
  });

  it("for each token where the operator wants that, and none is made unasked", async () => {
    const { asked, use, pass } = guestWith({ renews: false });
    await use();
    await pass(100_000);
    expect(asked).toEqual(["report"]);
    await use();
    expect(asked).toEqual(["report", "report"]);
  });
});
