/** Where may plaintext go? Into a file descriptor that the caller opened, or into a file that lives in memory. */
import { fstat, write } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { concatBytes, utf8 } from "../base/bytes.ts";
import { Fault, systemCodeOf } from "../base/fault.ts";
import { inFormat } from "./secret-format.ts";
import { placeInTmpfs } from "./tmpfs-file.ts";

/** A descriptor that is open for writing, or the path of a file in tmpfs. */
export type OutputPlace = { readonly fd: number } | { readonly file: string };

/**
 * Writes secrets one after another: as they are, or each as a line of text. Every copy made here is overwritten.
 *
 * @throws {@link Fault} `file/unusable`.
 */
export async function writeSecrets(
  secrets: readonly Uint8Array[],
  format: "raw" | "hex" | "base64",
  place: OutputPlace,
): Promise<void> {
  const parts = secrets.map((secret) => formatted(secret, format));
  const bytes = concatBytes(...parts);
  try {
    await ("fd" in place ? writeToDescriptor(place.fd, bytes) : placeInTmpfs(place.file, bytes));
  } finally {
    for (const copy of [bytes, ...parts]) copy.fill(0);
  }
}

function formatted(secret: Uint8Array, format: "raw" | "hex" | "base64"): Uint8Array {
  const bytes = inFormat(secret, format);
  if (format === "raw") return bytes;
  const line = concatBytes(bytes, utf8("\n"));
  bytes.fill(0);
  return line;
}

/** Until everything is written; the descriptor stays open. */
async function writeToDescriptor(fd: number, bytes: Uint8Array): Promise<void> {
  await refuseOwnDescriptor(fd);
  for (let at = 0; at < bytes.length; ) {
    const written = await writeOnce(fd, bytes, at).catch((thrown: unknown) => {
      if (systemCodeOf(thrown) === "EAGAIN") return 0;
      throw unusable(`file descriptor ${fd}`, thrown);
    }); // in order: it is a stream
    if (written === 0) await sleep(FULL_PIPE_MS);
    at += written;
  }
}

const FULL_PIPE_MS = 5;

/** A number that the caller did not open may be one of this process's own event queues, which have no type of file. */
async function refuseOwnDescriptor(fd: number): Promise<void> {
  const stats = await promisify(fstat)(fd).catch((thrown: unknown) => {
    throw unusable(`file descriptor ${fd}`, thrown);
  });
  if (stats.isFIFO() || stats.isSocket() || stats.isFile() || stats.isCharacterDevice()) return;
  throw new Fault(
    "file/unusable",
    `expected file descriptor ${fd} to be a pipe, a socket, a file or a device`,
  );
}

function writeOnce(fd: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((done, failed) => {
    write(fd, bytes, at, bytes.length - at, null, (error, written) =>
      error === null ? done(written) : failed(error),
    );
  });
}

function unusable(place: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  return new Fault("file/unusable", `${place} cannot be written (${reason})`, { reason });
}
