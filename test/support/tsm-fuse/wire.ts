/** How does the kernel speak to a file system in a process? The messages of FUSE 7.31 that a tree of small attributes needs (linux/fuse.h). */

export const OPCODE = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  access: 34,
  interrupt: 36,
  destroy: 38,
  ioctl: 39,
  batchForget: 42,
} as const;

/** Nobody waits for an answer to these. */
export const UNANSWERED: ReadonlySet<number> = new Set([
  OPCODE.forget,
  OPCODE.interrupt,
  OPCODE.destroy,
  OPCODE.batchForget,
]);

/** What a tree may answer in the place of bytes (asm-generic/errno.h). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENOTDIR: 20,
  EINVAL: 22,
  ENOTTY: 25,
  EFBIG: 27,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ETIMEDOUT: 110,
} as const;

export type Errno = keyof typeof ERRNO;

/** One message of the kernel's; `body` is what stands after the header of 40 bytes. */
export interface Request {
  readonly opcode: number;
  readonly unique: bigint;
  readonly node: number;
  /** The thread that asks. */
  readonly pid: number;
  readonly body: Buffer;
}

const IN_HEADER = 40;
const OUT_HEADER = 16;
/** The largest write that is asked for, and the least buffer that the kernel takes: FUSE_MIN_READ_BUFFER is 8192. */
const MAX_WRITE = 64 * 1024;
export const MESSAGE_SIZE = MAX_WRITE + 4096;

export function parseRequest(bytes: Buffer): Request {
  if (bytes.length < IN_HEADER || bytes.readUInt32LE(0) !== bytes.length)
    throw new Error("the kernel sent half a message");
  return {
    opcode: bytes.readUInt32LE(4),
    unique: bytes.readBigUInt64LE(8),
    node: Number(bytes.readBigUInt64LE(16)),
    pid: bytes.readUInt32LE(32),
    body: bytes.subarray(IN_HEADER),
  };
}

/** `bytes` of an answer, or why there are none. */
export function answerOf({ unique }: Request, answer: Uint8Array | Errno): Buffer {
  const body = typeof answer === "string" ? Buffer.alloc(0) : Buffer.from(answer);
  const header = Buffer.alloc(OUT_HEADER);
  header.writeUInt32LE(OUT_HEADER + body.length, 0);
  header.writeInt32LE(typeof answer === "string" ? -ERRNO[answer] : 0, 4);
  header.writeBigUInt64LE(unique, 8);
  return Buffer.concat([header, body]);
}

/** fuse_init_out: version 7.31, no flags, so that nothing is cached or batched that configfs would not. */
export function initAnswer(): Buffer {
  const answer = Buffer.alloc(64);
  answer.writeUInt32LE(7, 0);
  answer.writeUInt32LE(31, 4);
  answer.writeUInt16LE(8, 16);
  answer.writeUInt16LE(6, 18);
  answer.writeUInt32LE(MAX_WRITE, 20);
  answer.writeUInt32LE(1, 24);
  return answer;
}

/** What the kernel shows of a node. */
export interface Attributes {
  readonly node: number;
  readonly isFolder: boolean;
  /** Permission bits. */
  readonly mode: number;
}

const FOLDER = 0o040000;
const FILE = 0o100000;

/** fuse_attr. A size of 0 is read all the same: files are opened for direct I/O. */
function attributesOf({ node, isFolder, mode }: Attributes): Buffer {
  const bytes = Buffer.alloc(88);
  bytes.writeBigUInt64LE(BigInt(node), 0);
  bytes.writeUInt32LE((isFolder ? FOLDER : FILE) | mode, 60);
  bytes.writeUInt32LE(isFolder ? 2 : 1, 64);
  bytes.writeUInt32LE(4096, 80);
  return bytes;
}

/** fuse_attr_out, good for no time at all. */
export function attrAnswer(attributes: Attributes): Buffer {
  return Buffer.concat([Buffer.alloc(16), attributesOf(attributes)]);
}

/** fuse_entry_out. */
export function entryAnswer(attributes: Attributes): Buffer {
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(BigInt(attributes.node), 0);
  return Buffer.concat([head, attributesOf(attributes)]);
}

const DIRECT_IO = 1;

/** fuse_open_out: each read and write comes here as it was asked, and none is answered from a cache. */
export function openAnswer(handle: number): Buffer {
  const answer = Buffer.alloc(16);
  answer.writeBigUInt64LE(BigInt(handle), 0);
  answer.writeUInt32LE(DIRECT_IO, 8);
  return answer;
}

/** fuse_write_out. */
export function writeAnswer(size: number): Buffer {
  const answer = Buffer.alloc(8);
  answer.writeUInt32LE(size, 0);
  return answer;
}

/** fuse_dirent for each name from `offset` on, as many as fit. */
export function foldersAnswer(names: readonly string[], offset: number, size: number): Buffer {
  const entries: Buffer[] = [];
  let used = 0;
  for (const [at, name] of names.entries()) {
    if (at < offset) continue;
    const text = Buffer.from(name);
    const entry = Buffer.alloc(Math.ceil((24 + text.length) / 8) * 8);
    entry.writeBigUInt64LE(0xffff_ffffn, 0);
    entry.writeBigUInt64LE(BigInt(at + 1), 8);
    entry.writeUInt32LE(text.length, 16);
    text.copy(entry, 24);
    used += entry.length;
    if (used > size) break;
    entries.push(entry);
  }
  return Buffer.concat(entries);
}

/** A name at the end of a body, after `from` bytes of numbers. */
export function nameIn(body: Buffer, from = 0): string {
  const end = body.indexOf(0, from);
  return body.toString("utf8", from, end < 0 ? body.length : end);
}
