/** How is a small file replaced so that a crash leaves the old one or the new one, and nothing counts before it is on disk? */
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes it beside, flushes it, puts it in the other's place. Throws what the system throws. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  await closing(await open(draft, "w", 0o644), async (file) => {
    await file.writeFile(content, "utf8");
    await file.sync();
  });
  await rename(draft, path);
  await syncFolderOf(path);
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
