/** Which commit is a folder checked out at? As git's own files say; nothing is run. */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** `undefined` outside a checkout, and where its files say nothing that can be read. */
export function commitOf(folder: string): string | undefined {
  const gitFolder = gitFolderOf(resolve(folder));
  if (gitFolder === undefined) return undefined;
  const head = textAt(join(gitFolder, "HEAD"));
  const [, ref] = /^ref: (refs\/[\w./-]+)$/.exec(head ?? "") ?? [];
  if (ref === undefined) return hashIn(head);
  const common = resolve(gitFolder, textAt(join(gitFolder, "commondir")) ?? ".");
  return hashIn(textAt(join(gitFolder, ref)) ?? textAt(join(common, ref))) ?? packedIn(common, ref);
}

/** A worktree has a file in the place of the folder, which says where it is. */
function gitFolderOf(folder: string): string | undefined {
  const path = join(folder, ".git");
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return path;
  if (found?.isFile() === true) {
    const [, to] = /^gitdir: (.+)$/.exec(textAt(path) ?? "") ?? [];
    return to === undefined ? undefined : resolve(folder, to);
  }
  return dirname(folder) === folder ? undefined : gitFolderOf(dirname(folder));
}

function packedIn(common: string, ref: string): string | undefined {
  const lines = (textAt(join(common, "packed-refs")) ?? "").split("\n");
  return hashIn(lines.find((line) => line.endsWith(` ${ref}`))?.split(" ", 1)[0]);
}

function hashIn(text: string | undefined): string | undefined {
  return text !== undefined && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text) ? text : undefined;
}

function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
