/** How soon has a guest its key, from nothing, and in how much memory? Beside Node's own start, by turns; nothing of it kept from run to run. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DemoFolder } from "../src/runtime/node/demo-folder.ts";
import { startServe } from "./served.ts";

const ROOT = join(import.meta.dirname, "..");
const TURNS = 9;
const AIM_MS = 150;
const AIM_MB = 80;
/** What a process cost, as it says itself at its end. */
const TELL = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();process.stderr.write("\\ncost "+(user+system)/1000+" "+process.resourceUsage().maxRSS/1024+"\\n")})`;

interface Run {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly mib: number;
}

/** On loopback, with a key that is pinned. The report comes from a look-alike of configfs-tsm where one can be mounted. */
export async function benchColdStart(demo: DemoFolder, folder: string): Promise<readonly string[]> {
  const broker = await startServe(demo, (command, ...args) => ({ command, args }));
  const tsm = await mountedReports(demo, join(folder, "report"));
  try {
    const script = join(folder, "ostiary-agent.cjs");
    spawnSync(process.execPath, [join(ROOT, "scripts/agent-bundle.mjs"), "--out", script]);
    const guest = [...wordsOf(demo, broker.url), ...tsm.words];
    const rows = [
      ["sources", [join(ROOT, "src/runtime/node/bin.mjs"), "agent"]],
      ...(tsm.words.includes("--tsm-dir") ? ([["one script", [script]]] as const) : []),
    ] as const;
    return rows.map(([name, program]) =>
      lineOf(name, [...program, "get", demo.secretPath, ...guest], tsm.note),
    );
  } finally {
    await tsm.unmount();
    await broker.stop();
  }
}

function wordsOf({ audience, folder }: DemoFolder, url: string): readonly string[] {
  const key = join(folder, "signing-key.pub.pem");
  return [
    "--fd",
    "1",
    "--broker",
    url,
    "--audience",
    audience,
    "--signing-key",
    key,
    "--binding",
    "application",
  ];
}

function lineOf(name: string, words: readonly string[], note: string): string {
  const [own, agent]: [Run[], Run[]] = [[], []];
  for (let turn = 0; turn < TURNS; turn += 1) {
    own.push(run(["-e", "0"]));
    agent.push(run(words));
  }
  const over = (of: (one: Run) => number): string => (median(agent.map(of)) - median(own.map(of))).toFixed(0);
  const mib = median(agent.map((one) => one.mib));
  return (
    `cold start    ${name}: key after ${over((one) => one.wallMs)} ms beyond Node's own ${median(own.map((one) => one.wallMs)).toFixed(0)} ms ` +
    `(aim ${AIM_MS}), ${over((one) => one.cpuMs)} ms of CPU; ${((mib * 1024 * 1024) / 1e6).toFixed(0)} MB at most (aim ${AIM_MB}); median of ${TURNS}${note}`
  );
}

function run(words: readonly string[]): Run {
  const began = performance.now();
  const ended = spawnSync(process.execPath, ["--import", TELL, ...words], {
    encoding: "utf8",
    timeout: 60_000,
  });
  const wallMs = performance.now() - began;
  const [, cpuMs, mib] = /cost (\S+) (\S+)\n$/.exec(ended.stderr) ?? [];
  if (ended.status !== 0) throw new Error(`the agent ended with ${ended.status}: ${ended.stderr}`);
  return { wallMs, cpuMs: Number(cpuMs), mib: Number(mib) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

interface Reports {
  readonly words: readonly string[];
  readonly note: string;
  readonly unmount: () => Promise<void>;
}

/** Where nothing can be mounted the simulator runs in the agent, and costs more than the agent does. */
async function mountedReports(demo: DemoFolder, mountPoint: string): Promise<Reports> {
  const machine = join(demo.folder, "simulated-machine");
  mkdirSync(mountPoint, { recursive: true });
  const program = join(ROOT, "test/support/tsm-fuse/process.ts");
  const child = spawn(process.execPath, [program, mountPoint, machine], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (await isMounted(child)) {
    const ended = new Promise((done) => child.once("exit", done));
    const unmount = async (): Promise<void> => {
      spawnSync("umount", ["-l", mountPoint]);
      await ended;
    };
    return { words: ["--tsm-dir", mountPoint], note: "", unmount };
  }
  const words = ["--provider", "simulator", "--simulator-dir", machine];
  return {
    words,
    note: " (no FUSE here: the simulator's own start is in it)",
    unmount: async () => undefined,
  };
}

function isMounted(child: ChildProcess): Promise<boolean> {
  return new Promise((answer) => {
    child.stdout?.once("data", (piece) => answer(String(piece).includes("mounted")));
    child.once("exit", () => answer(false));
  });
}
