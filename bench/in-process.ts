/** How much CPU is a release without HTTP? Challenge and release by function call, in a process that can be pinned; JSON out. */
import { issueChallenge } from "../src/broker/challenge.ts";
import { release } from "../src/broker/release.ts";
import type { World } from "../src/broker/world.ts";
import { createMetrics } from "../src/http/metrics.ts";
import { createUlids } from "../src/http/request-id.ts";
import { NO_SOURCE } from "../src/kds/no-source.ts";
import { systemRandom } from "../src/runtime/node/clock.ts";
import { type DemoFolder, makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { loadConfig } from "../src/runtime/node/settings.ts";
import { openWorld } from "../src/runtime/node/world.ts";
import { type GuestParts, prepareRequest } from "./guests.ts";
import { type Result, runAll } from "./measure.ts";

const [folder = "", releases = "", concurrency = ""] = process.argv.slice(2);
const RELEASES = Number(releases);
const CONCURRENCY = Number(concurrency);
const result = await benchInProcess(await makeDemoFolder(folder, { isUnlimited: true }));
process.stdout.write(`${JSON.stringify(result)}\n`);

/** Requests are made before the clock runs. */
async function benchInProcess(demo: DemoFolder): Promise<Result> {
  const metrics = createMetrics();
  const world = await openWorld(await loadConfig(demo.configPath), {
    source: NO_SOURCE,
    metrics,
    log: () => undefined,
  });
  const exchangeOf = createExchanges();
  await warm(world, demo, exchangeOf);
  const parts = partsOf(world, demo);
  const nonces = await Promise.all(
    Array.from({ length: RELEASES }, () => issueChallenge({ binding: 3 }, exchangeOf(), world)),
  );
  const requests = [];
  for (const { nonce } of nonces) requests.push(await prepareRequest(nonce, parts)); // in order: not measured
  const jobs = requests.map((prepared) => async () => {
    await issueChallenge({ binding: 3 }, exchangeOf(), world);
    await release(prepared, exchangeOf(), world);
  });
  const before = process.cpuUsage();
  const measured = await runAll(jobs, CONCURRENCY);
  const { user, system } = process.cpuUsage(before);
  await world.store.close();
  return { ...measured, cpuSeconds: (user + system) / 1e6 };
}

async function warm(
  world: World,
  demo: DemoFolder,
  exchangeOf: ReturnType<typeof createExchanges>,
): Promise<void> {
  for (let i = 0; i < 50; i += 1) {
    const { nonce } = await issueChallenge({ binding: 3 }, exchangeOf(), world); // in order: warming up
    await release(await prepareRequest(nonce, partsOf(world, demo)), exchangeOf(), world);
  }
}

function createExchanges() {
  const nextId = createUlids({ milliseconds: Date.now, random: systemRandom });
  return () => ({ id: nextId(), offered: [3], source: "127.0.0.1" }) as const;
}

function partsOf(world: World, demo: DemoFolder): GuestParts {
  return {
    machine: demo.machine,
    audience: world.settings.audience,
    signingKey: world.signer.spki,
    path: demo.secretPath,
  };
}
