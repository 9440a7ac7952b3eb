/** How does a key-encryption key wrap that this process holds itself? AES-256-GCM under a key of its own; the id says which key. */
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Kek } from "../broker/world.ts";
import { deriveKey } from "../keys/derive.ts";
import { unwrapUnder, wrapUnder } from "../keys/wrap.ts";
import { zeroize } from "../keys/zeroize.ts";

const NONCE_SIZE = 12;

/** What such a key needs of the platform. */
export interface KekParts extends Pick<Primitives, "hmac"> {
  readonly random: (size: number) => Uint8Array;
}

/** Sixteen bytes that name a key and tell nothing of it. */
export function keyIdOf(key: Uint8Array, parts: Pick<Primitives, "hmac">): Uint8Array {
  return deriveKey(parts, "kekId", key).slice(0, 16);
}

/**
 * The key-encryption key of 32 bytes. The id is derived from them: it stays when they move to another place.
 *
 * @param key - Overwritten with zeros before this returns.
 */
export function kekOf(key: Uint8Array, parts: KekParts): Kek {
  const wrappingKey = deriveKey(parts, "kekWrap", key);
  const id = `file:${hexOf(keyIdOf(key, parts))}`;
  zeroize(key);
  return {
    id,
    wrap: async (plaintext, aad) =>
      wrapUnder(wrappingKey, { nonce: parts.random(NONCE_SIZE), aad, plaintext }),
    unwrap: async (wrapped, aad) => {
      const plaintext = unwrapUnder(wrappingKey, wrapped, aad);
      if (plaintext === undefined) {
        throw new Fault("kek/wrong-key", `these bytes were not wrapped under \`${id}\` for this use`);
      }
      return plaintext;
    },
  };
}
