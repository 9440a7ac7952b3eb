/** What does the doctor read of a machine? Files below one root folder, each bounded, so that a test can lay out any machine. */
import { constants, type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemCodeOf } from "../../base/fault.ts";

export interface Machine {
  /** The text of a file, `undefined` where it is not there or cannot be read. Paths have no leading slash. */
  readonly read: (path: string) => Promise<string | undefined>;
  /** The names in a folder; none where it is not there. */
  readonly list: (path: string) => Promise<readonly string[]>;
  /** Whether there is anything by this name. */
  readonly has: (path: string) => Promise<boolean>;
}

/** The kernel's log is the longest that is read. */
const MAX_BYTES = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** @param root - `/`, but for tests. */
export function machineAt(root: string): Machine {
  return {
    read: (path) => textOf(join(root, path)).catch(() => undefined),
    list: (path) => readdir(join(root, path)).catch(() => []),
    has: (path) =>
      stat(join(root, path)).then(
        () => true,
        () => false,
      ),
  };
}

/** Files of /proc and /sys say that they are empty, and the kernel's log would wait for its next line: read until nothing comes. */
async function textOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const pieces: Uint8Array[] = [];
    for (let size = 0; size < MAX_BYTES; ) {
      const piece = await nextPiece(file); // in order: it is a stream
      if (piece.length === 0) break;
      pieces.push(piece);
      size += piece.length;
    }
    return Buffer.concat(pieces).toString("latin1");
  } finally {
    await file.close();
  }
}

const DONE = new Uint8Array(0);

/** A record of the log that was overwritten meanwhile is passed over. */
async function nextPiece(file: FileHandle): Promise<Uint8Array> {
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    return buffer.subarray(0, bytesRead);
  } catch (thrown) {
    if (systemCodeOf(thrown) === "EAGAIN") return DONE;
    if (systemCodeOf(thrown) === "EPIPE") return nextPiece(file);
    throw thrown;
  }
}

/** A number in a file of the kernel's. */
export async function numberIn(machine: Machine, path: string): Promise<number | undefined> {
  const text = (await machine.read(path))?.trim();
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The words of the kernel's command line, quotes kept together, as the kernel reads them. */
export async function commandLineOf(machine: Machine): Promise<readonly string[]> {
  const line = (await machine.read("proc/cmdline")) ?? "";
  return (line.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []).map((word) => word.replaceAll('"', ""));
}
