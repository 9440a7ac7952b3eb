/** What does one process of the bench of scale measure? Releases on a data folder, in the way that its first word names; JSON out. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { openReleaseBench, type ReleaseBench, releaseAll } from "./releases.ts";

const CONCURRENCY = 16;
/** Until then V8 compiles, and a release takes several times as long. */
const WARMING = 400;
const ROUND = 500;

const WAYS: Readonly<Record<string, (count: number, bench: ReleaseBench) => Promise<unknown>>> = {
  cost,
  memory,
  throughput,
};

const [way = "", folder = "", count = ""] = process.argv.slice(2);
const secrets: readonly string[] = JSON.parse(readFileSync(join(folder, "secrets.json"), "utf8"));
const bench = await openReleaseBench(folder, secrets);
await releaseAll(await bench.prepared(WARMING), CONCURRENCY, bench);
const result = await WAYS[way]?.(Number(count), bench);
await bench.world.store.close();
process.stdout.write(`${JSON.stringify(result)}\n`);

/** CPU time at the concurrency of a busy broker, latency where nobody else asks. */
async function cost(releases: number, open: ReleaseBench) {
  const [many, alone] = [await open.prepared(releases), await open.prepared(releases / 5)];
  const { cpuSeconds } = await releaseAll(many, CONCURRENCY, open);
  const { p50Ms } = await releaseAll(alone, 1, open);
  return { cpuMs: (cpuSeconds * 1000) / releases, p50Ms };
}

/** What is resident and what is on the heap, after a collection, once for each round. */
async function memory(releases: number, open: ReleaseBench) {
  const samples: { readonly residentMiB: number; readonly heapMiB: number }[] = [];
  for (let done = 0; done < releases; done += ROUND) {
    await releaseAll(await open.prepared(ROUND), CONCURRENCY, open); // in order: one round after the other
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    samples.push({ residentMiB: rss / 2 ** 20, heapMiB: heapUsed / 2 ** 20 });
  }
  return samples;
}

/** Makes its requests, says so, and begins when it is told: several processes begin together. */
async function throughput(releases: number, open: ReleaseBench) {
  const requests = await open.prepared(releases);
  process.stdout.write("ready\n");
  const input = createInterface(process.stdin);
  await input.question("");
  input.close();
  return releaseAll(requests, CONCURRENCY, open);
}
