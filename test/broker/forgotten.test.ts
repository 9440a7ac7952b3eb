/** Traces that are kept no longer: only as configured, only on the record, and found where somebody else removed them. */
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { checkDecisions } from "../../src/broker/check-decisions.ts";
import { checkLog } from "../../src/broker/check-log.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { decisionOf } from "../../src/broker/decisions.ts";
import { forgetSome } from "../../src/broker/forgotten.ts";
import { proveInclusion } from "../../src/broker/proofs.ts";
import type { DecisionRow } from "../../src/broker/store.ts";
import type { World } from "../../src/broker/world.ts";
import type { EntryDraft } from "../../src/ledger/entry.ts";
import { commitOf } from "../contract/store/examples.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { ALLOWED } from "../ledger/entries.ts";
import { codeOfPromise } from "../support/faults.ts";

const DAY = 86_400;

/** A broker that keeps traces for thirty days, with a decision a day until today. */
async function brokerOfDays(days: number, traceDays: number | "ever" = 30) {
  const broker = brokerAtHand(({ settings }) => ({
    settings: { ...settings, ...(traceDays === "ever" ? {} : { traceDays }) },
  }));
  const { world } = broker;
  const today = world.now();
  for (let day = days - 1; day >= 0; day -= 1) {
    const at = instant(today - day * DAY);
    const trace = `[{"day":${day}}]`;
    const trace_hash = hexOf(world.primitives.digest("sha256", utf8(trace)));
    const { id } = commitOf();
    const draft: EntryDraft = { ...ALLOWED, id, time: at, trace_hash };
    await world.store.commitDecisions([commitOf({ id, at, trace, draft })]); // in order: the log is
  }
  return broker;
}

async function forgetAll(world: World): Promise<void> {
  while (await forgetSome(world)); // in order: some at each turn
}

const tracesOf = async ({ store }: World) =>
  (await store.decisionRows({ start: 0, end: await store.ledgerSize() })).map(({ trace }) => trace !== "");

describe("traces", () => {
  it("are forgotten up to the day that was asked for, on the record, and proofs stay good", async () => {
    const { admin, world } = await brokerOfDays(60);
    await advanceCheckpoint(world);
    const { before } = await admin.forgetTraces(40);
    expect(before).toBe(19);
    await forgetAll(world);
    expect(await tracesOf(world)).toEqual(Array.from({ length: 60 }, (_, seq) => seq >= before));
    const [act] = await world.store.entries(60, 1);
    expect(act?.draft).toMatchObject({ kind: "admin", act: "traces-forget", subject: "entries before 19" });
    await advanceCheckpoint(world);
    expect((await proveInclusion(3, undefined, world)).seq).toBe(3);
    expect(await checkLog(world)).toBe(61);
    await checkDecisions(world);
    const [row] = await world.store.decisionRows({ start: 3, end: 4 });
    expect(await decisionOf(row?.id ?? "", world)).toMatchObject({
      kind: "decision",
      trace: { forgotten: true },
    });
  });

  it("are kept where the configuration says nothing, or more days", async () => {
    const forEver = await brokerOfDays(3, "ever");
    expect(await codeOfPromise(forEver.admin.forgetTraces(1000))).toBe("ledger/kept");
    const month = await brokerOfDays(60);
    expect(await codeOfPromise(month.admin.forgetTraces(29))).toBe("ledger/kept");
    await forgetAll(month.world);
    expect(await tracesOf(month.world)).not.toContain(false);
    expect(await month.world.store.ledgerSize()).toBe(60);
  });

  it("are missed where somebody removed them without a word in the log, or more than it says", async () => {
    const { admin, world } = await brokerOfDays(60);
    await world.store.forgetTraces({ start: 5, end: 6 });
    await expect(checkDecisions(world)).rejects.toMatchObject({
      code: "ledger/inconsistent",
      detail: { entry: 5 },
    });
    await admin.forgetTraces(40);
    await checkDecisions(world);
    await world.store.forgetTraces({ start: 19, end: 20 });
    await expect(checkDecisions(world)).rejects.toMatchObject({ detail: { entry: 19 } });
  });
});

describe("what is kept beside the log", () => {
  const harms: readonly (readonly [string, (row: DecisionRow) => DecisionRow | undefined])[] = [
    ["a trace edited", (row) => ({ ...row, trace: row.trace.replace("day", "Day") })],
    ["a decision under another id", (row) => ({ ...row, id: "01JD0000000000000000000009" })],
    ["a decision at another time", (row) => ({ ...row, at: instant(row.at + 1) })],
    ["a decision gone", () => undefined],
  ];
  it.each(harms)("is held against it: %s", async (_, harm) => {
    const { world } = await brokerOfDays(600);
    await checkDecisions(world);
    const store: World["store"] = {
      ...world.store,
      decisionRows: async (range) =>
        (await world.store.decisionRows(range)).flatMap((row) => (row.seq === 400 ? (harm(row) ?? []) : row)),
    };
    await expect(checkDecisions({ ...world, store })).rejects.toMatchObject({
      code: "ledger/inconsistent",
      detail: { entry: 400, place: "entry 400" },
    });
  });
});
