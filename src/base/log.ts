/** What may be logged? An event name and flat scalars: never bytes, never a secret. */

const LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LEVELS)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one structured line. The clock and the sink belong to the runtime that makes it. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

/** Whether a line of this level is written where `least` is configured. */
export function isLogged(level: LogLevel, least: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}
