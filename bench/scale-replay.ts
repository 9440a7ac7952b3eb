/** How long does a replay take when there is much to judge? So many decisions, each of a guest of its own, in a process of its own; JSON out. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { advanceCheckpoint } from "../src/broker/checkpoints.ts";
import { replayCandidate } from "../src/broker/replay-candidate.ts";
import { fillTiles } from "../src/broker/tiles.ts";
import type { World } from "../src/broker/world.ts";
import { EMPTY_TALLY, joinTallies, type ReplayTally } from "../src/policy/replay-tally.ts";
import { DATA_FILES } from "../src/runtime/node/init.ts";
import { MAX_REPLAY_PAGE } from "../src/wire/replay.ts";
import { openReleaseBench, releaseAll } from "./releases.ts";

const ROWS_PER_TRANSACTION = 10_000;

const [folder = "", secret = "", count = ""] = process.argv.slice(2);
const bench = await openReleaseBench(folder, [secret]);
const { world } = bench;
await releaseAll(await bench.prepared(1), 1, bench); // a decision as it is written here, of which the others are copies
fillDecisions(folder, Number(count));
await advanceCheckpoint(world);
for (let filled = await fillTiles(world); filled.filled < filled.size; ) filled = await fillTiles(world); // in order

const live = (await world.store.liveActivation())?.digest ?? "";
const before = process.memoryUsage().rss;
const [began, cpu] = [performance.now(), process.cpuUsage()];
const tally = await replayAll(live, world);
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(cpu);
const cpuSeconds = (user + system) / 1e6;
globalThis.gc?.();
const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20;
await world.store.close();
const { decisions, alike, tampered, unreproduced } = tally;
process.stdout.write(
  `${JSON.stringify({ decisions, alike, tampered, unreproduced, seconds, cpuSeconds, grownMiB })}\n`,
);

async function replayAll(digest: string, of: World): Promise<ReplayTally> {
  let [joined, at]: [ReplayTally, number | undefined] = [EMPTY_TALLY, undefined];
  for (;;) {
    const request = { digest, limit: MAX_REPLAY_PAGE, ...(at === undefined ? {} : { before: at }) };
    const page = await replayCandidate(request, of); // in order: a page tells where the next begins
    joined = joinTallies(joined, page.tally);
    if (page.next === undefined) return joined;
    at = page.next;
  }
}

/** Copies the first decision; each has a chip, an id and so a trace of its own, as the broker would have written it. */
function fillDecisions(path: string, wanted: number): void {
  const database = new BetterSqlite3(join(path, DATA_FILES.database));
  database.pragma("synchronous = off");
  const found: unknown = database
    .prepare(
      "select d.id, d.at, d.trace, e.draft, e.seq from decision d join ledger_entry e on e.seq = d.seq limit 1",
    )
    .get();
  const { id, at, trace, draft } = found as { id: string; at: number; trace: string; draft: string };
  const [, chip = ""] = /"report.chip_id":"([0-9a-f]{128})"/.exec(trace) ?? [];
  const hash = createHash("sha256").update(trace).digest("hex");
  const size = Number(database.prepare("select count(*) from ledger_entry").pluck().get());
  const decided = database.prepare(
    "insert into decision (seq, id, at, exhausted, is_all_or_nothing, trace) values (?, ?, ?, '', 1, ?)",
  );
  const entered = database.prepare(
    "insert into ledger_entry (seq, draft, exhausted, is_all_or_nothing) values (?, ?, '', 1)",
  );
  const some = database.transaction((from: number, to: number) => {
    for (let i = from; i < to; i += 1) {
      const own = `01J${String(i).padStart(23, "0")}`;
      const ownTrace = trace.replaceAll(chip, i.toString(16).padStart(128, "0"));
      const ownHash = createHash("sha256").update(ownTrace).digest("hex");
      decided.run(size + i, own, at, ownTrace);
      entered.run(size + i, draft.replaceAll(id, own).replace(hash, ownHash));
    }
  });
  for (let from = 0; from < wanted - 1; from += ROWS_PER_TRANSACTION)
    some(from, Math.min(wanted - 1, from + ROWS_PER_TRANSACTION));
  database.close();
}
