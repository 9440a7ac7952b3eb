/** What grows when a broker does? Releases beside secrets and policies, the log beside its entries, memory, and cores. */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { isPostgresHere } from "../test/support/postgres.ts";
import { onOneCore } from "./machine.ts";
import { folderOfPolicies, folderOfSecrets } from "./scale-folders.ts";
import { servedThroughputOf } from "./scale-served.ts";
import { keepServerTo, movedToPostgres, type Throughput, throughputOf } from "./scale-throughput.ts";

/** CI takes a hundredth of everything, so that this cannot rot; what it prints then says little. */
const isHundredth = process.argv.includes("--hundredth");
const SECRETS = isHundredth ? [100, 1000, 10_000] : [100, 10_000, 1_000_000];
const POLICIES = isHundredth ? [10, 100] : [10, 1000];
const ENTRIES = isHundredth ? 100_000 : 10_000_000;
const REPLAYED = isHundredth ? 1000 : 100_000;
const RELEASES = isHundredth ? 100 : 1000;
const LONG_RUN = isHundredth ? 2000 : 30_000;
const TURNS = isHundredth ? 1 : 5;

const MOST_GROWTH = 1.2;
const MOST_LOG_MS = 1;
const MOST_REPLAY_SECONDS = 60;
const LEAST_GAIN = 1.7;
/** In a million releases: what a leak of a hundred bytes for each would come to. */
const MOST_MIB_IN_A_MILLION = 100;

const VERIFY = "scale-verify.ts";
/** What V8 has not collected yet is no memory that it takes to verify: within a bounded heap an end that comes shows that it took no more. */
const BOUNDED_HEAP = ["--max-old-space-size=32", "--max-semi-space-size=2"];

const folder = await mkdtemp(join(tmpdir(), "ostiary-scale-"));
/** `--only cores` for one of these; all of them, one after the other, unless it is said. */
const SUITES = {
  secrets: () => benchGrowth("secrets", SECRETS, folderOfSecrets),
  policies: () => benchGrowth("policies", POLICIES, folderOfPolicies),
  memory: async () => benchMemory(await smallFolder()),
  cores: async () => benchCores(await smallFolder()),
  log: () => benchLedger(join(folder, "ledger")),
  verify: () => benchVerify(),
  replay: () => benchReplay(join(folder, "replay")),
};
const at = process.argv.indexOf("--only");
const only = at < 0 ? undefined : process.argv[at + 1];
try {
  for (const [name, run] of Object.entries(SUITES)) if (only === undefined || only === name) await run();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A broker with few secrets; made once. */
async function smallFolder(): Promise<string> {
  const path = join(folder, "small");
  if (!existsSync(path)) await folderOfSecrets(path, SECRETS[0] ?? 100);
  return path;
}

/** By turns, since a shared machine is not the same one for long; of each the least, since others can only add. */
async function benchGrowth(
  name: string,
  sizes: readonly number[],
  make: (folder: string, size: number) => Promise<void>,
): Promise<void> {
  const costs = sizes.map((size) => ({
    size,
    path: join(folder, `${name}-${size}`),
    cpuMs: Infinity,
    p50Ms: Infinity,
  }));
  for (const { path, size } of costs) await make(path, size); // in order: one after the other
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const cost of costs) {
      const { cpuMs, p50Ms } = partOf("cost", cost.path, RELEASES);
      cost.cpuMs = Math.min(cost.cpuMs, cpuMs);
      cost.p50Ms = Math.min(cost.p50Ms, p50Ms);
    }
  }
  for (const { size, cpuMs, p50Ms } of costs) {
    print(name, `${size}: ${cpuMs.toFixed(2)} ms of CPU for a release, p50 ${p50Ms.toFixed(2)} ms alone`);
  }
  const [least, most] = [costs[0], costs.at(-1)];
  if (least === undefined || most === undefined) return;
  const [cpu, p50] = [most.cpuMs / least.cpuMs, most.p50Ms / least.p50Ms];
  const judged = (growth: number): string => `${growth.toFixed(2)} times (${met(growth < MOST_GROWTH)})`;
  print(
    name,
    `${most.size} beside ${least.size}, aim under ${MOST_GROWTH} times: CPU ${judged(cpu)}, p50 ${judged(p50)}`,
  );
}

/** The first third warms up; what is left of a leak is the slope of the rest. */
function benchMemory(path: string): void {
  const samples = partOf("memory", path, LONG_RUN);
  const rest = samples.slice(Math.floor(samples.length / 3));
  const perMillion = (values: readonly number[]): number =>
    slope(values) * (1e6 / (LONG_RUN / samples.length));
  const heap = perMillion(rest.map(({ heapMiB }: MemorySample) => heapMiB));
  const resident = perMillion(rest.map(({ residentMiB }: MemorySample) => residentMiB));
  const [first, last] = [rest[0], rest.at(-1)];
  print(
    "memory",
    `${LONG_RUN} releases: heap ${first.heapMiB.toFixed(1)} to ${last.heapMiB.toFixed(1)} MiB, resident ${first.residentMiB.toFixed(0)} to ${last.residentMiB.toFixed(0)} MiB; ` +
      `in a million ${heap.toFixed(0)} MiB of heap (aim: under ${MOST_MIB_IN_A_MILLION}, ${met(heap < MOST_MIB_IN_A_MILLION)}), ${resident.toFixed(0)} MiB resident`,
  );
}

interface MemorySample {
  readonly residentMiB: number;
  readonly heapMiB: number;
}

/** Least squares over equal steps. */
function slope(values: readonly number[]): number {
  const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [x, y] = [(values.length - 1) / 2, mean(values)];
  const across = values.reduce((sum, value, i) => sum + (i - x) * (value - y), 0);
  return across / values.reduce((sum, _, i) => sum + (i - x) ** 2, 0);
}

async function benchCores(path: string): Promise<void> {
  if (availableParallelism() < 2 || !onOneCore("true").isPinned) {
    print("cores", "not measured: it takes two cores and `taskset`");
    return;
  }
  await benchTwo("SQLite", (cores) => throughputOf(path, cores, RELEASES));
  const demo = await makeDemoFolder(join(folder, "served"), { isUnlimited: true });
  await benchTwo("SQLite, served over HTTP", (cores) => servedThroughputOf(demo, cores, RELEASES));
  if (!isPostgresHere) {
    print("cores", "PostgreSQL: not measured, it is not installed");
    return;
  }
  const server = await movedToPostgres(path);
  try {
    await benchTwo("PostgreSQL", (cores) => {
      keepServerTo(server, cores);
      return throughputOf(path, cores, RELEASES);
    });
  } finally {
    await server.remove();
  }
}

async function benchTwo(
  name: string,
  measure: (cores: readonly number[]) => Promise<Throughput>,
): Promise<void> {
  const best = async (cores: readonly number[], known?: Throughput): Promise<Throughput> => {
    const { perSecond, cpuMs } = await measure(cores);
    return {
      perSecond: Math.max(perSecond, known?.perSecond ?? 0),
      cpuMs: Math.min(cpuMs, known?.cpuMs ?? Infinity),
    };
  };
  let [one, two] = [await best([0]), await best([0, 1])];
  for (let turn = 1; turn < TURNS; turn += 1) [one, two] = [await best([0], one), await best([0, 1], two)]; // by turns
  const gain = two.perSecond / one.perSecond;
  print(
    "cores",
    `${name}: ${one.perSecond.toFixed(0)} releases a second on one core, ${two.perSecond.toFixed(0)} on two, ${gain.toFixed(2)} times as many ` +
      `(aim ${LEAST_GAIN}, ${met(gain >= LEAST_GAIN)}); ${one.cpuMs.toFixed(2)} and ${two.cpuMs.toFixed(2)} ms of CPU for each`,
  );
}

async function benchLedger(path: string): Promise<void> {
  const { secretPath } = await makeDemoFolder(path, { isUnlimited: true });
  const { size, append, prove, seconds } = childOf("scale-ledger.ts", path, secretPath, String(ENTRIES));
  const told = (cost: { readonly medianMs: number; readonly cpuMs: number }): string =>
    `median ${cost.medianMs.toFixed(2)} ms, ${cost.cpuMs.toFixed(2)} ms of CPU (aim: under ${MOST_LOG_MS}, ${met(cost.medianMs < MOST_LOG_MS)})`;
  print(
    "log",
    `${size} entries, written in ${seconds.fill.toFixed(0)} s, a head over all of them in ${seconds.head.toFixed(0)} s`,
  );
  print("log", `an entry appended: ${told(append)}`);
  print("log", `an entry proven to be in it: ${told(prove)}`);
}

/** A tenth of the log first: what grows with the log shows between the two. */
function benchVerify(): void {
  const sizes = [ENTRIES / 10, ENTRIES].map((size) => childOf(VERIFY, String(size)));
  for (const { size, seconds, cpuSeconds, mostMiB } of sizes) {
    print(
      "verify",
      `${size} entries verified in ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU, at most ${mostMiB.toFixed(0)} MiB resident`,
    );
  }
  const [least, most] = sizes;
  const growth = most.mostMiB / least.mostMiB;
  print(
    "verify",
    `ten times the entries take ${growth.toFixed(2)} times the memory (aim under ${MOST_GROWTH}, ${met(growth < MOST_GROWTH)})`,
  );
}

/** On one core: a broker goes on releasing on the other. An unchanged policy answers every one of them as it did. */
async function benchReplay(path: string): Promise<void> {
  const { secretPath } = await makeDemoFolder(path, { isUnlimited: true });
  const { decisions, alike, seconds, cpuSeconds, grownMiB } = childOf(
    "scale-replay.ts",
    path,
    secretPath,
    String(REPLAYED),
  );
  if (alike !== decisions)
    throw new Error(`${decisions - alike} of ${decisions} decisions came out otherwise`);
  print(
    "replay",
    `${decisions} decisions judged again by two bundles in ${seconds.toFixed(1)} s (aim: under ${MOST_REPLAY_SECONDS}, ${met(seconds < MOST_REPLAY_SECONDS)}), ` +
      `${cpuSeconds.toFixed(1)} s of CPU; all alike; ${grownMiB.toFixed(0)} MiB more resident`,
  );
}

function partOf(way: "cost" | "memory", path: string, releases: number) {
  return childOf("scale-part.ts", way, path, String(releases));
}

/** In a process of its own, pinned, with the collector at hand. */
function childOf(file: string, ...words: readonly string[]) {
  const flags = ["--expose-gc", ...(file === VERIFY ? BOUNDED_HEAP : [])];
  const script = join(import.meta.dirname, file);
  const { command, args } = onOneCore(process.execPath, ...flags, script, ...words);
  const run = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (run.status !== 0) throw new Error(`${file} ${words.join(" ")} failed: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

function met(isMet: boolean): string {
  return isMet ? "met" : "missed";
}

function print(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(13)} ${text}\n`);
}
