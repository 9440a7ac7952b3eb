/** How does a key-encryption key come from another broker? As a secret of 32 bytes, released to this one by its evidence. */
import { isZero } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Kek } from "../broker/world.ts";
import { zeroize } from "../keys/zeroize.ts";
import { type KekParts, kekOf } from "./key.ts";

const KEY_SIZE = 32;

/**
 * Opens the key that was released. The same 32 bytes in a file are the same key.
 *
 * @param key - Overwritten with zeros, whatever becomes of it.
 * @param from - Which secret of which broker it is; for the sentence alone.
 * @throws {@link Fault} `kek/unavailable` for bytes that are no key.
 */
export function openReleasedKek(key: Uint8Array, from: string, parts: KekParts): Kek {
  if (key.length === KEY_SIZE && !isZero(key)) return kekOf(key, parts);
  const size = key.length;
  zeroize(key);
  throw new Fault(
    "kek/unavailable",
    `expected a root key of 32 bytes, ${from} has ${size} or none but zeros`,
    {
      size,
    },
  );
}
