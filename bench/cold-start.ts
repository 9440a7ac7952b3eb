/** How soon has a guest its key, from nothing, and in how much memory? Beside Node's own start, by turns; nothing of it kept from run to run. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import type { DemoFolder } from "../src/runtime/node/demo-folder.ts";
import { mountTsm, type TsmMount, whyNoFuse } from "../test/support/tsm-fuse/mount.ts";
import { startServe } from "./served.ts";

const ROOT = join(import.meta.dirname, "..");
const AIM_MS = 150;
const AIM_MB = 80;
/** No run takes a tenth of it; whoever takes longer is ended, and the bench with it. */
const RUN_MS = 20_000;
/** What a process cost, as it says itself at its end. Required, since an import would load Node's other loader into both. */
const TELL = `process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  process.stderr.write("\\ncost " + (user + system) / 1000 + " " + process.resourceUsage().maxRSS / 1024 + "\\n");
});`;
/** What a program of Node's costs that does nothing but give something out. */
const NOTHING = 'require("node:fs").writeSync(1, "0");';

interface Run {
  /** From its start to the first byte that it gives out: the key's. */
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly mib: number;
}

/** On loopback, with a key that is pinned. The report comes from a look-alike of configfs-tsm where one can be mounted. */
export async function benchColdStart(
  demo: DemoFolder,
  { folder, turns }: { readonly folder: string; readonly turns: number },
): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true });
  const bench = await openBench(demo, folder, turns);
  try {
    const words = ["get", demo.secretPath, ...wordsOf(demo, bench.url), ...bench.words];
    const lines = [
      await lineOf("sources", [join(ROOT, "src/runtime/node/bin.mjs"), "agent", ...words], bench),
    ];
    if (bench.tsm === undefined) return lines; // a guest's script has no simulator
    const script = join(folder, "ostiary-agent.cjs");
    spawnSync(process.execPath, [join(ROOT, "scripts/agent-bundle.mjs"), "--out", script]);
    return [...lines, await lineOf("one script", [script, ...words], bench)];
  } finally {
    await bench.stop();
  }
}

interface Bench {
  readonly url: string;
  readonly folder: string;
  readonly turns: number;
  readonly tsm: TsmMount | undefined;
  /** Who asks the hardware. */
  readonly words: readonly string[];
  readonly note: string;
  readonly stop: () => Promise<void>;
}

async function openBench(demo: DemoFolder, folder: string, turns: number): Promise<Bench> {
  writeFileSync(join(folder, "tell.cjs"), TELL);
  writeFileSync(join(folder, "nothing.cjs"), NOTHING);
  const machine = join(demo.folder, "simulated-machine");
  const reason = whyNoFuse();
  const tsm = reason === undefined ? await mountTsm({ machine }) : undefined;
  const broker = await startServe(demo, (command, ...args) => ({ command, args }));
  return {
    url: broker.url,
    folder,
    turns,
    tsm,
    words:
      tsm === undefined
        ? ["--provider", "simulator", "--simulator-dir", machine]
        : ["--provider", "configfs-tsm", "--tsm-dir", tsm.folder],
    note: reason === undefined ? "" : ` (no FUSE here, ${reason}: the simulator's own start is in it)`,
    stop: async () => {
      await tsm?.unmount();
      await broker.stop();
    },
  };
}

function wordsOf({ audience, folder }: DemoFolder, url: string): readonly string[] {
  const key = join(folder, "signing-key.pub.pem");
  const broker = ["--broker", url, "--audience", audience, "--signing-key", key, "--binding", "application"];
  return ["--fd", "1", ...broker];
}

/** Each run has a folder of turns of its own, as a guest has at its boot: beyond a burst they would wait for their pace. */
async function lineOf(name: string, words: readonly string[], bench: Bench): Promise<string> {
  const [own, agent]: [Run[], Run[]] = [[], []];
  for (let turn = 0; turn <= bench.turns; turn += 1) {
    own.push(await run([join(bench.folder, "nothing.cjs")], bench)); // in order: by turns
    agent.push(await run([...words, "--run-dir", join(bench.folder, "run", `${name}-${turn}`)], bench));
  }
  for (const runs of [own, agent]) runs.shift(); // files, and what else a machine keeps, are read by then
  const over = (of: (one: Run) => number): string => (median(agent.map(of)) - median(own.map(of))).toFixed(0);
  const [ownMs, mib] = [median(own.map((one) => one.wallMs)), median(agent.map((one) => one.mib))];
  return (
    `cold start    ${name}: key after ${over((one) => one.wallMs)} ms beyond Node's own ${ownMs.toFixed(0)} ms ` +
    `(aim ${AIM_MS}), ${over((one) => one.cpuMs)} ms of CPU; ${((mib * 1024 * 1024) / 1e6).toFixed(0)} MB at most (aim ${AIM_MB}); ` +
    `median of ${bench.turns} at a load of ${(loadavg()[0] ?? 0).toFixed(1)}${bench.note}`
  );
}

/** Never waited for without end: a look-alike that stands still is ended before the agent, which waits in it for good. */
function run(words: readonly string[], { folder, tsm }: Bench): Promise<Run> {
  const began = performance.now();
  const child = spawn(process.execPath, ["--require", join(folder, "tell.cjs"), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => {
    void tsm?.unmount();
    child.kill("SIGKILL");
  }, RUN_MS);
  let [wallMs, said] = [Number.NaN, ""];
  child.stdout.once("data", () => {
    wallMs = performance.now() - began;
  });
  child.stderr.on("data", (piece) => {
    said += String(piece);
  });
  return new Promise((done, failed) => {
    child.once("close", (status) => {
      clearTimeout(timer);
      const [, cpuMs, mib] = /cost (\S+) (\S+)\n$/.exec(said) ?? [];
      if (status === 0) done({ wallMs, cpuMs: Number(cpuMs), mib: Number(mib) });
      else failed(new Error(`the agent ended with ${status ?? `nothing in ${RUN_MS} ms`}: ${said}`));
    });
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
