/** Where do log lines go? One JSON object a line, flat scalars only, at or above the configured level. */
import { isLogged, type Log, type LogFields, type LogLevel } from "../../base/log.ts";

/** What a pipe takes in one piece (POSIX's PIPE_BUF on Linux): lines of processes that share one are not mixed. */
const PIECE_BYTES = 4096;

/**
 * Makes the log of a broker. The lines of one turn of the event loop are written together, since each write is a call into the
 * system; an error is written at once, with everything before it, since it may be the last that is heard.
 *
 * @param write - Takes whole lines, one or several.
 * @param own - Stands in every line.
 */
export function createLog(least: LogLevel, write: (lines: string) => void, own: LogFields = {}): Log {
  let waiting = "";
  const flush = (): void => {
    const lines = waiting;
    waiting = "";
    if (lines !== "") write(lines);
  };
  return (level, event, fields = {}) => {
    if (!isLogged(level, least)) return;
    const line = `${JSON.stringify({ time: new Date().toISOString(), level, event, ...own, ...fields })}\n`;
    if (Buffer.byteLength(waiting) + Buffer.byteLength(line) > PIECE_BYTES) flush();
    if (waiting === "") setImmediate(flush);
    waiting += line;
    if (level === "error") flush();
  };
}
