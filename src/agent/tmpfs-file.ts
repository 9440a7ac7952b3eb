/** How does plaintext become a file? In tmpfs alone, whole or not at all, for its owner; and it goes again without a trace. */
import { randomBytes } from "node:crypto";
import { constants, type FileHandle, lstat, open, readdir, rename, rm, statfs } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Fault, systemCodeOf } from "../base/fault.ts";

/** Whose a file is, and who may do what with it. */
export interface FileRights {
  /** 0600 unless it is said. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

const TMPFS_MAGIC = 0x01021994;
const OWNER_ONLY = 0o600;

/**
 * Writes a new or replaced file in a tmpfs: on anything else nothing is written.
 *
 * The bytes go to a file beside it first, which then takes the name: no reader sees half of them, and a link that stands
 * there already is replaced, not followed. Nobody but this user may read them before the file has its owner.
 *
 * @throws {@link Fault} `file/unusable`.
 */
export async function placeInTmpfs(path: string, bytes: Uint8Array, rights: FileRights = {}): Promise<void> {
  const target = resolve(path);
  const half = join(dirname(target), `.${basename(target)}.${randomBytes(8).toString("hex")}.part`);
  try {
    await refuseDisk(dirname(target));
    await writeNew(half, bytes, rights);
    await rename(half, target);
  } catch (thrown) {
    await rm(half, { force: true }).catch(() => undefined);
    throw thrown instanceof Fault ? thrown : unusable(path, thrown);
  }
}

/**
 * Takes away a file that was placed, and what an agent that was killed left half written beside it. What is no file stays.
 *
 * @throws {@link Fault} `file/unusable`.
 */
export async function removePlaced(path: string): Promise<void> {
  const target = resolve(path);
  const half = `.${basename(target)}.`;
  try {
    const stats = await lstat(target).catch(absent);
    if (stats?.isFile() === true) await rm(target, { force: true });
    for (const name of (await readdir(dirname(target)).catch(absent)) ?? []) {
      const isHalf = name.startsWith(half) && /^[0-9a-f]{16}[.]part$/.test(name.slice(half.length));
      if (isHalf) await rm(join(dirname(target), name), { force: true }); // in order: there is hardly ever one
    }
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

function absent(thrown: unknown): undefined {
  if (systemCodeOf(thrown) === "ENOENT") return undefined;
  throw thrown;
}

/** @throws {@link Fault} `file/unusable` for a folder that a disk may hold. */
export async function refuseDisk(folder: string): Promise<void> {
  const { type } = await statfs(folder);
  if (type !== TMPFS_MAGIC) {
    throw new Fault(
      "file/unusable",
      `expected a folder in tmpfs, \`/run\` for one; \`${folder}\` is on another file system`,
    );
  }
}

async function writeNew(path: string, bytes: Uint8Array, rights: FileRights): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY);
  try {
    await file.writeFile(bytes);
    await giveTo(file, rights);
  } finally {
    await file.close();
  }
}

/** The owner first: a mode that is wide for one owner must not be so for another. */
async function giveTo(file: FileHandle, { mode = OWNER_ONLY, uid, gid }: FileRights): Promise<void> {
  if (uid !== undefined || gid !== undefined) {
    const { uid: own, gid: ownGroup } = await file.stat();
    await file.chown(uid ?? own, gid ?? ownGroup);
  }
  await file.chmod(mode);
}

function unusable(path: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  return new Fault("file/unusable", `\`${path}\` cannot be written (${reason})`, { reason });
}
