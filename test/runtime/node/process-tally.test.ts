/** Does a sum over processes ever fall, or wait for one that does not answer? */
import { describe, expect, it } from "vitest";
import { createMetrics, type Metrics } from "../../../src/http/metrics.ts";
import { createTally, type Tally } from "../../../src/runtime/node/process-tally.ts";

const SECONDS = 60_000;

/** A process that answers, in the tally. */
function joined(tally: Tally, number: number): Metrics {
  const metrics = createMetrics();
  tally.joined(number, () => tally.said(number, metrics.counts()));
  return metrics;
}

async function decisionsIn(tally: Tally): Promise<number | undefined> {
  return (await tally.all()).counters["decisions"]?.[""];
}

describe("the tally of several processes", () => {
  it("is the sum of what all of them say when it is asked for", async () => {
    const own = createMetrics();
    const tally = createTally(own.counts, SECONDS);
    const [one, two] = [joined(tally, 1), joined(tally, 2)];
    for (const metrics of [own, one, two, two]) metrics.count("decisions", {});
    expect(await decisionsIn(tally)).toBe(4);
    one.count("decisions", {});
    expect(await decisionsIn(tally)).toBe(5);
  });

  it("keeps what a lost one said last, and adds what comes in its place", async () => {
    const tally = createTally(createMetrics().counts, SECONDS);
    const lost = joined(tally, 1);
    lost.count("decisions", {});
    expect(await decisionsIn(tally)).toBe(1);
    tally.left(1);
    expect(await decisionsIn(tally)).toBe(1);
    joined(tally, 1).count("decisions", {});
    expect(await decisionsIn(tally)).toBe(2);
  });

  it("takes one that does not answer as it was, and waits no longer for one that is lost meanwhile", async () => {
    const silent = createTally(createMetrics().counts, 1);
    joined(silent, 1).count("decisions", {});
    silent.joined(2, () => undefined);
    expect(await decisionsIn(silent)).toBe(1);

    const losing = createTally(createMetrics().counts, SECONDS);
    losing.joined(1, () => losing.left(1));
    expect(await decisionsIn(losing)).toBeUndefined();
  });

  it("asks each process once, however many ask for it at a time", async () => {
    let asked = 0;
    const tally = createTally(createMetrics().counts, SECONDS);
    tally.joined(1, () => {
      asked += 1;
      queueMicrotask(() => tally.said(1, createMetrics().counts()));
    });
    await Promise.all(Array.from({ length: 50 }, () => tally.all()));
    expect(asked).toBe(1);
  });
});
