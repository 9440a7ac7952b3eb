/** How do two X25519 keys make a shared secret for HPKE? DHKEM(X25519, HKDF-SHA256), RFC 9180 section 4.1. */
import { concatBytes, isZero, u16be, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { badKey, type Kem } from "./kem.ts";
import { labeledKdfOf } from "./labeled-kdf.ts";

const ID = 0x0020;
const SUITE_ID = concatBytes(utf8("KEM"), u16be(ID));
const SECRET_SIZE = 32;
const NONE = new Uint8Array(0);

/** Suite 1's mechanism. */
export const DHKEM_X25519: Kem = {
  id: ID,
  publicKeySize: 32,
  privateKeySize: 32,
  encSize: 32,
  publicKeyOf: (privateKey, primitives) => primitives.publicKeyOf("x25519", privateKey),
  encapsulate: async (recipient, ephemeral, primitives) => {
    const [dh, enc] = await Promise.all([
      primitives.agree("x25519", ephemeral, recipient),
      primitives.publicKeyOf("x25519", ephemeral),
    ]);
    ephemeral.fill(0);
    // INVARIANT: a point of small order must not choose the key (RFC 9180 section 7.1.4).
    if (isZero(dh)) throw badKey("a point that is not of small order");
    return { shared: secretOf(dh, concatBytes(enc, recipient), primitives), enc };
  },
  decapsulate: async (privateKey, enc, primitives) => {
    const [dh, recipient] = await Promise.all([
      primitives.agree("x25519", privateKey, enc),
      primitives.publicKeyOf("x25519", privateKey),
    ]);
    return isZero(dh) ? undefined : secretOf(dh, concatBytes(enc, recipient), primitives);
  },
};

/** ExtractAndExpand. Zeroises `dh`. */
function secretOf(dh: Uint8Array, kemContext: Uint8Array, primitives: Pick<Primitives, "hmac">): Uint8Array {
  const kdf = labeledKdfOf(primitives, SUITE_ID);
  const eaePrk = kdf.extract(NONE, "eae_prk", dh);
  const shared = kdf.expand(eaePrk, "shared_secret", kemContext, SECRET_SIZE);
  dh.fill(0);
  eaePrk.fill(0);
  return shared;
}
