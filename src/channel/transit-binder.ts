/** To which use of a transit key does an answer belong? The hash that takes the transcript's place where a token is used. */
import { concatBytes, lengthPrefixed, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";

export interface TransitUseFields {
  /** The broker's identity. */
  readonly audience: string;
  /** From `/v1/transit/` on. */
  readonly urlPath: string;
  /** Thumbprint of the key that the token is bound to, as the token has it. */
  readonly jkt: string;
  /** The exact bytes of the request, the guest's one-use key among them. */
  readonly body: Uint8Array;
}

/**
 * `SHA-512(LP("ostiary/transit-use/v1") ‖ LP(audience) ‖ LP(URL path) ‖ LP(jkt) ‖ LP(body))`. It stands where a release has the hash of
 * its transcript, which begins otherwise: neither is ever taken for the other.
 */
export function transitBinder(
  { audience, urlPath, jkt, body }: TransitUseFields,
  { digest }: Pick<Primitives, "digest">,
): Uint8Array {
  const texts = ["ostiary/transit-use/v1", audience, urlPath, jkt].map((text) => lengthPrefixed(utf8(text)));
  return digest("sha512", concatBytes(...texts, lengthPrefixed(body)));
}
