/** When does a read take a report? Where a token does not do: and that is found out once, not at each read. */
import { describe, expect, it } from "vitest";
import type { TokenPlace } from "../../src/agent/held-token.ts";
import { createRenewedReads, type RenewedReadsParts } from "../../src/agent/renewed-reads.ts";
import { Fault } from "../../src/base/fault.ts";
import type { FaultCode } from "../../src/base/fault-codes.ts";
import type { AtBroker } from "../../src/client/at-broker.ts";
import type { Fetched } from "../../src/client/session.ts";

const [A, B] = [{ secret: "a" }, { secret: "b" }];

function readerWith() {
  let now = 0;
  const asked: string[] = [];
  const noted: number[] = [];
  const says: { token?: FaultCode; renewal?: FaultCode; release?: FaultCode; reattest?: number } = {};
  const answer = (
    kind: string,
    want: readonly { secret: string }[],
    code: FaultCode | undefined,
  ): Fetched => {
    asked.push(`${kind} ${want.map(({ secret }) => secret).join(" ")}`);
    if (code !== undefined) throw new Fault(code, "no");
    const { reattest } = says;
    const more = reattest === undefined ? {} : { reattestSeconds: reattest };
    return { decision: "d", secrets: [{ secretId: "a", version: 1, secret: new Uint8Array(1), ...more }] };
  };
  const parts: RenewedReadsParts = {
    run: (work) =>
      work({
        session: {
          release: async (want: readonly { secret: string }[]) => answer("release", want, says.release),
        },
      } as unknown as AtBroker),
    tokens: {
      run: async (work) => {
        if (says.token !== undefined) throw new Fault(says.token, "no");
        return work({} as TokenPlace);
      },
      noteReattest: (seconds) => void noted.push(seconds),
    },
    renew: async (want) => answer("renewal", want, says.renewal),
    milliseconds: () => now,
  };
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { read: createRenewedReads(parts), asked, noted, says, pass };
}

describe("a read", () => {
  it("is by the token, and tells until when the policy is content with that", async () => {
    const { read, asked, noted, says } = readerWith();
    says.reattest = 90;
    await read([A, B]);
    expect([asked, noted]).toEqual([["renewal a b"], [90]]);
  });

  it.each(["policy/denied", "admin/unauthorized", "request/not-found", "channel/wrong-listener"] as const)(
    "takes a report where the token does not do (%s), and for ten minutes that is remembered of this secret alone",
    async (code) => {
      const { read, asked, says, pass } = readerWith();
      says.renewal = code;
      await read([A]);
      await read([A]);
      await read([B]);
      expect(asked).toEqual(["renewal a", "release a", "release a", "renewal b", "release b"]);
      pass(600_000);
      await read([A]);
      expect(asked.slice(5)).toEqual(["renewal a", "release a"]);
    },
  );

  it("that a report does not get either is tried by the token again: nothing is known of it", async () => {
    const { read, asked, says } = readerWith();
    says.renewal = says.release = "policy/denied";
    for (let i = 0; i < 2; i += 1) await expect(read([A])).rejects.toMatchObject({ code: "policy/denied" });
    expect(asked).toEqual(["renewal a", "release a", "renewal a", "release a"]);
  });

  it("of several that is refused takes none: which was meant is asked one by one", async () => {
    const { read, asked, says } = readerWith();
    says.renewal = "policy/denied";
    await expect(read([A, B])).rejects.toMatchObject({ code: "policy/denied" });
    expect(asked).toEqual(["renewal a b"]);
  });

  it("takes a report where this guest gets no token, whatever is read", async () => {
    const { read, asked, says, pass } = readerWith();
    says.token = "policy/denied";
    await read([A, B]);
    says.token = undefined as never;
    await read([B]);
    expect(asked).toEqual(["release a b", "release b"]);
    pass(600_000);
    await read([B]);
    expect(asked.at(-1)).toBe("renewal b");
  });

  it.each(["broker/unreachable", "channel/bad-release", "secret/absent", "provider/unavailable"] as const)(
    "fails as it failed where a report would change nothing (%s)",
    async (code) => {
      const { read, asked, says } = readerWith();
      says.renewal = code;
      await expect(read([A])).rejects.toMatchObject({ code });
      expect(asked).toEqual(["renewal a"]);
    },
  );
});
