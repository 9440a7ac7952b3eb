/** Where is the newest head kept apart from the database? In a small file, replaced as a whole, on disk before it counts. */
import { type FileHandle, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { MovableAnchor } from "./movable-anchor.ts";

const MAX_HEAD = 4096;

/** @param path - Belongs on another disk than the database, best one that is not restored along with it. */
export function createHeadFile(path: string): MovableAnchor {
  let kept: string | undefined;
  return {
    name: "head-file",
    read: () => readHead(path),
    keep: async (note) => {
      if (note === kept) return;
      await written(path, note);
      kept = note;
    },
    lost: async () => (await readHead(path)) ?? (await readHead(`${path}.lost`)),
    letGo: () => putAside(path),
  };
}

/** @throws {@link Fault} `file/unusable`. */
async function readHead(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length <= MAX_HEAD) return text;
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return undefined;
    throw unusable(path, systemCodeOf(thrown));
  }
  throw unusable(path, "it is no head of a log");
}

/** It stays beside its place, for auditors. */
async function putAside(path: string): Promise<void> {
  if ((await readHead(path)) === undefined) return;
  try {
    await rename(path, `${path}.lost`);
  } catch (thrown) {
    throw unusable(path, systemCodeOf(thrown));
  }
}

async function written(path: string, note: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await closing(await open(draft, "w", 0o644), async (file) => {
      await file.writeFile(note, "utf8");
      await file.sync();
    });
    await rename(draft, path);
    await syncFolderOf(path);
  } catch (thrown) {
    throw unusable(path, systemCodeOf(thrown));
  }
}

/** A new name is durable only once its folder is. */
export async function syncFolderOf(path: string): Promise<void> {
  await closing(await open(dirname(path), "r"), (folder) => folder.sync());
}

async function closing(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

function unusable(path: string, reason: string): Fault {
  return new Fault(
    "file/unusable",
    `\`${path}\`, which keeps the head of the log, cannot be used (${reason})`,
    {
      path,
      reason,
    },
  );
}
