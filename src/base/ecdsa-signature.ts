/** How does an ECDSA signature change between P1363 (`r ‖ s`) and strict DER? Both ways, one form each. */
import { concatBytes } from "./bytes.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** DER `SEQUENCE { r INTEGER, s INTEGER }` of `r ‖ s`; the halves are at most 66 bytes (P-521). */
export function derOfP1363(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const r = integerOf(signature.subarray(0, half));
  const s = integerOf(signature.subarray(half));
  const size = r.length + s.length;
  const head = size < 0x80 ? [SEQUENCE, size] : [SEQUENCE, 0x81, size];
  return concatBytes(Uint8Array.from(head), r, s);
}

/**
 * `r ‖ s`, each `half` bytes, of a DER signature. Strict: shortest lengths and integers, nothing negative, nothing
 * longer than `half`, nothing left over; anything else is `undefined`. Zero passes: verification refuses it.
 */
export function p1363OfDer(der: Uint8Array, half: number): Uint8Array | undefined {
  const body = elementAt(der, 0, SEQUENCE);
  if (body === undefined || body.end !== der.length) return undefined;
  const r = elementAt(der, body.start, INTEGER);
  const s = r && elementAt(der, r.end, INTEGER);
  if (r === undefined || s === undefined || s.end !== der.length) return undefined;
  const signature = new Uint8Array(2 * half);
  const arePlaced = [
    place(signature, half, der.subarray(r.start, r.end)),
    place(signature, 2 * half, der.subarray(s.start, s.end)),
  ];
  return arePlaced.every(Boolean) ? signature : undefined;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the content of the element at `at` lies; `undefined` for another tag, a long length form, or a length past the end. */
function elementAt(der: Uint8Array, at: number, tag: number): Span | undefined {
  if (der[at] !== tag) return undefined;
  const first = der[at + 1] ?? 0x80;
  const isLong = first === 0x81;
  const size = isLong ? (der[at + 2] ?? 0) : first;
  if (isLong ? size < 0x80 : size >= 0x80) return undefined;
  const start = at + (isLong ? 3 : 2);
  return start + size <= der.length ? { start, end: start + size } : undefined;
}

/** Writes a shortest non-negative INTEGER so that it ends before `end`, over `half` bytes; false when it is no such thing. */
function place(signature: Uint8Array, end: number, content: Uint8Array): boolean {
  const [first, second] = content;
  if (first === undefined || first >= 0x80) return false;
  if (first === 0 && second !== undefined && second < 0x80) return false;
  const digits = first === 0 ? content.subarray(1) : content;
  if (digits.length > signature.length / 2) return false;
  signature.set(digits, end - digits.length);
  return true;
}

function integerOf(value: Uint8Array): Uint8Array {
  let skip = 0;
  while (skip < value.length - 1 && value[skip] === 0) skip += 1;
  const padding = (value[skip] ?? 0) >= 0x80 ? 1 : 0;
  const size = value.length - skip + padding;
  const encoded = new Uint8Array(2 + size);
  encoded[0] = INTEGER;
  encoded[1] = size;
  encoded.set(value.subarray(skip), 2 + padding);
  return encoded;
}
