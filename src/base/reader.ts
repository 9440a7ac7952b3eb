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
    if (!Number.isInteger(size) || size < 0 || size > this.left) {
      throw new Fault(this.#code, `expected ${size} more bytes, received ${this.left}`, { at: this.#at });
    }
    const field = this.#bytes.slice(this.#at, this.#at + size);
    this.#at += size;
    return field;
  }

  u8(): number {
    return this.bytes(1)[0] ?? 0;
  }

  u16be(): number {
    return this.bytes(2).reduce((value, byte) => value * 256 + byte, 0);
  }

  u32be(): number {
    return this.bytes(4).reduce((value, byte) => value * 256 + byte, 0);
  }

  u32le(): number {
    return this.bytes(4).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  u64le(): bigint {
    return this.bytes(8).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
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
}
