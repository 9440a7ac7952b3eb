/** How does configfs-tsm behave, without a mount? The look-alike's entries, reached in memory and by the acts that a test plans. */
import { basename } from "node:path";
import type { TsmFiles } from "../../src/agent/providers/tsm-files.ts";
import { createSimulatedChip, type SimulatedChip } from "../../src/simulator/sp.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { makeReportEntry, Refused, type ReportEntry, type TsmPlan } from "../support/tsm-fuse/reports.ts";

export interface LookAlikePlan extends Partial<TsmPlan> {
  /** What a read of `outblob` gives instead of the report. */
  readonly outblob?: (report: Uint8Array) => Uint8Array;
  /** Attributes that this kernel does not have. */
  readonly without?: readonly string[];
  /** Runs before each read or write of an attribute; throws what the kernel would answer. */
  readonly onAct?: (act: string, entry: ReportEntry) => void;
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
}

let chip: SimulatedChip | undefined;

export function tsmLookAlike(plan: LookAlikePlan = {}): TsmLookAlike {
  const acts: string[] = [];
  const entries = new Map<string, ReportEntry>();
  let most = 0;
  const acted = (act: "read" | "write", attribute: string, path: string): ReportEntry => {
    const entry = entryAt(path, entries);
    if (plan.without?.includes(attribute)) throw kernelError("ENOENT");
    acts.push(`${act} ${attribute}`);
    plan.onAct?.(`${act} ${attribute}`, entry);
    return entry;
  };
  const files: TsmFiles = {
    makeEntry: async (path) => {
      if (!basename(path).startsWith("ostiary-")) throw new Error("an entry of ours");
      entries.set(
        path,
        asKernel(() => makeReportEntry({ reportOf, ...plan })),
      );
      most = Math.max(most, entries.size);
    },
    removeEntry: async (path) => void entries.delete(path),
    has: async (path, attribute) =>
      entryAt(path, entries).attributes.some(
        ({ name }) => name === attribute && !plan.without?.includes(name),
      ),
    read: async (path, attribute) => {
      const bytes = asKernel(() => acted("read", attribute, path).read(attribute));
      return attribute === "outblob" ? (plan.outblob?.(bytes) ?? bytes) : bytes;
    },
    write: async (path, attribute, bytes) =>
      asKernel(() => acted("write", attribute, path).write(attribute, bytes)),
  };
  return { folder: "/look-alike", files, acts, left: () => [...entries.keys()], mostAtOnce: () => most };
}

/** What the kernel answers, as `node:fs` tells it. */
export function kernelError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function entryAt(path: string, entries: ReadonlyMap<string, ReportEntry>): ReportEntry {
  const entry = entries.get(path);
  if (entry === undefined) throw kernelError("ENOENT");
  return entry;
}

function asKernel<T>(act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    throw thrown instanceof Refused ? kernelError(thrown.errno) : thrown;
  }
}

function reportOf({
  reportData,
  vmpl,
}: {
  readonly reportData: Uint8Array;
  readonly vmpl: number;
}): Uint8Array {
  chip ??= createSimulatedChip(simulatedRoot("milan"));
  return chip.report({ reportData, vmpl });
}
