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

/**
 * Makes the rate-capped decision log. A store that cannot take the line is logged, never thrown: the refusal stands.
 */
export function createRefusalLog(
  store: Pick<Store, "logRefusal">,
  log: Log,
  seen: RefusalCount = { second: undefined, lines: 0 },
): (refusal: Refusal) => Promise<void> {
  return async (refusal) => {
    if (seen.second !== refusal.at) {
      if (seen.lines > MAX_LINES_PER_SECOND) {
        log("warn", "decision-log-lines-dropped", { dropped: seen.lines - MAX_LINES_PER_SECOND });
      }
      seen.second = refusal.at;
      seen.lines = 0;
    }
    seen.lines += 1;
    if (seen.lines > MAX_LINES_PER_SECOND) return;
    try {
      await store.logRefusal(refusal);
    } catch {
      log("error", "decision-log-unavailable", { id: refusal.id, code: refusal.code });
    }
  };
}
