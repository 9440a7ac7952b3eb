/** What does a test see of a broker of several processes? Its first process, those that serve, and who of them did what. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { CLI, type Program } from "./demo-broker.ts";

export interface SeveralProcesses extends Program {
  readonly firstPid: () => number;
  /** Those that serve, the oldest first. */
  readonly servingPids: () => readonly number[];
  /** What it said on standard error since it was begun. */
  readonly said: () => string;
  /** What of that is its log. */
  readonly lines: () => readonly LogLine[];
  /** Its exit status, when it has ended. */
  readonly ended: () => Promise<number | null>;
}

export interface LogLine {
  readonly event?: unknown;
  readonly process?: unknown;
  readonly route?: unknown;
  readonly status?: unknown;
}

/** Writes the number of processes into the configuration of a data folder. */
export function inProcesses(data: string, processes: number): void {
  const path = join(data, DATA_FILES.config);
  const config = readFileSync(path, "utf8");
  writeFileSync(
    path,
    config.replace(/^port = (\d+)\n(processes = .*\n)?/m, `port = $1\nprocesses = ${processes}\n`),
  );
}

export function createSeveral(data: string): SeveralProcesses {
  let child: ChildProcess | undefined;
  let ended: Promise<number | null> = Promise.resolve(null);
  let said = "";
  const start = async (): Promise<void> => {
    said = "";
    const begun = spawn(process.execPath, [CLI, "serve", "--data", data], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = begun;
    ended = new Promise((done) => begun.once("exit", done));
    begun.stderr.on("data", (piece) => {
      said += String(piece);
    });
    await new Promise<void>((ready, failed) => {
      begun.stdout.on("data", (piece) => String(piece).includes("serving") && ready());
      begun.once("exit", () => failed(new Error(`the broker ended: ${said}`)));
    });
  };
  const kill = async (): Promise<void> => {
    if (child?.exitCode === null) child.kill("SIGKILL");
    await ended;
  };
  return {
    start,
    kill,
    firstPid: () => child?.pid ?? 0,
    servingPids: () => childrenOf(child?.pid ?? 0),
    said: () => said,
    lines: () => linesOf(said),
    ended: () => ended,
  };
}

/** To that process alone: without one, the system would take the number 0 for everybody of this process's own group. */
export function signalOne(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined || pid <= 1) throw new Error("expected a process that serves, found none");
  process.kill(pid, signal);
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The last line may still be on its way. */
function linesOf(said: string): readonly LogLine[] {
  const whole = said.slice(0, said.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for what comes by itself. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5); // in order: it waits
}
