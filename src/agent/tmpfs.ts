/** Does this folder live in memory? What a guest must not leave on a disk goes nowhere else. */
import { statfs } from "node:fs/promises";
import { Fault } from "../base/fault.ts";

/** tmpfs, and ramfs, which an initramfs may have in its place (Linux, include/uapi/linux/magic.h). */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];

/** Where the agent looks for memory of its own. */
const FOLDERS = ["/run", "/dev/shm", "/tmp"];

/** @throws {@link Fault} `file/unusable` for a folder on a disk. */
export async function refuseDisk(folder: string): Promise<void> {
  if (await isInMemory(folder)) return;
  throw new Fault(
    "file/unusable",
    `expected a folder in tmpfs, \`/run\` for one; \`${folder}\` is on another file system`,
  );
}

/** A folder in memory. @throws {@link Fault} `file/unusable` where the machine has none. */
export async function folderInMemory(): Promise<string> {
  for (const folder of FOLDERS) {
    if (await isInMemory(folder).catch(() => false)) return folder; // in order: the first that is one
  }
  throw new Fault("file/unusable", `expected one of ${FOLDERS.join(", ")} to be a tmpfs`);
}

async function isInMemory(folder: string): Promise<boolean> {
  const { type } = await statfs(folder);
  return IN_MEMORY.includes(type);
}
