/** How fast is a release, beside this machine's own limit? Ratios in one run, since machines are shared and noisy. */
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueChallenge } from "../src/broker/challenge.ts";
import { release } from "../src/broker/release.ts";
import type { World } from "../src/broker/world.ts";
import { createMetrics } from "../src/http/metrics.ts";
import { createUlids } from "../src/http/request-id.ts";
import { systemRandom } from "../src/runtime/node/clock.ts";
import { type DemoFolder, makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { NO_SOURCE } from "../src/runtime/node/no-source.ts";
import { loadConfig } from "../src/runtime/node/settings.ts";
import { openWorld } from "../src/runtime/node/world.ts";
import { decodeChallenge, encodeChallengeRequest } from "../src/wire/challenge.ts";
import { encodeEvidenceRequest } from "../src/wire/release.ts";
import { type GuestParts, prepareRequest } from "./guests.ts";
import { opensslVerifyRate } from "./machine.ts";
import { type Measured, runAll } from "./measure.ts";

const isBrief = process.argv.includes("--brief");
const RELEASES = isBrief ? 300 : 2000;
const CONCURRENCY = 16;
const CLOCK_TICKS_PER_SECOND = 100;

const folder = await mkdtemp(join(tmpdir(), "ostiary-bench-"));
try {
  const limit = opensslVerifyRate(isBrief ? 1 : 3);
  print(`machine       openssl speed ecdsap384: ${limit.toFixed(0)} verifications per second`);
  const demo = await makeDemoFolder(join(folder, "data"), { isUnlimited: true });
  const inProcess = await benchInProcess(demo);
  report("in process", inProcess, limit, 0.7);
  const overHttp = await benchOverHttp(demo);
  report("over HTTP", overHttp, limit, 0.55);
  await benchStart(demo);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Result extends Measured {
  readonly cpuSeconds: number;
}

function report(name: string, result: Result, limit: number, aim: number): void {
  const perCpu = result.count / result.cpuSeconds;
  const { p50Ms, p99Ms, wallSeconds } = result;
  print(
    `${name.padEnd(13)} ${perCpu.toFixed(0)} releases per CPU-second, ratio ${(perCpu / limit).toFixed(2)} (aim ${aim}); ` +
      `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms at ${CONCURRENCY} in flight, ${(result.count / wallSeconds).toFixed(0)}/s`,
  );
}

/** Challenge and release by function call; requests are made before the clock runs. */
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

/** A broker in a process of its own, kept connections, and the CPU time that this process used. */
async function benchOverHttp(demo: DemoFolder): Promise<Result> {
  const broker = await startServe(demo);
  try {
    const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
    const post = (path: string, body: string) => send({ agent, url: broker.url, path, body });
    const bodies: string[] = [];
    for (let i = 0; i < RELEASES + 50; i += 1) {
      const answer = await post("/v1/challenge", encodeChallengeRequest({ binding: 3 })); // in order: not measured
      const { nonce } = decodeChallenge(answer);
      const parts = {
        machine: demo.machine,
        audience: demo.audience,
        signingKey: demo.signingKey,
        path: demo.secretPath,
      };
      bodies.push(encodeEvidenceRequest(await prepareRequest(nonce, parts)));
    }
    const jobs = bodies.map((body) => async () => {
      await post("/v1/challenge", encodeChallengeRequest({ binding: 3 }));
      await post("/v1/release", body);
    });
    await runAll(jobs.slice(0, 50), CONCURRENCY);
    const before = cpuSecondsOf(broker.pid);
    const measured = await runAll(jobs.slice(50), CONCURRENCY);
    const cpuSeconds = cpuSecondsOf(broker.pid) - before;
    agent.destroy();
    return { ...measured, cpuSeconds };
  } finally {
    await broker.stop();
  }
}

/** Ready on an existing database, and what it holds at rest. */
async function benchStart(demo: DemoFolder): Promise<void> {
  const starts: number[] = [];
  let restMiB = 0;
  for (let i = 0; i < 3; i += 1) {
    const started = performance.now();
    const broker = await startServe(demo); // in order: one at a time
    starts.push(performance.now() - started);
    restMiB = residentMiB(broker.pid);
    await broker.stop();
  }
  print(
    `start         ready after ${Math.min(...starts).toFixed(0)} ms, best of 3 (aim 400); ${restMiB.toFixed(0)} MiB resident at rest (aim 150)`,
  );
}

async function startServe(demo: DemoFolder) {
  const cli = join(import.meta.dirname, "../src/runtime/node/bin.mjs");
  const child = spawn(process.execPath, [cli, "serve", "--config", demo.configPath], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once("exit", () => reject(new Error("the broker did not start")));
    child.stdout.on("data", (text: Buffer) => {
      const found = /https?:\/\/\S+/.exec(String(text));
      if (found !== null) resolve(found[0]);
    });
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill("SIGTERM");
    });
  return { url, pid: child.pid ?? 0, stop };
}

function send(to: {
  readonly agent: Agent;
  readonly url: string;
  readonly path: string;
  readonly body: string;
}): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(to.body) };
    const sent = request(`${to.url}${to.path}`, { method: "POST", agent: to.agent, headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () => {
        const bytes = Uint8Array.from(Buffer.concat(pieces));
        if (answer.statusCode === 200) resolve(bytes);
        else reject(new Error(`${to.path} answered ${answer.statusCode}: ${Buffer.from(bytes).toString()}`));
      });
    });
    sent.on("error", reject);
    sent.end(to.body);
  });
}

/** User and system time of a process, threads and all. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

function residentMiB(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
