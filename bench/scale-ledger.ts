/** How long does the log take when it is long? One entry appended, one proven, in a process of its own; JSON out. */
import { randomInt } from "node:crypto";
import { advanceCheckpoint } from "../src/broker/checkpoints.ts";
import { proveInclusion } from "../src/broker/proofs.ts";
import { openReleaseBench, releaseAll } from "./releases.ts";
import { fillLedger } from "./scale-folders.ts";

const APPENDS = 500;
const PROOFS = 1000;

const [folder = "", secret = "", entries = ""] = process.argv.slice(2);
const began = performance.now();
const bench = await openReleaseBench(folder, [secret]);
const { world } = bench;
await releaseAll(await bench.prepared(1), 1, bench); // a decision as it is written here, of which the others are copies
fillLedger(folder, Number(entries));
const filled = performance.now();
await advanceCheckpoint(world);
const size = await world.store.ledgerSize();
const advanced = performance.now();

const append = await medianMs(APPENDS, async () => {
  await world.store.appendEntry({ v: 1, kind: "epoch", time: world.now(), act: "start" });
});
await advanceCheckpoint(world);
const prove = await medianMs(PROOFS, async () => {
  await proveInclusion(randomInt(size), undefined, world);
});
await world.store.close();
const seconds = { fill: (filled - began) / 1000, head: (advanced - filled) / 1000 };
process.stdout.write(`${JSON.stringify({ size, append, prove, seconds })}\n`);

interface Cost {
  readonly medianMs: number;
  readonly cpuMs: number;
}

async function medianMs(times: number, work: () => Promise<void>): Promise<Cost> {
  const took: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < times; i += 1) {
    const begun = performance.now();
    await work(); // in order: one after the other
    took.push(performance.now() - begun);
  }
  const { user, system } = process.cpuUsage(before);
  took.sort((a, b) => a - b);
  return { medianMs: took[Math.floor(times / 2)] ?? 0, cpuMs: (user + system) / 1000 / times };
}
