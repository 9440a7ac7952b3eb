/** How do a volume's header and key slots get from the disk and back? Read once, judged, written so that a power cut leaves one whole. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { concatBytes, equalBytes } from "../../base/bytes.ts";
import { Fault, isFault, systemCodeOf } from "../../base/fault.ts";
import { folderInMemory } from "../tmpfs.ts";
import { BINARY_HEADER_BYTES, claimedSize, type Digest } from "./binary-header.ts";
import { headerBytes, type LuksHeader, parseHeaders } from "./header.ts";
import type { VolumeHead } from "./marker.ts";
import { placeOf } from "./metadata.ts";

/** What was read of a disk, and the very bytes of both headers: whoever writes later compares. */
export interface DiskHead extends VolumeHead {
  readonly raw: Uint8Array;
}

/**
 * Reads both headers and the key slots in use, and judges the headers. What the host changes afterwards changes nothing here.
 *
 * @throws {@link Fault} `disk/not-luks`, `disk/bad-header`, `file/unusable`.
 */
export function readDisk(device: string, digest: Digest): Promise<DiskHead> {
  return withDevice(device, constants.O_RDONLY, async (file) => {
    const size = claimedSize(await bytesAt(file, 0, BINARY_HEADER_BYTES));
    if (size === undefined) throw new Fault("disk/not-luks", `expected a LUKS2 header on \`${device}\``);
    const raw = await bytesAt(file, 0, 2 * size);
    const header = parseHeaders(raw, size, digest);
    return { raw, header, areas: await areasOf(header, file) };
  });
}

async function areasOf(header: LuksHeader, file: FileHandle): Promise<Record<string, Uint8Array>> {
  const areas: Record<string, Uint8Array> = {};
  for (const [name, slot] of Object.entries(header.metadata.keyslots)) {
    const { at, length } = placeOf(slot);
    areas[name] = await bytesAt(file, at, length); // in order: of one file
  }
  return areas;
}

/** The next state of a volume: one sequence id on, a new salt. Markers are made for this one. */
export function nextOf<T extends VolumeHead>(head: T): T {
  const { seqid } = head.header;
  return { ...head, header: { ...head.header, seqid: seqid + 1n, salt: Uint8Array.from(randomBytes(64)) } };
}

/**
 * Puts another state in the place of the one that was read: key slots first, which nothing names yet, then one header, then
 * the other, each on the disk before the next begins.
 *
 * @throws {@link Fault} `disk/changed` where the disk has other headers by now; `file/unusable`.
 */
export function writeDisk(
  device: string,
  { before, after }: { readonly before: Uint8Array; readonly after: VolumeHead },
  digest: Digest,
): Promise<DiskHead> {
  return withDevice(device, constants.O_RDWR, async (file) => {
    const there = await bytesAt(file, 0, before.length);
    if (!equalBytes(there, before)) {
      throw new Fault(
        "disk/changed",
        `the LUKS2 header of \`${device}\` is another one than was read before`,
      );
    }
    for (const [name, bytes] of Object.entries(after.areas)) await writeArea(file, after, { name, bytes }); // in order
    await file.datasync();
    const [primary, secondary] = [
      headerBytes(after.header, "primary", digest),
      headerBytes(after.header, "secondary", digest),
    ];
    await writeAt(file, primary, 0);
    await file.datasync();
    await writeAt(file, secondary, primary.length);
    await file.datasync();
    return { ...after, raw: concatBytes(primary, secondary) };
  });
}

async function writeArea(
  file: FileHandle,
  { header }: VolumeHead,
  { name, bytes }: { readonly name: string; readonly bytes: Uint8Array },
): Promise<void> {
  const slot = header.metadata.keyslots[name];
  if (slot === undefined) return;
  const { at, length } = placeOf(slot);
  const there = await bytesAt(file, at, length);
  if (!equalBytes(there, bytes)) await writeAt(file, bytes, at);
}

/** Overwrites what a retired key slot left, as far as a disk does that. */
export function wipeArea(
  device: string,
  { at, length }: { readonly at: number; readonly length: number },
): Promise<void> {
  return withDevice(device, constants.O_RDWR, async (file) => {
    await writeAt(file, Uint8Array.from(randomBytes(length)), at);
    await file.datasync();
  });
}

/**
 * Gives `use` a file in memory with the judged header and its key slots, as cryptsetup wants them. It has no name any more, so
 * that nothing is left of it whenever the process ends.
 *
 * @throws {@link Fault} `file/unusable`, and what `use` throws.
 */
export async function withHeaderCopy<T>(
  head: VolumeHead,
  digest: Digest,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  return withNameless(async (file) => {
    await writeHeaderCopy(file, head, digest);
    return use(file);
  });
}

/** Fills a file with the judged header and its key slots, as long as what it stands for. */
export async function writeHeaderCopy(
  file: FileHandle,
  { header, areas }: VolumeHead,
  digest: Digest,
): Promise<void> {
  const primary = headerBytes(header, "primary", digest);
  await writeAt(file, primary, 0);
  await writeAt(file, headerBytes(header, "secondary", digest), primary.length);
  for (const [name, slot] of Object.entries(header.metadata.keyslots)) {
    await writeAt(file, areas[name] ?? new Uint8Array(0), placeOf(slot).at); // in order: into one file
  }
  await file.truncate(Number(header.metadata.segments[0].offset));
}

/** A file in memory, mode 0600, that has no name. @throws {@link Fault} `file/unusable`, and what `use` throws. */
export async function withNameless<T>(use: (file: FileHandle) => Promise<T>): Promise<T> {
  const path = join(await folderInMemory(), `.ostiary-${randomBytes(12).toString("hex")}`);
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600).catch((thrown: unknown) => {
    throw unusable(path, thrown);
  });
  try {
    await unlink(path);
    return await use(file);
  } finally {
    await file.close();
  }
}

/** @throws {@link Fault} `file/unusable`, `disk/in-use`, and what `use` throws. */
export async function withDevice<T>(
  device: string,
  flags: number,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(device, flags).catch((thrown: unknown) => {
    if (systemCodeOf(thrown) === "EBUSY") throw new Fault("disk/in-use", `\`${device}\` is in use`);
    throw unusable(device, thrown);
  });
  try {
    return await use(file);
  } catch (thrown) {
    throw isFault(thrown) ? thrown : unusable(device, thrown);
  } finally {
    await file.close();
  }
}

/** Exactly so many bytes. @throws {@link Fault} `disk/not-luks` where the disk ends before. */
export async function bytesAt(file: FileHandle, at: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let got = 0; got < size; ) {
    const { bytesRead } = await file.read(bytes, got, size - got, at + got); // in order: what is left
    if (bytesRead === 0) throw new Fault("disk/not-luks", "the disk ends before its LUKS2 header does");
    got += bytesRead;
  }
  return bytes;
}

async function writeAt(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done); // in order: what is left
    done += bytesWritten;
  }
}

function unusable(device: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  return new Fault("file/unusable", `\`${device}\` cannot be used (${reason})`, { reason });
}
