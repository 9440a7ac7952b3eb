/** What happens to a refusal that is no ledger entry? One line of the decision log, at most so many a second. */
import type { Log } from "../base/log.ts";
import type { Instant } from "../base/time.ts";
import type { Refusal, Store } from "./store.ts";

/** PROTOCOL section 5: at most 100 lines a second in all; the excess is counted and dropped. */
const MAX_LINES_PER_SECOND = 100;

/** How many lines the present second has seen. */
export interface RefusalCount {
  second: Instant | undefined;
  lines: number;
}

/** The count, where something else keeps it, and how many processes share what all may write. */
export interface RefusalShare {
  readonly seen?: RefusalCount;
  readonly processes?: number;
}

/**
 * Makes the rate-capped decision log. A store that cannot take the line is logged, never thrown: the refusal stands.
 */
export function createRefusalLog(
  store: Pick<Store, "logRefusal">,
  log: Log,
  { seen = { second: undefined, lines: 0 }, processes = 1 }: RefusalShare = {},
): (refusal: Refusal) => Promise<void> {
  const most = Math.max(1, Math.floor(MAX_LINES_PER_SECOND / processes));
  return async (refusal) => {
    if (seen.second !== refusal.at) {
      if (seen.lines > most) log("warn", "decision-log-lines-dropped", { dropped: seen.lines - most });
      seen.second = refusal.at;
      seen.lines = 0;
    }
    seen.lines += 1;
    if (seen.lines > most) return;
    try {
      await store.logRefusal(refusal);
    } catch {
      log("error", "decision-log-unavailable", { id: refusal.id, code: refusal.code });
    }
  };
}
