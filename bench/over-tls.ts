/** What does a release cost that is bound to TLS? A new connection for each, with both sides attesting, and one that is kept. */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tlsChannel } from "../src/agent/tls-channel.ts";
import type { EvidenceProvider } from "../src/attestation/provider.ts";
import type { OfferedSuite } from "../src/channel/suites.ts";
import { attest } from "../src/client/attest.ts";
import type { BrokerChannel } from "../src/client/channel.ts";
import { openSession } from "../src/client/session.ts";
import { type BrokerAddress, sessionPartsOf, trustedBrokerOf } from "../src/runtime/node/broker-way.ts";
import { systemNow, systemRandom } from "../src/runtime/node/clock.ts";
import { type DemoFolder, makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { DATA_FILES } from "../src/runtime/node/init.ts";
import { nodePrimitives } from "../src/runtime/node/primitives.ts";
import { SIMULATOR_ROOT_FILE } from "../src/simulator/chip-folder.ts";
import { type Result, runAll } from "./measure.ts";
import { cpuSecondsOf, type Served, startServe } from "./served.ts";

const REPORT_ID_BYTES = 32;
const SECONDS = 120;
const WARMING = 20;
const POLICY = join(import.meta.dirname, "../policies/guest/broker.writ");

/** A broker that ends TLS and offers every binding. */
export interface TlsBench {
  readonly demo: DemoFolder;
  readonly served: Served;
}

export async function startTlsBench(folder: string): Promise<TlsBench> {
  const demo = await makeDemoFolder(folder, { isUnlimited: true, tlsName: "127.0.0.1" });
  const text = readFileSync(demo.configPath, "utf8");
  const bindings = 'bindings = ["ra-tls", "tls-exporter", "application"]';
  writeFileSync(demo.configPath, text.replace("[listen]\n", `[listen]\n${bindings}\n`));
  return { demo, served: await startServe(demo) };
}

export interface TlsPlan {
  readonly count: number;
  readonly concurrency: number;
  readonly binding: 1 | 2;
  readonly suite: OfferedSuite;
}

/** Each release has a TLS handshake of its own, and the broker proves itself before the guest does. */
export async function benchHandshakes(bench: TlsBench, plan: TlsPlan): Promise<Result> {
  const open = await opener(bench, plan);
  const job = async (): Promise<void> => {
    const session = await open();
    await session.release([{ secret: bench.demo.secretPath }]);
    session.close();
  };
  return measured(bench, Array<typeof job>(plan.count + WARMING).fill(job), plan.concurrency);
}

/** Kept connections, opened before, and requests over their exporters that were made before; each comes with a challenge. */
export async function benchKept(bench: TlsBench, plan: TlsPlan): Promise<Result> {
  const each = Math.ceil((plan.count + WARMING) / plan.concurrency);
  const jobs: (() => Promise<void>)[][] = [];
  const channels: BrokerChannel[] = [];
  for (let i = 0; i < plan.concurrency; i += 1) {
    const channel = await tlsChannel({ url: bench.served.url, authorities: authorityOf(bench.demo) })(soon());
    channels.push(channel); // in order: not measured
    jobs.push(await jobsOver(channel, each, bench.demo, plan.suite));
  }
  const byTurns = Array.from({ length: each }, (_, turn) => jobs.flatMap((own) => own.slice(turn, turn + 1)));
  const result = await measured(bench, byTurns.flat(), plan.concurrency);
  for (const { close } of channels) close();
  return result;
}

async function jobsOver(
  { client, carrier }: BrokerChannel,
  count: number,
  demo: DemoFolder,
  suite: OfferedSuite,
): Promise<(() => Promise<void>)[]> {
  const parts = { provider: manyGuests(demo), primitives: nodePrimitives, random: systemRandom };
  const { audience, signingKey, secretPath } = demo;
  const jobs: (() => Promise<void>)[] = [];
  for (let i = 0; i < count; i += 1) {
    const { nonce } = await client.challenge(2); // in order: one connection, one request at a time
    const asked = { claims: { want: [{ secret: secretPath }] }, nonce, carrier };
    const { request } = await attest(asked, { audience, signingKey, suite }, parts);
    jobs.push(async () => {
      await client.challenge(2);
      await client.release(request);
    });
  }
  return jobs;
}

async function measured(
  { served }: TlsBench,
  jobs: readonly (() => Promise<void>)[],
  concurrency: number,
): Promise<Result> {
  await runAll(jobs.slice(0, WARMING), concurrency);
  const before = cpuSecondsOf(served.pid);
  const run = await runAll(jobs.slice(WARMING), concurrency);
  return { ...run, cpuSeconds: cpuSecondsOf(served.pid) - before };
}

async function opener({ demo, served }: TlsBench, { binding, suite }: TlsPlan) {
  const address: BrokerAddress = {
    url: served.url,
    audience: demo.audience,
    authorities: authorityOf(demo),
    binding,
    suite,
    signingKey: demo.signingKey,
    brokerPolicy: {
      file: POLICY,
      trustSimulatorFile: join(demo.folder, "simulated-machine", SIMULATOR_ROOT_FILE),
    },
  };
  const broker = await trustedBrokerOf(address);
  const parts = sessionPartsOf(address, manyGuests(demo));
  return () => openSession(broker, parts, soon());
}

function authorityOf({ folder }: DemoFolder): string {
  return readFileSync(join(folder, DATA_FILES.tlsAuthority), "utf8");
}

function soon(): AbortSignal {
  return AbortSignal.timeout(SECONDS * 1000);
}

/** Each report is another guest's: a VM that just booted. */
function manyGuests({ machine }: DemoFolder): EvidenceProvider {
  return {
    name: "bench",
    format: "raw",
    vmpl: 0,
    attest: async (reportData) => {
      const reportId = Uint8Array.from(randomBytes(REPORT_ID_BYTES));
      const report = machine.chip.report({ reportData, reportId });
      return { format: "raw", report, certTable: machine.certTable(systemNow()) };
    },
  };
}
