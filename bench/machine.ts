/** What is this machine's own limit? P-384 verifications a second, by OpenSSL's own measure. */
import { spawnSync } from "node:child_process";

const SPEED_LINE = /ecdsa \(nistp384\)\s+[\d.]+s\s+[\d.]+s\s+[\d.]+\s+(?<verify>[\d.]+)/;

export interface Pinned {
  readonly command: string;
  readonly args: readonly string[];
  readonly isPinned: boolean;
}

/** A command line that runs on core 0 alone, where the machine can pin. */
export function onOneCore(command: string, ...args: readonly string[]): Pinned {
  return onCores([0], command, ...args);
}

/** The same on cores of choice. */
export function onCores(cores: readonly number[], command: string, ...args: readonly string[]): Pinned {
  const pin = ["-c", cores.join(",")];
  const isPinned = spawnSync("taskset", [...pin, "true"]).status === 0;
  return isPinned
    ? { command: "taskset", args: [...pin, command, ...args], isPinned }
    : { command, args, isPinned };
}

/** Leaves running processes, all their threads included, these cores and no other; false where the machine cannot pin. */
export function keepToCores(pids: readonly number[], cores: readonly number[]): boolean {
  const pin = (pid: number) => spawnSync("taskset", ["-apc", cores.join(","), String(pid)]).status === 0;
  return pids.map(pin).every(Boolean);
}

/** ECDSA P-384 verifications per CPU-second on one core. */
export function opensslVerifyRate(seconds: number): number {
  const { command, args } = onOneCore("openssl", "speed", "-seconds", String(seconds), "ecdsap384");
  const run = spawnSync(command, args, { encoding: "utf8" });
  const rate = SPEED_LINE.exec(run.stdout)?.groups?.["verify"];
  if (rate === undefined) throw new Error("openssl speed said nothing of ecdsa (nistp384)");
  return Number(rate);
}
