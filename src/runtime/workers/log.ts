/** Where do a Worker's log lines go? To the console, one JSON object each, at or above the configured level. */
import type { Log, LogLevel } from "../../base/log.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Cloudflare puts the time to each line. */
export function createWorkerLog(least: LogLevel): Log {
  return (level, event, fields = {}) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    console[level](JSON.stringify({ level, event, ...fields }));
  };
}
