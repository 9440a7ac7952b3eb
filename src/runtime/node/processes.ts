/** How do several processes serve one port? The first begins the others, and one that is lost again. */
import cluster, { type Worker } from "node:cluster";
import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { ExitStatus, Terminal } from "../../cli/command.ts";
import { createMetrics, type Metrics } from "../../http/metrics.ts";
import { freePortOf } from "./listening.ts";
import { createLog } from "./log.ts";
import { type Order, type Report, reportOf } from "./process-messages.ts";
import { createTally, type Tally } from "./process-tally.ts";
import type { LoadedConfig } from "./settings.ts";

export interface Together {
  readonly clockWasAhead: boolean;
  /** Resolves when the broker is told to end. */
  readonly ended: Promise<void>;
}

/** How long a lost one stays away: whatever ended it may need a moment too. */
const AGAIN_MS = 1000;
/** More losses in a minute are no accident, and somebody has to look. */
const MOST_LOSSES = 10;
const LOSSES_MS = 60_000;
/** Longer than a process takes to drain. */
const END_MS = 20_000;

/**
 * Serves until it is told to end.
 *
 * @returns The status of a process that did not come to serve: it has said why.
 * @throws {@link Fault} `process/lost` where one after the other is lost.
 */
export async function serveInProcesses(
  { config }: LoadedConfig,
  { clockWasAhead, ended }: Together,
  terminal: Terminal,
): Promise<ExitStatus> {
  const log = createLog(config.logLevel, terminal.err);
  const port = await freePortOf(config.listen);
  const crew = createCrew({ size: config.listen.processes, port, clockWasAhead, log });
  try {
    const begun = await Promise.race([beginAll(crew), ended]);
    if (begun === undefined) return 0;
    if (begun.kind === "ended") return 3;
    terminal.out(`ostiary: serving ${begun.url} (${config.mode}, ${config.listen.processes} processes)\n`);
    process.on("SIGHUP", () => reloadAll(crew));
    await Promise.race([ended, crew.hopeless.promise]);
    return 0;
  } finally {
    await endAll(crew);
  }
}

type Begun = { readonly kind: "serving"; readonly url: string } | { readonly kind: "ended" };

interface Crew {
  readonly size: number;
  readonly port: number;
  readonly clockWasAhead: boolean;
  readonly log: Log;
  readonly members: Map<number, Worker>;
  readonly metrics: Metrics;
  readonly tally: Tally;
  readonly isLostTooOften: () => boolean;
  /** Rejects where one after the other is lost. */
  readonly hopeless: PromiseWithResolvers<never>;
  phase: "beginning" | "serving" | "ending";
}

function createCrew(parts: Pick<Crew, "size" | "port" | "clockWasAhead" | "log">): Crew {
  const metrics = createMetrics();
  const hopeless = Promise.withResolvers<never>();
  hopeless.promise.catch(() => undefined); // nobody may be waiting yet
  return {
    ...parts,
    members: new Map(),
    metrics,
    tally: createTally(metrics.counts),
    isLostTooOften: createLossLimit(),
    hopeless,
    phase: "beginning",
  };
}

/** The one that keeps house first: it makes what is missing and looks at the log before any other serves. */
async function beginAll(crew: Crew): Promise<Begun> {
  const first = await beginOne(1, crew);
  if (first.kind === "ended") return first;
  const others = await Promise.all(numbersFrom(2, crew.size).map((number) => beginOne(number, crew)));
  const failed = others.find(({ kind }) => kind === "ended");
  if (crew.members.size < crew.size) return failed ?? { kind: "ended" };
  if (crew.phase === "beginning") crew.phase = "serving";
  return first;
}

function beginOne(number: number, crew: Crew): Promise<Begun> {
  const worker = cluster.fork();
  crew.members.set(number, worker);
  return new Promise((resolve) => {
    worker.on("message", (message) => {
      const report = reportOf(message);
      if (report !== undefined) heard(report, { number, worker }, crew);
      if (report?.say === "serving") resolve({ kind: "serving", url: report.url });
    });
    worker.once("exit", (status: number | null, signal: string | null) => {
      crew.members.delete(number);
      crew.tally.left(number);
      resolve({ kind: "ended" });
      if (crew.phase === "serving") lost(number, signal ?? `status ${status}`, crew);
    });
  });
}

interface Member {
  readonly number: number;
  readonly worker: Worker;
}

function heard(report: Report, { number, worker }: Member, crew: Crew): void {
  const { tally } = crew;
  if (report.say === "listening") tell(worker, firstOrder(number, crew));
  if (report.say === "serving") tally.joined(number, () => tell(worker, { say: "count" }));
  if (report.say === "counts") tally.said(number, report.counts);
  if (report.say === "count-all") {
    void tally.all().then((counts) => tell(worker, { say: "counted", counts }));
  }
}

function firstOrder(number: number, { phase, size, port, clockWasAhead }: Crew): Order {
  if (phase === "ending") return { say: "end" };
  return { say: "serve", number, of: size, port, clockWasAhead: clockWasAhead && phase === "beginning" }; // once, not at each loss
}

function lost(number: number, by: string, crew: Crew): void {
  crew.log("error", "process-lost", { process: number, by });
  crew.metrics.count("process_losses", {});
  if (crew.isLostTooOften()) {
    const sentence = `expected processes that go on, lost ${MOST_LOSSES} in a minute`;
    crew.hopeless.reject(new Fault("process/lost", sentence, { by }));
    return;
  }
  setTimeout(() => {
    if (crew.phase === "serving") void beginOne(number, crew);
  }, AGAIN_MS);
}

function reloadAll({ members }: Crew): void {
  for (const worker of members.values()) tell(worker, { say: "reload" });
}

/** The one that keeps house last, so that the last head is over what the others committed. */
async function endAll(crew: Crew): Promise<void> {
  crew.phase = "ending";
  const others = [...crew.members].filter(([number]) => number > 1);
  await Promise.all(others.map(([, worker]) => endOf(worker)));
  await Promise.all([...crew.members.values()].map(endOf));
}

function numbersFrom(least: number, most: number): readonly number[] {
  return Array.from({ length: most - least + 1 }, (_, i) => least + i);
}

/** Counts a loss with each call. */
function createLossLimit(): () => boolean {
  let losses: readonly number[] = [];
  return () => {
    const now = performance.now();
    losses = [...losses.filter((at) => now - at < LOSSES_MS), now];
    return losses.length >= MOST_LOSSES;
  };
}

function endOf(worker: Worker): Promise<void> {
  return new Promise((done) => {
    const force = setTimeout(() => worker.process.kill("SIGKILL"), END_MS);
    worker.once("exit", () => {
      clearTimeout(force);
      done();
    });
    tell(worker, { say: "end" });
  });
}

/** To one that is gone nothing is said: its exit is heard anyway. */
function tell(worker: Worker, order: Order): void {
  if (worker.isConnected()) worker.send(order, () => undefined);
}
