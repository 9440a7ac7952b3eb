/** Whom to ask again, and when? By the class of each no: wait with jitter, begin anew, pass this broker over, or stop. */
import { Fault, isFault } from "../base/fault.ts";
import type { FaultCode } from "../base/fault-codes.ts";

export interface RetryParts<W = unknown> {
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Milliseconds that never run backwards. */
  readonly milliseconds: () => number;
  /** Told after each failure that is not the end, so that a console can say what is waited for. */
  readonly onWait?: (waiting: Waiting<W>) => void;
}

/** What failed, and what comes next. */
export interface Waiting<W> {
  readonly fault: Fault;
  /** Whose answer, or silence, it was. */
  readonly failed: W;
  /** Who is asked next. */
  readonly next: W;
  /** After how long; 0 for another broker that can be asked at once. */
  readonly milliseconds: number;
}

/** Those of whom any will do, in the order in which they are asked; who answered last is asked first. */
export interface Group<W> {
  readonly members: readonly W[];
  readonly first: () => number;
  readonly answered: (index: number) => void;
}

/** Remembers who answered from call to call. */
export function oneOf<W>(members: readonly W[]): Group<W> {
  let last = 0;
  return {
    members,
    first: () => last,
    answered: (index) => {
      last = index;
    },
  };
}

const BASE_MS = 500;
const MAX_MS = 30_000;
/** A stale nonce is no reason to wait, but a broker that calls every nonce stale is. */
const MAX_FRESH_STARTS = 3;

/** `pass-over`: this one is not who it has to be, and never asked again, which says nothing about the others. */
type RetryClass = "wait" | "anew" | "pass-over" | "stop";

/** What is not here stops: a refusal is the answer of all brokers, and nobody is asked for a second opinion but people. */
const CLASS_OF_CODE: Partial<Readonly<Record<FaultCode, RetryClass>>> = {
  "broker/unreachable": "wait",
  "broker/other-tls-key": "wait",
  "request/rate-limited": "wait",
  "endorsement/unavailable": "wait",
  "endorsement/crl-missing": "wait",
  "endorsement/crl-stale": "wait",
  "store/unavailable": "wait",
  "kek/unavailable": "wait",
  "provider/busy": "wait",
  "policy/needs-approval": "wait",
  "nonce/invalid": "anew",
  "nonce/expired": "anew",
  "nonce/spent": "anew",
  "broker/no-evidence": "pass-over",
  "broker/bad-evidence": "pass-over",
  "broker/other-audience": "pass-over",
  "broker/other-cluster": "pass-over",
  "broker/other-key": "pass-over",
  "broker/not-bound": "pass-over",
  "broker/bad-session": "pass-over",
  "broker/expired": "pass-over",
  "broker/debug": "pass-over",
  "broker/vmpl": "pass-over",
  "broker/denied": "pass-over",
};

/**
 * Asks one after another until an attempt succeeds, one is refused for good, or the time is up.
 *
 * Whoever may be asked soonest is asked next; where several may, the one that answered last, then the earliest in the list. Each
 * keeps a pace of its own: waits grow from half a second to thirty, each drawn from the whole range up to its bound, so that a
 * thousand guests that boot together do not come back together. A `Retry-After` is waited out first. Each attempt is told how many
 * milliseconds are left, and keeps within them itself.
 *
 * @param deadlineMs - From now; `Infinity` for as long as it takes.
 * @throws {@link Fault} `config/invalid` for nobody to ask; what the last attempt threw, or the one before where the end of the time cut the
 *   last one off: that nobody answered then says nothing about them.
 */
export async function withRetries<W, T>(
  group: Group<W>,
  attempt: (member: W, remainingMs: number) => Promise<T>,
  deadlineMs: number,
  parts: RetryParts<W>,
): Promise<T> {
  const end = parts.milliseconds() + deadlineMs;
  const remaining = (): number => Math.max(0, end - parts.milliseconds());
  const turns = turnsOf(group, parts.random);
  let turn = firstOf(turns);
  let heard: Fault | undefined;
  for (;;) {
    try {
      const answer = await attempt(turn.member, remaining()); // in order: each attempt follows from the last one's failure
      group.answered(turn.index);
      return answer;
    } catch (thrown) {
      const next = isFault(thrown)
        ? nextTurn(turns, turn, { fault: thrown, now: parts.milliseconds() })
        : undefined;
      if (!isFault(thrown) || next === undefined || next.milliseconds > remaining()) {
        throw lastWord(thrown, heard, remaining());
      }
      heard = thrown;
      await pause(next.milliseconds, { fault: thrown, failed: turn.member, next: next.turn.member }, parts);
      turn = next.turn;
    }
  }
}

/** A timer may end a little before its time. */
const EARLY_MS = 5;

function lastWord(thrown: unknown, heard: Fault | undefined, remainingMs: number): unknown {
  const isCutOff = remainingMs <= EARLY_MS && isFault(thrown) && thrown.code === "broker/unreachable";
  return isCutOff && heard !== undefined ? heard : thrown;
}

/** Whether the same question may be answered later: nobody said no to it. */
export function isPassing(thrown: unknown): boolean {
  return isFault(thrown) && ["wait", "anew"].includes(CLASS_OF_CODE[thrown.code] ?? "stop");
}

function firstOf<W>(turns: readonly Turn<W>[]): Turn<W> {
  const turn = soonest(turns);
  if (turn !== undefined) return turn;
  throw new Fault("config/invalid", "expected one broker at least");
}

/** Who comes after this failure, and after how long; `undefined` for the end. */
function nextTurn<W>(
  turns: readonly Turn<W>[],
  failed: Turn<W>,
  { fault, now }: { readonly fault: Fault; readonly now: number },
): { readonly turn: Turn<W>; readonly milliseconds: number } | undefined {
  if (!failed.fails(fault, now)) return undefined;
  const turn = soonest(turns);
  return turn && { turn, milliseconds: Math.max(0, turn.readyAt() - now) };
}

/** A new start at the same one is nobody's to wait for. */
async function pause<W>(
  milliseconds: number,
  waiting: Omit<Waiting<W>, "milliseconds">,
  { onWait, sleep }: RetryParts<W>,
): Promise<void> {
  if (milliseconds > 0 || waiting.next !== waiting.failed) onWait?.({ ...waiting, milliseconds });
  if (milliseconds > 0) await sleep(milliseconds);
}

/** Waits somewhere within the first `spreadMs`, so that a fleet that starts together does not ask together. */
export async function spreadStart(
  spreadMs: number,
  { sleep, random }: Pick<RetryParts, "sleep" | "random">,
): Promise<void> {
  if (spreadMs > 0) await sleep(random() * spreadMs);
}

/** One of the group, and when it may be asked again. */
interface Turn<W> {
  readonly member: W;
  readonly index: number;
  /** `Infinity` for never. */
  readonly readyAt: () => number;
  /** Takes a failure in; `false` where it is the end for all. */
  readonly fails: (fault: Fault, now: number) => boolean;
}

/** The one that answered last leads. */
function turnsOf<W>({ members, first }: Group<W>, random: () => number): readonly Turn<W>[] {
  const turns = members.map((member, index) => ({ member, index, ...createPace(random) }));
  return [...turns.slice(first(), first() + 1), ...turns.filter(({ index }) => index !== first())];
}

function soonest<W>(turns: readonly Turn<W>[]): Turn<W> | undefined {
  let found: Turn<W> | undefined;
  for (const turn of turns) if (turn.readyAt() < (found?.readyAt() ?? Infinity)) found = turn;
  return found;
}

function createPace(random: () => number): Pick<Turn<unknown>, "readyAt" | "fails"> {
  let [readyAt, bound, freshStarts] = [-Infinity, BASE_MS, 0];
  const waits = (fault: Fault, now: number): void => {
    readyAt = now + Math.max(1, retryAfterMs(fault) + random() * bound);
    bound = Math.min(bound * 2, MAX_MS);
  };
  const fails = (fault: Fault, now: number): boolean => {
    const kind = CLASS_OF_CODE[fault.code] ?? "stop";
    const isAnew = kind === "anew" && freshStarts < MAX_FRESH_STARTS;
    if (kind === "pass-over") readyAt = Infinity;
    else if (isAnew) [freshStarts, readyAt] = [freshStarts + 1, -Infinity];
    else waits(fault, now);
    return kind !== "stop";
  };
  return { readyAt: () => readyAt, fails };
}

function retryAfterMs(fault: Fault): number {
  const seconds = fault.detail["retryAfterSeconds"];
  return typeof seconds === "number" ? seconds * 1000 : 0;
}
