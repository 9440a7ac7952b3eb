/** Where do a Worker's log lines go? To the console, one JSON object each, at or above the configured level. */
import { isLogged, type Log, type LogLevel } from "../../base/log.ts";

/** Cloudflare puts the time to each line. */
export function createWorkerLog(least: LogLevel): Log {
  return (level, event, fields = {}) => {
    if (!isLogged(level, least)) return;
    console[level](JSON.stringify({ level, event, ...fields }));
  };
}
