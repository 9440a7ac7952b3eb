/** How does configfs-tsm behave? A plain folder with its attributes as files, and the kernel's part played by the test. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { onTestFinished } from "vitest";
import { nodeTsmFiles, type TsmFiles } from "../../src/agent/providers/tsm-files.ts";
import { createSimulatedChip, type SimulatedChip } from "../../src/simulator/sp.ts";
import { simulatedRoot } from "../support/simulated.ts";

export interface TsmPlan {
  readonly provider?: string;
  /** Empty is a host that gives nothing; `undefined` an attribute that is not there. */
  readonly auxblob?: Uint8Array | undefined;
  /** What a read of `outblob` gives instead of the report. */
  readonly outblob?: (report: Uint8Array) => Uint8Array;
  /** Runs before each read or write of an attribute; throws what the kernel would answer. */
  readonly before?: (act: "read" | "write", attribute: string, entry: string) => void;
}

export interface TsmLookAlike {
  readonly folder: string;
  readonly files: TsmFiles;
  /** Acts on attributes in their order, `read generation` for one. */
  readonly acts: readonly string[];
  /** What was made and not removed. */
  readonly left: () => readonly string[];
  /** The most entries that stood at once. */
  readonly mostAtOnce: () => number;
  /** Another process writes to an entry. */
  readonly disturb: (entry: string, inblob: Uint8Array) => void;
}

let chip: SimulatedChip | undefined;

/** Makes a look-alike with a real folder; only what a plain folder cannot do is done here. */
export function tsmLookAlike(plan: TsmPlan = {}): TsmLookAlike {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-tsm-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const acts: string[] = [];
  let most = 0;
  const left = () => readdirSync(folder);
  const note = (act: "read" | "write", attribute: string, entry: string): void => {
    acts.push(`${act} ${attribute}`);
    plan.before?.(act, attribute, entry);
  };
  const files: TsmFiles = {
    makeEntry: async (path) => {
      await nodeTsmFiles.makeEntry(path);
      fill(path, plan);
      most = Math.max(most, left().length);
    },
    removeEntry: async (path) => rmSync(path, { recursive: true }),
    read: async (entry, attribute) => {
      note("read", attribute, entry);
      if (attribute === "outblob") writeReport(entry, plan);
      return nodeTsmFiles.read(entry, attribute);
    },
    write: async (entry, attribute, bytes) => {
      note("write", attribute, entry);
      await nodeTsmFiles.write(entry, attribute, bytes);
      moveGeneration(entry);
    },
  };
  const disturb = (entry: string, inblob: Uint8Array): void => {
    writeFileSync(join(entry, "inblob"), inblob);
    moveGeneration(entry);
  };
  return { folder, files, acts, left, mostAtOnce: () => most, disturb };
}

/** What the kernel answers, as `node:fs` tells it. */
export function kernelError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function fill(entry: string, { provider = "sev_guest", auxblob }: TsmPlan): void {
  if (!basename(entry).startsWith("ostiary-")) throw new Error("an entry of ours");
  mkdirSync(entry, { recursive: true });
  writeFileSync(join(entry, "provider"), `${provider}\n`);
  writeFileSync(join(entry, "generation"), "0\n");
  for (const name of ["inblob", "privlevel"]) writeFileSync(join(entry, name), "");
  if (auxblob !== undefined) writeFileSync(join(entry, "auxblob"), auxblob);
}

function moveGeneration(entry: string): void {
  const path = join(entry, "generation");
  writeFileSync(path, `${Number(readFileSync(path, "utf8")) + 1}\n`);
}

/** The kernel makes the report when it is read, over what stands in `inblob` then; other sizes are EINVAL. */
function writeReport(entry: string, { outblob = (report) => report }: TsmPlan): void {
  const inblob = Uint8Array.from(readFileSync(join(entry, "inblob")));
  if (inblob.length !== 64) throw kernelError("EINVAL");
  chip ??= createSimulatedChip(simulatedRoot("milan"));
  const vmpl = Number(readFileSync(join(entry, "privlevel"), "utf8"));
  writeFileSync(join(entry, "outblob"), outblob(chip.report({ reportData: inblob, vmpl })));
}
