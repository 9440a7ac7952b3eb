/** A firmware image of one's own making, with the table of GUIDs and SEV metadata that are asked for. */
import { concatBytes, parseHex, u16le, u32le } from "../../src/base/bytes.ts";

export interface MadeSection {
  readonly gpa: number;
  readonly size: number;
  readonly type: number;
}

export interface MadeFirmware {
  readonly pages: number;
  /** What fills the image around its table. */
  readonly fill: number;
  readonly sections?: readonly MadeSection[];
  readonly resetEip?: number;
  readonly hashTableGpa?: number;
  readonly svsmEntry?: number;
}

export const SECTIONS = { secMem: 1, secrets: 2, cpuid: 3, svsmCaa: 4, kernelHashes: 16 };

export function madeFirmware(made: MadeFirmware): Uint8Array {
  const bytes = new Uint8Array(made.pages * 4096).fill(made.fill);
  const metadata = metadataOf(made.sections ?? []);
  const metadataFromEnd = 1024;
  bytes.set(metadata, bytes.length - metadataFromEnd);
  const entries = [
    ...entryOf("1f3755723b3a044b927b1da6efa8d454", made.hashTableGpa, 8),
    ...entryOf("de71f7007e1acb4f890e68c77e2fb44e", made.resetEip, 4),
    ...entryOf("12a689a797054b4ca49fcbb1fe9d1ddd", made.svsmEntry, 4),
    ...entryOf(
      "666588dc4a989847a75e5585a7bf67cc",
      made.sections === undefined ? undefined : metadataFromEnd,
      4,
    ),
  ];
  const body = concatBytes(...entries);
  const footer = concatBytes(u16le(body.length + 18), hex("de82b596b21ff745baeaa366c55a082d"));
  const table = concatBytes(body, footer);
  bytes.set(table, bytes.length - 32 - table.length);
  return bytes;
}

function metadataOf(sections: readonly MadeSection[]): Uint8Array {
  const head = [hex("41534556"), u32le(16 + 12 * sections.length), u32le(1), u32le(sections.length)];
  const rows = sections.flatMap(({ gpa, size, type }) => [u32le(gpa), u32le(size), u32le(type)]);
  return concatBytes(...head, ...rows);
}

/** A number, zeros up to `size`, then size and GUID. */
function entryOf(guid: string, value: number | undefined, size: number): readonly Uint8Array[] {
  if (value === undefined) return [];
  return [concatBytes(u32le(value), new Uint8Array(size - 4), u16le(size + 18), hex(guid))];
}

function hex(text: string): Uint8Array {
  return parseHex(text) ?? new Uint8Array(0);
}
