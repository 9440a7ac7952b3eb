/** How does something stay up to date with secrets? It reads them, waits, reads them again, and is told when one is another. */
import { equalBytes } from "../base/bytes.ts";
import { type Fault, isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { HeldSecret } from "./secret-source.ts";

export interface WatchPlan {
  readonly paths: readonly string[];
  /** How often is looked for another version; `undefined` for never: then only what a policy or a lease demands is asked for. */
  readonly refreshMs: number | undefined;
  /** What was read already, and used: it is overwritten when something else is known. */
  readonly first?: ReadonlyMap<string, HeldSecret>;
}

export interface WatchParts {
  readonly readAnew: (path: string) => Promise<HeldSecret>;
  /** Ends early, and does not throw, when the watch is ended. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly now: () => Instant;
  readonly signal: AbortSignal;
  /** Told of the first secrets and of each that are others; by path. What it throws is trouble, and it is told again. */
  readonly onSecrets: (secrets: ReadonlyMap<string, HeldSecret>) => Promise<void>;
  /** Told of each look that ended well, whether anything was another or not. */
  readonly onLook: () => void;
  readonly onTrouble: (fault: Fault, milliseconds: number) => void;
}

const LEAST_PAUSE_MS = 1000;
const MOST_PAUSE_MS = 60_000;
const LONGEST_SLEEP_MS = 2 ** 31 - 1;
/** Of the life of a lease, and of what a policy gives. */
const RENEW_AFTER = 2 / 3;

/** Until the signal. Never throws. */
export async function watchSecrets(plan: WatchPlan, parts: WatchParts): Promise<void> {
  let known: ReadonlyMap<string, HeldSecret> = plan.first ?? new Map();
  let pause = LEAST_PAUSE_MS;
  if (known.size > 0) await parts.sleep(nextLook(known, plan, parts));
  while (!parts.signal.aborted) {
    try {
      known = await look(plan, known, parts); // in order: each look follows a pause
      pause = LEAST_PAUSE_MS;
      await parts.sleep(nextLook(known, plan, parts)); // in order
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      if (parts.signal.aborted) break;
      const wait = pause * (0.5 + parts.random() / 2);
      parts.onTrouble(thrown, wait);
      await parts.sleep(wait); // in order
      pause = Math.min(2 * pause, MOST_PAUSE_MS);
    }
  }
  overwrite(known);
}

/** What is known from now on. */
async function look(
  { paths }: WatchPlan,
  known: ReadonlyMap<string, HeldSecret>,
  parts: WatchParts,
): Promise<ReadonlyMap<string, HeldSecret>> {
  const read = await readAll(paths, parts);
  if (isOther(known, read)) await told(read, parts);
  overwrite(known);
  parts.onLook();
  return read;
}

/** All of them or none: together they are one release. */
async function readAll(
  paths: readonly string[],
  { readAnew }: WatchParts,
): Promise<ReadonlyMap<string, HeldSecret>> {
  const outcomes = await Promise.allSettled(paths.map(readAnew));
  const read = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = outcomes.find((one) => one.status === "rejected");
  if (failed === undefined) return new Map(read.map((held) => [held.path, held]));
  for (const { secret } of read) secret.fill(0);
  throw failed.reason;
}

/** Whoever is told and cannot use it is told again: what is not in place does not count as known. */
async function told(read: ReadonlyMap<string, HeldSecret>, { onSecrets }: WatchParts): Promise<void> {
  try {
    await onSecrets(read);
  } catch (thrown) {
    overwrite(read);
    throw thrown;
  }
}

function isOther(known: ReadonlyMap<string, HeldSecret>, read: ReadonlyMap<string, HeldSecret>): boolean {
  return [...read].some(([path, { version, secret }]) => {
    const before = known.get(path);
    return before === undefined || before.version !== version || !equalBytes(before.secret, secret);
  });
}

function overwrite(secrets: ReadonlyMap<string, HeldSecret>): void {
  for (const { secret } of secrets.values()) secret.fill(0);
}

/** A tenth around what is asked for, so that a fleet that began together does not look together. */
function nextLook(
  read: ReadonlyMap<string, HeldSecret>,
  { refreshMs }: WatchPlan,
  parts: WatchParts,
): number {
  const looks = [...read.values()].flatMap(({ reattestSeconds, lease }) => [
    ...(reattestSeconds === undefined ? [] : [reattestSeconds * 1000 * RENEW_AFTER]),
    ...(lease === undefined ? [] : [(lease.until - parts.now()) * 1000 * RENEW_AFTER]),
  ]);
  if (refreshMs !== undefined) looks.push(refreshMs * (0.9 + parts.random() / 5));
  return Math.min(LONGEST_SLEEP_MS, Math.max(LEAST_PAUSE_MS, Math.min(Infinity, ...looks)));
}
