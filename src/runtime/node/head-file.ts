/** Where is the newest head kept apart from the database? In a small file, replaced as a whole, on disk before it counts. */
import { readFile, rename } from "node:fs/promises";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { MovableKeeper } from "./movable-keeper.ts";
import { replaceFile } from "./replaced-file.ts";

const MAX_HEAD = 4096;

/** @param path - Belongs on another disk than the database, best one that is not restored along with it. */
export function createHeadFile(path: string): MovableKeeper {
  let kept: string | undefined;
  return {
    name: "head_file",
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
  try {
    await replaceFile(path, note);
  } catch (thrown) {
    throw unusable(path, systemCodeOf(thrown));
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
