/** Which weekday and hour has a moment, in UTC? */

const SECONDS_PER_HOUR = 3600;
const SECONDS_PER_DAY = 24 * SECONDS_PER_HOUR;

/** @param days - From the day of 1970-01-01 on. */
export function weekdayOf(now: number, days: readonly string[]): string | undefined {
  return days[Math.floor(now / SECONDS_PER_DAY) % days.length];
}

export function hourOf(now: number): number {
  return Math.floor((now % SECONDS_PER_DAY) / SECONDS_PER_HOUR);
}
