/** How is a long file sealed to somebody who is not there? HPKE (X-Wing) for one key, then AES-256-GCM frame by frame, the last one marked. */
import { concatBytes, u8, u32be, u64be, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { zeroize } from "../keys/zeroize.ts";
import { openBase, sealBase } from "./hpke.ts";
import { EPHEMERAL_SIZE } from "./kem.ts";
import { HPKE_XWING } from "./suites.ts";

/** Bytes of a recipient's keys: X-Wing's. */
export const STREAM_PUBLIC_KEY = HPKE_XWING.kem.publicKeySize;
export const STREAM_PRIVATE_KEY = HPKE_XWING.kem.privateKeySize;

const INFO = utf8("ostiary/sealed-stream/v1");
const KEY_SIZE = 32;
const TAG_SIZE = 16;
/** What announces more is no frame of ours. */
const MAX_FRAME = 16 << 20;

/** Bytes as they come; `size` of them, or fewer at the end of the file. */
export type ReadExactly = (size: number) => Promise<Uint8Array>;

/** @param header - Is bound to what follows and is not secret. */
export async function* sealStream(
  pieces: AsyncIterable<Uint8Array>,
  to: {
    readonly recipient: Uint8Array;
    readonly header: Uint8Array;
    readonly random: (size: number) => Uint8Array;
  },
  primitives: Primitives,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { recipient, header, random } = to;
  const key = random(KEY_SIZE);
  const ephemeral = random(EPHEMERAL_SIZE);
  try {
    const plan = { recipient, info: INFO, aad: header, plaintext: key, ephemeral };
    const { enc, ct } = await sealBase(plan, primitives, HPKE_XWING);
    yield concatBytes(enc, ct);
    let count = 0n;
    let waiting: Uint8Array | undefined;
    for await (const piece of pieces) {
      if (waiting !== undefined) yield await frame(waiting, ivOf(count++, false));
      waiting = piece;
    }
    yield await frame(waiting ?? new Uint8Array(0), ivOf(count, true));
  } finally {
    zeroize(key);
  }

  async function frame(piece: Uint8Array, iv: Uint8Array): Promise<Uint8Array> {
    const sealed = await primitives.aeadSeal(key, iv, new Uint8Array(0), piece);
    return concatBytes(u32be(sealed.length), sealed);
  }
}

/**
 * Opens it piece by piece. A piece is genuine when it is given out; only the end says that none is missing.
 *
 * @throws {@link Fault} `store/malformed-backup` for another key, another header, and anything that was changed, cut off or added.
 */
export async function* openStream(
  read: ReadExactly,
  by: { readonly privateKey: Uint8Array; readonly header: Uint8Array },
  primitives: Primitives,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { privateKey, header: aad } = by;
  const enc = await read(HPKE_XWING.kem.encSize);
  const ct = await read(KEY_SIZE + TAG_SIZE);
  const key = await openBase({ privateKey, enc, info: INFO, aad, ct }, primitives, HPKE_XWING);
  if (key === undefined) throw broken("expected the private key that this backup was made for");
  try {
    for (let count = 0n, isLast = false; !isLast; count += 1n) {
      const sealed = await frameOf(read, count); // in order: a stream
      const opened = await primitives.aeadOpen(key, ivOf(count, false), new Uint8Array(0), sealed);
      isLast = opened === undefined;
      const piece = opened ?? (await primitives.aeadOpen(key, ivOf(count, true), new Uint8Array(0), sealed));
      if (piece === undefined)
        throw broken("expected a backup as it was written, a part of it is another", count);
      yield piece;
    }
    if ((await read(1)).length > 0) throw broken("expected the end of the backup, something follows it");
  } finally {
    zeroize(key);
  }
}

async function frameOf(read: ReadExactly, count: bigint): Promise<Uint8Array> {
  const head = await read(4);
  const size = head.length === 4 ? new DataView(head.buffer, head.byteOffset).getUint32(0) : 0;
  const sealed = size >= TAG_SIZE && size <= MAX_FRAME ? await read(size) : new Uint8Array(0);
  if (sealed.length !== size || size === 0) throw broken("expected a whole backup, it is cut off", count);
  return sealed;
}

/** One key per file: a counter never repeats. */
function ivOf(count: bigint, isLast: boolean): Uint8Array {
  return concatBytes(u8(isLast ? 1 : 0), new Uint8Array(3), u64be(count));
}

function broken(sentence: string, part?: bigint): Fault {
  return new Fault("store/malformed-backup", sentence, part === undefined ? {} : { place: `part ${part}` });
}
