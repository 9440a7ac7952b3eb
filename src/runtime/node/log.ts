/** Where do log lines go? One JSON object a line, flat scalars only, at or above the configured level. */
import { isLogged, type Log, type LogLevel } from "../../base/log.ts";

/**
 * Makes the log of a broker. The lines of one turn of the event loop are written together, since each write is a call into the
 * system; an error is written at once, with everything before it, since it may be the last that is heard.
 *
 * @param write - Takes whole lines, one or several.
 */
export function createLog(least: LogLevel, write: (lines: string) => void): Log {
  let waiting = "";
  const flush = (): void => {
    const lines = waiting;
    waiting = "";
    if (lines !== "") write(lines);
  };
  return (level, event, fields = {}) => {
    if (!isLogged(level, least)) return;
    if (waiting === "") setImmediate(flush);
    waiting += `${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`;
    if (level === "error") flush();
  };
}
