/** How is DER written? Just enough of it for AMD's certificates and CRLs, with room to write it wrong on purpose. */

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  return Uint8Array.from(Buffer.concat([Uint8Array.of(tag), lengthOf(content.length), content]));
}

function lengthOf(size: number): Uint8Array {
  if (size < 0x80) return Uint8Array.of(size);
  const digits = Buffer.from(
    size.toString(16).padStart(size < 0x100 ? 2 : size < 0x10000 ? 4 : 6, "0"),
    "hex",
  );
  return Uint8Array.of(0x80 | digits.length, ...digits);
}

export function sequence(...members: readonly Uint8Array[]): Uint8Array {
  return element(TAG.sequence, ...members);
}

/** An INTEGER of at least 0, minimal. */
export function integer(value: number | bigint): Uint8Array {
  const hex = value.toString(16);
  const digits = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return element(TAG.integer, (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0, ...digits) : digits);
}

export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(TAG.oid, Uint8Array.from([40 * first + second, ...rest.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const digits = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift(0x80 | (left & 0x7f));
  return digits;
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return element(TAG.bitString, Uint8Array.of(unusedBits), bytes);
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return element(TAG.octetString, bytes);
}

export function text(tag: number, characters: string): Uint8Array {
  return element(tag, Buffer.from(characters, tag === TAG.utf8String ? "utf8" : "latin1"));
}

/** UTCTime to 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5). */
export function time(seconds: number): Uint8Array {
  const digits = new Date(seconds * 1000).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return digits < "2050" ? text(TAG.utcTime, digits.slice(2)) : text(TAG.generalizedTime, digits);
}

export const DER_NULL = element(TAG.null);
export const DER_TRUE = element(TAG.boolean, Uint8Array.of(0xff));
