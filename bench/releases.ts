/** How is a release measured without HTTP? A world on a data folder, requests made beforehand, and releases by function call. */
import { join } from "node:path";
import { issueChallenge } from "../src/broker/challenge.ts";
import { release } from "../src/broker/release.ts";
import type { World } from "../src/broker/world.ts";
import { createMetrics } from "../src/http/metrics.ts";
import { createUlids } from "../src/http/request-id.ts";
import { NO_SOURCE } from "../src/kds/no-source.ts";
import { systemRandom } from "../src/runtime/node/clock.ts";
import { DATA_FILES } from "../src/runtime/node/init.ts";
import { loadConfig } from "../src/runtime/node/settings.ts";
import { openWorld } from "../src/runtime/node/world.ts";
import { loadOrCreateMachine } from "../src/simulator/chip-folder.ts";
import { type PreparedRequest, prepareRequest } from "./guests.ts";
import { type Result, runAll } from "./measure.ts";

export type Exchanges = () => {
  readonly id: string;
  readonly offered: readonly [3];
  readonly source: string;
};

export interface ReleaseBench {
  readonly world: World;
  readonly exchangeOf: Exchanges;
  /** One request for each secret in turn, so many of them. */
  readonly prepared: (count: number) => Promise<readonly PreparedRequest[]>;
}

/** Opens what `makeDemoFolder` made. */
export async function openReleaseBench(folder: string, secrets: readonly string[]): Promise<ReleaseBench> {
  const parts = { source: NO_SOURCE, metrics: createMetrics(), log: () => undefined };
  const world = await openWorld(await loadConfig(join(folder, DATA_FILES.config)), parts);
  const machine = loadOrCreateMachine(join(folder, "simulated-machine"), "genoa");
  const nextId = createUlids({ milliseconds: Date.now, random: systemRandom });
  const exchangeOf: Exchanges = () => ({ id: nextId(), offered: [3], source: "127.0.0.1" });
  const guest = { machine, audience: world.settings.audience, signingKey: world.signer.spki };
  let next = 0;
  const prepared = async (count: number): Promise<readonly PreparedRequest[]> => {
    const requests: PreparedRequest[] = [];
    for (let i = 0; i < count; i += 1) {
      const { nonce } = await issueChallenge({ binding: 3 }, exchangeOf(), world); // in order: not measured
      next += 1;
      requests.push(await prepareRequest(nonce, { ...guest, path: secrets[next % secrets.length] ?? "" }));
    }
    return requests;
  };
  return { world, exchangeOf, prepared };
}

/** Each with the challenge that a guest would have asked for. */
export async function releaseAll(
  requests: readonly PreparedRequest[],
  concurrency: number,
  { world, exchangeOf }: ReleaseBench,
): Promise<Result> {
  const jobs = requests.map((request) => async () => {
    await issueChallenge({ binding: 3 }, exchangeOf(), world);
    await release(request, exchangeOf(), world);
  });
  const before = process.cpuUsage();
  const measured = await runAll(jobs, concurrency);
  const { user, system } = process.cpuUsage(before);
  return { ...measured, cpuSeconds: (user + system) / 1e6 };
}
