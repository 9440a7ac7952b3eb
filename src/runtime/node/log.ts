/** Where do log lines go? One JSON object a line, flat scalars only, at or above the configured level. */
import type { Log, LogLevel } from "../../base/log.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export function createLog(least: LogLevel, write: (line: string) => void): Log {
  return (level, event, fields = {}) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
  };
}
