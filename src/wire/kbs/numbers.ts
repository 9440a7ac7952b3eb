/** How does a member of the KBS protocol carry bytes? Rust's serde writes arrays of numbers, and integers of up to 64 bits. */
import * as v from "valibot";
import { parseBase64Url, parseHex, u64le } from "../../base/bytes.ts";

/** Between `least` and `most` bytes, each a number from 0 to 255. */
export function octetsField(least: number, most: number) {
  return v.pipe(
    v.array(v.unknown()),
    v.minLength(least),
    v.maxLength(most),
    v.rawTransform<unknown[], Uint8Array>(({ dataset, addIssue, NEVER }) => {
      const octets = dataset.value;
      if (areOctets(octets)) return Uint8Array.from(octets);
      addIssue({ message: "", expected: "numbers from 0 to 255" });
      return NEVER;
    }),
  );
}

function areOctets(values: readonly unknown[]): values is readonly number[] {
  return values.every((value) => typeof value === "number" && (value & 0xff) === value);
}

/** An unsigned integer of `size` bytes, as these bytes in little-endian order. */
export function unsignedField(size: 1 | 4 | 8) {
  return v.pipe(
    v.union([v.number(), v.bigint()]),
    v.rawTransform<number | bigint, Uint8Array>(({ dataset, addIssue, NEVER }) => {
      const value = integerOf(dataset.value);
      if (value !== undefined && value >= 0n && value < 1n << BigInt(8 * size)) {
        return u64le(value).slice(0, size);
      }
      addIssue({ message: "", expected: `a whole number of ${8 * size} bits` });
      return NEVER;
    }),
  );
}

/** Absent and `null` say the same; both read as `undefined`. */
export function optionField<Field extends v.GenericSchema>(field: Field) {
  return v.exactOptional(
    v.pipe(
      v.nullable(field),
      v.transform((value) => value ?? undefined),
    ),
  );
}

/** Up to `most` bytes in base64url, with its padding or without. */
export function paddedBytesField(most: number) {
  return textBytesField(most * 2, (text) => parseBase64Url(text.replace(/={1,2}$/, "")), "base64url");
}

/** Up to `most` bytes in hex. */
export function hexField(most: number) {
  return textBytesField(most * 2, parseHex, "hex");
}

function textBytesField(
  maxLength: number,
  parse: (text: string) => Uint8Array | undefined,
  expected: string,
) {
  return v.pipe(
    v.string(),
    v.maxLength(maxLength),
    v.rawTransform<string, Uint8Array>(({ dataset, addIssue, NEVER }) => {
      const bytes = parse(dataset.value);
      if (bytes !== undefined) return bytes;
      addIssue({ message: "", expected });
      return NEVER;
    }),
  );
}

function integerOf(value: number | bigint): bigint | undefined {
  if (typeof value === "bigint") return value;
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}
