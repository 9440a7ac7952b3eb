/** Who may ask the secure processor now? One process of this guest at a time, not too often, and nobody once the kernel has wiped the key. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Fault, isFault, systemCodeOf } from "../../base/fault.ts";

/**
 * The channel of messages from this guest to the secure processor. An error of the host, or one minute of its throttling, makes Linux wipe
 * the key of the channel (VMPCK) for good: so requests come one at a time and at a pace, and the first ENOTTY is the last question of this boot.
 */
export interface SharedChannel {
  /**
   * Runs `ask` while no other process of this guest does.
   *
   * @throws {@link Fault} `provider/key-wiped`, without asking where it was seen before, or where `ask` throws ENOTTY; `provider/busy` where
   *   no turn comes; `provider/unavailable` where the folder cannot be used; else what `ask` throws.
   */
  readonly alone: <T>(ask: () => Promise<T>) => Promise<T>;
}

export interface SharedChannelParts {
  /** Kept until the next boot, such as /run/ostiary; made where it is not there. */
  readonly folder: string;
  /** What is another after each boot. */
  readonly bootId: () => Promise<string>;
  /** Milliseconds since boot, the same in all processes. */
  readonly milliseconds: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** So many at once after a pause, then one each so many milliseconds: a boot with its disks never waits, a loop does. */
const BURST = 16;
const INTERVAL_MS = 250;
/** The kernel asks a host that throttles again for a minute; whoever waits behind such a request waits longer. */
const MAX_WAIT_MS = 90_000;
const POLL_MS = 25;
const SQLITE_BUSY = 5;
const FILE = "secure-processor";

const SCHEMA = `create table if not exists channel (
  one integer primary key check (one = 1), boot text not null, due real not null, wiped integer not null
) strict`;

interface State {
  /** When the next question is due, at the pace. */
  readonly due: number;
  readonly isWiped: boolean;
}

/**
 * Makes the channel. A turn is a write transaction of a small database: its lock the kernel takes back from a process that dies, however it
 * dies, and what has to be remembered is a row of it.
 */
export function createSharedChannel(parts: SharedChannelParts): SharedChannel {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    alone: (ask) => {
      const own = () => alone(ask, parts);
      const mine = turn.then(own, own); // in this process in order; among processes whoever comes first
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}

async function alone<T>(ask: () => Promise<T>, parts: SharedChannelParts): Promise<T> {
  const boot = await parts.bootId();
  const database = opened(parts.folder);
  try {
    await untilLocked(database, parts);
    return await inTurn(ask, { database, boot, parts });
  } catch (thrown) {
    throw isSqlite(thrown) ? unusable(parts.folder, thrown) : thrown;
  } finally {
    database.close(); // what was not committed, nobody remembers
  }
}

interface Turn {
  readonly database: DatabaseSync;
  readonly boot: string;
  readonly parts: SharedChannelParts;
}

async function inTurn<T>(ask: () => Promise<T>, { database, boot, parts }: Turn): Promise<T> {
  const state = stateOf(database, boot);
  if (state.isWiped) throw wiped(parts.folder);
  const due = await onPace(state.due, parts);
  let isWiped = false;
  try {
    return await ask();
  } catch (thrown) {
    isWiped = systemCodeOf(thrown) === "ENOTTY";
    throw isWiped ? wiped(parts.folder, thrown) : thrown;
  } finally {
    keep(database, boot, { due, isWiped });
  }
}

function opened(folder: string): DatabaseSync {
  const path = join(folder, FILE);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    closeSync(openSync(path, "a", 0o600)); // whoever may read it may also hold others up
    return new DatabaseSync(path, { timeout: 0 });
  } catch (thrown) {
    throw unusable(folder, thrown);
  }
}

async function untilLocked(database: DatabaseSync, parts: SharedChannelParts): Promise<void> {
  const until = parts.milliseconds() + MAX_WAIT_MS;
  while (!locked(database)) {
    if (parts.milliseconds() > until) {
      const sentence =
        "expected a turn at the secure processor, which other processes of this guest keep asking";
      throw new Fault("provider/busy", sentence, { waitedMs: MAX_WAIT_MS });
    }
    await parts.sleep(POLL_MS * (0.5 + parts.random())); // in order: it is one lock
  }
  database.exec(SCHEMA);
}

/**
 * An exclusive transaction: what waits for its turn reads the file for a moment, and a commit that has to get the readers out first would
 * meet one of them.
 */
function locked(database: DatabaseSync): boolean {
  try {
    database.exec("pragma journal_mode = memory; pragma synchronous = off"); // it has to outlive a process, not the machine
    database.exec("begin exclusive");
    return true;
  } catch (thrown) {
    if (isSqlite(thrown) && "errcode" in thrown && thrown.errcode === SQLITE_BUSY) return false;
    throw thrown;
  }
}

/** A row of an earlier boot says nothing of this one. */
function stateOf(database: DatabaseSync, boot: string): State {
  const row = database.prepare("select due, wiped from channel where boot = ?").get(boot);
  return { due: Number(row?.["due"] ?? 0), isWiped: row?.["wiped"] === 1 };
}

function keep(database: DatabaseSync, boot: string, { due, isWiped }: State): void {
  database.prepare("insert or replace into channel values (1, ?, ?, ?)").run(boot, due, isWiped ? 1 : 0);
  database.exec("commit");
}

/** Waits until a question is due, and answers when the next one is. */
async function onPace(due: number, { milliseconds, sleep }: SharedChannelParts): Promise<number> {
  const now = milliseconds();
  const ahead = Math.min(Math.max(0, due - now), BURST * INTERVAL_MS); // a clock that went back is no reason to wait
  const wait = ahead - (BURST - 1) * INTERVAL_MS;
  if (wait > 0) await sleep(wait);
  return now + ahead + INTERVAL_MS;
}

function isSqlite(thrown: unknown): thrown is Error {
  return !isFault(thrown) && systemCodeOf(thrown) === "ERR_SQLITE_ERROR";
}

function wiped(folder: string, cause?: unknown): Fault {
  const sentence =
    "the kernel has wiped its key to the secure processor after an error of the host: reboot this guest";
  return new Fault("provider/key-wiped", sentence, { remembered: join(folder, FILE) }, cause);
}

function unusable(folder: string, thrown: unknown): Fault {
  const reason = thrown instanceof Error ? thrown.message : "unknown";
  const sentence = `expected to take turns by the file \`${FILE}\` in \`${folder}\`, which cannot be used (${reason}): remove it, or name another folder with --run-dir`;
  return new Fault("provider/unavailable", sentence, { folder }, thrown);
}
