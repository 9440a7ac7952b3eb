/** `ostiary ledger export --from … --to … --since …`: month after month, against a broker at hand, and verified offline. */
import { describe, expect, it } from "vitest";
import type { LedgerSource } from "../../src/cli/ledger-source.ts";
import { MAX_EXPORT_LINE_BYTES } from "../../src/ledger/export.ts";
import { type BrokerAtHand, brokerAtHand } from "../http/broker-at-hand.ts";
import { brokerWithHistory, type Ended, grow, run, sourceOf } from "./ledger-run.ts";

describe("an auditor who comes every month", () => {
  it("verifies each piece with the key and the piece before, and nothing else", async () => {
    const broker = await brokerWithHistory(300);
    const key = await keyOf(broker);
    const october = (await run("export", sourceOf(broker))).out;
    await grow(broker, 400);
    const november = (await run("export --since october", sourceOf(broker), { october })).out;
    await grow(broker, 57);
    const december = (await run("export --since november", sourceOf(broker), { november })).out;
    const files = { october, november, december };
    expect(
      placeIn(await run(`verify november --key ${key} --since october --json`, undefined, files)),
    ).toEqual({
      from: 300,
      to: 700,
      since: 300,
      size: 700,
    });
    expect(
      placeIn(await run(`verify december --key ${key} --since november --json`, undefined, files)),
    ).toEqual({
      from: 700,
      to: 757,
      since: 700,
      size: 757,
    });
    const text = await run(`verify december --key ${key} --since november`, undefined, files);
    expect(text.out).toContain("entries 700 to 756 of broker.example/c/0001");
    expect(text.out).toContain("continues       the head of 700 entries");
    // A piece left out is missed, and where it begins.
    expect(await run(`verify december --key ${key} --since october`, undefined, files)).toMatchObject({
      status: 1,
      detail: { entry: 300 },
    });
    expect((await run(`verify october --key ${key} --since december`, undefined, files)).status).toBe(1);
  });

  it("takes a head alone for what is held, and finds a whole log to begin with it", async () => {
    const broker = await brokerWithHistory(40);
    const key = await keyOf(broker);
    const head = (await broker.admin.checkpoint()).toString();
    await grow(broker, 60);
    const log = (await run("export", sourceOf(broker))).out;
    expect((await run(`verify log --key ${key} --since head`, undefined, { log, head })).status).toBe(0);
    const other = await brokerWithHistory(40, "other");
    const otherHead = await other.admin.checkpoint();
    expect(
      (await run(`verify log --key ${key} --since head`, undefined, { log, head: otherHead })).status,
    ).toBe(1);
    const longer = (await run("export", sourceOf(await grownBy(broker, 5)))).out;
    const held = await run(`verify log --key ${key} --since longer --json`, undefined, { log, longer });
    expect([held.status, JSON.parse(held.out).place]).toEqual([1, "since"]);
  });

  it.each([
    ["--from 0 --to 1", 0, 1],
    ["--from 255 --to 257", 255, 257],
    ["--from 256", 256, 600],
    ["--to 599", 0, 599],
    ["--from 123 --to 512", 123, 512],
  ])("gets the part that is said: %s", async (words, from, to) => {
    const broker = await brokerWithHistory(600);
    const { status, out } = await run(`export ${words}`, sourceOf(broker));
    expect([status, out.trimEnd().split("\n").length - 1]).toEqual([0, to - from]);
    const json = await run(`verify part --key ${await keyOf(broker)} --json`, undefined, { part: out });
    expect(JSON.parse(json.out)).toMatchObject({ verified: true, from, to, since: null, size: 600 });
  });

  it("gets by time what is of that time, and ten minutes around it", async () => {
    const broker = brokerAtHand();
    const { world } = broker;
    const hours = [0, 1, 2, 3, 4, 5];
    for (const hour of hours) {
      const time = Date.parse(`2026-11-01T0${hour}:00:00Z`) / 1000;
      const act = { v: 1, kind: "admin", actor: "admin-1", act: "secret-put", digest: "" } as const;
      await world.store.appendEntry({ ...act, time, subject: `hour-${hour}` } as never); // in order: the log is
    }
    const words = "export --from 2026-11-01T02:00:00Z --to 2026-11-01T04:00:00Z";
    const { out } = await run(words, sourceOf(broker));
    expect(out.match(/hour-\d/g)).toEqual(["hour-2", "hour-3", "hour-4"]);
    expect((await run("export --from 2026-12-01", sourceOf(broker))).status).toBe(1);
  });
});

describe("a part of a log is not printed as good", () => {
  it("where the broker's proofs or pages are not those of its head", async () => {
    const source = sourceOf(await brokerWithHistory(300));
    const bent: LedgerSource = {
      ...source,
      inclusion: async (seq, size) => {
        const answer = await source.inclusion(seq, size);
        return { ...answer, proof: answer.proof.toReversed() };
      },
    };
    const shifted: LedgerSource = {
      ...source,
      ledgerPage: async (from, limit) => ({ ...(await source.ledgerPage(from + 1, limit)), from }),
    };
    const other: LedgerSource = {
      ...source,
      consistency: (from, size) => source.consistency(from - 1, size),
    };
    for (const hostile of [bent, shifted, other]) {
      expect((await run("export --from 100 --to 200", hostile)).status).toBe(1);
    }
  });

  it("where the broker's log is shorter than the head that is held, or another", async () => {
    const broker = await brokerWithHistory(30);
    const before = await broker.admin.checkpoint();
    const fresh = { ...sourceOf(await brokerWithHistory(20)), spki: broker.world.ledgerSigner.spki };
    expect((await run("export --since before", fresh, { before })).status).toBe(1);
    const other = sourceOf(await brokerWithHistory(60, "other"));
    expect(await run("export --since before", other, { before })).toMatchObject({
      status: 1,
      detail: { place: "since" },
    });
  });

  it("where nothing is new", async () => {
    const broker = await brokerWithHistory(30);
    const before = await broker.admin.checkpoint();
    expect((await run("export --since before", sourceOf(broker), { before })).status).toBe(1);
  });

  it.each(["export --files d --from 3", "export --from x", "export --from 3 --to", "export --to 2026-13-01"])(
    "ends with 2 for `ledger %s`",
    async (words) => {
      expect((await run(words, sourceOf(await brokerWithHistory(5)))).status).toBe(2);
    },
  );

  it.each(["export --from 5", "export --to 6", "export --from 3 --to 3", "export --from 4 --to 2"])(
    "ends with 1 for `ledger %s` of a log of five",
    async (words) => {
      expect((await run(words, sourceOf(await brokerWithHistory(5)))).status).toBe(1);
    },
  );
});

describe("a line that is too long", () => {
  it("is named, and read no further", async () => {
    const broker = await brokerWithHistory(9);
    const { out } = await run("export --from 3", sourceOf(broker));
    const lines = out.split("\n").with(2, "x".repeat(MAX_EXPORT_LINE_BYTES + 1));
    const part = lines.join("\n");
    expect(await run(`verify part --key ${await keyOf(broker)}`, undefined, { part })).toMatchObject({
      status: 3,
      detail: { line: 3 },
    });
  });
});

describe("--since", () => {
  it("is nothing without a key, beside a proof, or of what is no head", async () => {
    const broker = await brokerWithHistory(9);
    const key = await keyOf(broker);
    const part = (await run("export --from 3", sourceOf(broker))).out;
    const proof = (await run("prove 3", sourceOf(broker))).out;
    const head = await broker.admin.checkpoint();
    const files = { part, proof, head, empty: "", text: "hello\n", json: "{}\n" };
    expect((await run("verify part --since head", undefined, files)).status).toBe(2);
    expect((await run(`verify proof --key ${key} --since head`, undefined, files)).status).toBe(2);
    for (const held of ["empty", "text", "json"]) {
      expect((await run(`verify part --key ${key} --since ${held}`, undefined, files)).status).toBe(3);
    }
  });
});

async function grownBy(broker: BrokerAtHand, added: number): Promise<BrokerAtHand> {
  await grow(broker, added);
  return broker;
}

async function keyOf(broker: BrokerAtHand): Promise<string> {
  return JSON.parse((await run("head --json", sourceOf(broker))).out).key;
}

function placeIn({ status, out }: Ended) {
  expect(status).toBe(0);
  const { from, to, since, size } = JSON.parse(out);
  return { from, to, since, size };
}
