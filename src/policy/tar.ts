/** Which bytes does a bundle have? One canonical ustar archive per set of files, and a reader that takes no other. */
import { concatBytes, equalBytes, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";

/** One file of a bundle. */
export interface TarFile {
  /** Relative, segments joined by `/`, ASCII, at most 100 bytes; no segment begins with a dot. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A bundle's archive is at most this large. */
export const MAX_TAR_BYTES = 1_048_576;
const MAX_FILES = 1024;
const MAX_PATH = 100;
const BLOCK = 512;
const PATH = /^[A-Za-z0-9_][A-Za-z0-9._+@-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._+@-]*)*$/;

/**
 * Writes the canonical archive: POSIX ustar, files only, names ascending, mode 0644, every time, owner and device zero,
 * ended by two zero blocks. The bytes are those of GNU tar with `--format=ustar --sort=name --mode=0644 --mtime=@0
 * --owner=0 --group=0 --numeric-owner -b1`, so that a bundle can be made and read without Ostiary.
 *
 * @throws {@link Fault} `policy/malformed` for a path a bundle may not hold, the same path twice, or too many bytes.
 */
export function writeTar(files: readonly TarFile[]): Uint8Array {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const blocks: Uint8Array[] = [];
  let previous: string | undefined;
  for (const file of sorted) {
    if (!isBundlePath(file.path)) throw malformed("expected a relative path without `..`", file.path);
    if (file.path === previous) throw malformed("expected each path once", file.path);
    previous = file.path;
    blocks.push(headerOf(file), file.bytes, new Uint8Array(paddingAfter(file.bytes.length)));
  }
  blocks.push(new Uint8Array(2 * BLOCK));
  const size = blocks.reduce((sum, block) => sum + block.length, 0);
  if (size > MAX_TAR_BYTES || files.length > MAX_FILES) throw tooLarge(size);
  return concatBytes(...blocks);
}

/**
 * Reads an archive that {@link writeTar} could have written, and no other: what was read is written again and must be
 * the same bytes. So order, padding, modes, times, owners, links, long names and anything after the end have no freedom.
 *
 * @param bytes - Attacker-controlled. Contents are copied.
 * @throws {@link Fault} `policy/malformed`.
 */
export function readTar(bytes: Uint8Array): readonly TarFile[] {
  if (bytes.length > MAX_TAR_BYTES) throw tooLarge(bytes.length);
  if (bytes.length % BLOCK !== 0) throw malformed("expected whole blocks of 512 bytes");
  const files: TarFile[] = [];
  let at = 0;
  while (at < bytes.length && bytes[at] !== 0) {
    const file = fileAt(bytes, at);
    files.push(file);
    at += BLOCK + file.bytes.length + paddingAfter(file.bytes.length);
    if (files.length > MAX_FILES) throw tooLarge(bytes.length);
  }
  if (!equalBytes(writeTar(files), bytes)) throw malformed("expected the canonical archive of these files");
  return files;
}

/** Whether a path may stand in a bundle. */
function isBundlePath(path: string): boolean {
  return path.length <= MAX_PATH && PATH.test(path);
}

function fileAt(bytes: Uint8Array, at: number): TarFile {
  const path = asciiOf(bytes.subarray(at, at + MAX_PATH));
  const digits = asciiOf(bytes.subarray(at + 124, at + 135));
  const size = /^[0-7]{11}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
  const from = at + BLOCK;
  if (size === undefined || from + size > bytes.length)
    throw malformed("expected a file inside the archive", path);
  return { path, bytes: bytes.slice(from, from + size) };
}

const EMPTY_HEADER_FIELDS = [
  { at: 100, text: "0000644\0" },
  { at: 108, text: "0000000\0" },
  { at: 116, text: "0000000\0" },
  { at: 136, text: "00000000000\0" },
  { at: 148, text: "        " },
  { at: 156, text: "0" },
  { at: 257, text: "ustar\x0000" },
  { at: 329, text: "0000000\0" },
  { at: 337, text: "0000000\0" },
] as const;

/** The ustar header block; the checksum is the sum of its bytes with the checksum field as blanks. */
function headerOf(file: TarFile): Uint8Array {
  const header = new Uint8Array(BLOCK);
  header.set(utf8(file.path), 0);
  for (const { at, text } of EMPTY_HEADER_FIELDS) header.set(utf8(text), at);
  header.set(utf8(`${octal(file.bytes.length, 11)}\0`), 124);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(utf8(`${octal(sum, 6)}\0 `), 148);
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function paddingAfter(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** The characters up to the first NUL; a byte above ASCII becomes one that no path may hold. */
function asciiOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  return String.fromCharCode(...(end < 0 ? field : field.subarray(0, end)));
}

function tooLarge(size: number): Fault {
  return malformed(`expected at most ${MAX_TAR_BYTES} bytes and ${MAX_FILES} files, received ${size} bytes`);
}

function malformed(expected: string, path?: string): Fault {
  const isPrintable = path !== undefined && /^[\x20-\x7e]*$/.test(path);
  return new Fault("policy/malformed", `bundle archive: ${expected}`, isPrintable ? { path } : {});
}
