/** Are ten thousand guests read, judged and listed, each once, in a file, a page at a time? */
import { describe, expect, it } from "vitest";
import { runAllScans } from "../../src/broker/findings.ts";
import { listFleet } from "../../src/broker/fleet.ts";
import type { GuestPosition } from "../../src/broker/fleet-store.ts";
import { createFleetScan } from "../../src/posture/fleet/scan.ts";
import { createSqliteStore } from "../../src/store/sqlite.ts";
import { attemptOf, guestBroker, post } from "../pipeline/guest-at-hand.ts";
import { temporaryPath } from "../store/temporary.ts";

const GUESTS = 10_000;
const GROUP = 50;

/** As many guests as that, each a real one's decision under another id. */
async function crowded() {
  const broker = await guestBroker();
  const reportId = new Uint8Array(32).fill(0xab);
  await post(broker, "/v1/release", (await attemptOf(broker, { report: { reportId } })).body);
  const [real] = await broker.world.store.decisionsFrom(0, 1);
  if (real === undefined) throw new Error("expected a decision");
  const store = createSqliteStore({ path: temporaryPath(), mode: "create" });
  for (let from = 0; from < GUESTS; from += GROUP) {
    const group = Array.from({ length: GROUP }, (_, i) => {
      const own = (from + i).toString(16).padStart(64, "0");
      const id = `01J${String(from + i).padStart(23, "0")}`;
      return {
        ...{ id, at: real.at, spend: undefined, reportId: own, items: [], isAllOrNothing: true },
        draft: { ...real.draft, id },
        trace: real.trace.replaceAll("ab".repeat(32), own),
      };
    });
    await store.commitDecisions(group); // in order: each is a transaction
  }
  return { ...broker.world, store };
}

describe("ten thousand guests", () => {
  it("are read, judged and listed, each once, however many pages that takes", async () => {
    const world = await crowded();
    await runAllScans([createFleetScan({ ...world, owner: "" }, 900)], world);
    expect(await world.store.scans()).toMatchObject([{ name: "fleet", trouble: "" }]);
    const seen = new Set<string>();
    let after: GuestPosition | undefined;
    do {
      const { guests } = await listFleet({ after }, world); // in order: page after page
      for (const { id } of guests) seen.add(id);
      after = guests.at(-1);
    } while (after !== undefined);
    expect(seen.size).toBe(GUESTS);
    await world.store.close();
  });
});
