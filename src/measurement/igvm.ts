/** What does an IGVM file put into a guest's memory before its launch? (igvm_defs 0.4: headers, directives of a platform.) */
import { Fault } from "../base/fault.ts";
import { Reader } from "../base/reader.ts";
import { crc32Of } from "./crc32.ts";
import { PAGE_SIZE } from "./page-update.ts";

export const MAX_IGVM_BYTES = 256 * 1024 * 1024;
const MAGIC = 0x4d56_4749;
/** Of version 1, and of version 2 with architecture and page size behind it. */
const FIXED_SIZES: Readonly<Record<number, number>> = { 1: 24, 2: 32 };
const CHECKSUM_AT = 20;
const SNP_PLATFORM = 2;
const LARGE_PAGE_SIZE = 2 * 1024 * 1024;

/** Variable headers that are looked at; what lies in the ranges of the format beside them changes no measurement. */
const TYPES = { platform: 0x001, area: 0x301, page: 0x302, insert: 0x303, processor: 0x304, idBlock: 0x30b };
const LAST_TYPE = 0x400;
const SIZES: Readonly<Record<number, number>> = { 1: 16, 769: 16, 770: 24, 771: 16, 772: 20, 779: 696 };

const PAGE_TYPES: Readonly<Record<number, IgvmPage["type"]>> = {
  0: "normal",
  1: "secrets",
  2: "cpuid",
  3: "cpuid",
};

/** Memory that is prepared, in the order of the file. */
export type IgvmStep = IgvmPage | IgvmProcessor;

export interface IgvmPage {
  readonly type: "normal" | "unmeasured" | "secrets" | "cpuid";
  readonly gpa: bigint;
  readonly size: number;
  /** `undefined` where the file brings none: zeros. */
  readonly data: Uint8Array | undefined;
}

export interface IgvmProcessor {
  readonly type: "vmsa";
  readonly gpa: bigint;
  /** One page. */
  readonly data: Uint8Array;
}

/** What of a file counts for SEV-SNP. */
export interface IgvmLaunch {
  readonly steps: readonly IgvmStep[];
  /** The launch digest that the file's own ID block is signed for. */
  readonly idBlockDigest: Uint8Array | undefined;
}

interface Header {
  readonly type: number;
  readonly body: Uint8Array;
}

/**
 * Reads the directives of the SEV-SNP platform.
 *
 * @param file - Attacker-controlled; nothing is kept that is not a part of it.
 * @throws {@link Fault} `measurement/bad-igvm`: another magic or version, a checksum that is not that of the headers, a header of another
 *   size, data outside of the file, no or several platforms of SEV-SNP.
 */
export function parseIgvm(file: Uint8Array): IgvmLaunch {
  const headers = headersOf(file);
  const mask = snpMaskOf(headers);
  const areas = new Map<number, number>();
  const steps: IgvmStep[] = [];
  let idBlockDigest: Uint8Array | undefined;
  for (const { type, body } of headers) {
    const reader = new Reader(body, "measurement/bad-igvm");
    if (type === TYPES.area) rememberArea(reader, areas);
    if (type === TYPES.page) steps.push(...pagesIn(reader, mask, file));
    if (type === TYPES.insert) steps.push(...insertedIn(reader, mask, areas));
    if (type === TYPES.processor) steps.push(...processorIn(reader, mask, file));
    if (type === TYPES.idBlock && (reader.u32le() & mask) !== 0) idBlockDigest = body.slice(8, 56);
  }
  return { steps, idBlockDigest };
}

function headersOf(file: Uint8Array): readonly Header[] {
  const fixed = new Reader(file, "measurement/bad-igvm");
  const [magic, version, offset, size, total, checksum] = Array.from({ length: 6 }, () => fixed.u32le());
  if (magic !== MAGIC || file.length > MAX_IGVM_BYTES)
    throw malformed("expected an IGVM file of at most 256 MiB");
  const fixedSize = FIXED_SIZES[version ?? 0];
  if (fixedSize === undefined || offset !== fixedSize)
    throw malformed("expected version 1 or 2 of the format");
  if (total !== file.length) throw malformed(`expected a file of ${total} bytes, received ${file.length}`);
  const end = fixedSize + (size ?? 0);
  if (end > file.length) throw malformed("expected the headers within the file");
  const covered = file.slice(0, end);
  covered.fill(0, CHECKSUM_AT, CHECKSUM_AT + 4);
  if (crc32Of(covered) !== checksum) throw malformed("expected the checksum of the headers");
  return variableHeaders(file.subarray(fixedSize, end));
}

/** Each of type, length and body; the next one begins at a multiple of eight. */
function variableHeaders(bytes: Uint8Array): readonly Header[] {
  const reader = new Reader(bytes, "measurement/bad-igvm");
  const headers: Header[] = [];
  while (reader.left > 0) {
    const [type, length] = [reader.u32le(), reader.u32le()];
    if (type === 0 || type > LAST_TYPE)
      throw malformed(`expected a header of a known range, received ${type}`);
    if (length !== (SIZES[type] ?? length)) {
      throw malformed(`expected ${SIZES[type]} bytes in a header of type ${type}, received ${length}`);
    }
    headers.push({ type, body: reader.bytes(length) });
    reader.bytes(Math.min((8 - (length % 8)) % 8, reader.left));
  }
  return headers;
}

function snpMaskOf(headers: readonly Header[]): number {
  const platforms = headers
    .filter(({ type }) => type === TYPES.platform)
    .map(({ body }) => ({ mask: new Reader(body, "measurement/bad-igvm").u32le(), kind: body[5] }))
    .filter(({ kind }) => kind === SNP_PLATFORM);
  const [platform] = platforms;
  if (platform === undefined || platforms.length > 1 || platform.mask === 0) {
    throw malformed(`expected one platform of SEV-SNP, received ${platforms.length}`);
  }
  return platform.mask;
}

function rememberArea(reader: Reader, areas: Map<number, number>): void {
  const [size, index] = [reader.u64le(), reader.u32le()];
  if (size % BigInt(PAGE_SIZE) !== 0n || size > BigInt(MAX_IGVM_BYTES)) {
    throw malformed(`expected a parameter area of whole pages, at most 256 MiB, received ${size} bytes`);
  }
  if (areas.has(index)) throw malformed(`expected the parameter area ${index} once`);
  areas.set(index, Number(size));
}

function pagesIn(reader: Reader, mask: number, file: Uint8Array): readonly IgvmPage[] {
  const [gpa, forMask, offset, flags] = [reader.u64le(), reader.u32le(), reader.u32le(), reader.u32le()];
  const kind = reader.u16le();
  const [isLarge, isUnmeasured, isShared] = [flags & 1, flags & 2, flags & 4];
  const type = PAGE_TYPES[kind];
  if (type === undefined || flags > 7) throw malformed("expected a page of a known kind");
  const size = isLarge === 0 ? PAGE_SIZE : LARGE_PAGE_SIZE;
  refuseUnaligned(gpa, size);
  const data = offset === 0 ? undefined : dataAt(file, offset, size);
  if ((forMask & mask) === 0 || isShared !== 0) return [];
  return [{ type: type === "normal" && isUnmeasured !== 0 ? "unmeasured" : type, gpa, size, data }];
}

/** What the host writes into a parameter area is not measured. */
function insertedIn(reader: Reader, mask: number, areas: ReadonlyMap<number, number>): readonly IgvmPage[] {
  const [gpa, forMask, index] = [reader.u64le(), reader.u32le(), reader.u32le()];
  refuseUnaligned(gpa, PAGE_SIZE);
  const size = areas.get(index);
  if (size === undefined) throw malformed(`expected the parameter area ${index} before it is put somewhere`);
  return (forMask & mask) === 0 ? [] : [{ type: "unmeasured", gpa, size, data: undefined }];
}

function processorIn(reader: Reader, mask: number, file: Uint8Array): readonly IgvmProcessor[] {
  const [gpa, forMask, offset] = [reader.u64le(), reader.u32le(), reader.u32le()];
  if ((forMask & mask) === 0) return [];
  refuseUnaligned(gpa, PAGE_SIZE);
  return [{ type: "vmsa", gpa, data: dataAt(file, offset, PAGE_SIZE) }];
}

/** A part of the file, behind its first bytes. */
function dataAt(file: Uint8Array, offset: number, size: number): Uint8Array {
  if (offset < CHECKSUM_AT || offset + size > file.length) throw malformed("expected data within the file");
  return file.subarray(offset, offset + size);
}

function refuseUnaligned(gpa: bigint, size: number): void {
  if (gpa % BigInt(size) !== 0n || gpa >= 1n << 52n)
    throw malformed(`expected the address of a page, received ${gpa}`);
}

function malformed(message: string): Fault {
  return new Fault("measurement/bad-igvm", message);
}
