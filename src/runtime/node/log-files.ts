/** Where are the files of a log, on this machine or under an address? Read within a size and a time, written whole or not at all. */
import { mkdir, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { LedgerEdges } from "../../cli/ledger-source.ts";
import { logAt } from "../../client/log-files.ts";
import type { ReadLogFile } from "../../ledger/published-log.ts";
import { replaceFile } from "./replaced-file.ts";

const TIMEOUT_MS = 30_000;

export const openLog: LedgerEdges["openLog"] = async (place) => {
  if (/^https?:\/\//.test(place)) {
    const signal = () => AbortSignal.timeout(TIMEOUT_MS);
    return logAt({ url: place.replace(/\/+$/, ""), fetch: globalThis.fetch, signal });
  }
  return (await isFolder(place)) ? logIn(place) : undefined;
};

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // whoever reads it as a file is told why that cannot be
  }
}

function logIn(folder: string): ReadLogFile {
  return async (name, maxBytes) => {
    const path = join(folder, name);
    try {
      return await contentOf(path, maxBytes);
    } catch (thrown) {
      const reason = systemCodeOf(thrown);
      if (reason === "ENOENT" || reason === "ENOTDIR") return undefined;
      throw unusable(path, reason);
    }
  };
}

async function contentOf(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { bytesRead, buffer } = await file.read(new Uint8Array(maxBytes + 1), 0, maxBytes + 1, 0);
    if (bytesRead <= maxBytes) return buffer.slice(0, bytesRead);
  } finally {
    await file.close();
  }
  throw new Fault("file/unusable", `expected at most ${maxBytes} bytes in \`${path}\``, { path });
}

export const writeLogFile: LedgerEdges["writeLogFile"] = async (folder, name, bytes) => {
  const path = join(folder, name);
  try {
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, bytes);
  } catch (thrown) {
    throw unusable(path, systemCodeOf(thrown));
  }
};

function unusable(path: string, reason: string): Fault {
  return new Fault("file/unusable", `\`${path}\` cannot be used (${reason})`, { path, reason });
}
