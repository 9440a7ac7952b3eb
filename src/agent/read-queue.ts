/** How do many readers make few reports? Reads of one secret become one; those that wait together become one release. */
import { type Fault, isFault } from "../base/fault.ts";
import { FAULT_CODES } from "../base/fault-codes.ts";
import { isPassing } from "../client/retry.ts";
import type { Fetched } from "../client/session.ts";
import type { OpenedRelease } from "../client/verify-release.ts";
import type { WantedItem } from "../wire/messages.ts";
import type { HeldSecret } from "./secret-source.ts";

export type SecretItem = Extract<WantedItem, { readonly secret: string }>;

export interface ReadQueueParts {
  /** One release, with one report of the hardware at most: all of it or nothing. */
  readonly release: (want: readonly SecretItem[]) => Promise<Fetched>;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Milliseconds that never run backwards. */
  readonly milliseconds: () => number;
}

export interface ReadQueuePlan {
  /** From the begin of one release to that of the next: firmware answers slowly, and throttles whoever asks often. */
  readonly spacingMs: number;
  /** Of one release. */
  readonly maxItems: number;
  /** For how long a no is told again without asking: a client that asks in a loop makes no report for each round. */
  readonly refusalMs: number;
}

export interface ReadQueue {
  /** @throws {@link Fault} as the release; a refusal of one secret is not one of those beside it. */
  readonly read: (item: SecretItem) => Promise<HeldSecret>;
  /** From now on this path is asked for anew, also where a question is under way. */
  readonly renew: (path: string) => void;
}

interface Entry {
  readonly item: SecretItem;
  readonly waiters: {
    readonly done: (held: HeldSecret) => void;
    readonly failed: (thrown: unknown) => void;
  }[];
  /** Was refused together with others: which of them was meant, a release of its own says. */
  readonly isAlone: boolean;
}

interface State {
  /** Whoever comes while a question waits or is under way gets its answer. */
  readonly open: Map<string, Entry>;
  waiting: readonly Entry[];
  readonly refusals: Map<string, { readonly fault: Fault; readonly until: number }>;
  isRunning: boolean;
}

const MAX_REFUSALS = 256;

/** One question's name; a path has no space in it. */
export function questionOf({ secret, version }: SecretItem): string {
  return version === undefined ? secret : `${secret} ${version}`;
}

/** Makes the queue. One release is under way at most. */
export function createReadQueue(parts: ReadQueueParts, plan: ReadQueuePlan): ReadQueue {
  const state: State = { open: new Map(), waiting: [], refusals: new Map(), isRunning: false };
  const read = (item: SecretItem): Promise<HeldSecret> => {
    const name = questionOf(item);
    const refusal = state.refusals.get(name);
    if (refusal !== undefined && parts.milliseconds() < refusal.until) return Promise.reject(refusal.fault);
    return new Promise((done, failed) => {
      const entry = state.open.get(name) ?? newEntry(item, state);
      entry.waiters.push({ done, failed });
      if (!state.isRunning) void run(state, parts, plan);
    });
  };
  return { read, renew: (path) => renew(path, state) };
}

function newEntry(item: SecretItem, state: State): Entry {
  const entry: Entry = { item, waiters: [], isAlone: false };
  state.open.set(questionOf(item), entry);
  state.waiting = [...state.waiting, entry];
  return entry;
}

/** Never throws: what went wrong is told to those who wait. */
async function run(state: State, parts: ReadQueueParts, plan: ReadQueuePlan): Promise<void> {
  state.isRunning = true;
  let begun = Number.NEGATIVE_INFINITY;
  while (state.waiting.length > 0) {
    const wait = Math.max(0, begun + plan.spacingMs - parts.milliseconds());
    await parts.sleep(wait); // in order: those who come meanwhile join
    begun = parts.milliseconds();
    await answer(nextBatch(state, plan.maxItems), state, { parts, plan }); // one report at a time
  }
  state.isRunning = false;
}

function nextBatch(state: State, maxItems: number): readonly Entry[] {
  const first = state.waiting.findIndex(({ isAlone }) => isAlone);
  const size = first === 0 ? 1 : Math.min(maxItems, first < 0 ? maxItems : first);
  const batch = state.waiting.slice(0, size);
  state.waiting = state.waiting.slice(size);
  return batch;
}

interface Way {
  readonly parts: ReadQueueParts;
  readonly plan: ReadQueuePlan;
}

async function answer(batch: readonly Entry[], state: State, { parts, plan }: Way): Promise<void> {
  try {
    const fetched = await parts.release(batch.map(({ item }) => item));
    for (const [place, entry] of batch.entries()) {
      close(entry, state);
      handOut(entry, fetched.secrets[place], fetched.decision);
    }
  } catch (thrown) {
    if (isRefusal(thrown) && batch.length > 1) askAlone(batch, state);
    else for (const entry of batch) fail(entry, thrown, parts.milliseconds() + plan.refusalMs, state);
  }
}

function fail(entry: Entry, thrown: unknown, refusedUntil: number, state: State): void {
  close(entry, state);
  if (isRefusal(thrown)) keepRefusal(questionOf(entry.item), thrown, refusedUntil, state);
  for (const { failed } of entry.waiters) failed(thrown);
}

/** A copy for each who waits; the one that was opened is overwritten. */
function handOut(entry: Entry, release: OpenedRelease | undefined, decision: string): void {
  if (release === undefined) return; // a release has as many secrets as were wanted, or was refused by the client
  const { secretId, secret, ...facts } = release;
  for (const { done } of entry.waiters) done({ ...facts, path: secretId, decision, secret: secret.slice() });
  secret.fill(0);
}

function close(entry: Entry, state: State): void {
  const name = questionOf(entry.item);
  if (state.open.get(name) === entry) state.open.delete(name);
}

/** Whoever waits goes on waiting. */
function askAlone(batch: readonly Entry[], state: State): void {
  const alone = batch.map((entry): Entry => ({ ...entry, isAlone: true }));
  for (const [place, entry] of alone.entries()) {
    const name = questionOf(entry.item);
    if (state.open.get(name) === batch[place]) state.open.set(name, entry);
  }
  state.waiting = [...alone, ...state.waiting];
}

/** A no that asking again does not change soon: not one of the network, of a busy broker or of this machine. */
export function isRefusal(thrown: unknown): thrown is Fault {
  return isFault(thrown) && FAULT_CODES[thrown.code].status < 500 && !isPassing(thrown);
}

function keepRefusal(name: string, fault: Fault, until: number, { refusals }: State): void {
  refusals.delete(name);
  const [oldest] = refusals.keys();
  if (refusals.size >= MAX_REFUSALS && oldest !== undefined) refusals.delete(oldest);
  refusals.set(name, { fault, until });
}

function renew(path: string, { open, refusals }: State): void {
  const isOfPath = (name: string): boolean => name === path || name.startsWith(`${path} `);
  for (const names of [open, refusals]) {
    for (const name of [...names.keys()].filter(isOfPath)) names.delete(name);
  }
}
