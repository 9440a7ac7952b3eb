/** How fast is a release, beside this machine's own limit? Ratios in one run, since machines are shared and noisy. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DemoFolder, makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { decodeChallenge, encodeChallengeRequest } from "../src/wire/challenge.ts";
import { encodeEvidenceRequest } from "../src/wire/release.ts";
import { benchColdStart } from "./cold-start.ts";
import { prepareRequest } from "./guests.ts";
import { benchKbs } from "./kbs.ts";
import { benchLaunchDigests } from "./launch-digests.ts";
import { onOneCore, opensslVerifyRate } from "./machine.ts";
import { type Result, runAll } from "./measure.ts";
import { benchObserved } from "./observed.ts";
import { benchHandshakes, benchKept, startTlsBench, type TlsBench, type TlsPlan } from "./over-tls.ts";
import { cpuSecondsOf, residentMiB, startServe } from "./served.ts";
import { benchTransit } from "./transit.ts";

const isBrief = process.argv.includes("--brief");
const RELEASES = isBrief ? 300 : 2000;
/** With fewer it would be measured how the code of sinks is compiled. */
const OBSERVED_RELEASES = Math.max(RELEASES, 1000);
const CONCURRENCY = 16;
const TURNS = 4;
/** The clock of a process ticks in hundredths of a second: fewer would measure its ticks. */
const SUITE_COUNT = 250;
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
  const released = await report("over HTTP", 0.55, () => benchOverHttp(demo));
  await reportTransit(demo, released);
  await reportKbs(join(folder, "kbs"), released);
  await reportObserved(demo, join(folder, "observed"));
  await benchTls(join(folder, "tls"));
  await benchStart(demo);
  const coldStart = { folder: join(folder, "agent"), turns: isBrief ? 5 : 15 };
  for (const line of await benchColdStart(demo, coldStart)) print(line);
  benchWrit();
  print(benchLaunchDigests());
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The limit is taken just before and just after: a shared machine is not the same machine for long. */
async function report(name: string, aim: number | undefined, bench: () => Promise<Result>): Promise<number> {
  const before = opensslVerifyRate(isBrief ? 1 : 3);
  const { count, cpuSeconds, p50Ms, p99Ms, wallSeconds } = await bench();
  const after = opensslVerifyRate(isBrief ? 1 : 3);
  const limit = (before + after) / 2;
  const perCpu = count / cpuSeconds;
  print(
    `${name.padEnd(13)} ${perCpu.toFixed(0)} releases per CPU-second; openssl verifies ${before.toFixed(0)} and ${after.toFixed(0)} ` +
      `P-384 signatures in one; ratio ${(perCpu / limit).toFixed(2)}${aim === undefined ? "" : ` (aim ${aim})`}; p50 ${p50Ms.toFixed(1)} ms, ` +
      `p99 ${p99Ms.toFixed(1)} ms at ${CONCURRENCY} in flight, ${(count / wallSeconds).toFixed(0)}/s`,
  );
  return perCpu;
}

/** A use has a decision and a leaf of its own, as a release has, and no report of 1184 bytes: the ratio says what that saves. */
async function reportTransit(demo: DemoFolder, releases: number): Promise<void> {
  const { count, cpuSeconds, p50Ms, p99Ms } = await benchTransit(demo, {
    count: RELEASES / 2,
    concurrency: CONCURRENCY,
  });
  const perCpu = count / cpuSeconds;
  print(
    `transit       ${perCpu.toFixed(0)} decrypts per CPU-second, ${(perCpu / releases).toFixed(2)} of the releases over HTTP; ` +
      `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms at ${CONCURRENCY} in flight`,
  );
}

/** Three requests and two decisions in the place of two and one; the report and what vouches for it come as JSON numbers. */
async function reportKbs(data: string, releases: number): Promise<void> {
  const { count, cpuSeconds, p50Ms, p99Ms } = await benchKbs(data, {
    count: RELEASES / 2,
    concurrency: CONCURRENCY,
  });
  const perCpu = count / cpuSeconds;
  print(
    `KBS           ${perCpu.toFixed(0)} releases per CPU-second by the KBS protocol, ${(perCpu / releases).toFixed(2)} of the releases over HTTP; ` +
      `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms at ${CONCURRENCY} in flight`,
  );
}

async function reportObserved(demo: DemoFolder, data: string): Promise<void> {
  const told = await makeDemoFolder(data, { isUnlimited: true });
  const { off, on, ratio } = await benchObserved({ demo, told }, (one) =>
    benchOverHttp(one, OBSERVED_RELEASES),
  );
  print(
    `observed      ${off.toFixed(0)} releases per CPU-second untold, ${on.toFixed(0)} told to a file, syslog, two webhooks and a collector: ` +
      `ratio ${ratio.toFixed(2)} of CPU a release (aim: at most 1.10)`,
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
async function benchOverHttp(demo: DemoFolder, releases = RELEASES): Promise<Result> {
  const broker = await startServe(demo);
  try {
    const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
    const post = (path: string, body: string) => send({ agent, url: broker.url, path, body });
    const bodies: string[] = [];
    for (let i = 0; i < releases + 50; i += 1) {
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

/** Where a release has a handshake of its own, the guests' work for it is in p50 and p99, not in the broker's CPU time. */
async function benchTls(data: string): Promise<void> {
  const bench = await startTlsBench(data);
  const [count, concurrency] = [RELEASES / 4, CONCURRENCY];
  try {
    const plan = { count, concurrency, binding: 2, suite: 1 } as const;
    await report("TLS, new", undefined, () => benchHandshakes(bench, plan));
    await report("ra-TLS, new", undefined, () => benchHandshakes(bench, { ...plan, binding: 1 }));
    await report("TLS, kept", undefined, () => benchKept(bench, plan));
    await reportSuites(bench, plan);
  } finally {
    await bench.served.stop();
  }
}

/** By turns, so that both meet the same machine. */
async function reportSuites(bench: TlsBench, plan: TlsPlan): Promise<void> {
  const [seconds, counts] = [
    { 1: 0, 2: 0 },
    { 1: 0, 2: 0 },
  ];
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const suite of [1, 2] as const) {
      const { cpuSeconds, count } = await benchKept(bench, { ...plan, count: SUITE_COUNT, suite }); // in order: by turns
      seconds[suite] += cpuSeconds;
      counts[suite] += count;
    }
  }
  const each = (suite: 1 | 2): number => counts[suite] / seconds[suite];
  const more = (each(1) / each(2) - 1) * 100;
  print(
    `suites, kept  ${each(1).toFixed(0)} releases per CPU-second by suite 1, ${each(2).toFixed(0)} by suite 2: ${more.toFixed(0)} % more CPU (aim: at most 15)`,
  );
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

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
