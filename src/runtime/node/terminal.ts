/** What does the command line touch of this machine? Standard streams and named files. */
import { constants } from "node:fs";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { Terminal } from "../../cli/command.ts";

const MAX_FILE_BYTES = 16 << 20;

export function createTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTty: process.stdout.isTTY === true,
    readFile: (path, maxBytes = MAX_FILE_BYTES) =>
      path === "-" ? readInput(maxBytes) : readFile(path, maxBytes),
    writeFile: (path, bytes, mode = 0o600) =>
      mode === "kept" ? replaceFile(path, bytes) : writeFile(path, bytes, mode),
  };
}

async function readInput(maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes: Uint8Array = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
    size += bytes.length;
    if (size > maxBytes) throw tooLarge("standard input", maxBytes);
    chunks.push(bytes);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

async function readFile(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const file = await open(path, constants.O_RDONLY);
    try {
      return await readWhole(file, path, maxBytes);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

/** Reads in pieces, so that a file without a size (a pipe, `/proc`) is bounded too. */
async function readWhole(file: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(65_536), 0, 65_536, null); // in order: it is a stream
    if (bytesRead === 0) return Uint8Array.from(Buffer.concat(pieces));
    size += bytesRead;
    if (size > maxBytes) throw tooLarge(path, maxBytes);
    pieces.push(buffer.subarray(0, bytesRead));
  }
}

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const target = await realpath(path);
    const { mode } = await stat(target);
    await writeFile(target, bytes, mode & 0o777);
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

/** Writes beside the target and renames, so that a reader never sees half of it. */
async function writeFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const half = join(dirname(path), `.${process.pid}.${Date.now()}.part`);
  try {
    const file = await open(half, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(half, path);
  } catch (thrown) {
    await rm(half, { force: true });
    throw unusable(path, thrown);
  }
}

function tooLarge(path: string, maxBytes: number): Fault {
  return new Fault("file/unusable", `expected at most ${maxBytes} bytes in \`${path}\``);
}

function unusable(path: string, thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const reason = systemCodeOf(thrown);
  return new Fault("file/unusable", `\`${path}\` cannot be used (${reason})`, { path, reason });
}
