import { describe, expect, it } from "vitest";
import { createReadQueue, type SecretItem } from "../../src/agent/read-queue.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Fetched } from "../../src/client/session.ts";

const PLAN = { spacingMs: 100, maxItems: 3, refusalMs: 1000 };

/** A broker that refuses what is named `refused…`, and a clock that moves when somebody sleeps. */
function queue(answer: (want: readonly SecretItem[]) => Promise<void> = async () => {}) {
  const releases: (readonly SecretItem[])[] = [];
  const given: Uint8Array[] = [];
  let time = 0;
  const release = async (want: readonly SecretItem[]): Promise<Fetched> => {
    releases.push(want);
    await answer(want);
    if (want.some(({ secret }) => secret.startsWith("refused"))) throw new Fault("policy/denied", "no");
    const secrets = want.map(({ secret, version = 7 }) => ({
      secretId: secret,
      version,
      secret: utf8(secret),
    }));
    given.push(...secrets.map(({ secret }) => secret));
    return { decision: `D${releases.length}`, secrets };
  };
  const sleep = async (milliseconds: number): Promise<void> => {
    await new Promise((next) => setImmediate(next));
    time += milliseconds;
  };
  const made = createReadQueue({ release, sleep, milliseconds: () => time }, PLAN);
  const pass = (milliseconds: number): void => {
    time += milliseconds;
  };
  return { ...made, releases, given, pass, time: () => time };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("reads that come together", () => {
  it("are one release, with a copy of its own for each reader", async () => {
    const { read, releases, given } = queue();
    const [one, two, other] = await Promise.all([
      read({ secret: "a" }),
      read({ secret: "a" }),
      read({ secret: "a", version: 2 }),
    ]);
    expect(releases).toEqual([[{ secret: "a" }, { secret: "a", version: 2 }]]);
    expect([one, two, other]).toMatchObject([
      { path: "a", version: 7, decision: "D1" },
      { path: "a", version: 7 },
      { path: "a", version: 2 },
    ]);
    one.secret.fill(0);
    expect([text(two.secret), text(other.secret)]).toEqual(["a", "a"]);
    expect(given.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  it("are released in as many turns as they need, each no sooner than the plan says", async () => {
    const { read, releases, time } = queue();
    await Promise.all(["a", "b", "c", "d", "e"].map((secret) => read({ secret })));
    expect(releases.map((want) => want.length)).toEqual([3, 2]);
    expect(time()).toBe(PLAN.spacingMs);
  });

  it("join one that is under way, unless the path was written since", async () => {
    let go: () => void = () => {};
    const held = new Promise<void>((done) => {
      go = done;
    });
    const { read, renew, releases } = queue(() => held);
    const first = read({ secret: "a" });
    await new Promise((next) => setTimeout(next, 5));
    const second = read({ secret: "a" });
    renew("a");
    const third = read({ secret: "a" });
    go();
    expect((await Promise.all([first, second, third])).map(({ decision }) => decision)).toEqual([
      "D1",
      "D1",
      "D2",
    ]);
    expect(releases).toHaveLength(2);
  });
});

describe("a refusal", () => {
  it("of one secret is not one of those beside it", async () => {
    const { read, releases } = queue();
    const outcomes = await Promise.allSettled(["a", "refused", "b"].map((secret) => read({ secret })));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(releases.map((want) => want.length)).toEqual([3, 1, 1, 1]);
  });

  it("is told again without a report for a while, and then asked for anew", async () => {
    const { read, pass, releases } = queue();
    await expect(read({ secret: "refused" })).rejects.toMatchObject({ code: "policy/denied" });
    for (let turn = 0; turn < 50; turn += 1) {
      await expect(read({ secret: "refused" })).rejects.toMatchObject({ code: "policy/denied" }); // a hot loop
    }
    expect(releases).toHaveLength(1);
    pass(PLAN.refusalMs);
    await expect(read({ secret: "refused" })).rejects.toMatchObject({ code: "policy/denied" });
    expect(releases).toHaveLength(2);
  });

  it("of the network is nobody's no: all are told, and the next reader asks", async () => {
    let isDown = true;
    const { read, releases } = queue(async () => {
      if (isDown) throw new Fault("broker/unreachable", "no answer");
    });
    const outcomes = await Promise.allSettled(["a", "b"].map((secret) => read({ secret })));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isDown = false;
    expect(text((await read({ secret: "a" })).secret)).toBe("a");
    expect(releases).toHaveLength(2);
  });
});
