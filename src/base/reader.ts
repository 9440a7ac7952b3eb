/** How are fixed-size fields read off hostile bytes? In order, never past the end, nothing left over. */
import { Fault } from "./fault.ts";
import type { FaultCode } from "./fault-codes.ts";

/** Reads fields in order. Every read that would pass the end throws the code given at the start. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #code: FaultCode;
  #at = 0;

  constructor(bytes: Uint8Array, code: FaultCode) {
    this.#bytes = bytes;
    this.#code = code;
  }

  /** Offset of the next field. */
  get at(): number {
    return this.#at;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy of the next `size` bytes. */
  bytes(size: number): Uint8Array {
    const from = this.#advance(size);
    return this.#bytes.slice(from, from + size);
  }

  u8(): number {
    return this.#bigEndian(1);
  }

  u16be(): number {
    return this.#bigEndian(2);
  }

  u32be(): number {
    return this.#bigEndian(4);
  }

  u16le(): number {
    return this.#littleEndian(2);
  }

  u32le(): number {
    return this.#littleEndian(4);
  }

  u64le(): bigint {
    const low = this.u32le();
    return (BigInt(this.u32le()) << 32n) | BigInt(low);
  }

  /** The next field of `u32be(length) ‖ bytes`, at most `maxBytes` long. */
  lengthPrefixed(maxBytes: number): Uint8Array {
    const size = this.u32be();
    if (size > maxBytes) {
      throw new Fault(this.#code, `expected a field of at most ${maxBytes} bytes, received ${size}`, {
        at: this.#at,
      });
    }
    return this.bytes(size);
  }

  /** Refuses leftovers. */
  end(): void {
    if (this.left !== 0) {
      throw new Fault(this.#code, `expected the end, received ${this.left} more bytes`, { at: this.#at });
    }
  }

  #bigEndian(size: number): number {
    const from = this.#advance(size);
    let value = 0;
    for (let i = 0; i < size; i += 1) value = value * 256 + (this.#bytes[from + i] ?? 0);
    return value;
  }

  #littleEndian(size: number): number {
    const from = this.#advance(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i -= 1) value = value * 256 + (this.#bytes[from + i] ?? 0);
    return value;
  }

  /** Steps over a field that is whole, and answers where it begins. */
  #advance(size: number): number {
    if (!Number.isInteger(size) || size < 0 || size > this.left) {
      throw new Fault(this.#code, `expected ${size} more bytes, received ${this.left}`, { at: this.#at });
    }
    const from = this.#at;
    this.#at += size;
    return from;
  }
}
