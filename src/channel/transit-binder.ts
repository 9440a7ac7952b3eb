/** To which use of a token does an answer belong? The hash that takes the transcript's place where a transit key is used, a secret written or something renewed. */
import { concatBytes, lengthPrefixed, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";

export interface TokenUseFields {
  /** The broker's identity. */
  readonly audience: string;
  /** From `/v1/` on. */
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
export function transitBinder(fields: TokenUseFields, primitives: Pick<Primitives, "digest">): Uint8Array {
  return binderOf("ostiary/transit-use/v1", fields, primitives);
}

/** The same of a write, under the label `ostiary/secret-write/v1`. */
export function writeBinder(fields: TokenUseFields, primitives: Pick<Primitives, "digest">): Uint8Array {
  return binderOf("ostiary/secret-write/v1", fields, primitives);
}

/** The same of a renewal, under the label `ostiary/renew/v1`. */
export function renewBinder(fields: TokenUseFields, primitives: Pick<Primitives, "digest">): Uint8Array {
  return binderOf("ostiary/renew/v1", fields, primitives);
}

function binderOf(
  label: string,
  { audience, urlPath, jkt, body }: TokenUseFields,
  { digest }: Pick<Primitives, "digest">,
): Uint8Array {
  const texts = [label, audience, urlPath, jkt].map((text) => lengthPrefixed(utf8(text)));
  return digest("sha512", concatBytes(...texts, lengthPrefixed(body)));
}
