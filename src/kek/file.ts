/** How does a key-encryption key live in a file? As 32 bytes, readable by its owner alone. */
import { randomBytes } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { isZero } from "../base/bytes.ts";
import { Fault, systemCodeOf } from "../base/fault.ts";
import type { Kek } from "../broker/world.ts";
import { zeroize } from "../keys/zeroize.ts";
import { credentialPath, type GuardedFile, OTHERS, readGuarded, refusal, STRANGERS } from "./guarded-file.ts";
import { type KekParts, kekOf } from "./key.ts";

const KEY_SIZE = 32;
const OWNER_ONLY = 0o600;
const WHAT = "the key-encryption key";
const SOURCE = "`ostiary init` makes it, a backup restores it";

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
  return kekOf(await readKey(credentialPath(name, folder), STRANGERS), parts);
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

async function readKey(path: string, forbidden: GuardedFile["forbidden"]): Promise<Uint8Array> {
  const key = await readGuarded({ path, what: WHAT, source: SOURCE, forbidden, complaint: sizeComplaint });
  if (isZero(key)) throw refusal({ path, what: WHAT }, "does not hold a key: restore it");
  return key;
}

function sizeComplaint(size: number): string | undefined {
  return size === KEY_SIZE ? undefined : `has ${size} bytes instead of 32: restore it from a backup`;
}

async function syncDirectoryOf(path: string): Promise<void> {
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function unusable(path: string, thrown: unknown): Fault {
  const sentence =
    systemCodeOf(thrown) === "EEXIST"
      ? `\`${path}\` is there already: a key-encryption key is never overwritten`
      : `cannot write \`${path}\` (${systemCodeOf(thrown)})`;
  return new Fault("file/unusable", sentence, { path });
}
