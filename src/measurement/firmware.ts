/** What of a firmware image is measured, and where does a processor begin in it? OVMF's SEV metadata, or an SVSM's. */
import { Fault } from "../base/fault.ts";
import { Reader } from "../base/reader.ts";
import { guidTableOf } from "./guid-table.ts";
import { PAGE_SIZE } from "./page-update.ts";

/** An image ends here, unless an SVSM is put below another one. */
const FOUR_GIB = 0x1_0000_0000;
/** More than any firmware, and what a caller may read at most. */
export const MAX_FIRMWARE_BYTES = 64 * 1024 * 1024;
/** A section lies below 4 GiB; this is more than any firmware sets aside. */
const MAX_SECTION_BYTES = 64 * 1024 * 1024;
const MAX_SECTIONS = 64;
const METADATA_HEADER_SIZE = 16;

/** GUIDs as they lie in memory. */
const HASH_TABLE_GUID = "1f3755723b3a044b927b1da6efa8d454"; // 7255371f-3a3b-4b04-927b-1da6efa8d454
const RESET_BLOCK_GUID = "de71f7007e1acb4f890e68c77e2fb44e"; // 00f771de-1a7e-4fcb-890e-68c77e2fb44e
const METADATA_GUID = "666588dc4a989847a75e5585a7bf67cc"; // dc886566-984a-4798-a75e-5585a7bf67cc
const SVSM_INFO_GUID = "12a689a797054b4ca49fcbb1fe9d1ddd"; // a789a612-0597-4c4b-a49f-cbb1fe9d1ddd

const SECTION_TYPES: Readonly<Record<number, SectionType>> = {
  1: "sec-mem",
  2: "secrets",
  3: "cpuid",
  4: "svsm-caa",
  16: "kernel-hashes",
};

export type SectionType = "sec-mem" | "secrets" | "cpuid" | "svsm-caa" | "kernel-hashes";

/** A stretch of guest memory that the VMM prepares before the launch. */
export interface Section {
  readonly type: SectionType;
  readonly gpa: bigint;
  readonly size: number;
}

/** What an image says about how it is to be launched, apart from its own bytes. */
export interface FirmwareLayout {
  /** In the order of the image, which is that of measuring. */
  readonly sections: readonly Section[];
  /** Where application processors begin; `undefined` where the image does not say. */
  readonly resetEip: number | undefined;
  /** Where the hashes of kernel, initrd and command line are put; `undefined` where the image takes none. */
  readonly hashTableGpa: number | undefined;
  /** Where an SVSM begins, from its own start. */
  readonly svsmEntry: number | undefined;
}

/** An image with its place in guest memory. */
export interface Firmware extends FirmwareLayout {
  readonly bytes: Uint8Array;
  readonly gpa: bigint;
}

/**
 * Reads a firmware image.
 *
 * @param bytes - The whole image, attacker-controlled.
 * @param end - Where it ends in guest memory: 4 GiB, or for an SVSM where the firmware above it begins.
 * @throws {@link Fault} `measurement/bad-firmware`: no whole pages, no table of GUIDs, metadata of another version, an unknown section, or
 *   one that is not whole pages.
 */
export function parseFirmware(bytes: Uint8Array, end = FOUR_GIB): Firmware {
  const isWhole = bytes.length > 0 && bytes.length % PAGE_SIZE === 0;
  if (!isWhole || bytes.length > Math.min(end, MAX_FIRMWARE_BYTES)) {
    throw malformed(
      `expected whole pages of ${PAGE_SIZE} bytes, at most 64 MiB, received ${bytes.length} bytes`,
    );
  }
  const table = guidTableOf(bytes);
  const hashTableGpa = numberIn(table.get(HASH_TABLE_GUID));
  return {
    bytes,
    gpa: BigInt(end - bytes.length),
    sections: sectionsOf(bytes, table.get(METADATA_GUID)),
    resetEip: numberIn(table.get(RESET_BLOCK_GUID)),
    hashTableGpa: hashTableGpa === 0 ? undefined : hashTableGpa,
    svsmEntry: numberIn(table.get(SVSM_INFO_GUID)),
  };
}

/** The first number of an entry. */
function numberIn(entry: Uint8Array | undefined): number | undefined {
  return entry === undefined ? undefined : new Reader(entry, "measurement/bad-firmware").u32le();
}

function sectionsOf(bytes: Uint8Array, entry: Uint8Array | undefined): readonly Section[] {
  const fromEnd = numberIn(entry);
  if (fromEnd === undefined) throw malformed("expected SEV metadata: this firmware is not for SEV-SNP");
  if (fromEnd > bytes.length) throw malformed("expected SEV metadata within the image");
  const reader = new Reader(bytes.subarray(bytes.length - fromEnd), "measurement/bad-firmware");
  const signature = reader.u32be();
  const [size, version, count] = [reader.u32le(), reader.u32le(), reader.u32le()];
  if (signature !== 0x41534556 || version !== 1) throw malformed("expected SEV metadata `ASEV` of version 1");
  if (count > MAX_SECTIONS || size !== METADATA_HEADER_SIZE + 12 * count) {
    throw malformed(
      `expected at most ${MAX_SECTIONS} sections, and the size that they have, received ${count}`,
    );
  }
  return Array.from({ length: count }, () => sectionIn(reader));
}

function sectionIn(reader: Reader): Section {
  const [gpa, size, kind] = [reader.u32le(), reader.u32le(), reader.u32le()];
  const type = SECTION_TYPES[kind];
  if (type === undefined) throw malformed(`expected a section of a known type, received ${kind}`);
  const isWhole = gpa % PAGE_SIZE === 0 && size % PAGE_SIZE === 0 && size > 0;
  if (!isWhole || size > MAX_SECTION_BYTES || gpa + size > FOUR_GIB) {
    throw malformed(`expected a section of whole pages below 4 GiB, received ${size} bytes at ${gpa}`);
  }
  if ((type === "secrets" || type === "cpuid") && size !== PAGE_SIZE) {
    throw malformed(`expected one page of ${type}, received ${size} bytes`);
  }
  return { type, gpa: BigInt(gpa), size };
}

function malformed(message: string): Fault {
  return new Fault("measurement/bad-firmware", message);
}
