/** Who is meant by a name in the log that is none? Told by whoever has the salt, one name at a time, and checked by anybody. */
import { base64UrlOf, concatBytes, parseHex, parseUtf8, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";

const LABEL = utf8("ostiary/pseudonym/v1\n");

export const SALT_SIZE = 32;

/** The salt in a file: 64 lower-case hex digits; `undefined` for anything else. */
export function parseSalt(file: Uint8Array): Uint8Array | undefined {
  const text = parseUtf8(file)?.trim() ?? "";
  return text.length === 2 * SALT_SIZE ? parseHex(text) : undefined;
}

/** What opens one name's pseudonym, and no other's: who is shown it learns nothing of the salt. */
export function openingOf(name: string, salt: Uint8Array, { hmac }: Pick<Primitives, "hmac">): Uint8Array {
  return hmac("sha256", salt, concatBytes(LABEL, utf8(name)));
}

/** What stands in the log: `~` and 43 characters. Without the opening it tells nothing, and each name has one. */
export function pseudonymOf(
  name: string,
  opening: Uint8Array,
  { digest }: Pick<Primitives, "digest">,
): string {
  return `~${base64UrlOf(digest("sha256", concatBytes(LABEL, opening, utf8(name))))}`;
}
