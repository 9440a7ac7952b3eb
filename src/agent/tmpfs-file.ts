/** How does plaintext become a file? In tmpfs alone, whole or not at all, for its owner; and it goes again without a trace. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { constants, type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Fault, systemCodeOf } from "../base/fault.ts";
import { refuseDisk } from "./tmpfs.ts";

/** Whose a file is, and who may do what with it. */
export interface FileRights {
  /** 0600 unless it is said. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

const OWNER_ONLY = 0o600;

/**
 * Writes a new or replaced file in a tmpfs: on anything else nothing is written.
 *
 * The bytes go to a file beside it first, which then takes the name: no reader sees half of them, and a link that stands
 * there already is replaced, not followed. Nobody but this user may read them before the file has its owner. What a process
 * that was killed in between left there goes first.
 *
 * @throws {@link Fault} `file/unusable`.
 */
export async function placeInTmpfs(path: string, bytes: Uint8Array, rights: FileRights = {}): Promise<void> {
  const target = resolve(path);
  const half = join(dirname(target), halfOf(target));
  try {
    await refuseDisk(dirname(target));
    await removeHalves(target, (pid) => !existsSync(`/proc/${pid}`));
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
  try {
    const stats = await lstat(target).catch(absent);
    if (stats?.isFile() === true) await rm(target, { force: true });
    await removeHalves(target, () => true);
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

/** Beside its target, named after who writes it, so that another process can tell whether it still does. */
function halfOf(target: string): string {
  const pid = process.pid.toString(16).padStart(8, "0");
  return `.${basename(target)}.${pid}${randomBytes(4).toString("hex")}.part`;
}

async function removeHalves(target: string, isDue: (pid: number) => boolean): Promise<void> {
  const start = `.${basename(target)}.`;
  for (const name of (await readdir(dirname(target)).catch(absent)) ?? []) {
    const [, pid] = /^([0-9a-f]{8})[0-9a-f]{8}[.]part$/.exec(name.slice(start.length)) ?? [];
    const isHalf = name.startsWith(start) && pid !== undefined;
    if (isHalf && isDue(Number.parseInt(pid, 16))) await rm(join(dirname(target), name), { force: true }); // in order: there is hardly ever one
  }
}

function absent(thrown: unknown): undefined {
  if (systemCodeOf(thrown) === "ENOENT") return undefined;
  throw thrown;
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
