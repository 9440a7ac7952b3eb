/** How does a test get configfs-tsm? By a program that mounts a look-alike of it over FUSE, ended with the test. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";

const PROGRAM = join(import.meta.dirname, "process.ts");

const reason = whyNot();

/** Tests that mount; where the machine does not let them they are skipped by name with the reason. */
export function describeWithFuse(name: string, tests: () => void): void {
  if (reason === undefined) describe(name, tests);
  else describe.skip(`${name} (no FUSE here: ${reason})`, tests);
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "mounting needs root";
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return "/dev/fuse cannot be opened";
  }
}

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
  readonly unmount: () => Promise<void>;
}

/** @throws Error with what the program said where it cannot mount. */
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
