/** How long is somebody left alone who did not answer? Twice as long each time, up to five minutes. */
import { addSeconds, type Instant, isBefore } from "../base/time.ts";

const MAX_PAUSE_SECONDS = 300;

export interface Pause {
  readonly seconds: number;
  readonly until: Instant;
}

export function longer(pause: Pause | undefined, now: Instant): Pause {
  const seconds = Math.min(2 * (pause?.seconds ?? 1), MAX_PAUSE_SECONDS);
  return { seconds, until: addSeconds(now, seconds) };
}

export function isPaused(pause: Pause | undefined, now: Instant): boolean {
  return pause !== undefined && isBefore(now, pause.until);
}
