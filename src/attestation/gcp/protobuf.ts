/** How is a protobuf message read when nothing may be guessed? Fields in their order, bounded, in the one encoding that writers use. */
import { Fault } from "../../base/fault.ts";

/** One field as it stands: a varint's number, or the bytes of what has a length. */
export interface ProtobufField {
  readonly number: number;
  /** A number for a varint, bytes (a view) for a length-delimited field, and neither for what a reader passes over. */
  readonly value: bigint | Uint8Array | undefined;
}

const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;
const FIXED_SIZES: ReadonlyMap<number, number> = new Map([
  [WIRE.fixed64, 8],
  [WIRE.fixed32, 4],
]);
const MAX_VARINT_BYTES = 10;
const MAX_UINT64 = (1n << 64n) - 1n;
const MAX_FIELD_NUMBER = (1n << 29n) - 1n;

/**
 * Reads every field of a message. Nothing is said of which fields there may be.
 *
 * @param bytes - The message, without a length before it; attacker-controlled.
 * @param maxFields - More than these are refused, so that a message of empty fields costs no more than its size.
 * @throws {@link Fault} `endorsement/firmware-malformed` for a varint that is too long, above 64 bits or longer than it needs to
 *   be, a length past the end, a group, or a field number outside 1 to 2^29 - 1.
 * @see Protocol Buffers, "Encoding"
 */
export function protobufFields(bytes: Uint8Array, maxFields: number): readonly ProtobufField[] {
  const fields: ProtobufField[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = varintAt(bytes, at);
    const number = tag.value >> 3n;
    if (number === 0n || number > MAX_FIELD_NUMBER) throw malformed("a field number from 1 to 2^29 - 1");
    const read = valueAt(bytes, tag.end, Number(tag.value & 7n));
    fields.push({ number: Number(number), value: read.value });
    if (fields.length > maxFields) throw malformed(`at most ${maxFields} fields`);
    at = read.end;
  }
  return fields;
}

interface Read<T> {
  readonly value: T;
  readonly end: number;
}

function valueAt(bytes: Uint8Array, at: number, wire: number): Read<ProtobufField["value"]> {
  if (wire === WIRE.varint) return varintAt(bytes, at);
  if (wire === WIRE.delimited) {
    const length = varintAt(bytes, at);
    const end = endOf(bytes, length.end, length.value);
    return { value: bytes.subarray(length.end, end), end };
  }
  const size = FIXED_SIZES.get(wire);
  if (size === undefined) throw malformed("no groups, and no unknown wire type");
  return { value: undefined, end: endOf(bytes, at, BigInt(size)) };
}

/** INVARIANT: the length is compared before it is a number, so that one of 2^64 - 1 neither wraps nor rounds. */
function endOf(bytes: Uint8Array, start: number, length: bigint): number {
  if (length > BigInt(bytes.length - start)) throw malformed("a field within its message");
  return start + Number(length);
}

function varintAt(bytes: Uint8Array, at: number): Read<bigint> {
  let value = 0n;
  for (let i = 0; i < MAX_VARINT_BYTES; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) throw malformed("a whole varint");
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) {
      if (byte === 0 && i > 0) throw malformed("a varint as short as it can be");
      if (value > MAX_UINT64) throw malformed("a varint of at most 64 bits");
      return { value, end: at + i + 1 };
    }
  }
  throw malformed(`a varint of at most ${MAX_VARINT_BYTES} bytes`);
}

function malformed(expected: string): Fault {
  return new Fault("endorsement/firmware-malformed", `protobuf: expected ${expected}`);
}
