/** How does a key-encryption key live in a file? As 32 bytes, readable by its owner alone. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { isZero } from "../base/bytes.ts";
import { Fault, systemCodeOf } from "../base/fault.ts";
import type { Kek } from "../broker/world.ts";
import { zeroize } from "../keys/zeroize.ts";
import { type KekParts, kekOf } from "./key.ts";

const KEY_SIZE = 32;
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
/** Where systemd grants its service the file by an access control list, the bits of the group are the mask of that list. */
const STRANGERS = 0o007;

/**
 * Opens the key-encryption key in a file. Its id is derived from the key, so another key has another id.
 *
 * @param path - A regular file of 32 bytes without any permission for group and others; no symbolic link.
 * @throws {@link Fault} `kek/unavailable`.
 */
export async function openKekFile(path: string, parts: KekParts): Promise<Kek> {
  return kekOf(await readKekFile(path), parts);
}

/** The 32 bytes themselves, to be overwritten by the caller. @throws {@link Fault} `kek/unavailable`. */
export function readKekFile(path: string): Promise<Uint8Array> {
  return readKey(path, OTHERS);
}

/**
 * Opens the key-encryption key in a credential of systemd (systemd.exec(5), `LoadCredential=`, `LoadCredentialEncrypted=`). The
 * same 32 bytes are the same key wherever they lie.
 *
 * @param folder - What `$CREDENTIALS_DIRECTORY` says; `undefined` outside a service that was given credentials.
 * @throws {@link Fault} `kek/unavailable`.
 */
export async function openKekCredential(
  name: string,
  folder: string | undefined,
  parts: KekParts,
): Promise<Kek> {
  if (folder === undefined || !isAbsolute(folder)) {
    throw new Fault(
      "kek/unavailable",
      `systemd gave no credentials: name \`${name}\` in LoadCredential= or LoadCredentialEncrypted= of the unit`,
    );
  }
  return kekOf(await readKey(join(folder, name), STRANGERS), parts);
}

/**
 * Makes a new key-encryption key. Never overwrites; when it returns, the key and its directory entry are on disk.
 *
 * @throws {@link Fault} `file/unusable` when something is there already or the file cannot be written.
 */
export async function createKekFile(path: string): Promise<void> {
  const file = await open(path, "wx", OWNER_ONLY).catch((thrown: unknown) => {
    throw unusable(path, thrown);
  });
  const key = randomBytes(KEY_SIZE);
  try {
    await file.chmod(OWNER_ONLY); // the umask may have taken the owner's own bits
    await file.writeFile(key);
    await file.sync();
    await syncDirectoryOf(path);
  } catch (thrown) {
    await unlink(path).catch(() => undefined);
    throw unusable(path, thrown);
  } finally {
    zeroize(key);
    await file.close();
  }
}

async function readKey(path: string, forbidden: number): Promise<Uint8Array> {
  const file = await openWithoutFollowing(path);
  try {
    await refuseUnsafe(path, file, forbidden);
    const key = new Uint8Array(KEY_SIZE);
    const { bytesRead } = await file.read(key, 0, KEY_SIZE, 0);
    if (bytesRead !== KEY_SIZE || isZero(key)) throw unavailable(path, "does not hold a key: restore it");
    return key;
  } catch (thrown) {
    throw thrown instanceof Fault ? thrown : unavailable(path, `cannot be read (${systemCodeOf(thrown)})`);
  } finally {
    await file.close();
  }
}

/** Non-blocking, so that a pipe in the key's place does not hold up the start. */
async function openWithoutFollowing(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    if (code === "ENOENT")
      throw unavailable(path, "is not there: `ostiary init` makes it, a backup restores it");
    if (code === "ELOOP") throw unavailable(path, "is a symbolic link: name the file itself");
    throw unavailable(path, `cannot be opened (${code}): let the broker's user read it`);
  }
}

/** Looks at the open file, not at its name, so that nothing can be swapped in between. */
async function refuseUnsafe(path: string, file: FileHandle, forbidden: number): Promise<void> {
  const { mode, size } = await statOf(path, file);
  if ((mode & forbidden) !== 0) {
    throw unavailable(
      path,
      "is open to other users: run `chmod 600` on it and consider the key known to them",
    );
  }
  if (size !== KEY_SIZE) throw unavailable(path, `has ${size} bytes instead of 32: restore it from a backup`);
}

async function statOf(
  path: string,
  file: FileHandle,
): Promise<{ readonly mode: number; readonly size: number }> {
  const stat = await file.stat();
  if (!stat.isFile()) throw unavailable(path, "is not a regular file: name the key file");
  return stat;
}

async function syncDirectoryOf(path: string): Promise<void> {
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function unavailable(path: string, sentence: string): Fault {
  return new Fault("kek/unavailable", `the key-encryption key \`${path}\` ${sentence}`, { path });
}

function unusable(path: string, thrown: unknown): Fault {
  const sentence =
    systemCodeOf(thrown) === "EEXIST"
      ? `\`${path}\` is there already: a key-encryption key is never overwritten`
      : `cannot write \`${path}\` (${systemCodeOf(thrown)})`;
  return new Fault("file/unusable", sentence, { path });
}
