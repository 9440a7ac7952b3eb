/** How does memory look that C reads and writes? Words of eight bytes, and what they point to behind them, in one piece that stays where it is. */
import koffi from "koffi";

/** A number, bytes that are pointed to, or words that are pointed to. */
export type Word = bigint | Uint8Array | readonly Word[];

const WORD = 8;

/** Zeros. An array of its own buffer: the engine does not move it. */
export function allocated(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(Math.max(size, 1)));
}

export function addressOf(memory: Uint8Array): bigint {
  const address: unknown = koffi.address(memory);
  return BigInt(typeof address === "bigint" ? address : Number(address));
}

/** Bytes at an address of their own. */
export function copied(bytes: Uint8Array): Uint8Array {
  const memory = allocated(bytes.length);
  memory.set(bytes);
  return memory;
}

/** The little-endian word at an offset. */
export function wordAt(memory: Uint8Array, at: number): bigint {
  return new DataView(memory.buffer, memory.byteOffset).getBigUint64(at, true);
}

/** Lays a structure out, with all that it points to. */
export function laidOut(words: readonly Word[]): Uint8Array {
  const memory = allocated(sizeOf(words));
  place(words, { memory, base: addressOf(memory), at: 0 });
  return memory;
}

function sizeOf(words: readonly Word[]): number {
  return words.reduce<number>(
    (size, word) => size + (typeof word === "bigint" ? 0 : pointedSize(word)),
    WORD * words.length,
  );
}

function pointedSize(word: Uint8Array | readonly Word[]): number {
  return word instanceof Uint8Array ? WORD * Math.ceil(word.length / WORD) : sizeOf(word);
}

interface Spot {
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly base: bigint;
  readonly at: number;
}

function place(words: readonly Word[], { memory, base, at }: Spot): void {
  let behind = at + WORD * words.length;
  for (const [i, word] of words.entries()) {
    const value = typeof word === "bigint" ? word : base + BigInt(behind);
    new DataView(memory.buffer).setBigUint64(at + WORD * i, value, true);
    if (typeof word === "bigint") continue;
    if (word instanceof Uint8Array) memory.set(word, behind);
    else place(word, { memory, base, at: behind });
    behind += pointedSize(word);
  }
}

/** A CK_ULONG as an attribute's value. */
export function ulong(value: bigint): Uint8Array {
  const bytes = new Uint8Array(WORD);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** CK_ATTRIBUTE after CK_ATTRIBUTE: type, where the value is, how long it is. A truth is one byte. */
export function templateOf(attributes: readonly (readonly [type: bigint, value: Uint8Array | boolean])[]): {
  readonly memory: Uint8Array;
  readonly count: bigint;
} {
  const words = attributes.flatMap(([type, value]): Word[] => {
    const bytes = typeof value === "boolean" ? Uint8Array.of(Number(value)) : value;
    return [type, bytes, BigInt(bytes.length)];
  });
  return { memory: laidOut(words), count: BigInt(attributes.length) };
}
