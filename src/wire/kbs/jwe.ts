/** How is a secret of the drop-in KBS written? The flattened JWE as its client reads it, member by member. */
import * as v from "valibot";
import type { KbsJwe } from "../../channel/kbs-jwe.ts";
import { encode } from "../codec.ts";

export const KBS_JWE = v.object({
  protected: v.string(),
  encrypted_key: v.string(),
  iv: v.string(),
  ciphertext: v.string(),
  tag: v.string(),
});

export function encodeKbsJwe(jwe: KbsJwe): string {
  return encode({ ...jwe });
}
