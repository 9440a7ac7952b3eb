/** Is it worth asking again, and when? By the class of the no: wait with jitter, begin anew, or stop. */
import { type Fault, isFault } from "../base/fault.ts";
import type { FaultCode } from "../base/fault-codes.ts";

export interface RetryParts {
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Milliseconds that never run backwards. */
  readonly milliseconds: () => number;
  /** Told before each wait, so that a console can say what is waited for. */
  readonly onWait?: (fault: Fault, milliseconds: number) => void;
}

const BASE_MS = 500;
const MAX_MS = 30_000;
/** A stale nonce is no reason to wait, but a broker that calls every nonce stale is. */
const MAX_FRESH_STARTS = 3;

type RetryClass = "wait" | "anew" | "stop";

const CLASS_OF_CODE: Partial<Readonly<Record<FaultCode, RetryClass>>> = {
  "broker/unreachable": "wait",
  "request/rate-limited": "wait",
  "endorsement/unavailable": "wait",
  "endorsement/crl-missing": "wait",
  "endorsement/crl-stale": "wait",
  "store/unavailable": "wait",
  "kek/unavailable": "wait",
  "provider/unavailable": "stop",
  "nonce/invalid": "anew",
  "nonce/expired": "anew",
  "nonce/spent": "anew",
};

/**
 * Runs an attempt until it succeeds, is refused for good, or the time is up. Waits grow from half a second to thirty, each
 * drawn from the whole range up to its bound, so that a thousand guests that boot together do not come back together. A
 * `Retry-After` is waited out first. Each attempt is told how many milliseconds are left, and keeps within them itself.
 *
 * @throws what the last attempt threw.
 */
export async function withRetries<T>(
  attempt: (remainingMs: number) => Promise<T>,
  deadlineMs: number,
  parts: RetryParts,
): Promise<T> {
  const end = parts.milliseconds() + deadlineMs;
  const remaining = (): number => Math.max(0, end - parts.milliseconds());
  const nextWait = createPace(parts.random);
  for (;;) {
    try {
      return await attempt(remaining()); // in order: each attempt follows from the last one's failure
    } catch (thrown) {
      const wait = nextWait(thrown);
      if (!isFault(thrown) || wait === undefined || wait > remaining()) throw thrown;
      if (wait === 0) continue;
      parts.onWait?.(thrown, wait);
      await parts.sleep(wait);
    }
  }
}

/** How long to wait after each failure: 0 to begin anew at once, `undefined` to give up. */
function createPace(random: () => number): (thrown: unknown) => number | undefined {
  let bound = BASE_MS;
  let freshStarts = 0;
  return (thrown) => {
    const kind = isFault(thrown) ? (CLASS_OF_CODE[thrown.code] ?? "stop") : "stop";
    if (!isFault(thrown) || kind === "stop") return undefined;
    if (kind === "anew") {
      freshStarts += 1;
      return freshStarts > MAX_FRESH_STARTS ? undefined : 0;
    }
    const wait = Math.max(1, retryAfterMs(thrown) + random() * bound);
    bound = Math.min(bound * 2, MAX_MS);
    return wait;
  };
}

function retryAfterMs(fault: Fault): number {
  const seconds = fault.detail["retryAfterSeconds"];
  return typeof seconds === "number" ? seconds * 1000 : 0;
}
