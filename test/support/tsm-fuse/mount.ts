/** How does a test, or a bench, get configfs-tsm? By a program that mounts a look-alike of it over FUSE, and is ended with it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = join(import.meta.dirname, "process.ts");

export interface TsmMountPlan {
  /** Folder of the simulated machine; made where it is not there. */
  readonly machine: string;
  /** Where it is mounted; in a folder of its own, unless it is said. */
  readonly folder?: string;
  /** What the module is called: `none` is no module at all. */
  readonly provider?: string;
  readonly measurement?: Uint8Array;
  /** No certificates from the host. */
  readonly hasNoTable?: boolean;
  /** The least privilege level, 0 unless it is said. */
  readonly floor?: number;
  /** With an SVSM: the manifest of its services. */
  readonly manifest?: Uint8Array;
  /** What happens at an act, how often: `["read outblob", "EBUSY", 2]`; `race` is another process's write before it. */
  readonly faults?: readonly (readonly [act: string, what: string, times: number])[];
}

export interface TsmMount {
  /** In the place of /sys/kernel/config/tsm/report. */
  readonly folder: string;
  /** What was asked for, in its order: `read provider`, `write inblob`. */
  readonly acts: () => readonly string[];
  /** Also while somebody waits for an answer, who then gets an error in its place. */
  readonly unmount: () => Promise<void>;
}

/** @returns Why nothing can be mounted on this machine. */
export function whyNoFuse(): string | undefined {
  if (process.getuid?.() !== 0) return "mounting needs root";
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return "/dev/fuse cannot be opened";
  }
}

/**
 * Mounts, and from then on takes what the program says: each act is a line on a socket that has room for some two hundred. So the event
 * loop has to run on while anybody uses the folder; without it the program stands still at that many acts, and its users with it.
 *
 * @throws Error with what the program said where it cannot mount.
 */
export async function mountTsm(plan: TsmMountPlan): Promise<TsmMount> {
  const place = mkdtempSync(join(tmpdir(), "ostiary-fuse-"));
  const { folder = join(place, "report") } = plan;
  mkdirSync(folder, { recursive: true });
  const child = spawn(process.execPath, [PROGRAM, folder, plan.machine, ...wordsOf(plan)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = await mounted(child);
  return {
    folder,
    acts: () => lines.join("").split("\n").slice(1, -1),
    unmount: async () => {
      const ended = new Promise((done) => (child.exitCode === null ? child.once("exit", done) : done(0)));
      spawnSync("umount", ["-l", folder]);
      child.kill("SIGKILL"); // an answer that is waited for keeps the file system, and with it the program
      await ended;
      rmSync(place, { recursive: true, force: true });
    },
  };
}

function wordsOf(plan: TsmMountPlan): readonly string[] {
  const { provider, measurement, floor, manifest, faults = [] } = plan;
  return [
    ...(provider === undefined ? [] : [`provider=${provider}`]),
    ...(measurement === undefined ? [] : [`measurement=${Buffer.from(measurement).toString("hex")}`]),
    ...(floor === undefined ? [] : [`floor=${floor}`]),
    ...(manifest === undefined ? [] : [`manifest=${Buffer.from(manifest).toString("hex")}`]),
    ...(plan.hasNoTable === true ? ["table=none"] : []),
    `faults=${faults.map((row) => row.join(":")).join(",")}`,
  ];
}

/** What it says from then on, as it comes. */
function mounted(child: ChildProcess): Promise<string[]> {
  const said: string[] = [];
  return new Promise((ready, failed) => {
    child.stdout?.on("data", (piece) => {
      said.push(String(piece));
      if (said.join("").startsWith("mounted\n")) ready(said);
    });
    child.once("exit", (status) => failed(new Error(`the look-alike ended (${status}): ${said.join("")}`)));
  });
}
