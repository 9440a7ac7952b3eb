/** How does HPKE derive one secret from another? LabeledExtract and LabeledExpand (RFC 9180 section 4), KDF HKDF-SHA256. */
import { concatBytes, u16be, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { hkdfExpand, hkdfExtract } from "../keys/derive.ts";

/** KDF 0x0001, the only one in use. */
export const KDF_ID = 0x0001;
const VERSION = utf8("HPKE-v1");

export interface LabeledKdf {
  readonly extract: (salt: Uint8Array, label: string, ikm: Uint8Array) => Uint8Array;
  readonly expand: (prk: Uint8Array, label: string, info: Uint8Array, length: number) => Uint8Array;
}

/** The two functions under one suite id: `"KEM" ‖ id` inside a KEM, `"HPKE" ‖ ids` in the key schedule. */
export function labeledKdfOf(primitives: Pick<Primitives, "hmac">, suiteId: Uint8Array): LabeledKdf {
  return {
    extract: (salt, label, ikm) =>
      hkdfExtract(primitives, {
        hash: "sha256",
        salt,
        ikm: concatBytes(VERSION, suiteId, utf8(label), ikm),
      }),
    expand: (prk, label, info, length) =>
      hkdfExpand(primitives, {
        hash: "sha256",
        prk,
        info: concatBytes(u16be(length), VERSION, suiteId, utf8(label), info),
        length,
      }),
  };
}
