/** How is a root key used that stays in a PKCS#11 token? As a Kek whose every wrap and unwrap is the token's. */
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { Kek } from "../../broker/world.ts";
import { aesKeyIdOf, type HedgeParts, unwrapByAes, wrapByAes } from "./aes.ts";
import { findKey, publicPointOf } from "./key.ts";
import { p384KeyIdOf, unwrapByP384, wrapByP384 } from "./p384.ts";
import { openToken, type Session, type TokenPlace } from "./token.ts";

/** Where a key is: in which token, and under which label. */
export interface TokenKeyPlace extends TokenPlace {
  readonly key: string;
}

/**
 * Opens the key-encryption key in a token: an AES-256 key, or a P-384 pair where the token has no AES-GCM. Its id is computed from what the
 * token makes with it, or from the public half; it stays when the same key is found in another token.
 *
 * @throws {@link Fault} `kek/unavailable`. What comes of the PIN is in no message.
 */
export async function openPkcs11Kek(place: TokenKeyPlace, parts: HedgeParts): Promise<Kek> {
  let id: string | undefined;
  const token = await openToken(place, async (session) => {
    const now = await inToken(place.key, session, parts);
    id ??= now.id;
    // INVARIANT: another key of the same label, put in while the broker serves, wraps nothing.
    if (now.id !== id) {
      const sentence = `the key \`${place.key}\` is another one than when the token was opened first`;
      throw new Fault("kek/unavailable", sentence, { key: place.key, expected: id, received: now.id });
    }
    return now;
  });
  const { id: own } = await token.use(async (_, key) => key);
  return {
    id: own,
    wrap: (plaintext, aad) => token.use((_, { wrap }) => wrap(plaintext, aad)),
    unwrap: async (wrapped, aad) => {
      const plaintext = await token.use((_, { unwrap }) => unwrap(wrapped, aad));
      if (plaintext !== undefined) return plaintext;
      throw new Fault("kek/wrong-key", `these bytes were not wrapped under \`${own}\` for this use`);
    },
  };
}

/** A key in one opened session. */
interface InToken {
  readonly id: string;
  readonly wrap: (plaintext: Uint8Array, aad: Uint8Array) => Promise<Uint8Array>;
  readonly unwrap: (wrapped: Uint8Array, aad: Uint8Array) => Promise<Uint8Array | undefined>;
}

async function inToken(
  label: string,
  session: Session,
  parts: HedgeParts & Pick<Primitives, "hmac">,
): Promise<InToken> {
  const { kind, handle: key } = await findKey(label, session);
  if (kind === "aes-256") {
    const at = { session, key };
    return {
      id: `pkcs11:${await aesKeyIdOf(at, parts)}`,
      wrap: (plaintext, aad) => wrapByAes({ plaintext, aad }, at, parts),
      unwrap: (wrapped, aad) => unwrapByAes(wrapped, aad, at),
    };
  }
  const at = { session, key, point: await publicPointOf(label, session) };
  return {
    id: `pkcs11:${p384KeyIdOf(at.point, parts)}`,
    wrap: (plaintext, aad) => wrapByP384({ plaintext, aad }, at, parts),
    unwrap: (wrapped, aad) => unwrapByP384(wrapped, aad, { at, primitives: parts }),
  };
}
