/** How is a secret read from a file? Only where its owner alone can read it, by the open file and not by its name. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { Fault, systemCodeOf } from "../base/fault.ts";

/** Bits that a file of the operator's may not have. */
export const OTHERS = 0o077;
/** Where systemd grants its service the file by an access control list, the bits of the group are the mask of that list. */
export const STRANGERS = 0o007;

export interface GuardedFile {
  readonly path: string;
  /** What it holds, for the operator: "the key-encryption key". */
  readonly what: string;
  /** Where it comes from. */
  readonly source: string;
  readonly forbidden: typeof OTHERS | typeof STRANGERS;
  /** What is wrong with a size; `undefined` where nothing is. */
  readonly complaint: (size: number) => string | undefined;
}

/**
 * Reads the whole file.
 *
 * @returns What the caller overwrites.
 * @throws {@link Fault} `kek/unavailable`.
 */
export async function readGuarded(of: GuardedFile): Promise<Uint8Array> {
  const file = await openWithoutFollowing(of);
  try {
    const bytes = new Uint8Array(await safeSizeOf(file, of));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead !== bytes.length) throw refusal(of, "changed while it was read: start again");
    return bytes;
  } catch (thrown) {
    throw thrown instanceof Fault ? thrown : refusal(of, `cannot be read (${systemCodeOf(thrown)})`);
  } finally {
    await file.close();
  }
}

/** Where systemd put a credential. @throws {@link Fault} `kek/unavailable` outside a service that was given credentials. */
export function credentialPath(name: string, folder: string | undefined): string {
  if (folder !== undefined && isAbsolute(folder)) return join(folder, name);
  throw new Fault(
    "kek/unavailable",
    `systemd gave no credentials: name \`${name}\` in LoadCredential= or LoadCredentialEncrypted= of the unit`,
  );
}

export function refusal({ path, what }: Pick<GuardedFile, "path" | "what">, sentence: string): Fault {
  return new Fault("kek/unavailable", `${what} \`${path}\` ${sentence}`, { path });
}

/** Non-blocking, so that a pipe in the file's place does not hold up the start. */
async function openWithoutFollowing(of: GuardedFile): Promise<FileHandle> {
  try {
    return await open(of.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    if (code === "ENOENT") throw refusal(of, `is not there: ${of.source}`);
    if (code === "ELOOP") throw refusal(of, "is a symbolic link: name the file itself");
    throw refusal(of, `cannot be opened (${code}): let the broker's user read it`);
  }
}

/** Looks at the open file, not at its name, so that nothing can be swapped in between. */
async function safeSizeOf(file: FileHandle, of: GuardedFile): Promise<number> {
  const stat = await file.stat();
  if (!stat.isFile()) throw refusal(of, "is not a regular file: name the key file");
  if ((stat.mode & of.forbidden) !== 0) {
    throw refusal(of, "is open to other users: run `chmod 600` on it and consider the key known to them");
  }
  const complaint = of.complaint(stat.size);
  if (complaint !== undefined) throw refusal(of, complaint);
  return stat.size;
}
