/** Where may plaintext go? Into a file descriptor that the caller opened, or into a file that lives in memory. */
import { randomBytes } from "node:crypto";
import { fstat, write } from "node:fs";
import { constants, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { concatBytes } from "../base/bytes.ts";
import { Fault, systemCodeOf } from "../base/fault.ts";
import { refuseDisk } from "./tmpfs.ts";

export type SecretFormat = "raw" | "hex" | "base64";

/** A descriptor that is open for writing, or the path of a file in tmpfs. */
export type OutputPlace = { readonly fd: number } | { readonly file: string };

/**
 * Writes secrets one after another: as they are, or each as a line of text. Every copy made here is overwritten.
 *
 * @throws {@link Fault} `file/unusable`.
 */
export async function writeSecrets(
  secrets: readonly Uint8Array[],
  format: SecretFormat,
  place: OutputPlace,
): Promise<void> {
  const parts = secrets.map((secret) => formatted(secret, format));
  const bytes = concatBytes(...parts);
  try {
    await ("fd" in place ? writeToDescriptor(place.fd, bytes) : writeToTmpfs(place.file, bytes));
  } finally {
    for (const copy of [bytes, ...parts]) copy.fill(0);
  }
}

function formatted(secret: Uint8Array, format: SecretFormat): Uint8Array {
  if (format === "raw") return secret.slice();
  return Uint8Array.from(Buffer.from(`${Buffer.from(secret).toString(format)}\n`, "latin1"));
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

const OWNER_ONLY = 0o600;

/**
 * Writes a new or replaced file, mode 0600, in a tmpfs: on anything else nothing is written.
 *
 * The bytes go to a file beside it first, which then takes the name: no reader sees half of them, and a link that stands
 * there already is replaced, not followed.
 */
async function writeToTmpfs(path: string, bytes: Uint8Array): Promise<void> {
  const target = resolve(path);
  const half = join(dirname(target), `.${basename(target)}.${randomBytes(8).toString("hex")}.part`);
  try {
    await refuseDisk(dirname(target));
    await writeNew(half, bytes);
    await rename(half, target);
  } catch (thrown) {
    await rm(half, { force: true }).catch(() => undefined);
    throw thrown instanceof Fault ? thrown : unusable(`\`${path}\``, thrown);
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

function unusable(place: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  return new Fault("file/unusable", `${place} cannot be written (${reason})`, { reason });
}
