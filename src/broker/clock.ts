/** Has the clock gone back? Then what expired would count again, so that nothing is served until somebody looked. */
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";

/** Brokers of one database, and corrections by NTP, may differ by so much. */
const TOLERANCE_SECONDS = 120;

/** Refuses a time that lies before `latest` by more than clocks differ. @throws {@link Fault} `clock/behind`. */
export function refuseEarlierClock(now: Instant, latest: Instant | number): void {
  if (now >= latest - TOLERANCE_SECONDS) return;
  throw new Fault("clock/behind", `expected a clock that runs on, it stands ${latest - now} seconds back`, {
    seconds: latest - now,
  });
}

/** A clock that refuses to go back while the program runs; small corrections pass. */
export function forwardClock(clock: () => Instant): () => Instant {
  let latest = 0;
  return () => {
    const now = clock();
    refuseEarlierClock(now, latest);
    latest = Math.max(latest, now);
    return now;
  };
}
