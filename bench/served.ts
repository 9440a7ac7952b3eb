/** What does a broker in a process of its own cost? Started on its folder, pinned or not, with the CPU time that it used. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DemoFolder } from "../src/runtime/node/demo-folder.ts";
import { onOneCore, type Pinned } from "./machine.ts";

const CLOCK_TICKS_PER_SECOND = 100;

type Placing = (command: string, ...args: readonly string[]) => Pick<Pinned, "command" | "args">;

export interface Served {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export async function startServe(demo: DemoFolder, placed: Placing = onOneCore): Promise<Served> {
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

/** User and system time of a process, threads and all. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

export function residentMiB(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}
