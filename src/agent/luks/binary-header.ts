/** What stands in the 4096 bytes before LUKS2's metadata, and is every one of them what it has to be? */
import { concatBytes, equalBytes, isZero, parseUtf8, u16be, u64be, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { Reader } from "../../base/reader.ts";

export type Digest = Pick<Primitives, "digest">;

export const BINARY_HEADER_BYTES = 4096;
/** Binary header and JSON area together: 16 KiB to 4 MiB, powers of two (LUKS2 On-Disk Format 1.1, section 2.2). */
const HEADER_SIZES = [14, 15, 16, 17, 18, 19, 20, 21, 22].map((power) => 2 ** power);

const MAGICS = {
  primary: Uint8Array.of(0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe),
  secondary: Uint8Array.of(0x53, 0x4b, 0x55, 0x4c, 0xba, 0xbe),
} as const;
const VERSION = 2;
const CHECKSUM_ALGORITHM = "sha256";
const CHECKSUM_BYTES = 32;
/** Where the 64 bytes of the checksum begin; they count as zero in it. */
const CHECKSUM_AT = 448;
const SALT_BYTES = 64;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Labels are shown to people and end in paths below /dev/disk. */
const LABEL = /^[0-9A-Za-z._:@/ +-]*$/;

export type HeaderKind = keyof typeof MAGICS;

/** All that one of the two binary headers says, but for its checksum. */
export interface BinaryHeader {
  /** Bytes of this header and its JSON area. */
  readonly size: number;
  /** Higher with every change; of two headers the higher one counts. */
  readonly seqid: bigint;
  readonly label: string;
  readonly subsystem: string;
  readonly uuid: string;
  /** 64 random bytes that make the checksum another one with every write; nothing is derived from them. */
  readonly salt: Uint8Array;
}

/** How long the header that begins here says it is; `undefined` where none begins. Believes nothing else. */
export function claimedSize(start: Uint8Array): number | undefined {
  if (!equalBytes(start.slice(0, 6), MAGICS.primary)) return undefined;
  const reader = new Reader(start.slice(8, 16), "disk/bad-header");
  const size = Number(u64beOf(reader));
  return HEADER_SIZES.includes(size) ? size : undefined;
}

/**
 * Parses one of the two headers with its JSON area, and proves its checksum.
 *
 * @param area - The binary header and the JSON area, as long as the header says.
 * @throws {@link Fault} `disk/bad-header`.
 * @see LUKS2 On-Disk Format 1.1, section 2.1
 */
export function parseBinaryHeader(area: Uint8Array, kind: HeaderKind, { digest }: Digest): BinaryHeader {
  const reader = new Reader(area.slice(0, BINARY_HEADER_BYTES), "disk/bad-header");
  refuseUnless(equalBytes(reader.bytes(6), MAGICS[kind]), `the magic of a ${kind} header`);
  refuseUnless(
    reader.bytes(2).every((byte, at) => byte === u16be(VERSION)[at]),
    "version 2",
  );
  const size = Number(u64beOf(reader));
  refuseUnless(size === area.length && HEADER_SIZES.includes(size), "a size that LUKS2 knows");
  const seqid = u64beOf(reader);
  refuseUnless(seqid > 0n && seqid < 1n << 62n, "a sequence id");
  const label = textOf(reader.bytes(48), LABEL, "a label of plain characters");
  textOf(reader.bytes(32), /^sha256$/, "the checksum algorithm sha256");
  const salt = reader.bytes(SALT_BYTES);
  const uuid = textOf(reader.bytes(40), UUID, "a UUID");
  const subsystem = textOf(reader.bytes(48), LABEL, "a subsystem of plain characters");
  const at = Number(u64beOf(reader));
  refuseUnless(at === (kind === "primary" ? 0 : size), "the header's own place");
  refuseUnless(isZero(reader.bytes(184)), "zeros before the checksum");
  const checksum = reader.bytes(CHECKSUM_BYTES);
  refuseUnless(isZero(reader.bytes(reader.left)), "zeros after the checksum");
  refuseUnless(equalBytes(checksum, checksumOf(area, digest)), "a checksum that holds");
  return { size, seqid, label, subsystem, uuid, salt };
}

/** The bytes that {@link parseBinaryHeader} reads: this header with its JSON area, which may be shorter than its place. */
export function binaryHeaderBytes(
  header: BinaryHeader,
  kind: HeaderKind,
  { json, digest }: { readonly json: Uint8Array; readonly digest: Primitives["digest"] },
): Uint8Array {
  const area = new Uint8Array(header.size);
  const fields = concatBytes(
    MAGICS[kind],
    u16be(VERSION),
    u64be(BigInt(header.size)),
    u64be(header.seqid),
    padded(header.label, 48),
    padded(CHECKSUM_ALGORITHM, 32),
    header.salt,
    padded(header.uuid, 40),
    padded(header.subsystem, 48),
    u64be(BigInt(kind === "primary" ? 0 : header.size)),
  );
  if (json.length >= header.size - BINARY_HEADER_BYTES) {
    throw new Fault("disk/bad-header", "the metadata has no room in its area", { bytes: json.length });
  }
  area.set(fields);
  area.set(json, BINARY_HEADER_BYTES);
  area.set(checksumOf(area, digest), CHECKSUM_AT);
  return area;
}

function checksumOf(area: Uint8Array, digest: Primitives["digest"]): Uint8Array {
  const blanked = area.slice();
  blanked.fill(0, CHECKSUM_AT, CHECKSUM_AT + 64);
  return digest(CHECKSUM_ALGORITHM, blanked);
}

function u64beOf(reader: Reader): bigint {
  return (BigInt(reader.u32be()) << 32n) | BigInt(reader.u32be());
}

/** Text up to the first zero; what follows is zero too. */
function textOf(field: Uint8Array, pattern: RegExp, expected: string): string {
  const end = field.indexOf(0);
  const text = end < 0 ? undefined : parseUtf8(field.slice(0, end));
  refuseUnless(text !== undefined && pattern.test(text) && isZero(field.slice(end)), expected);
  return text ?? "";
}

function padded(text: string, size: number): Uint8Array {
  const field = new Uint8Array(size);
  field.set(utf8(text));
  return field;
}

function refuseUnless(holds: boolean, expected: string): void {
  if (!holds) throw new Fault("disk/bad-header", `expected ${expected} in the LUKS2 header`, { expected });
}
