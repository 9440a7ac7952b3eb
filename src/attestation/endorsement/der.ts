/** How is DER read when nothing may be guessed? Definite, minimal lengths; nothing left over. */
import { Fault } from "../../base/fault.ts";

/** One element. `whole` includes tag and length. Both are views of the caller's bytes. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

export const DER = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  ia5String: 0x16,
  sequence: 0x30,
} as const;

/** The one element that fills `bytes`. @throws {@link Fault} `endorsement/malformed`. */
export function parseDer(bytes: Uint8Array, tag: number): DerElement {
  const [element, ...more] = elementsOf(bytes);
  if (element === undefined || more.length > 0 || element.tag !== tag) {
    throw malformedDer(`one element of tag 0x${tag.toString(16)}`);
  }
  return element;
}

/** The one element that begins `bytes`, whatever is behind it. @throws {@link Fault} `endorsement/malformed`. */
export function leadingDer(bytes: Uint8Array, tag: number): DerElement {
  return parseDer(elementAt(bytes, 0).whole, tag);
}

/** The elements that fill `bytes`, in order. @throws {@link Fault} `endorsement/malformed`. */
export function elementsOf(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = elementAt(bytes, at);
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

/** A non-negative INTEGER of at most four bytes, minimally written. @throws {@link Fault} `endorsement/malformed`. */
export function smallInteger(content: Uint8Array): number {
  const [first = 0x80, second = 0x80] = content;
  const isMinimal = content.length === 1 || first !== 0 || second >= 0x80;
  if (content.length === 0 || content.length > 4 || first >= 0x80 || !isMinimal) {
    throw malformedDer("a small non-negative INTEGER, minimally written");
  }
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

function elementAt(bytes: Uint8Array, at: number): DerElement {
  const tag = bytes[at] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw malformedDer("tags of one byte");
  const { size, headerSize } = lengthAt(bytes, at + 1);
  const start = at + 1 + headerSize;
  const end = start + size;
  if (end > bytes.length) throw malformedDer("an element within its bytes");
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
}

function lengthAt(bytes: Uint8Array, at: number): { readonly size: number; readonly headerSize: number } {
  const first = bytes[at];
  if (first === undefined) throw malformedDer("a length");
  if (first < 0x80) return { size: first, headerSize: 1 };
  const digits = first & 0x7f;
  if (digits === 0 || digits > 3 || at + digits >= bytes.length)
    throw malformedDer("a definite length below 2^24");
  const size = bytes.subarray(at + 1, at + 1 + digits).reduce((value, byte) => value * 256 + byte, 0);
  if (size < 0x80 || size < 256 ** (digits - 1)) throw malformedDer("a minimal length");
  return { size, headerSize: 1 + digits };
}

export function malformedDer(expected: string): Fault {
  return new Fault("endorsement/malformed", `DER: expected ${expected}`);
}
