/** How fast is a release, beside this machine's own limit? Ratios in one run, since machines are shared and noisy. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DemoFolder, makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { decodeChallenge, encodeChallengeRequest } from "../src/wire/challenge.ts";
import { encodeEvidenceRequest } from "../src/wire/release.ts";
import { prepareRequest } from "./guests.ts";
import { onOneCore, opensslVerifyRate, type Pinned } from "./machine.ts";
import { type Result, runAll } from "./measure.ts";

const isBrief = process.argv.includes("--brief");
const RELEASES = isBrief ? 300 : 2000;
const CONCURRENCY = 16;
const CLOCK_TICKS_PER_SECOND = 100;
const UNPINNED =
  "core          nothing is pinned: no `taskset` here, so ratios are those of a machine with free cores";

const folder = await mkdtemp(join(tmpdir(), "ostiary-bench-"));
try {
  print(
    onOneCore("true").isPinned
      ? "core          broker and openssl pinned to core 0, the guests are not"
      : UNPINNED,
  );
  const demo = await makeDemoFolder(join(folder, "data"), { isUnlimited: true });
  await report("in process", 0.7, async () => benchInProcess(join(folder, "in-process")));
  await report("over HTTP", 0.55, () => benchOverHttp(demo));
  await benchStart(demo);
  benchWrit();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The limit is taken just before and just after: a shared machine is not the same machine for long. */
async function report(name: string, aim: number, bench: () => Promise<Result>): Promise<void> {
  const before = opensslVerifyRate(isBrief ? 1 : 3);
  const { count, cpuSeconds, p50Ms, p99Ms, wallSeconds } = await bench();
  const after = opensslVerifyRate(isBrief ? 1 : 3);
  const limit = (before + after) / 2;
  const perCpu = count / cpuSeconds;
  print(
    `${name.padEnd(13)} ${perCpu.toFixed(0)} releases per CPU-second; openssl verifies ${before.toFixed(0)} and ${after.toFixed(0)} ` +
      `P-384 signatures in one; ratio ${(perCpu / limit).toFixed(2)} (aim ${aim}); p50 ${p50Ms.toFixed(1)} ms, ` +
      `p99 ${p99Ms.toFixed(1)} ms at ${CONCURRENCY} in flight, ${(count / wallSeconds).toFixed(0)}/s`,
  );
}

/** In a process of its own, since a process cannot pin itself. */
function benchInProcess(data: string): Result {
  const words = [join(import.meta.dirname, "in-process.ts"), data, String(RELEASES), String(CONCURRENCY)];
  const { command, args } = onOneCore(process.execPath, ...words);
  const run = spawnSync(command, args, { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`the bench in process failed: ${run.stderr}`);
  return JSON.parse(run.stdout);
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
    const broker = await startServe(demo, (command, ...args) => ({ command, args })); // in order: one at a time
    starts.push(performance.now() - started);
    restMiB = residentMiB(broker.pid);
    await broker.stop();
  }
  print(
    `start         not pinned: ready after ${Math.min(...starts).toFixed(0)} ms, best of 3 (aim 400); ${restMiB.toFixed(0)} MiB resident at rest (aim 150)`,
  );
}

/** In a process of its own too: `node bench/writ.ts` prints the same lines alone. */
function benchWrit(): void {
  const words = [join(import.meta.dirname, "writ.ts"), ...(isBrief ? ["--brief"] : [])];
  const { command, args } = onOneCore(process.execPath, ...words);
  const run = spawnSync(command, args, { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`the bench of the language failed: ${run.stderr}`);
  process.stdout.write(run.stdout);
}

type Placing = (command: string, ...args: readonly string[]) => Pick<Pinned, "command" | "args">;

async function startServe(demo: DemoFolder, placed: Placing = onOneCore) {
  const cli = join(import.meta.dirname, "../src/runtime/node/bin.mjs");
  const { command, args } = placed(process.execPath, cli, "serve", "--config", demo.configPath);
  const child = spawn(command, args, {
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
