/** How do events get into a file? One line each, on disk before they count; a line that was cut is taken away before the next. */
import { constants, type FileHandle, open } from "node:fs/promises";
import { Fault, systemCodeOf } from "../base/fault.ts";
import { type AuditEvent, auditLine } from "../wire/audit-event.ts";

/** For whom others rotate logs: a group may read. */
const MODE = 0o640;
/** Without a reader a FIFO is refused by the system, and not waited for. */
const FLAGS =
  constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOFOLLOW;
const MAX_LINE_BYTES = 131_072;
const NEWLINE = 0x0a;

/**
 * Appends. The file is opened anew for each batch: whoever renames it need tell nobody, and the next batch makes another.
 *
 * @throws {@link Fault} `file/unusable`.
 */
export async function appendEvents(path: string, events: readonly AuditEvent[]): Promise<void> {
  const lines = events.map((event) => `${auditLine(event)}\n`).join("");
  try {
    const file = await open(path, FLAGS, MODE);
    try {
      await refuseOther(file, path);
      await dropCutLine(file);
      await file.appendFile(lines, "utf8");
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${path}\` cannot be written (${reason})`, { path, reason }, thrown);
  }
}

async function refuseOther(file: FileHandle, path: string): Promise<void> {
  if ((await file.stat()).isFile()) return;
  throw new Fault("file/unusable", `expected \`${path}\` to be a file`, { path });
}

/** A full disk or a crash leaves part of a line. Its event was never taken for delivered, and comes again. */
async function dropCutLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  if (size === 0) return;
  const from = Math.max(0, size - MAX_LINE_BYTES);
  const tail = new Uint8Array(size - from);
  const { bytesRead } = await file.read(tail, 0, tail.length, from);
  if (tail[bytesRead - 1] === NEWLINE) return;
  const end = tail.subarray(0, bytesRead).lastIndexOf(NEWLINE);
  if (end !== -1 || from === 0) await file.truncate(from + end + 1);
}
