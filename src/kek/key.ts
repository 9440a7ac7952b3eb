/** How does a key-encryption key wrap that this process holds itself? AES-256-GCM under a key of its own; the id says which key. */
import { randomBytes } from "node:crypto";
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Kek } from "../broker/world.ts";
import { deriveKey } from "../keys/derive.ts";
import { unwrapUnder, wrapUnder } from "../keys/wrap.ts";
import { zeroize } from "../keys/zeroize.ts";

const NONCE_SIZE = 12;

/**
 * The key-encryption key of 32 bytes. The id is derived from them: it stays when they move to another place.
 *
 * @param key - Overwritten with zeros before this returns.
 */
export function kekOf(key: Uint8Array, primitives: Pick<Primitives, "hmac">): Kek {
  const wrappingKey = deriveKey(primitives, "kekWrap", key);
  const id = `file:${hexOf(deriveKey(primitives, "kekId", key).slice(0, 16))}`;
  zeroize(key);
  return {
    id,
    wrap: async (plaintext, aad) =>
      wrapUnder(wrappingKey, { nonce: randomBytes(NONCE_SIZE), aad, plaintext }),
    unwrap: async (wrapped, aad) => {
      const plaintext = unwrapUnder(wrappingKey, wrapped, aad);
      if (plaintext === undefined) {
        throw new Fault("kek/wrong-key", `these bytes were not wrapped under \`${id}\` for this use`);
      }
      return plaintext;
    },
  };
}
