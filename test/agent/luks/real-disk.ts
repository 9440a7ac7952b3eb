/** Where do tests get LUKS2 headers from? Of cryptsetup itself, on a file in the place of a disk. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "vitest";

const hasCryptsetup = spawnSync("cryptsetup", ["--version"]).status === 0;

type Body = () => Promise<void> | void;
export const itWithCryptsetup = hasCryptsetup
  ? it
  : (name: string, _: Body) => it.skip(`${name} (skipped: cryptsetup is not installed)`, () => {});

/** A folder that is gone when `remove` was called. */
export function folderIn(place: string = tmpdir()): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(place, "ostiary-luks-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

const QUICK = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];

/** A file of zeros, as a new disk is. */
export function blankDisk(path: string, bytes = 32 << 20): string {
  writeFileSync(path, "");
  truncateSync(path, bytes);
  return path;
}

/** A LUKS2 volume in a file, by `cryptsetup luksFormat`. */
export function realDisk(path: string, key: Uint8Array, words: readonly string[] = QUICK): string {
  blankDisk(path);
  execFileSync(
    "cryptsetup",
    ["luksFormat", "--type", "luks2", "--batch-mode", ...words, "--key-file", "-", path],
    {
      input: key,
    },
  );
  return path;
}

/** Whether cryptsetup opens the volume by this key. */
export function opensBy(path: string, key: Uint8Array): boolean {
  const words = ["open", "--test-passphrase", "--key-file", "-", path];
  return spawnSync("cryptsetup", words, { input: key }).status === 0;
}

export function bytesAt(path: string, at: number, size: number): Uint8Array {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(size);
    readSync(file, bytes, 0, size, at);
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** What a host can do to any LUKS2 header: other metadata in both copies, their checksums right (16 KiB each). */
export function tamper(path: string, change: (text: string) => string): void {
  const file = openSync(path, "r+");
  try {
    for (const at of [0, 16_384]) {
      const area = Buffer.alloc(16_384);
      readSync(file, area, 0, area.length, at);
      const text = change(area.toString("latin1", 4096, area.indexOf(0, 4096)));
      area.fill(0, 4096);
      area.write(text, 4096, "latin1");
      area.fill(0, 448, 512);
      createHash("sha256").update(area).digest().copy(area, 448);
      writeSync(file, area, 0, area.length, at);
    }
  } finally {
    closeSync(file);
  }
}
