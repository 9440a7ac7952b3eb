/** How is the daemon? What it waits for, what is open, what it read: facts without a path of a secret. */
import type { ReadOutcome } from "./attested-source.ts";
import type { FileState } from "./files-door.ts";

export interface Health {
  readonly onRead: (outcome: ReadOutcome) => void;
  readonly onWait: (wait: { readonly broker: string; readonly code: string }) => void;
  /** Told of each report that the hardware is asked for. */
  readonly onReport: () => void;
  /** Told of each thing that was got without one. */
  readonly onRenewal: (what: Renewed) => void;
  readonly onDoor: (name: string) => void;
  readonly onReady: () => void;
  readonly onFile: (index: number, state: FileState, code?: string) => void;
  readonly report: () => HealthReport;
}

/** What a guest gets again without new evidence. */
export type Renewed = "secrets" | "token";

export interface HealthReport {
  /** `starting` until every door is open; `waiting` while the last thing that was heard is a failure. */
  readonly status: "starting" | "ok" | "waiting";
  /** What is waited for, and at which broker. */
  readonly waiting?: { readonly broker?: string; readonly code: string; readonly seconds: number };
  readonly doors: Readonly<Record<string, number>>;
  readonly files: Readonly<Record<FileState, number>>;
  readonly reads: ReadonlyMap<string, number>;
  readonly waits: ReadonlyMap<string, number>;
  readonly reports: number;
  readonly renewals: Readonly<Record<Renewed, number>>;
  readonly secondsSinceRelease?: number;
}

/** Codes are a closed set; should that ever not be so, the rest share one name. */
const MAX_SERIES = 128;

/** @param milliseconds - A clock that never runs backwards. */
export function createHealth(milliseconds: () => number): Health {
  const [reads, waits, doors] = [
    new Map<string, number>(),
    new Map<string, number>(),
    new Map<string, number>(),
  ];
  const files = new Map<number, FileState>();
  const renewals: Record<Renewed, number> = { secrets: 0, token: 0 };
  let reports = 0;
  let isReady = false;
  let waiting: { readonly broker?: string; readonly code: string; readonly since: number } | undefined;
  let releasedAt: number | undefined;
  const waitsFor = (code: string, broker?: string): void => {
    const since = waiting?.since ?? milliseconds();
    waiting = { code, since, ...(broker === undefined ? {} : { broker }) };
  };
  const seconds = (since: number): number => Math.round((milliseconds() - since) / 1000);
  return {
    onRead: (outcome) => {
      count(reads, "code" in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind);
      if (outcome.kind === "refused") return; // an answer: of the policy, about one secret
      if (outcome.kind === "released") [waiting, releasedAt] = [undefined, milliseconds()];
      if ("code" in outcome) waitsFor(outcome.code, waiting?.broker);
    },
    onWait: ({ broker, code }) => {
      count(waits, code);
      waitsFor(code, broker);
    },
    onReport: () => {
      reports += 1;
    },
    onRenewal: (what) => {
      renewals[what] += 1;
    },
    onDoor: (name) => count(doors, name),
    onReady: () => {
      isReady = true;
    },
    onFile: (index, state) => void files.set(index, state),
    report: () => ({
      status: !isReady ? "starting" : waiting === undefined ? "ok" : "waiting",
      ...(waiting === undefined ? {} : { waiting: { ...without(waiting), seconds: seconds(waiting.since) } }),
      doors: Object.fromEntries(doors),
      files: statesOf(files),
      reports,
      renewals: { ...renewals },
      reads: new Map(reads),
      waits: new Map(waits),
      ...(releasedAt === undefined ? {} : { secondsSinceRelease: seconds(releasedAt) }),
    }),
  };
}

function without({
  since: _,
  ...rest
}: {
  readonly broker?: string;
  readonly code: string;
  readonly since: number;
}) {
  return rest;
}

function statesOf(files: ReadonlyMap<number, FileState>): Record<FileState, number> {
  const states = { waiting: 0, current: 0, stale: 0 };
  for (const state of files.values()) states[state] += 1;
  return states;
}

function count(counts: Map<string, number>, name: string): void {
  const known = counts.has(name) || counts.size < MAX_SERIES ? name : "other";
  counts.set(known, (counts.get(known) ?? 0) + 1);
}
