/** What does a release cost that is bound to TLS? A new connection for each, with both sides attesting, and one that is kept. */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EvidenceProvider } from "../src/attestation/provider.ts";
import type { OfferedSuite } from "../src/channel/suites.ts";
import { openSession, type Session } from "../src/client/session.ts";
import { type BrokerAddress, sessionPartsOf, trustedBrokerOf } from "../src/runtime/node/client.ts";
import { systemNow } from "../src/runtime/node/clock.ts";
import { type DemoFolder, makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { DATA_FILES } from "../src/runtime/node/init.ts";
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
  const open = await opener(bench, plan, true);
  const job = async (): Promise<void> => {
    const session = await open();
    await session.release([{ secret: bench.demo.secretPath }]);
    session.close();
  };
  return measured(bench, Array<typeof job>(plan.count + WARMING).fill(job), plan.concurrency);
}

/** One connection for each guest in flight, opened before; the nonce comes over it too. */
export async function benchKept(bench: TlsBench, plan: TlsPlan): Promise<Result> {
  const open = await opener(bench, plan, false);
  const free: Session[] = [];
  for (let i = 0; i < plan.concurrency; i += 1) free.push(await open()); // in order: not measured
  const job = async (): Promise<void> => {
    const session = free.pop() ?? (await open());
    await session.release([{ secret: bench.demo.secretPath }]);
    free.push(session);
  };
  const result = await measured(bench, Array<typeof job>(plan.count + WARMING).fill(job), plan.concurrency);
  for (const session of free) session.close();
  return result;
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

async function opener({ demo, served }: TlsBench, { binding, suite }: TlsPlan, isMutual: boolean) {
  const at = (name: string): string => join(demo.folder, name);
  const address: BrokerAddress = {
    url: served.url,
    audience: demo.audience,
    authorities: readFileSync(at(DATA_FILES.tlsAuthority), "utf8"),
    binding,
    suite,
    signingKey: demo.signingKey,
    ...(isMutual
      ? { brokerPolicy: { file: POLICY, trustSimulatorFile: at("simulated-machine/ark.pem") } }
      : {}),
  };
  const broker = await trustedBrokerOf(address);
  const parts = sessionPartsOf(address, manyGuests(demo));
  return () => openSession(broker, parts, AbortSignal.timeout(SECONDS * 1000));
}

/** Each report is another guest's: a VM that just booted. */
function manyGuests({ machine }: DemoFolder): EvidenceProvider {
  return {
    name: "bench",
    vmpl: 0,
    attest: async (reportData) => {
      const reportId = Uint8Array.from(randomBytes(REPORT_ID_BYTES));
      const report = machine.chip.report({ reportData, reportId });
      return { format: "raw", report, certTable: machine.certTable(systemNow()) };
    },
  };
}
